"""Where industries are, how concentrated they are, and what a cluster is made of."""
