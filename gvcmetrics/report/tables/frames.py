"""A frame as a printed table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import pandas as pd

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.numbers import Format, is_missing, is_number, printed
from gvcmetrics.ground.provenance import Told, is_simulated, source_note
from gvcmetrics.report.tables.formats import Table
from gvcmetrics.report.tables.grid import Block, Cell, Note, Row, Span


def frame_table(
    frame: pd.DataFrame,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    formats: Mapping[str, Format] | Format | None = None,
    digits: int = 3,
    notes: Sequence[str] = (),
    sample: str = "",
    provenance: Told | Sequence[Told] | None = None,
) -> Table:
    """A frame, printed row by row.

    The index gives the row labels, and where it has two levels the outer one gives blocks; an index
    without a name that only counts is left out, and the first column labels the rows. Columns with two
    levels get a row of shared headers, and so does the name of the columns (of a cross table).

    Parameters
    ----------
    frame : what is printed, already in its order.
    title : caption.
    labels : readable names of columns and rows; they win over those in ``frame.attrs["labels"]``.
    formats : a format specification such as ``",.1f"`` or a function of the value, for all numbers or
        by column. Without one, whole numbers print as counts, others with `digits` decimals.
    digits : decimals of numbers without a format.
    notes : sentences under the table, before the sources.
    sample : sentence about the sample.
    provenance : of the panels; by default ``frame.attrs["provenance"]``.

    Raises
    ------
    DataError
        For a frame without columns or rows, or with more than two levels of rows or columns.
    SpecError
        For a format of a column that the frame does not have.
    """
    if frame.empty:
        raise DataError("the frame has nothing to print", remedy="Pass a frame with rows and columns.")
    if frame.index.nlevels > 2 or frame.columns.nlevels > 2:
        raise DataError("the frame has more than two levels of rows or columns", remedy="Flatten one.")
    sources = provenance if provenance is not None else frame.attrs.get("provenance")
    labels = {**frame.attrs.get("labels", {}), **(labels or {})}
    frame = _with_row_labels(frame)
    names = [key[-1] if isinstance(key, tuple) else key for key in frame.columns]
    forms = _forms(formats, names)

    def label(value: object) -> str:
        return "" if is_missing(value) else labels.get(str(value), str(value))

    def cell(value: object, form: Format | None) -> Cell:
        number = is_number(value) and not is_missing(value)
        shown = printed(value, form if is_number(value) else None, digits)
        return Cell(shown, numbers=(("value", float(value)),) if number else ())  # type: ignore[arg-type]

    columns = [frame.iloc[:, place] for place in range(frame.shape[1])]
    rows = []
    for place, key in enumerate(frame.index):
        blocks = key if isinstance(key, tuple) else ("", key)
        cells = tuple(cell(column.iloc[place], form) for column, form in zip(columns, forms, strict=True))
        rows.append((label(blocks[0]), Row(label(blocks[1]), cells, name=str(blocks[1]))))
    over = _over(frame.columns, label)
    texts = [label(name) for name in names]
    spans = [tuple(Span(text, len(list(run))) for text, run in groupby(level)) for level in over]
    return Table(
        columns=tuple(" ".join(part for part in parts if part) for parts in zip(*over, texts, strict=True)),
        align=tuple("r" if _numeric(column) else "l" for column in columns),
        headers=(*spans, tuple(Span(text) for text in texts)),
        blocks=tuple(
            Block(tuple(row for _, row in run), block) for block, run in groupby(rows, key=lambda row: row[0])
        ),
        title=title,
        stub=label(frame.index.names[-1] or ""),
        notes=(
            *map(Note, notes),
            *([Note(f"Sample: {sample}")] if sample else []),
            *([Note(source_note(sources))] if source_note(sources) else []),
        ),
        simulated=is_simulated(sources),
        sourced=bool(sources),
    )


def _over(columns: pd.Index, label: Callable[[object], str]) -> list[list[str]]:
    """Headers above the columns: their outer level, or the name of the columns as a cross table has it."""
    if columns.nlevels == 2:
        return [[label(key[0]) for key in columns]]
    return [[label(columns.name)] * len(columns)] if columns.name is not None else []


def _with_row_labels(frame: pd.DataFrame) -> pd.DataFrame:
    counts_only = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    if not counts_only:
        return frame
    if frame.shape[1] < 2:
        raise DataError(
            "the frame has neither row labels nor a second column",
            Place(column=str(frame.columns[0])),
            "Set an index that labels the rows.",
        )
    first = frame.columns[0]
    name = first[-1] if isinstance(first, tuple) else first
    return frame.iloc[:, 1:].set_axis(pd.Index(frame.iloc[:, 0], name=name), axis=0)


def _forms(formats: Mapping[str, Format] | Format | None, names: list[str]) -> list[Format | None]:
    if not isinstance(formats, Mapping):
        return [formats] * len(names)
    if unknown := [name for name in formats if name not in names]:
        raise SpecError(
            f"there is no column '{unknown[0]}' to format",
            remedy=f"The columns are: {', '.join(map(str, names))}.",
        )
    return [formats.get(name) for name in names]


def _numeric(column: pd.Series) -> bool:
    """Whether the column prints numbers; a column of objects does if all that is not missing are."""
    return all(is_number(value) or is_missing(value) for value in column)
