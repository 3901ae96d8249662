"""Raw files → harmonised Parquet panels; the only room that touches raw files."""

from gvcmetrics.panels.store.listing import list_panels
from gvcmetrics.panels.store.read import panel

__all__ = ["list_panels", "panel"]
