"""What a raw file shows of itself: names, labels, value labels and the values of its first rows.

Cells stay in Arrow's memory, and what is asked of a column is answered by its distinct values: a survey of
thousands of columns takes no more than its cells, and no time for columns that nobody asks about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

_YEAR = re.compile(r"(?<![0-9])((?:19|20)[0-9]{2})(?![0-9])")
# What -9 and its like stand for in surveys, where nothing else in the column is below zero.
_NEGATIVE_CODES = (-9, -8, -7, -6, -99, -98, -97, -999)
_EMPTY = ("", "NA", ".")
_EXACT = 1e15
NO_ANSWER = re.compile(
    r"don.?t know|refus|not applicable|no answer|no sabe|no responde|no aplica|^ns$|^nr$|ns ?/ ?nr|missing",
    re.I,
)


@dataclass(frozen=True, eq=False)
class RawColumn:
    """A raw column, or the columns of one variable by year, named with `{year}`.

    Attributes
    ----------
    cells : the cells as they were read; for columns by year, year under year.
    years : the years of a variable that has a column a year.
    """

    name: str
    label: str
    value_labels: dict[str, str]
    cells: pa.ChunkedArray
    years: tuple[str, ...] = ()

    @cached_property
    def _coded(self) -> tuple[np.ndarray, pa.Array]:
        """For each cell the position of its value among the distinct ones, -1 where empty; and these."""
        encoded = _plain(self.cells).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        values = encoded.dictionary
        # Blanks are cut off the distinct values alone, which are fewer than the cells.
        if types.is_string(values.type):
            values = pc.utf8_trim_whitespace(values)
            values = pc.if_else(pc.is_in(values, pa.array(_EMPTY)), None, values)
        else:
            values = pc.if_else(pc.is_nan(values), None, values)
        if values.null_count or pc.count_distinct(values).as_py() < len(values):
            again = values.dictionary_encode()
            places = np.append(again.indices.fill_null(-1).to_numpy(zero_copy_only=False), -1)
            codes, values = places[codes], again.dictionary
        return codes, values

    @cached_property
    def _floats(self) -> np.ndarray:
        """The distinct values as numbers; no-number is missing."""
        values = self._coded[1]
        if not types.is_string(values.type):
            return values.to_numpy(zero_copy_only=False).astype(float)
        try:
            found = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:
            found = pd.to_numeric(pd.Series(values.to_pylist(), dtype=object), errors="coerce").to_numpy(
                float
            )
        return found

    @cached_property
    def missing_codes(self) -> tuple[str, ...]:
        """Codes that stand for no answer, by their label or by being the only negative values."""
        labelled = [code for code, label in self.value_labels.items() if NO_ANSWER.search(label)]
        found: list[str] = []
        numbers = self._floats
        below = numbers[numbers < 0]
        if len(below) and set(below.tolist()) <= set(_NEGATIVE_CODES):
            found = sorted(text for text, number in zip(self._texts, numbers, strict=True) if number < 0)
        if labelled:
            present = set(self._texts)
            found = [code for code in labelled if code in present] + found
        return tuple(dict.fromkeys(found))

    @property
    def _texts(self) -> list[str]:
        """The distinct values as text."""
        values = self._coded[1]
        if types.is_string(values.type):
            return values.to_pylist()
        return [_number_text(value) for value in values.to_pylist() if value is not None]

    @cached_property
    def _answered(self) -> np.ndarray:
        """Of each distinct value, whether it is an answer."""
        if not self.missing_codes:
            return np.ones(len(self._coded[1]), dtype=bool)
        return np.array([text not in self.missing_codes for text in self._texts], dtype=bool)

    @property
    def answers(self) -> list[str]:
        """The distinct answers as text, in the order in which they come."""
        if self._answered.all():
            return self._texts
        return [text for text, answered in zip(self._texts, self._answered, strict=True) if answered]

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each of `answers` stands."""
        codes, values = self._coded
        return np.bincount(codes[codes >= 0], minlength=len(values))[self._answered]

    @property
    def rows(self) -> int:
        return len(self._coded[0])

    @cached_property
    def filled(self) -> int:
        """How many cells hold an answer."""
        return int(self.counts.sum())

    @cached_property
    def distinct(self) -> int:
        return int(self._answered.sum())

    @cached_property
    def is_number(self) -> bool:
        return self.filled > 0 and bool(np.isfinite(self.numbers).all())

    @property
    def numbers(self) -> np.ndarray:
        """The distinct answers as numbers."""
        return self._floats[self._answered]

    @property
    def by_row(self) -> np.ndarray:
        """The cells as numbers, one a row; no-number is missing."""
        numbers = np.append(np.where(self._answered, self._floats, np.nan), np.nan)
        return numbers[self._coded[0]]

    @cached_property
    def is_whole(self) -> bool:
        """Are the answers whole numbers?"""
        return self.is_number and bool((self.numbers % 1 == 0).all())

    @cached_property
    def is_named(self) -> bool:
        """Are most of the answers codes with a label of their own?"""
        if not self.value_labels or self.distinct > 3 * len(self.value_labels):
            return False
        answers = self.answers
        return 2 * sum(answer in self.value_labels for answer in answers) > len(answers)

    def keys(self, others: Iterable[RawColumn] = ()) -> int:
        """How many different combinations the column and others have, row by row."""
        codes = [column._coded[0] for column in (self, *others)]
        return len(np.unique(np.stack(codes), axis=1).T)


