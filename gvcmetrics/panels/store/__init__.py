"""Panels on disk: written once, read by name."""
