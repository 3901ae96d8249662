"""A likelihood in its linear indices: families, sums over rows, Newton's method, separation, penalties."""
