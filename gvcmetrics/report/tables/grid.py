"""The printed table as a value: headers, blocks of rows, notes; every format is drawn from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.files import write_atomic
from gvcmetrics.report.tables.render import html, latex, markdown, tidy, word


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
class Table:
    """A table that prints itself to the terminal, a notebook and six kinds of file.

    Parameters
    ----------
    columns : names of the columns, as they appear in the Parquet file.
    align : 'l', 'c' or 'r' for each column.
    headers : rows of spans; the widths of each row add up to the number of columns.
    blocks : the body.
    title, stub : caption, and header of the column of row labels.
    notes : sentences under the table.
    simulated : whether any number comes from simulated data; every format says so.
    sourced : whether the notes name the sources.
    """

    columns: tuple[str, ...]
    align: tuple[str, ...]
    headers: tuple[tuple[Span, ...], ...]
    blocks: tuple[Block, ...]
    title: str = ""
    stub: str = ""
    notes: tuple[Note, ...] = ()
    simulated: bool = False
    sourced: bool = False

    def __str__(self) -> str:
        return markdown.terminal(self)

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def save(self, path: str | Path) -> Path:
        """Write the table in the format that the suffix names, whole or not at all.

        Parameters
        ----------
        path : ends in .tex (a booktabs float to `\\input`), .html, .md, .docx, .txt or .parquet (every
            printed number at full precision: block, row, name, column, statistic, value, text, simulated).

        Raises
        ------
        SpecError
            If the suffix is none of these.
        """
        path = Path(path)
        if path.suffix not in _WRITERS:
            raise SpecError(
                f"a table cannot be saved as '{path.name}'",
                remedy=f"End the name in one of {', '.join(_WRITERS)}.",
            )
        return write_atomic(path, _WRITERS[path.suffix](self, path.stem))

    def save_all(self, stem: str | Path) -> list[Path]:
        """Write `stem`.tex, .html, .md, .docx and .parquet; returns the five paths."""
        return [
            self.save(Path(f"{stem}{suffix}")) for suffix in (".tex", ".html", ".md", ".docx", ".parquet")
        ]


_WRITERS: dict[str, Callable[[Table, str], bytes | str]] = {
    ".tex": latex.document_part,
    ".html": lambda table, stem: html.document(table),
    ".md": lambda table, stem: markdown.document(table),
    ".docx": lambda table, stem: word.document(table),
    ".parquet": lambda table, stem: tidy.document(table),
    ".txt": lambda table, stem: f"{table}\n",
}
