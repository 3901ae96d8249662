"""Corrections of the bias that estimated effects bring."""
