"""Monte Carlo: does each estimator recover the truth, do its intervals cover, do the tests hold their size?

Every response and treatment of unit effects is estimated on panels drawn from its own model. Means should
lie within two simulation errors of the truth and 95 % intervals cover 93 to 97 % of the time; by chance
alone one number in twenty falls outside, so the table marks them and the run only fails for numbers
that chance does not explain. Where theory says that an estimator is biased, the expected value is that of theory.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics.report import Study
from gvcmetrics.simulate.panels import NOISE, simulate_clusters, simulate_panel, simulate_survey

REPLICATIONS = 500
UNITS, PERIODS = 200, 5
COVERAGE, SIZE = (0.93, 0.97), (0.03, 0.07)
# Four binomial or simulation errors: among some 250 numbers chance exceeds it once in fifty runs.
BEYOND_CHANCE = 4.0
BATCH = 25
TWO_WAY = "y ~ x1 + d | unit + period"
# Maximum likelihood puts variances too low by a multiple of 1/units, so their means are shown, not judged.
VARIANCES = ("sigma_u", "sigma", "log_alpha")
RANDOM = ("pooled", "random", "correlated", "correlated_pooled")
CELLS = {
    "ols": ("pooled", "fixed", "random", "correlated"),
    "logit": ("pooled", "fixed", "random", "correlated", "correlated_pooled"),
    "probit": RANDOM,
    "cloglog": RANDOM,
    "ordered_logit": ("pooled", "fixed", "random", "correlated", "correlated_pooled"),
    "ordered_probit": RANDOM,
    "multinomial_logit": ("pooled", "fixed", "correlated_pooled"),
    "poisson": ("pooled", "fixed", "random", "correlated", "correlated_pooled"),
    "negative_binomial": RANDOM,
    "fractional_logit": ("pooled", "correlated_pooled"),
    "joint_probit": ("pooled", "correlated_pooled"),
    "tobit": RANDOM,
}


@dataclass(frozen=True)
class Cell:
    """One estimator on one design.

    Attributes
    ----------
    label, effects : as printed. design : effects of the simulated panel, or `survey`. formula : replaces the
        panel's. units, periods, outcomes : of the panel. expected : multiple of the truth that theory
        predicts. options : of the estimator.
    """

    response: str
    label: str
    effects: str
    design: str
    formula: str = ""
    units: int = UNITS
    periods: int = PERIODS
    expected: float = 1.0
    outcomes: int = 2
    options: Mapping[str, Any] = field(default_factory=lambda: {"unit": "unit"})


def cells() -> list[Cell]:
    """Every response and treatment of unit effects, then designs that the simple panels do not reach."""
    made = [Cell(response, effects, effects, effects) for response, each in CELLS.items() for effects in each]
    # With two periods the estimates with unit dummies are twice the conditional ones (Abrevaya 1997).
    dummies = Cell("logit", "unit dummies, two periods", "pooled", "fixed", "y ~ x1 + d | unit", 400, 2, 2.0)
    many = Cell("logit", "random, 800 units", "random", "random", units=800)
    poisson = Cell("poisson", "absorbed units and periods", "pooled", "fixed", TWO_WAY)
    cloglog = Cell("cloglog", "absorbed periods", "pooled", "pooled", "y ~ x1 + d | period")
    corrected = [
        Cell(response, f"absorbed, {correction} correction", "pooled", "fixed", TWO_WAY, 60, 24,
             options={"unit": "unit", "time": "period", "bias_correction": correction})
        for response, correction in (("logit", "analytical"), ("logit", "jackknife"), ("probit", "analytical"))
    ]  # fmt: skip
    firth = Cell("logit", "Firth, 100 rows", "pooled", "pooled", units=50, periods=2, options={"firth": True})
    joint = [
        Cell("joint_probit", f"{count} outcomes", "pooled", "pooled", units=units, outcomes=count)
        for count, units in ((3, 100), (4, 60))
    ]
    design = {"weights": "weight", "vcov": {"survey": {"psu": "psu", "strata": "stratum"}}}
    surveys = [
        Cell(response, "survey design", "pooled", "survey", "y ~ x1 + x2", options=design)
        for response in ("ols", "logit")
    ]
    return [*made, dummies, many, poisson, cloglog, *corrected, firth, *joint, *surveys]


def simulate(cell: Cell, seed: int) -> pd.DataFrame:
    """A panel, or a survey, of the cell's design."""
    if cell.design == "survey":
        return simulate_survey(cell.response, seed=seed)
    censored = cell.response == "tobit"
    panel = simulate_panel(
        "ols" if censored else cell.response, cell.design,
        units=cell.units, periods=cell.periods, outcomes=cell.outcomes, seed=seed,
    )  # fmt: skip
    if censored:
        panel["y"] = panel["y"].clip(lower=0)
        panel.attrs["truth"] = {**panel.attrs["truth"], "sigma": NOISE}
    return panel


