"""Hausman and McFadden's test after a conditional logit: choices without each alternative in turn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import independent_columns
from gvcmetrics.models.choices.conditional import Conditional
from gvcmetrics.models.choices.predictor import ChoicePredictor
from gvcmetrics.models.choices.rows import INTERCEPT, Rows
from gvcmetrics.models.choices.sets import Choices, Sets
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.spelling import plain
from gvcmetrics.models.likelihood.problem import Problem, solve
from gvcmetrics.models.results.results import Results


def without_each(results: Results, *, constant: bool) -> pd.DataFrame:
    """The table of `hausman_mcfadden`.

    Raises
    ------
    ModelError : there are nests, random coefficients, sampling weights, or two alternatives only.
    """
    predictor = results.predictor
    assert isinstance(predictor, ChoicePredictor)
    rows, labels = predictor.rows, list(predictor.rows.regressors.labels)
    if not isinstance(predictor.kernel, Conditional):
        raise ModelError(
            f"hausman_mcfadden is a test of what a {results.model.lower()} does not assume",
            remedy="Test the choice model without nests and random coefficients",
        )
    if rows.sample.weights is not None and not rows.sample.frequency:
        raise ModelError("the test needs classical covariances, which sampling weights do not give")
    if len(labels) < 3:
        raise ModelError("with two alternatives there is none to leave out")
    full, cov = results.params.to_numpy(), results.with_vcov("iid").cov.to_numpy()
    found = []
    for omitted in range(len(labels)):
        choices, A, names = _without(rows, omitted)
        used = independent_columns(choices.D, np.linalg.norm(choices.D, axis=0), 1e-9)
        choices, A = replace(choices, D=choices.D[:, used]), A[used]
        names = [name for name, there in zip(names, used, strict=True) if there]
        kernel = Conditional(choices)
        problem = Problem(
            kernel.evaluate, kernel.scores, tuple(names), A @ full, np.std(choices.D, axis=0)
        )  # fmt: skip
        optimum = solve(problem).optimum
        compared = [j for j, name in enumerate(names) if constant or not name.endswith(f": {INTERCEPT}")]
        distance = (optimum.theta - A @ full)[compared]
        spread = (np.linalg.inv(-optimum.hessian) - A @ cov @ A.T)[np.ix_(compared, compared)]
        statistic = float(distance @ np.linalg.solve(spread, distance))
        found.append(
            (statistic, len(compared), float(stats.chi2.sf(statistic, len(compared))), choices.mass.sum())
        )
    return pd.DataFrame(
        found, columns=["statistic", "df", "p_value", "nobs"], index=pd.Index(labels, name="without")
    ).astype({"nobs": int})


def _without(rows: Rows, omitted: int) -> tuple[Choices, Array, list[str]]:
    """Choices of those who chose another alternative, of whom it is taken away.

    Returns the choices, the map from all coefficients to those that are left, and their names; without the
    base those of an alternative are taken against the next one.
    """
    built, sets = rows.regressors, rows.choices.sets
    taken = sets.alternative[rows.choices.chosen]
    left = np.bincount(sets.of, weights=sets.alternative != omitted) > 1
    kept = (taken != omitted) & left
    choices = rows.choices.only(kept)
    stays = choices.sets.alternative != omitted
    place = np.cumsum(stays) - 1
    smaller = Sets.made(choices.sets.of[stays], choices.sets.alternative[stays], sets.labels)
    base = 1 if omitted == 0 else 0
    gone = {str(built.labels[j]) for j in (omitted, base)}
    own = [plain(name) for name in built.chooser.column_names]
    block = {name: (str(label), z) for label in built.labels[1:] for z in own for name in [f"{label}: {z}"]}
    names = [name for name in built.used if name not in block or block[name][0] not in gone]
    A = np.zeros((len(names), len(built.used)))
    for row, name in enumerate(names):
        A[row, built.used.index(name)] = 1.0
        other = f"{built.labels[base]}: {block[name][1]}" if name in block else ""
        if omitted == 0 and other in built.used:
            A[row, built.used.index(other)] = -1.0
    columns = [built.used.index(name) for name in names]
    made = replace(choices, sets=smaller, D=choices.D[stays][:, columns], chosen=place[choices.chosen])
    return made, A, names
