"""Simulated data with known parameters, which say everywhere that they are simulated; no room uses them."""
