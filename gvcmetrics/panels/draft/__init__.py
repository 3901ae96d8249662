"""A spec drafted from a raw file, and tried on it."""
