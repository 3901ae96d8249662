"""Measures of firms: productivity, upgrading, entry and exit, survey descriptives."""
