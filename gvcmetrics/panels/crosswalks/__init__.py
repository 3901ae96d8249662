"""Crosswalks between classifications, and what they do to frames."""
