"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing about the package.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
