"""Endogenous regressors: instruments, how strong they are, and control functions."""
