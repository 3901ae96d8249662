"""Kernels that several responses share, or that are too long for the file of their response."""
