"""Printed tables: estimates side by side or a frame, in every format."""
