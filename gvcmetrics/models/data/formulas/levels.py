"""`i(f)`: the levels of a column as dummies, all of them or all but the references, as in fixest.

Unlike C(f) the columns do not depend on what else stands in the formula: `i(f, x)` has a slope for each
level whether or not x is among the regressors. Only `i(f)` alone, with neither `ref` nor `keep`, leaves out
its first level where the model has a constant or absorbed effects.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic.materializers.types import FactorValues
from formulaic.transforms.contrasts import Contrasts, encode_contrasts

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.names import nearest


class Levels(Contrasts):
    """Dummies of some levels, called `name::level`.

    ref, keep : values, as `i` takes them. free : whether the coding may leave out its first level.
    """

    def __init__(self, name: str, ref: Any, keep: Any, free: bool) -> None:
        self.name, self.ref, self.keep, self.free = name, ref, keep, free
        self.base: Hashable = None

    def _kept(self, levels: Sequence[Hashable], reduced_rank: bool) -> list[int]:
        """Positions of the levels that have a column."""
        if self.ref is True or (self.free and reduced_rank):
            left_out = {0}
        else:
            left_out = set() if self.ref is None else set(matching(self.ref, levels, self.name, "ref"))
        chosen = range(len(levels)) if self.keep is None else matching(self.keep, levels, self.name, "keep")
        self.base = levels[min(left_out)] if left_out else levels[0]
        return [position for position in chosen if position not in left_out]

    @Contrasts.override
    def _get_coding_matrix(
        self, levels: Sequence[Hashable], reduced_rank: bool = True, sparse: bool = False
    ) -> np.ndarray:
        return np.eye(len(levels))[:, self._kept(levels, reduced_rank)]

    @Contrasts.override
    def get_coding_column_names(
        self, levels: Sequence[Hashable], reduced_rank: bool = True
    ) -> Sequence[Hashable]:
        kept = [levels[position] for position in self._kept(levels, reduced_rank)]
        return [f"{self.name}::{_printed(level)}" for level in kept]

    @Contrasts.override
    def get_coefficient_row_names(
        self, levels: Sequence[Hashable], reduced_rank: bool = True
    ) -> Sequence[Hashable]:
        return self.get_coding_column_names(levels, reduced_rank)

    @Contrasts.override
    def get_spans_intercept(self, levels: Sequence[Hashable], reduced_rank: bool = True) -> bool:
        return self.free and not reduced_rank

    @Contrasts.override
    def get_drop_field(self, levels: Sequence[Hashable], reduced_rank: bool = True) -> Hashable:
        return None

    @Contrasts.override
    def get_factor_format(self, levels: Sequence[Hashable], reduced_rank: bool = True) -> str:
        return "{field}"


def i(
    data: Any, *, called: str = "", crossed: bool = False, ref: Any = None, keep: Any = None
) -> FactorValues[Any]:
    """A column as the levels of `i`.

    called : its name in print. crossed : whether it is multiplied with another. ref, keep : values that have
    no column, and those that alone have one.
    """
    ref = None if ref is False else ref
    free = not crossed and ref is None and keep is None
    contrasts = Levels(called, ref, keep, free)

    def encoder(
        values: Any, reduced_rank: bool, drop_rows: list[int], encoder_state: dict[str, Any], model_spec: Any
    ) -> FactorValues[Any]:
        column = pd.Series(values.__wrapped__ if isinstance(values, FactorValues) else values)
        return encode_contrasts(
            column.drop(index=column.index[drop_rows]),
            contrasts=contrasts, reduced_rank=reduced_rank, _state=encoder_state, _spec=model_spec,
        )  # fmt: skip

    return FactorValues(data, kind="categorical", spans_intercept=free, encoder=encoder)


def _printed(level: Hashable) -> str:
    """A level in print; years of a column with gaps are floats, and years all the same."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def matching(wanted: Any, levels: Sequence[Hashable], name: str, word: str) -> list[int]:
    """Positions of the levels that are meant: a value, the beginning of one, or `"@"` and a pattern.

    Raises
    ------
    ModelError : no level is meant.
    """
    each = [*wanted] if isinstance(wanted, (list, tuple, range)) else [wanted]
    found: list[int] = []
    for value in each:
        exact = [at for at, level in enumerate(levels) if level == value or _printed(level) == str(value)]
        if not exact and isinstance(value, str) and value:
            if value.startswith("@"):
                exact = [at for at, level in enumerate(levels) if re.search(value[1:], str(level))]
            else:
                exact = [at for at, level in enumerate(levels) if str(level).startswith(value)]
        if not exact:
            near = nearest(value, levels)
            raise ModelError(
                f"{word}={value!r} is no level of '{name}' in the rows of the estimates",
                remedy=f"Did you mean {near[0]!r}?"
                if near
                else f"Levels are {', '.join(map(str, levels[:8]))}",
            )
        found += exact
    return sorted(set(found))
