"""What makes a LaTeX table fit its page, by the measured width of its texts.

The rule: a table is set at the first of these steps at which it is no wider than `ROOM`, the text width of
the class `article` at ten points, the narrowest of the usual ones.

1. In the letters of the text, or in `\\footnotesize` where it has more than five columns; then in
   `\\footnotesize`; every text on one line.
2. The same sizes, and then `\\scriptsize` with narrow gaps, with words and headers broken into lines; numbers
   are never broken.
3. In `\\footnotesize`, its columns spread over several tables below each other, each with the row labels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby

from gvcmetrics.report.tables.grid import Block, Cell, Grid, Row, Span
from gvcmetrics.report.tables.render.words import clean

ROOM = 345.0
_SHARE = 0.985
# Widths of the letters of Computer Modern at ten points, in points (Knuth's cmr10).
_LETTERS = {
    2.78: "!',.:;[]il`",
    3.06: "fj",
    3.34: "- ",
    3.62: "I",
    3.89: "()t",
    3.92: "r",
    3.95: "s",
    4.45: "cez",
    5.0: "0123456789/*ago",
    5.14: "J",
    5.28: "kqvxy",
    5.56: "Sbdhnpu",
    6.12: "Z",
    6.25: "L",
    6.53: "F",
    6.81: "EP",
    7.09: "B",
    7.23: "CTw",
    7.37: "R",
    7.5: "AHNUVXY",
    7.64: "D",
    7.78: "KOQ",
    7.85: "G",
    8.34: "m",
    9.17: "M",
    10.28: "W",
}
_WIDTHS = {letter: width for width, letters in _LETTERS.items() for letter in letters}
_OTHER = 8.4
_STAR = 4.1
_CROWDED = 5
# A column of words keeps at least this, so that it does not become one word a line.
_COLUMN = 56.0


@dataclass(frozen=True)
class Size:
    """A size of letters: the command, its width as a share of ten points', and the gap beside a column."""

    command: str
    scale: float
    gap: float = 6.0


NORMAL, SMALL = Size("", 1.0), Size(r"\footnotesize", 0.852)
TINY = Size(r"\scriptsize\setlength{\tabcolsep}{3pt}", 0.8, 3.0)


@dataclass(frozen=True)
class Part:
    """Columns that stand beside each other, and the points that each has; none where nothing is broken."""

    table: Grid
    widths: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Layout:
    """How a table is set: the size of its letters, and one part or several below each other."""

    size: Size
    parts: tuple[Part, ...]


def text_width(text: str) -> float:
    """Points that a text takes at ten points."""
    return sum(_WIDTHS.get(letter, _OTHER) for letter in clean(text))


def layout(table: Grid) -> Layout:
    """The first step of the rule at which the table fits."""
    sizes = (SMALL,) if len(table.columns) > _CROWDED else (NORMAL, SMALL)
    for size in sizes:
        if _total(_natural(table), size) <= ROOM:
            return Layout(size, (Part(table),))
    for size in (*sizes, TINY):
        if (widths := _broken(table, size)) is not None:
            return Layout(size, (Part(table, widths),))
    return Layout(SMALL, tuple(_spread(table)))


def words(text: str) -> list[str]:
    """Where a text may be broken: at blanks, and after an underscore, a stroke or a hyphen."""
    return [part for part in re.split(r" +|(?<=[_/-])", clean(text)) if part]


def _spread(table: Grid) -> list[Part]:
    """As many columns in each part as fit; a column that is alone too wide stays alone."""
    parts, start = [], 0
    while start < len(table.columns):
        end = start + 1
        widths = _broken(_between(table, start, end), SMALL)
        while end < len(table.columns):
            wider = _broken(_between(table, start, end + 1), SMALL)
            if wider is None:
                break
            end, widths = end + 1, wider
        parts.append(Part(_between(table, start, end), widths))
        start = end
    return parts


def _between(table: Grid, start: int, end: int) -> Grid:
    """The table with these columns alone."""

    def cut(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        owners = [number for number, span in enumerate(spans) for _ in range(span.width)][start:end]
        return tuple(replace(spans[owner], width=len(list(run))) for owner, run in groupby(owners))

    blocks = tuple(
        Block(tuple(Row(row.label, row.cells[start:end], row.name) for row in block.rows), block.title)
        for block in table.blocks
    )
    return replace(
        table,
        columns=table.columns[start:end],
        align=table.align[start:end],
        headers=tuple(cut(spans) for spans in table.headers),
        blocks=blocks,
    )


def _total(widths: list[float], size: Size) -> float:
    return size.scale * sum(widths) + 2 * size.gap * (len(widths) - 1)


def _natural(table: Grid) -> list[float]:
    """Width of each column, row labels first, with every text on one line."""
    return _columns(table, text_width, text_width)


def _least(table: Grid) -> list[float]:
    """Width of each column with texts broken wherever they may be, and numbers whole."""

    def broken(text: str) -> float:
        return max(map(text_width, words(text)), default=0.0)

    return _columns(table, lambda text: max(broken(text), min(text_width(text), _COLUMN)), broken)


def _columns(table: Grid, of_text: Callable[[str], float], of_header: Callable[[str], float]) -> list[float]:
    def of_cell(cell: Cell) -> float:
        return text_width(cell.text) if cell.numbers else of_text(cell.text)

    rows = [row for block in table.blocks for row in block.rows]
    widths = [max([of_text(table.stub), *(of_text(row.label) for row in rows)])]
    for column in range(len(table.columns)):
        widths.append(max(of_cell(row.cells[column]) for row in rows))
    # Stars hang out of the last column over the edge.
    widths[-1] += _STAR * max(len(row.cells[-1].stars) for row in rows)
    for spans in sorted(table.headers, key=lambda spans: max(span.width for span in spans)):
        column = 1
        for span in spans:
            lacking = of_header(span.text) - sum(widths[column : column + span.width])
            lacking -= 12.0 * (span.width - 1) if span.width > 1 else 0.0
            column += span.width
            # LaTeX gives what a header over several columns lacks to the last of them.
            widths[column - 1] += max(lacking, 0.0)
    return widths


def _broken(table: Grid, size: Size) -> tuple[float, ...] | None:
    """Points of each column where texts are broken to fit the page, or None where they cannot."""
    least, natural = _least(table), _natural(table)
    left = ROOM * _SHARE - _total(least, size)
    if left < 0:
        return None
    wanted = [max(full - small, 0.0) * size.scale for small, full in zip(least, natural, strict=True)]
    given = [0.0] * len(wanted)
    # The smallest wishes are met whole; the others share what is left alike.
    waiting = sorted(range(len(wanted)), key=wanted.__getitem__)
    for place, column in enumerate(waiting):
        given[column] = min(wanted[column], left / (len(waiting) - place))
        left -= given[column]
    return tuple(round(small * size.scale + more, 1) for small, more in zip(least, given, strict=True))
