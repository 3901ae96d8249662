"""The functions that users call: one signature and one docstring each."""
