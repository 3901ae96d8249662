"""A panel's YAML: its vocabulary, how it is read, and what is said of mistakes."""
