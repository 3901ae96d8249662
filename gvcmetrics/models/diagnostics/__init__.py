"""Tests of what a model assumes, and of how well it fits."""
