"""Groups of a nested design, from the widest level to the narrowest, and the rows of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.design import regressors, require
from gvcmetrics.models.data.sample import Sample, group_codes, take
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.levels.formula import RandomTerm

Integers = NDArray[np.intp]


@dataclass(frozen=True)
class Level:
    """The effects of one grouping.

    grouping : its name. columns : what makes it. codes : (n) group of each row. labels : of the groups.
    effects : names of the effects, `Intercept`, `urban`. Z : (n, q) what they multiply.
    blocks : for each effect the term that it belongs to; effects of different terms are not correlated.
    scale : (q) root mean squares, by which the columns of Z are already divided.
    """

    grouping: str
    columns: tuple[str, ...]
    codes: Integers
    labels: pd.Index
    effects: tuple[str, ...]
    Z: Array
    blocks: tuple[int, ...]
    scale: Array

    @property
    def count(self) -> int:
        return len(self.labels)

    @property
    def free(self) -> tuple[Integers, Integers]:
        """Rows and columns of the entries of the Cholesky factor that are estimated."""
        rows, columns = np.tril_indices(len(self.effects))
        same = np.array(self.blocks)[rows] == np.array(self.blocks)[columns]
        return rows[same], columns[same]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Effects whose correlation is estimated."""
        rows, columns = self.free
        return [(int(j), int(i)) for i, j in zip(rows, columns, strict=True) if i != j]


@dataclass(frozen=True)
class Nest:
    """Rows sorted so that every group, and every group of groups, stands together.

    levels : from the widest to the narrowest, rows as in the sample. order : (n) the sorted positions.
    """

    levels: tuple[Level, ...]
    order: Integers

    @cached_property
    def codes(self) -> tuple[Integers, ...]:
        """Of each level the groups of the sorted rows, numbered in the order in which they come."""
        return tuple(_in_turn(level.codes[self.order]) for level in self.levels)

    @cached_property
    def rows(self) -> Integers:
        """First row of each of the narrowest groups."""
        return _starts(self.codes[-1])

    @cached_property
    def parents(self) -> tuple[Integers, ...]:
        """Of each level but the widest, the wider group of each of its groups."""
        return tuple(
            wide[_starts(narrow)] for wide, narrow in zip(self.codes[:-1], self.codes[1:], strict=True)
        )

    @cached_property
    def children(self) -> tuple[Integers, ...]:
        """Of each level but the narrowest, the first narrower group of each of its groups."""
        return tuple(_starts(parents) for parents in self.parents)

    @cached_property
    def of_widest(self) -> tuple[Integers, ...]:
        """Of each level, its first group in each of the widest groups."""
        made = [np.arange(self.levels[0].count)]
        for children in self.children:
            made.append(children[made[-1]])
        return tuple(made)

    @cached_property
    def descendants(self) -> tuple[Integers, ...]:
        """Of each level, the first of the narrowest groups in each of its groups."""
        made = [np.arange(self.levels[-1].count)]
        for children in reversed(self.children):
            made.insert(0, made[0][children])
        return tuple(made)

    @cached_property
    def widest_rows(self) -> Integers:
        """First row of each of the widest groups."""
        return self.rows[self.of_widest[-1]]

    @cached_property
    def edges(self) -> list[int]:
        """Where the effects of each level begin among those of a row, and their number."""
        return [0, *(int(e) for e in np.cumsum([len(level.effects) for level in self.levels]))]

    def positions(self, level: int) -> Integers:
        """Code (in the sample) of each group of a level, in the order of the sorted rows."""
        return self.levels[level].codes[self.order][_starts(self.codes[level])]


def _in_turn(codes: NDArray) -> Integers:
    return np.concatenate([[0], np.cumsum(codes[1:] != codes[:-1])]).astype(np.intp)


def _starts(codes: NDArray) -> Integers:
    return np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1]).astype(np.intp)


def nest(terms: Sequence[RandomTerm], sample: Sample) -> Nest:
    """The levels of a sample.

    Raises
    ------
    ModelError : a grouping has one group, or one for each row and effects that then cannot be told from the
        error; groupings cross; an effect has no values that vary.
    """
    levels = [_level(list(group), sample) for group in _by_grouping(terms).values()]
    levels.sort(key=lambda level: level.count)
    for wide, narrow in pairwise(levels):
        pairs = pd.DataFrame({"narrow": narrow.codes, "wide": wide.codes}).drop_duplicates()
        if len(pairs) != narrow.count:
            at = int(pairs["narrow"].value_counts().index[0])
            raise ModelError(
                f"'{narrow.grouping}' is not nested in '{wide.grouping}': "
                f"{narrow.labels[at]} lies in several",
                remedy=f"Crossed effects are not fitted; if the codes of '{narrow.grouping}' repeat, write "
                f"(1 | {wide.grouping}/{narrow.grouping})",
            )
        if narrow.count == wide.count:
            raise ModelError(
                f"every '{wide.grouping}' holds one '{narrow.grouping}', so that their variances cannot be "
                "told apart",
                remedy="Take one of the levels out",
            )
    order = np.lexsort([level.codes for level in reversed(levels)])
    return Nest(tuple(levels), order)


def _by_grouping(terms: Sequence[RandomTerm]) -> dict[tuple[str, ...], list[RandomTerm]]:
    made = dict[tuple[str, ...], list[RandomTerm]]()
    for term in terms:
        made.setdefault(term.columns, []).append(term)
    return made


def _level(terms: list[RandomTerm], sample: Sample) -> Level:
    frame = take(sample.source, sample.rows)
    columns, grouping = terms[0].columns, terms[0].grouping
    codes, labels = group_codes(frame[list(columns)])
    if len(labels) < 2:
        raise ModelError(
            f"'{grouping}' has one group in the {len(sample.rows)} rows, which identifies no variance",
            remedy="Take the level out, or estimate on several groups",
        )
    names, parts, blocks = list[str](), list[Array](), list[int]()
    for number, term in enumerate(terms):
        require(frame, term.design.variables)
        spec, Z = regressors(term.design, frame)
        names += [plain(name) for name in spec.column_names]
        parts.append(Z)
        blocks += [number] * Z.shape[1]
    Z = np.column_stack(parts)
    for j, name in enumerate(names):
        if names.count(name) > 1:
            raise ModelError(f"'{name}' varies twice by '{grouping}'", remedy="Write its effect once")
        if name != "Intercept":
            _refuse_still(name, Z[:, j], codes, grouping, "Intercept" in names)
    if len(labels) == len(codes) and len(names) > 1:
        raise ModelError(
            f"every '{grouping}' has one row, which identifies no variances of several effects",
            remedy=f"Write (1 | {grouping}), or name a wider grouping",
        )
    scale = np.sqrt((Z**2).mean(axis=0))
    return Level(
        grouping, columns, codes.astype(np.intp), labels, tuple(names), Z / scale, tuple(blocks), scale
    )


def _refuse_still(name: str, z: Array, codes: NDArray, grouping: str, intercept: bool) -> None:
    if not z.any():
        raise ModelError(f"'{name}', which is to vary by '{grouping}', is zero in all rows")
    if intercept and (z == z[0]).all():
        raise ModelError(
            f"'{name}', which is to vary by '{grouping}', is {z[0]:g} in all rows",
            remedy="Its effect cannot be told from the intercept's; take one of them out",
        )
