"""The three estimators of staggered designs, by the library diff-diff."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.models.inference.restrictions import TestResult
from gvcmetrics.models.treatments.aggregates import (
    OVERALL,
    Cells,
    Part,
    event_name,
    event_time,
    linear,
    parts,
)
from gvcmetrics.models.treatments.cohorts import Staggered

METHODS = {
    "callaway_santanna": "Callaway & Sant'Anna 2021",
    "sun_abraham": "Sun & Abraham 2021",
    "imputation": "Borusyak, Jaravel & Spiess 2024",
}


@dataclass(frozen=True)
class Effects:
    """What a method finds.

    parts : `simple` (ATT and event times), of cells by cohort and period also `event`, `cohort`, `period`.

    reference : event time whose effect is zero by construction. pretrend : the method's own test.
    """

    parts: Mapping[str, Part]
    reference: int | None = None
    pretrend: TestResult | None = None
    notes: tuple[str, ...] = ()


def library() -> Any:
    """diff-diff, which is an extra.

    Raises
    ------
    ModelError : it is not installed.
    """
    try:
        return importlib.import_module("diff_diff")
    except ImportError as error:
        raise ModelError(
            "did needs the package diff-diff, which is not installed",
            remedy="Install it: pip install 'gvcmetrics[did]'",
        ) from error


def callaway_santanna(
    rows: Staggered, clustered: bool, control: str, estimation: str, anticipation: int, base: str
) -> Effects:
    """Effects by cohort and period against the period before treatment, and their averages."""
    fit = _fitted(
        library().CallawaySantAnna(
            control_group=control, estimation_method=estimation, anticipation=anticipation, base_period=base,
            rank_deficient_action="error",
        ),
        rows,
    )  # fmt: skip
    units = rows.units
    keys = [key for key, cell in fit.group_time_effects.items() if np.isfinite(cell["effect"])]
    # The result tells errors of cells alone; averages and tests need what each unit does to all of them.
    kit = fit._aggregation_kit
    order = np.searchsorted(units["unit"].to_numpy(), np.asarray(kit.bookkeeping["all_units"]))
    influence = np.zeros((len(units), len(keys)))
    for k, key in enumerate(keys):
        if key in kit.influence:
            of_cell = kit.influence[key]
            for who in ("treated", "control"):
                np.add.at(influence[:, k], order[of_cell[f"{who}_idx"]], of_cell[f"{who}_inf"])
    first = np.array([int(g) for g, _ in keys])
    period = np.array([int(t) for _, t in keys])
    effect = np.array([fit.group_time_effects[key]["effect"] for key in keys])
    reference = -1 - anticipation if base == "universal" else None
    if reference is not None:
        estimated = period - first != reference
        first, period, effect, influence = (
            first[estimated], period[estimated], effect[estimated], influence[:, estimated],
        )  # fmt: skip
    cells = Cells(first, period, effect, influence, units["first"].to_numpy())
    cluster = units["cluster" if clustered else "unit"].to_numpy()
    codes = np.unique(cluster, return_inverse=True)[1]
    return Effects(parts(cells, codes), reference, notes=_unbalanced(rows))


def sun_abraham(rows: Staggered, clustered: bool, control: str, anticipation: int) -> Effects:
    """Coefficients of cohorts by event time in one regression, averaged by the cohorts' shares."""
    fit = _fitted(
        library().SunAbraham(
            control_group=control, anticipation=anticipation, rank_deficient_action="error",
            cluster="cluster" if clustered else None,
        ),
        rows,
    )  # fmt: skip
    times = [int(e) for e in fit.event_study_vcov_index]
    index = pd.Index([event_name(e) for e in times], dtype=object)
    params = pd.Series([fit.event_study_effects[e]["effect"] for e in times], index=index)
    cov = pd.DataFrame(np.asarray(fit.event_study_vcov), index=index, columns=index)
    since = (rows.frame["time"] - rows.frame["first"])[rows.frame["first"] > 0]
    seen = since[since >= 0].value_counts(normalize=True)

    def weight(name: str) -> float:
        return float(seen.get(event_time(name), 0.0))

    return Effects({"simple": linear((params, cov), OVERALL, weight)}, -1 - anticipation)


def imputation(rows: Staggered, clustered: bool, anticipation: int) -> Effects:
    """Effects row by row against what the untreated rows let expect, averaged."""
    fit = _fitted(
        library().ImputationDiD(
            anticipation=anticipation, pretrends=True, rank_deficient_action="error", df_convention="cluster",
            cluster="cluster" if clustered else None,
        ),
        rows,
    )  # fmt: skip
    study = fit.aggregate("event_study").to_dataframe()
    study = study[~study["is_reference"] & study["se"].notna()]
    index = pd.Index([OVERALL, *(event_name(int(e)) for e in study["event_time"])], dtype=object)
    errors = np.array([fit.overall_se, *study["se"]])
    cov = np.full((len(errors), len(errors)), np.nan)
    np.fill_diagonal(cov, errors**2)
    params = pd.Series([fit.overall_att, *study["att"]], index=index, name="estimate")
    found, reference = fit.pretrend_test() if (study["event_time"] < 0).any() else {}, -1 - anticipation
    pretrend = None
    if np.isfinite(found.get("p_value", np.nan)):
        degrees = rows.frame["cluster" if clustered else "unit"].nunique() - 1
        pretrend = TestResult(
            "Pre-trends", found["f_stat"], found["df"], found["p_value"], "F", degrees,
            "no effect before treatment",
        )  # fmt: skip
    notes = ("The covariance between event times is not known: they are tested one by one.",)
    return Effects(
        {"simple": (params, pd.DataFrame(cov, index=index, columns=index))}, reference, pretrend, notes
    )


def _unbalanced(rows: Staggered) -> tuple[str, ...]:
    periods = rows.frame["time"].nunique()
    some = int((rows.frame.groupby("unit").size() < periods).sum())
    return (f"{some:,} units miss a period; each effect is from units seen in both of its.",) if some else ()


def _fitted(estimator: Any, rows: Staggered) -> Any:
    with warnings.catch_warnings():
        # What it warns of is refused or noted here in our own words.
        warnings.simplefilter("ignore")
        try:
            return estimator.fit(
                rows.frame, outcome="y", unit="unit", time="time", first_treat="first",
                covariates=[*rows.covariates] or None,
            )  # fmt: skip
        except (ValueError, np.linalg.LinAlgError) as error:
            raise ModelError(
                f"the effects cannot be estimated: {str(error).split('. ')[0].rstrip('.')}",
                remedy="Take fewer covariates, or join small cohorts",
            ) from error
