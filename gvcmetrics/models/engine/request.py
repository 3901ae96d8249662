"""What the user asked for: one frozen value that travels the road from a call to Results."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.inference.covariance import Vcov, VcovSpec, parse_vcov


@dataclass(frozen=True, eq=False)
class Request:
    """A call of an estimator. Fields are the arguments that the estimators share, by their names there.

    function : the public function, whose name and defaults the call is printed with.
    subset : condition, or mask of the rows, that the estimates are confined to. split, fsplit : column or
    expression, a model for each of its values, and one of all rows before them.
    extras : columns or expressions that the likelihood of a row needs besides (a censoring limit).
    reader : what reads the formula.
    """

    function: Callable[..., Any]
    formula: str
    data: pd.DataFrame | str | Path = field(repr=False)
    unit: str | None = None
    time: str | None = None
    step: float = 1
    effects: str = "pooled"
    vcov: VcovSpec = "iid"
    weights: str | None = None
    frequency: bool = False
    offset: str | None = None
    nquad: int | str = "auto"
    bias_correction: str | None = None
    lags: int = 0
    firth: bool = False
    fix: Mapping[str, float] | None = None
    subset: str | Sequence[bool] | None = None
    split: str | None = None
    fsplit: str | None = None
    trusted: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)
    extras: tuple[str, ...] = ()
    reader: Callable[..., Formula] = Formula.parse

    @cached_property
    def errors(self) -> Vcov:
        """The covariance that is asked for."""
        return parse_vcov(self.vcov)

    @cached_property
    def parsed(self) -> Formula:
        """The parts of the formula."""
        return self.reader(self.formula, trusted=self.trusted)

    @property
    def path(self) -> Path | None:
        """The Parquet file, where the data are one."""
        return Path(self.data) if isinstance(self.data, (str, Path)) else None

    @property
    def call(self) -> str:
        """The call as the user would write it, options at their default left out."""
        given = {f.name: getattr(self, f.name) for f in fields(self)} | dict(self.options)
        if self.subset is not None and not isinstance(self.subset, str):
            given["subset"] = _Mask()
        first, *others = inspect.signature(self.function).parameters.items()
        asked = [
            f"{name}={given[name]!r}"
            for name, parameter in others
            if name != "data" and not _is(given[name], parameter.default)
        ]
        return f"gvc.{self.function.__name__}({', '.join([repr(given[first[0]]), 'data', *asked])})"


class _Mask:
    """A mask of rows in a printed call, where its values have no room."""

    def __repr__(self) -> str:
        return "mask"


def _is(value: Any, default: Any) -> bool:
    return value is default or bool(value == default)
