"""What all renderers share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gvcmetrics.report.tables.grid import Span

SIMULATED = "Simulated data: no observation in this table is real."


def clean(text: str) -> str:
    """Text on one line without control characters, which XML and LaTeX both refuse."""
    return re.sub(r"\s+", " ", re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", "", text))


def groups_columns(spans: Sequence[Span]) -> bool:
    """Whether a row of headers groups columns, and so wants rules under its groups."""
    return any(span.text and span.width > 1 for span in spans)
