"""Panels of rows, one a key (firm, trade, cluster): built, and tried without building."""
