"""Panels and plants with known parameters; imported by no other room."""
