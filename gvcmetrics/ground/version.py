"""The version of the package, which panels and reports write down."""

__version__ = "0.1.0"
