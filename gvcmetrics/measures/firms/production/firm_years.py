"""From a firm panel to the arrays that production-function estimators work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.measures.firms.production.forms import terms

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Inputs:
    """Columns of a production function; a gross-output function has its materials among the free inputs.

    output, free (chosen within the year), state (fixed before it), proxy (None for OLS and fixed effects),
    share (of the free input's cost in revenue, where a column says so).
    """

    output: str
    free: tuple[str, ...]
    state: tuple[str, ...]
    proxy: str | None = None
    share: str | None = None

    @property
    def names(self) -> list[str]:
        return [*self.free, *self.state]

    @property
    def columns(self) -> list[str]:
        proxies = [] if self.proxy is None or self.proxy in self.free else [self.proxy]
        return [self.output, *self.names, *proxies, *([self.share] if self.share else [])]


@dataclass(frozen=True)
class Sample:
    """Rows usable for estimation, sorted by firm and year, in logs.

    y (n), base (n × inputs, free before state; for translog in deviations from `centre`, their means), x (the
    regressors made of base, the same for Cobb–Douglas), form, proxy (n, or None), share (n; of the first free
    input in output unless a column says so), year_dummies
    (n × years − 1, or × 0), lag and lag2 (position of the firm's row one and two years earlier, −1 where none
    is), firm (codes from 0), n_firms, survives (False in the last row of a firm that leaves before the
    panel ends), index (the frame's labels).
    """

    inputs: Inputs
    y: Floats
    base: Floats
    centre: Floats
    x: Floats
    form: str
    proxy: Floats | None
    share: Floats
    year_dummies: Floats
    lag: NDArray[np.int64]
    lag2: NDArray[np.int64]
    firm: NDArray[np.int64]
    n_firms: int
    survives: NDArray[np.bool_]
    index: pd.Index

    @property
    def free(self) -> list[int]:
        """Positions in base of the free inputs that are not the proxy."""
        return [i for i, name in enumerate(self.inputs.free) if name != self.inputs.proxy]

    @property
    def proxy_input(self) -> list[int]:
        """Position in base of the proxy where it is an input itself, else nothing."""
        return [i for i, name in enumerate(self.inputs.free) if name == self.inputs.proxy]

    @property
    def state(self) -> list[int]:
        """Positions in base of the state inputs."""
        return list(range(len(self.inputs.free), self.base.shape[1]))


def logs(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Natural logs; what is not positive and finite becomes missing."""
    levels = frame[list(columns)].astype(float)
    return levels.where((levels > 0) & (levels < np.inf)).transform(np.log)


def build_sample(
    frame: pd.DataFrame,
    inputs: Inputs,
    firm: str,
    year: str,
    year_effects: bool = False,
    form: str = "cobb_douglas",
) -> Sample:
    """Take the rows where every variable is positive, and find each one's earlier years."""
    logged = logs(frame, inputs.columns)
    usable = logged.notna().all(axis=1)
    logged[[firm, year]] = frame[[firm, year]]
    rows = logged[usable].sort_values([firm, year], kind="stable")
    codes = pd.factorize(rows[firm])[0]
    years = rows[year].to_numpy(np.int64)
    last_seen = frame.groupby(firm)[year].max()
    leaves_for_good = (years == last_seen.loc[rows[firm]].to_numpy()) & (years < frame[year].max())
    base = rows[inputs.names].to_numpy()
    centre = base.mean(axis=0) if form == "translog" and len(base) else np.zeros(base.shape[1])
    dummies = (years[:, None] == np.unique(years)[None, 1:]).astype(float)
    return Sample(
        inputs=inputs,
        y=rows[inputs.output].to_numpy(),
        base=base - centre,
        centre=centre,
        x=terms(base - centre, form),
        form=form,
        proxy=None if inputs.proxy is None else rows[inputs.proxy].to_numpy(),
        share=_share(rows, inputs),
        year_dummies=dummies if year_effects else dummies[:, :0],
        lag=_earlier(codes, years, 1),
        lag2=_earlier(codes, years, 2),
        firm=codes,
        n_firms=int(codes.max(initial=-1)) + 1,
        survives=~leaves_for_good,
        index=rows.index,
    )


def _share(rows: pd.DataFrame, inputs: Inputs) -> Floats:
    if inputs.share is not None:
        return rows[inputs.share].to_numpy()
    if not inputs.free:
        return np.full(len(rows), np.nan)
    return (rows[inputs.free[0]] - rows[inputs.output]).to_numpy()


def _earlier(firm: NDArray[np.int64], year: NDArray[np.int64], by: int) -> NDArray[np.int64]:
    """Position of the same firm's row `by` years earlier, −1 where there is none."""
    if not len(firm):
        return np.empty(0, dtype=np.int64)
    span = int(year.max() - year.min()) + 1 + by
    key = firm * span + (year - year.min())
    position = np.searchsorted(key, key - by)
    found = (key[np.minimum(position, len(key) - 1)] == key - by) & (year - by >= year.min())
    return np.where(found, position, -1)