@dataclass(frozen=True)
class RawSample:
    """The first rows of a raw file, and what `read:` must say for them to be read so."""

    name: str
    rows: int
    whole: bool
    columns: tuple[RawColumn, ...]
    read: dict[str, str] = field(default_factory=dict)


def by_year(columns: Iterable[RawColumn]) -> tuple[tuple[RawColumn, ...], tuple[str, ...]]:
    """Columns with a year in their name gathered by variable, and the years; the rest as they are.

    Only the set of years that most variables share is taken; a file has one layout.
    """
    columns = list(columns)
    stems: dict[str, dict[str, RawColumn]] = {}
    for column in columns:
        found = _YEAR.findall(column.name)
        if len(found) == 1:
            stems.setdefault(column.name.replace(found[0], "{year}"), {})[found[0]] = column
    sets = [tuple(sorted(group)) for group in stems.values() if len(group) > 1]
    if not sets:
        return tuple(columns), ()
    years = max(sorted(set(sets)), key=sets.count)
    gathered = {stem: group for stem, group in stems.items() if tuple(sorted(group)) == years}
    taken = {column.name for group in gathered.values() for column in group.values()}
    wide = [_gathered(stem, [group[year] for year in years], years) for stem, group in gathered.items()]
    return (*wide, *(column for column in columns if column.name not in taken)), years


def _gathered(stem: str, parts: list[RawColumn], years: tuple[str, ...]) -> RawColumn:
    label = _YEAR.sub("", parts[-1].label).strip()
    cells = [_plain(part.cells) for part in parts]
    if len({part.type for part in cells}) > 1:
        texts = any(types.is_string(part.type) for part in cells)
        cells = [_as_text(part) if texts else part.cast(pa.float64()) for part in cells]
    under = pa.chunked_array([chunk for part in cells for chunk in part.chunks], cells[0].type)
    return RawColumn(stem, label, parts[-1].value_labels, under, years)


def _plain(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells as texts, whole numbers or fractions."""
    if types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if types.is_boolean(kind) or (types.is_integer(kind) and kind != pa.uint64()):
        return cells.cast(pa.int64())
    return cells.cast(pa.float64() if types.is_floating(kind) else pa.string())


def _as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if types.is_string(cells.type):
        return cells
    return pa.chunked_array(
        [pa.array([None if v is None else _number_text(v) for v in cells.to_pylist()], pa.string())]
    )


def _number_text(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if abs(value) < _EXACT and value == int(value) else repr(value)
