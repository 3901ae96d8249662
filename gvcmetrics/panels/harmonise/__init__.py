"""From raw cells to the panel's columns: one expression tree, its rules, and the rows that break them."""
