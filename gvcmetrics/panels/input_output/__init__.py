"""Input-output panels: spec, published layouts, building, storing."""
