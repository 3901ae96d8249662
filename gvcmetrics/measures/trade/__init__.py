"""Measures of trade: sophistication, complexity, quality, quadrants, survival."""
