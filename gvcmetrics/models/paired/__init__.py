"""Models of two equations with regressors of their own: who is seen and what is, zeros and counts."""
