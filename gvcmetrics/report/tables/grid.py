"""The printed table as a value: headers, blocks of rows, notes; every format is drawn from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One printed cell.

    Parameters
    ----------
    text : what is printed, without stars.
    stars : significance marks that hang to the right of the text.
    numbers : (statistic, value) pairs that the text shows, at full precision; empty for words.
    """

    text: str = ""
    stars: str = ""
    numbers: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Row:
    """A label and its cells; `name` is the variable behind the label (an empty label continues a row)."""

    label: str
    cells: tuple[Cell, ...]
    name: str = ""


@dataclass(frozen=True)
class Block:
    """Rows that belong together, set off by a rule, with a title or none."""

    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True)
class Span:
    """A header that stands over `width` columns."""

    text: str
    width: int = 1


@dataclass(frozen=True)
class Note:
    """A sentence under the table; `code` is printed after it in a typewriter face."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Grid:
    """What a table holds, apart from how any format draws it; `Table` documents the fields."""

    columns: tuple[str, ...]
    align: tuple[str, ...]
    headers: tuple[tuple[Span, ...], ...]
    blocks: tuple[Block, ...]
    title: str = ""
    stub: str = ""
    notes: tuple[Note, ...] = ()
    simulated: bool = False
    sourced: bool = False
