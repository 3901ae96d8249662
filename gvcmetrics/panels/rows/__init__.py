"""Panels of rows, one a key (firm, trade): built, and tried without building."""
