"""The tables of a raw file, whatever layout it was published in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.panels.input_output import editions, layouts
from gvcmetrics.panels.input_output.spec import TableWords

_LAYOUTS: dict[str, Callable[[Path, TableWords], Iterator[InputOutput]]] = {
    "wide": layouts.wide,
    "oecd_icio": layouts.oecd_icio,
    "wiod_workbook": layouts.wiod_workbook,
    "pymrio": layouts.pymrio_system,
    "figaro": editions.figaro,
    "wiod_long": editions.wiod_long,
    "long": editions.long,
    "eora": editions.eora,
}


def read_tables(path: Path, words: TableWords) -> Iterator[InputOutput]:
    """The tables of one file, in the layout that the spec names.

    Raises
    ------
    DataError : labels or cells that the layout cannot have, or no year to be found.
    MissingSourceError : pymrio is needed and not installed.
    """
    yield from _LAYOUTS[words.layout](path, words)
