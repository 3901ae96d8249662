"""Several results in their order: what formulas by steps, several outcomes and split samples give."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import overload

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError, unsteering
from gvcmetrics.ground.names import nearest
from gvcmetrics.ground.numbers import STARS, estimate, star_legend, stars_of
from gvcmetrics.ground.printing import WIDTH
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.results.results import Results

FULL_SAMPLE = "Full sample"
PARTS = ("sample", "outcome", "regressors", "absorbed")
Chosen = str | int | Sequence[int] | None


class ResultsList(Sequence[Results]):
    """Results of several models, one after the other: a sequence that prints and that tables take.

    Its order is fixest's: by sample, then outcome, absorbed effects and regressors.

    Attributes
    ----------
    keys : frame, one row a model: `sample`, `outcome`, `regressors` and `absorbed`, as texts.

    Examples
    --------
    >>> import pandas as pd
    >>> from gvcmetrics.models import ols
    >>> frame = pd.DataFrame({"y": [1.0, 3, 2, 5, 4], "x": [1, 2, 3, 4, 5], "z": [0, 1, 0, 1, 1]})
    >>> models = ols("y ~ csw(x, z)", frame)
    >>> models.keys["regressors"].tolist()
    ['x', 'x + z']
    >>> models.filter(regressors="z")[0].params.round(3).to_dict()
    {'Intercept': 0.6, 'x': 0.45, 'z': 1.75}
    """

    def __init__(self, results: Sequence[Results], parts: Sequence[tuple[str, str, str, str]]) -> None:
        self._results = tuple(results)
        self.keys = pd.DataFrame(list(parts), columns=list(PARTS))

    @overload
    def __getitem__(self, position: int) -> Results: ...
    @overload
    def __getitem__(self, position: slice) -> ResultsList: ...
    def __getitem__(self, position: int | slice) -> Results | ResultsList:
        if isinstance(position, slice):
            return self._only(np.arange(len(self))[position])
        return self._results[position]

    def __len__(self) -> int:
        return len(self._results)

    def filter(
        self,
        *,
        outcome: Chosen = None,
        sample: Chosen = None,
        regressors: Chosen = None,
        absorbed: Chosen = None,
    ) -> ResultsList:
        """The results that have all that is asked for, in their order.

        Parameters
        ----------
        outcome, sample, regressors, absorbed : a regular expression that finds the part's text, or which of
            the distinct parts, counted from 0 (-1 is the last), or several of them.

        Raises
        ------
        ModelError : no result has it; the message says which there are.
        """
        keep = np.ones(len(self), dtype=bool)
        asked = {"sample": sample, "outcome": outcome, "regressors": regressors, "absorbed": absorbed}
        for part, chosen in asked.items():
            if chosen is not None:
                keep &= self.keys[part].isin(self._parts(part, chosen)).to_numpy()
        if not keep.any():
            raise ModelError("no result has all that is asked for", remedy="See .keys for what there is")
        return self._only(np.flatnonzero(keep))

    def _parts(self, part: str, chosen: str | int | Sequence[int]) -> list[str]:
        there = list(dict.fromkeys(self.keys[part]))
        if isinstance(chosen, str):
            found = [text for text in there if re.search(chosen, text)] or [t for t in there if t == chosen]
            if not found:
                near = nearest(chosen, there)
                raise ModelError(
                    f"no {part} is found by {chosen!r}",
                    remedy=f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(there)}",
                )
            return found
        try:
            return [there[at] for at in ([chosen] if isinstance(chosen, int) else chosen)]
        except IndexError as error:
            raise ModelError(f"there are {len(there)} kinds of {part}, counted from 0") from error

    def _only(self, positions: np.ndarray) -> ResultsList:
        parts = [*self.keys.iloc[positions].itertuples(index=False, name=None)]
        return ResultsList([self._results[at] for at in positions], parts)

    def with_vcov(self, vcov: VcovSpec) -> ResultsList:
        """The same estimates with another covariance, see `Results.with_vcov`."""
        parts = [*self.keys.itertuples(index=False, name=None)]
        return ResultsList([result.with_vcov(vcov) for result in self], parts)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter of each model: its number from 1, its parts, and the columns of `tidy`."""
        return self._stacked([result.tidy(level) for result in self])

    def glance(self) -> pd.DataFrame:
        """One row a model: its number, its parts, and the columns of `glance`."""
        return self._stacked([result.glance().drop(columns="outcome") for result in self])

    def to_frame(self) -> pd.DataFrame:
        """One row a model: its parts, its observations, and every estimate, missing where it has none."""
        rows = [{"nobs": result.nobs, **result.params} for result in self]
        return pd.concat([self.keys, pd.DataFrame(rows)], axis=1)

    def _stacked(self, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
        parts = []
        for number, (frame, key) in enumerate(
            zip(frames, self.keys.to_dict("records"), strict=True), start=1
        ):
            told = pd.DataFrame({"number": number, **key}, index=frame.index)
            parts.append(pd.concat([told, frame], axis=1))
        return pd.concat(parts, ignore_index=True)

    @property
    def groups(self) -> list[str] | None:
        """The samples as headers of a table, None where there is one."""
        return self.keys["sample"].tolist() if self.keys["sample"].nunique() > 1 else None

    def _compact(self) -> pd.DataFrame:
        """The parts that differ, and every estimate with its stars and its error, as texts."""
        rows = [
            {
                str(row.term): f"{estimate(row.estimate)}{stars_of(row.p_value)} ({estimate(row.std_error)})"
                for row in result.tidy().itertuples()
            }
            for result in self
        ]
        told = self.keys[[part for part in PARTS if self.keys[part].nunique() > 1]]
        numbers = pd.DataFrame({"N": [f"{result.nobs:,}" for result in self]})
        made = pd.concat([told, numbers, pd.DataFrame(rows)], axis=1).fillna("")
        return made.set_axis([f"({number})" for number in range(1, len(self) + 1)])

    def _told(self) -> str:
        labels = dict.fromkeys(result.vcov_label for result in self)
        same = [f"{part}: {self.keys[part][0]}" for part in PARTS[1:] if self.keys[part].nunique() == 1]
        shown = ", ".join(text for text in same if not text.endswith(": "))
        what = f"{len(self)} models, {', '.join(dict.fromkeys(result.model for result in self))}"
        return f"{what}{'; ' if shown else ''}{shown}. Errors: {'; '.join(labels)}."

    def summary(self) -> str:
        """The models side by side as text, one row each; a result's own `summary` has the rest."""
        blocks = "\n\n".join(block.to_string() for block in _fitting(self._compact()))
        return unsteering(f"{self._told()}\n\n{blocks}\n\n{star_legend(STARS)}.")

    def __str__(self) -> str:
        return self.summary()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import html

        return f"<div><p>{html.escape(self._told())}</p>{self._compact().to_html(border=0)}</div>"


def _fitting(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The frame in blocks of columns that are no wider than a page, one column at least."""
    room = WIDTH - max(len(str(label)) for label in frame.index)
    widths = [max(len(str(name)), *frame[name].str.len()) + 2 for name in frame]
    cuts, used = [0], 0
    for position, width in enumerate(widths):
        if used and used + width > room:
            cuts.append(position)
            used = 0
        used += width
    return [frame.iloc[:, start:stop] for start, stop in pairwise([*cuts, len(widths)])]
