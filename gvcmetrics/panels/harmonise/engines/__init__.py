"""What runs the tree: DuckDB here, Spark beyond one machine."""