def estimate(cell: Cell, seed: int) -> pd.DataFrame:
    """One replication: estimate, standard error, and whether the 95 % interval covers, by parameter."""
    panel = simulate(cell, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = getattr(gvc, cell.response)(
            cell.formula or panel.attrs["formula"], panel, effects=cell.effects, **cell.options
        )
    truth = pd.Series(panel.attrs["truth"])
    truth = truth[[name for name in truth.index if name in result.params.index]]
    low, high = result.conf_int().loc[truth.index].to_numpy().T
    return pd.DataFrame(
        {
            "truth": truth * cell.expected,
            "estimate": result.params[truth.index],
            "error": result.std_errors[truth.index],
            "covered": (low <= truth) & (truth <= high),
            "converged": result.converged,
        }
    )


def tests_of_no_effect(response: str, seed: int) -> dict[str, bool]:
    """Whether each test rejects a true null at 5 % with eight clusters."""
    frame = simulate_clusters(response, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = getattr(gvc, response)("y ~ x1 + x2", frame, vcov={"CRV1": "cluster"})
        wild = gvc.wild_bootstrap(result, "x1", "cluster", interval=False)
        webb = gvc.wild_bootstrap(result, "x1", "cluster", weights="webb", interval=False, seed=seed)
        jackknife = result.with_vcov({"CRV3": "cluster"})
    return {
        "CRV1": bool(result.pvalues["x1"] <= 0.05),
        "CRV3": bool(jackknife.pvalues["x1"] <= 0.05),
        "Wild bootstrap, Rademacher, all 256 draws": wild.pvalue <= 0.05,
        "Wild bootstrap, Webb, 999 draws": webb.pvalue <= 0.05,
    }


def summarise(cell: Cell, draws: pd.DataFrame) -> pd.DataFrame:
    """One row a parameter from the stacked replications."""
    by_parameter = draws.groupby(level=0, sort=False)
    mean, spread = by_parameter["estimate"].mean(), by_parameter["estimate"].std()
    truth, count = by_parameter["truth"].first(), by_parameter.size()
    distance = (mean - truth) / (spread / np.sqrt(count))
    coverage = by_parameter["covered"].mean() if cell.expected == 1.0 else pd.Series(np.nan, truth.index)
    centred = (distance.abs() <= 2) | truth.index.isin(VARIANCES)
    inside = centred & (coverage.between(*COVERAGE) | coverage.isna())
    return pd.DataFrame(
        {
            "model": f"{cell.response}, {cell.label}",
            "parameter": truth.index,
            "expected": truth.to_numpy(),
            "mean": mean.to_numpy(),
            "distance": distance.to_numpy(),
            "error_ratio": (by_parameter["error"].mean() / spread).to_numpy(),
            "coverage": coverage.to_numpy(),
            "replications": count.to_numpy(),
            "inside": np.where(inside, "yes", "no"),
        }
    )


def validate(
    replications: int = REPLICATIONS, workers: int = 2, chosen: list[Cell] | None = None, loud: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run all cells; the table of estimators and the table of test sizes.

    Parameters
    ----------
    replications : of each cell; the tests of size take four times as many, being cheap.
    workers : processes. chosen : cells, all by default. loud : print progress.
    """
    chosen = cells() if chosen is None else chosen
    started, tables, sizes = time.perf_counter(), [], []
    with ExitStack() as stack:
        # One worker needs no process of its own, and forking a process that has threads can hang.
        spread: Callable[..., Iterable[Any]] = map
        if workers > 1:
            spread = stack.enter_context(ProcessPoolExecutor(workers, initializer=_one_thread)).map
        for number, cell in enumerate(chosen, 1):
            found = spread(_estimates, [(cell, seeds) for seeds in _batches(replications)])
            tables.append(summarise(cell, pd.concat(list(found))))
            if loud:
                marked = (tables[-1]["inside"] == "no").sum()
                took = time.perf_counter() - started
                print(
                    f"{number:3d}/{len(chosen)}  {took:6.0f} s  {tables[-1]['model'][0]}: {marked} outside",
                    flush=True,
                )
        for response in ("ols", "logit"):
            found = spread(_rejections, [(response, seeds) for seeds in _batches(4 * replications)])
            rejected = pd.DataFrame([row for batch in found for row in batch])
            sizes.append(
                pd.DataFrame(
                    {
                        "model": f"{response}, eight clusters of 30",
                        "test": rejected.columns,
                        "rejected": rejected.mean().to_numpy(),
                        "replications": len(rejected),
                        "inside": np.where(rejected.mean().between(*SIZE), "yes", "no"),
                    }
                )
            )
            if loud:
                print(f"size     {time.perf_counter() - started:6.0f} s  {response}", flush=True)
    return pd.concat(tables, ignore_index=True), pd.concat(sizes, ignore_index=True)


def unexplained(estimators: pd.DataFrame, sizes: pd.DataFrame) -> list[str]:
    """What lies so far outside that chance does not explain it; CRV1 and CRV3 are shown, not judged."""
    n = estimators["replications"]
    gap = (estimators["coverage"] - 0.95).abs() / np.sqrt(0.95 * 0.05 / n)
    judged = ~estimators["parameter"].isin(VARIANCES)
    far = (judged & (estimators["distance"].abs() > BEYOND_CHANCE)) | (gap > BEYOND_CHANCE)
    rows = [f"{row.model}: {row.parameter}" for row in estimators[far].itertuples()]
    wild = sizes[sizes["test"].str.startswith("Wild")]
    slack = 2 * np.sqrt(0.05 * 0.95 / wild["replications"])
    wrong = (wild["rejected"] < SIZE[0] - slack) | (wild["rejected"] > SIZE[1] + slack)
    return rows + [f"{row.model}: {row.test}" for row in wild[wrong].itertuples()]


def write(estimators: pd.DataFrame, sizes: pd.DataFrame, results: Path | None = None) -> Path:
    """Tables in every format and the manifest `validation.json`."""
    study = Study(
        "validation",
        title="Do the estimators recover known parameters?",
        question="On simulated panels: are estimates centred on the truth, do intervals cover, do tests hold size?",
        results=results,
    )
    outside = int((estimators["inside"] == "no").sum())
    found = "; ".join(unexplained(estimators, sizes)) or "none"
    study.text(
        f"Simulated data throughout. {len(estimators)} parameters of {estimators['model'].nunique()} models, "
        f"{estimators['replications'].max()} replications each. {outside} lie outside two simulation errors or "
        f"a coverage of 93 to 97 %; with 500 replications chance alone puts about {0.08 * len(estimators):.0f} "
        f"there. Further out than chance explains: {found}."
    )
    labels = {
        "parameter": "Parameter", "expected": "Expected", "mean": "Mean", "distance": "Distance",
        "error_ratio": "Error / s.d.", "coverage": "Coverage", "replications": "Replications", "inside": "Inside",
        "test": "Test", "rejected": "Rejected at 5 %", "model": "Model",
    }  # fmt: skip
    notes = [
        f"Panels of {UNITS} units and {PERIODS} periods unless said (unit dummies: 400 and 2; corrections: 60 and "
        "24; Firth: 50 and 2; three and four outcomes: 100 and 60 units), surveys of 64 sampling units in 8 "
        "strata and some 700 rows. Distance: mean less "
        "expected value in simulation standard errors. Error / s.d.: mean standard error over the standard "
        "deviation of the estimates. Inside: distance at most 2 and coverage of 93 to 97 %; sigma_u, sigma and "
        "log_alpha by coverage alone, since maximum likelihood puts variances too low by a multiple of 1/units.",
    ]
    printed = gvc.table(estimators.set_index(["model", "parameter"]), labels=labels, notes=notes)
    study.table(
        replace(printed, simulated=True),
        "estimators",
        caption="Estimates and intervals against known parameters",
    )
    notes = [
        "The regressor is constant in its cluster and has no effect; errors share a cluster's part. Inside: 3 to 7 %."
    ]
    printed = gvc.table(sizes.set_index(["model", "test"]), labels=labels, notes=notes)
    study.table(replace(printed, simulated=True), "size", caption="Tests of a true null with eight clusters")
    return study.write()


def main() -> int:
    """Parse, run, write; 1 if something lies beyond chance."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args()
    estimators, sizes = validate(given.replications, given.workers)
    with pd.option_context("display.width", 160, "display.max_rows", None, "display.max_columns", None):
        print(estimators.round(4).to_string(index=False), sizes.round(4).to_string(index=False), sep="\n\n")
    print(f"written  {write(estimators, sizes)}")
    beyond = unexplained(estimators, sizes)
    for line in beyond:
        print(f"beyond chance: {line}", file=sys.stderr)
    return int(bool(beyond))


def _batches(replications: int) -> list[range]:
    return [range(first, min(first + BATCH, replications)) for first in range(0, replications, BATCH)]


def _estimates(work: tuple[Cell, range]) -> pd.DataFrame:
    return pd.concat([estimate(work[0], seed) for seed in work[1]])


def _rejections(work: tuple[str, range]) -> list[dict[str, bool]]:
    return [tests_of_no_effect(work[0], seed) for seed in work[1]]


def _one_thread() -> None:
    """A process a core, a thread a process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


if __name__ == "__main__":
    sys.exit(main())
