"""Markdown with pipes, and plain columns for the terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable

from gvcmetrics.errors import printable
from gvcmetrics.report.tables.grid import Grid, Note, Span
from gvcmetrics.report.tables.render.words import SIMULATED, clean

_FILL = {"l": str.ljust, "c": str.center, "r": str.rjust}
_RULES = {"l": ":---", "c": ":---:", "r": "---:"}


def escape(text: str) -> str:
    """Text that Markdown shows as it stands, also inside a table."""
    return re.sub(r"([\\`*_|<>\[\]~$&])", r"\\\1", clean(text))


def code(text: str) -> str:
    """A code span; the fence grows when the text itself holds backticks."""
    text = clean(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def document(table: Grid) -> str:
    """The table in Markdown; several rows of headers are joined, because Markdown has one."""
    lines = [f"**{escape(table.title)}**", ""] if table.title else []
    lines += [f"**{SIMULATED}**", ""] if table.simulated else []
    lines.append(_pipes([escape(table.stub), *(escape(name) for name in _joined_headers(table))]))
    lines.append("|" + "|".join([":---", *(_RULES[letter] for letter in table.align)]) + "|")
    for block in table.blocks:
        if block.title:
            lines.append(_pipes([f"**{escape(block.title)}**", *[""] * len(table.columns)]))
        for row in block.rows:
            lines.append(_pipes([escape(row.label), *(escape(cell.text + cell.stars) for cell in row.cells)]))
    for note in table.notes:
        lines += ["", _note(note, escape, code)]
    return "\n".join(lines) + "\n"


def terminal(table: Grid) -> str:
    """The table in columns of a fixed-width face."""
    headers = [
        [_plain(table.stub) if spans is table.headers[-1] else "", *_spread(spans)] for spans in table.headers
    ]
    every = [row for block in table.blocks for row in block.rows]
    # Stars hang to the right of centred numbers, so every cell of the column keeps room for them.
    hang = [max(len(row.cells[column].stars) for row in every) for column in range(len(table.columns))]
    blocks = [
        [
            [
                _plain(row.label),
                *(_plain(c.text) + c.stars.ljust(n) for c, n in zip(row.cells, hang, strict=True)),
            ]
            for row in block.rows
        ]
        for block in table.blocks
    ]
    rows = [*headers, *(row for block in blocks for row in block)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns) + 1)]
    align = ("l", *table.align)
    total = sum(widths) + 2 * len(table.columns)
    lines = [_plain(table.title)] if table.title else []
    lines += [SIMULATED] if table.simulated else []
    lines.append("═" * total)
    lines += [
        _spanned(spans, row[0], widths, align) for spans, row in zip(table.headers, headers, strict=True)
    ]
    for block, body in zip(table.blocks, blocks, strict=True):
        lines.append("─" * total)
        lines += [_plain(block.title)] if block.title else []
        lines += [_columns(row, widths, align) for row in body]
    lines.append("═" * total)
    for note in table.notes:
        lines += textwrap.wrap(_note(note, _plain, _plain), max(total, 88), subsequent_indent="  ")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return clean(printable(text))


def _joined_headers(table: Grid) -> list[str]:
    levels = [[span.text for span in spans for _ in range(span.width)] for spans in table.headers]
    return [" ".join(part for part in column if part) for column in zip(*levels, strict=True)]


def _spread(spans: tuple[Span, ...]) -> list[str]:
    """Texts that need room in one column; a header over several finds its room in their sum."""
    return [_plain(span.text) if span.width == 1 else "" for span in spans for _ in range(span.width)]


def _spanned(spans: tuple[Span, ...], stub: str, widths: list[int], align: tuple[str, ...]) -> str:
    """A row of headers, each over the columns that it spans."""
    parts, column = [stub.ljust(widths[0])], 1
    for span in spans:
        room = sum(widths[column : column + span.width]) + 2 * (span.width - 1)
        fill = _FILL[align[column]] if span.width == 1 else str.center
        parts.append(fill(_plain(span.text), room))
        column += span.width
    return "  ".join(parts).rstrip()


def _pipes(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _columns(cells: list[str], widths: list[int], align: tuple[str, ...]) -> str:
    parts = [_FILL[letter](cell, width) for cell, width, letter in zip(cells, widths, align, strict=True)]
    return "  ".join(parts).rstrip()


def _note(note: Note, words: Callable[[str], str], typewriter: Callable[[str], str]) -> str:
    parts = (words(note.text), typewriter(note.code) if note.code else "")
    return " ".join(part for part in parts if part)
