"""Office documents are zip files; the same parts give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import datetime

EPOCH = datetime(1980, 1, 1)
"""The first time that a zip file can state."""


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """The package with its parts in order and without the time at which it was zipped."""
    sealed = io.BytesIO()
    with zipfile.ZipFile(sealed, "w", zipfile.ZIP_DEFLATED) as final:
        # Readers expect the list of content types first.
        for name in sorted(parts, key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, date_time=EPOCH.timetuple()[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            # On every system, where it would otherwise say which one zipped it.
            entry.create_system = 3
            final.writestr(entry, parts[name])
    return sealed.getvalue()
