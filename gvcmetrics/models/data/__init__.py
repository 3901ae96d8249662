"""From a formula and data to the estimation sample."""
