"""Raw files → harmonised Parquet panels; the only room that touches raw files."""

from gvcmetrics.panels.store import panel, panels

__all__ = ["panel", "panels"]
