"""Levels: effects of groups that are nested in one another, with random slopes."""
