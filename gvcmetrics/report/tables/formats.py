"""The table that users hold, and the formats that it can be saved in: one line each in the registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.files import write_atomic
from gvcmetrics.report.tables.grid import Grid
from gvcmetrics.report.tables.render import html, latex, markdown, tidy, word

# Suffix → the file's content, from the table and the stem of the file's name.
WRITERS: dict[str, Callable[[Grid, str], bytes | str]] = {
    ".tex": latex.document_part,
    ".html": lambda grid, stem: html.document(grid),
    ".md": lambda grid, stem: markdown.document(grid),
    ".docx": lambda grid, stem: word.document(grid),
    ".parquet": lambda grid, stem: tidy.document(grid),
    ".csv": lambda grid, stem: tidy.separated(grid),
    ".txt": lambda grid, stem: f"{markdown.terminal(grid)}\n",
}
SAVED = (".tex", ".html", ".md", ".docx", ".parquet", ".csv")


class Table(Grid):
    """A table that prints itself to the terminal, a notebook and seven kinds of file.

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

    def __str__(self) -> str:
        return markdown.terminal(self)

    def _repr_html_(self) -> str:
        return html.fragment(self)

    def save(self, path: str | Path) -> Path:
        """Write the table in the format that the suffix names, whole or not at all.

        Parameters
        ----------
        path : ends in .tex (a booktabs float to `\\input`), .html, .md, .docx, .txt, .parquet or .csv (the
            last two with every printed number at full precision: block, row, name, column, statistic, value,
            text, simulated).

        Raises
        ------
        SpecError
            If the suffix is none of these.
        """
        path = Path(path)
        if path.suffix not in WRITERS:
            raise SpecError(
                f"a table cannot be saved as '{path.name}'",
                remedy=f"End the name in one of {', '.join(WRITERS)}.",
            )
        return write_atomic(path, WRITERS[path.suffix](self, path.stem))

    def save_all(self, stem: str | Path) -> list[Path]:
        """Write `stem`.tex, .html, .md, .docx, .parquet and .csv; returns the six paths."""
        return [self.save(Path(f"{stem}{suffix}")) for suffix in SAVED]
