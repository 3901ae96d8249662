"""How many points a quadrature takes: raised until more of them change nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.likelihood.problem import Problem, Solution, solve

# (points, where to begin or None) -> the likelihood with so many points
At = Callable[..., Problem]
_FIRST, _MOST = 12, 96
# Of the log likelihood, and of the estimates in their standard errors.
_RISE, _DISTANCE = 1e-3, 1e-2


def settled(at: At, nquad: int | str, fix: Mapping[str, float] | None) -> tuple[Problem, Solution, int]:
    """The problem, its solution and its points: those asked for, or the fewest of 12, 24, 48, 96 that do.

    They do when at the estimates half as many again move the log likelihood by less than 0.001, and a
    step of Newton's method from there is shorter than a hundredth of a standard error.

    Raises
    ------
    ModelError : `nquad` is neither a number of points nor `"auto"`.
    """
    if nquad != "auto":
        if isinstance(nquad, bool) or not isinstance(nquad, int) or not 2 <= nquad <= 100:
            raise ModelError(f"nquad={nquad!r} must be 'auto' or a whole number from 2 to 100")
        problem = at(nquad)
        return problem, solve(problem, fix), nquad
    points = _FIRST
    problem = at(points)
    solution = solve(problem, fix)
    while not _suffices(at(points * 3 // 2, solution.optimum.theta), solution):
        if points == _MOST:
            warn(
                f"{points} quadrature points do not settle the likelihood of the unit effects: the estimates "
                "are approximate; see quadrature_check()"
            )
            break
        points *= 2
        problem = at(points, solution.optimum.theta)
        solution = solve(problem, fix)
    return problem, solution, points


def quadrature_path(at: At, points: int, fix: Mapping[str, float] | None) -> pd.DataFrame:
    """Log likelihood and estimates at fewer, at these and at more points, one row a number of points."""
    steps, counts = _FIRST, {max(points * 2 // 3, 2), points, min(points * 4 // 3, 100), min(points * 2, 100)}
    while steps < points:
        counts.add(steps)
        steps *= 2
    rows = {}
    for count in sorted(counts):
        problem = at(count)
        solution = solve(problem, fix)
        values = problem.reported(solution.optimum.theta)
        rows[count] = {"loglik": solution.optimum.loglik, **dict(zip(problem.names, values, strict=True))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("nquad")


def _suffices(finer: Problem, solution: Solution) -> bool:
    optimum, free = solution.optimum, solution.free
    loglik, score, hessian = finer.evaluate(optimum.theta)
    if not np.isfinite(loglik) or not np.isfinite(hessian).all():
        return False
    information = -hessian[np.ix_(free, free)]
    try:
        step = np.linalg.solve(information, score[free])
    except np.linalg.LinAlgError:
        return False
    distance = float(score[free] @ step)
    return abs(loglik - optimum.loglik) < _RISE and 0.0 <= distance < _DISTANCE**2
