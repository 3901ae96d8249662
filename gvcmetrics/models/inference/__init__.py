"""Covariances, restrictions, bootstrap, several hypotheses at once."""
