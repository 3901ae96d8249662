"""The estimators of production functions."""
