"""Who is treated when: the rows of a staggered design, checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gvcmetrics.errors import DataError, ModelError, Place
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.build import build_sample
from gvcmetrics.models.data.design import require
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample

_ALWAYS = "treated from the first period on"


@dataclass(frozen=True)
class Staggered:
    """Rows of units, some of which are treated from a period on.

    frame : columns y, unit, time, first (0: never), cluster, and the covariates. covariates : their columns.
    """

    frame: pd.DataFrame
    covariates: tuple[str, ...]
    sample: Sample

    @property
    def units(self) -> pd.DataFrame:
        """A row a unit, in the order of its number."""
        return self.frame.drop_duplicates("unit").sort_values("unit", ignore_index=True)


def staggered(
    formula: Formula, data: pd.DataFrame, unit: str, time: str, treated: str, cluster: str, control: str
) -> Staggered:
    """The rows, without the units that were treated before the data begin.

    Raises
    ------
    ModelError : nobody or everybody is treated, or all who are were from the first period on.
    DataError : periods are no whole numbers, a treatment ends, or its first period changes within a unit.
    """
    if formula.absorbed or formula.slopes:
        raise ModelError(
            "did has the effects of units and periods in any case", remedy="Leave out what stands after |"
        )
    require(data, [treated])
    sample = build_sample(formula, data, unit=unit, time=time, clusters=(cluster,))
    rows = sample.source.iloc[sample.rows]
    periods = _periods(rows[time], time)
    number = sample.codes(unit)
    first = _first(rows[treated], number, periods, treated)
    begins, ends = periods.min(), periods.max()
    first = np.where(first > ends, 0, first)
    if not (first > 0).any():
        raise ModelError(f"nobody is treated: '{treated}' names no period of the data")
    always = (first > 0) & (first <= begins)
    if not ((first > 0) & ~always).any():
        raise ModelError(
            f"all who are treated were {_ALWAYS}, and nothing is known of them without the treatment",
            remedy="Take earlier periods into the data",
        )
    if always.any():
        count = len(np.unique(number[always]))
        warn(f"left out: {count:,} {'unit' if count == 1 else 'units'} {_ALWAYS}")
    _refuse_nobody_to_compare(first[~always], control, sample, len(rows))
    covariates = [k for k, name in enumerate(sample.names) if name != "Intercept"]
    names = tuple(f"x{k}" for k in covariates)
    frame = pd.DataFrame(
        {
            "y": sample.y, "unit": number, "time": periods, "first": first.astype(np.int64),
            "cluster": sample.codes(cluster),
            **{name: sample.X[:, k] for name, k in zip(names, covariates, strict=True)},
        }
    )  # fmt: skip
    sample = sample.select(~always, f"units {_ALWAYS}")
    return Staggered(frame[~always].reset_index(drop=True), names, sample)


def _refuse_nobody_to_compare(first: Array, control: str, sample: Sample, rows: int) -> None:
    if len(np.unique(first)) == 1:
        raise ModelError(
            "everybody is treated in the same period, and nobody is left to compare with",
            remedy="Take units into the data that are treated later or never",
        )
    if control == "never_treated" and (first > 0).all():
        raise ModelError(
            "everybody is treated in the end, and nobody never",
            remedy='Compare with those who are treated later: control="not_yet_treated"',
        )
    if rows <= len(sample.names) + 2:
        raise ModelError(f"{rows} rows are too few for {len(sample.names) + 2} parameters")


def _periods(values: pd.Series, time: str) -> Array:
    try:
        numbers = values.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not (np.isfinite(numbers) & (numbers == np.round(numbers)) & (numbers > 0)).all():
        raise DataError(
            "periods must be whole numbers above zero", Place(column=time), "Make a column of years"
        )
    return numbers.astype(np.int64)


def _first(values: pd.Series, unit: Array, periods: Array, treated: str) -> Array:
    """The first period of each row's unit under treatment, 0 if never."""
    try:
        given = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(
            "a treatment is 0 or 1, or the period in which it begins", Place(column=treated)
        ) from error
    given = np.where(np.isinf(given), np.nan, given)
    by = pd.DataFrame({"unit": unit, "time": periods, "given": given})
    if set(np.unique(given[~np.isnan(given)])) <= {0.0, 1.0}:
        if by["given"].isna().any():
            row = int(np.flatnonzero(by["given"].isna())[0])
            raise DataError(
                f"whether unit {row + 1} of the sample is treated is missing", Place(column=treated),
                "Fill it in or drop the row",
            )  # fmt: skip
        on = by["time"].where(by["given"] == 1.0).groupby(by["unit"]).transform("min").fillna(0)
        ended = (on > 0) & (by["time"] >= on) & (by["given"] == 0.0)
        if ended.any():
            raise DataError(
                f"the treatment ends in {int(periods[np.argmax(ended)])} for one of "
                f"{by.loc[ended, 'unit'].nunique()} units, and did is for treatments that last",
                Place(column=treated),
                "Code 1 from the first period on, if the effect lasts",
            )
        return on.to_numpy(dtype=np.int64)
    by["given"] = by["given"].fillna(0.0)
    changing = by.groupby("unit")["given"].nunique() > 1
    if changing.any():
        raise DataError(
            f"the first period under treatment changes within {int(changing.sum())} units",
            Place(column=treated),
            "It must be one value a unit, missing or 0 for those never treated",
        )
    return by["given"].to_numpy()
