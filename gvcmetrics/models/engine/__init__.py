"""From a request to estimates: likelihood, Newton's method, separation, conclusion."""
