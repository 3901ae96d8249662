"""Spells as rows at risk."""
