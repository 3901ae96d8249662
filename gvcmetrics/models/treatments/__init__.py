"""Effects of a treatment: differences in differences, weighting, matching."""
