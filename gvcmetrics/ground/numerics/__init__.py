"""Arithmetic on arrays that several rooms share: groups, demeaning, least squares, corrections."""
