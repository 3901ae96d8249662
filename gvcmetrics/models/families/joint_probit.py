"""Joint probits of two to four 0/1 outcomes, whose errors are correlated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import EstimationSample
from gvcmetrics.models.effects.pooled import constants_of, pooled_problem, predictor_of
from gvcmetrics.models.engine.estimate import Estimate, from_likelihood
from gvcmetrics.models.engine.fit import fit
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment, usual_scales
from gvcmetrics.models.families.kernels.bivariate_probit import bivariate_probit
from gvcmetrics.models.families.kernels.correlations import correlations, partial_correlations
from gvcmetrics.models.families.kernels.multivariate_probit import multivariate_probit
from gvcmetrics.models.families.probit import family as probit_family
from gvcmetrics.models.inference.covariance import VcovSpec
from gvcmetrics.models.likelihood.expected import Outcome, Scale, conditional, of_index, probability
from gvcmetrics.models.likelihood.family import Array, Family
from gvcmetrics.models.likelihood.problem import Problem, Solution, in_print, solve
from gvcmetrics.models.results.results import Results
from gvcmetrics.models.results.several import ResultsList

_CELLS = 2
# What double precision leaves of a sum of logs.
_DIGITS = 1e-12
# The smallest eigenvalue of correlations that are not at their edge.
_SINGULAR = 1e-6


def family(sample: EstimationSample, panels: int = 1) -> Family:
    """The normal distribution function of the outcomes; `panels` of its quadrature, of three and four."""
    names, d = sample.outcome, len(sample.outcome)
    made = bivariate_probit if d == 2 else multivariate_probit(d, panels)
    return replace(
        made,
        constants=tuple(f"rho({names[j]}, {names[k]})" for j in range(d) for k in range(j)),
        reported=lambda z: correlations(z, d),
        working=lambda rho: _partial(rho, d),
        block="Correlations",
        null=False,
    )


def _on_the_edge(rho: Array, names: tuple[str, ...]) -> str | None:
    """Whether the correlations have run to where one error follows from the others."""
    if np.linalg.eigvalsh(_matrix(rho, names).to_numpy())[0] > _SINGULAR:
        return None
    pairs = [f"{names[j]} and {names[k]}" for j in range(len(names)) for k in range(j)]
    strongest = int(np.abs(rho).argmax())
    return (
        f"The correlations of the errors have run to their edge ({rho[strongest]:.4f} of {pairs[strongest]}):"
        " one outcome follows from the others in these data, and errors and tests of the correlations say "
        "nothing. Cross-tabulate the outcomes: where a combination is empty leave one of them out, or hold "
        "the correlation with fix=."
    )


def _partial(rho: Array, d: int) -> tuple[Array, Array]:
    """What the kernels take for correlations, and the Jacobian."""
    z = partial_correlations(rho, d)
    return z, np.asarray(np.linalg.inv(correlations(z, d)[1]), dtype=np.float64)


def estimate(request: Request, response: Response, sample: EstimationSample) -> Estimate:
    """Maximum likelihood from the estimates of one probit an outcome, and the test against these."""
    made = response.family(sample)
    start, loglik_apart = _separate_probits(sample, len(made.constants))
    problem = in_print(pooled_problem(sample, made, sample.outcome, start), request.fix)
    solution = solve(problem, request.fix)
    pairs = len(made.constants)
    statistics = {}
    if not request.fix:
        ratio = max(2.0 * (solution.optimum.loglik - loglik_apart), 0.0)
        statistics = {
            "lr_independence": ratio,
            "lr_independence_p": float(stats.chi2.sf(ratio, pairs)),
        }
    rho = problem.reported(solution.optimum.theta)[-pairs:]
    notes: tuple[str, ...] = ()
    if edge := _on_the_edge(rho, sample.outcome):
        warn(edge)
        notes = (edge,)
    if len(sample.outcome) > _CELLS:
        finer = pooled_problem(sample, family(sample, panels=2), sample.outcome, start)
        gap, moved = _of_finer(in_print(finer, request.fix), solution)
        statistics["quadrature_error"] = moved
        notes += (
            f"Probabilities by quadrature; twice the panels change the log likelihood by less than "
            f"{max(gap, _DIGITS):.0e}, and every estimate by less than {max(moved, _DIGITS):.0e} of its "
            "standard error.",
        )
    return from_likelihood(
        problem, solution, sample, request.errors,
        statistics=statistics,
        notes=notes,
        extra={"Correlations of the errors": _matrix(rho, sample.outcome)},
        predictor=predictor_of(response, made, sample),
        **constants_of(made),
    )  # fmt: skip


def _of_finer(finer: Problem, solution: Solution) -> tuple[float, float]:
    """How far a finer quadrature moves the log likelihood, and the estimates in their standard errors."""
    optimum = solution.optimum
    loglik, score, _ = finer.evaluate(optimum.theta)
    errors = np.sqrt(np.diag(solution.bread))
    shift = np.abs(solution.bread @ (score - optimum.score))[solution.free] / errors[solution.free]
    return abs(loglik - optimum.loglik), float(shift.max())


def _separate_probits(sample: EstimationSample, pairs: int) -> tuple[Array, float]:
    """Coefficients of one probit an outcome, then zero correlations; the sum of their log likelihoods."""
    parts, total = [], 0.0
    for j in range(len(sample.outcome)):
        optimum = solve(pooled_problem(sample.of_bit(j), probit_family)).optimum
        parts.append(optimum.theta)
        total += optimum.loglik
    return np.concatenate([*parts, np.zeros(pairs)]), total


def _scales(
    response: Response, made: Family, sample: EstimationSample, without_levels: bool
) -> dict[str, Scale]:
    """Each outcome whatever the others, and every combination; those of three or more are seldom wanted. By
    themselves: either of them, and each outcome given others."""
    scales = usual_scales(response, made, sample, without_levels)
    single = {name: of_index(probability(probit_family, 1), j) for j, name in enumerate(sample.outcome)}
    cells = {_cell(code, sample.outcome): probability(made, code) for code in range(2 ** len(single))}
    shown = None if len(single) <= _CELLS else tuple(single)
    response_scale = Scale("probability", {**single, **cells}, shown=shown, predicted=tuple(cells))
    given, all_one = _given_others(made, sample.outcome)
    return {
        **scales,
        "response": response_scale,
        "marginal": Scale("probability", single),
        "joint": Scale("joint probability", cells),
        "conditional": Scale("conditional probability", given, shown=all_one, predicted=all_one),
    }


def _given_others(made: Family, names: tuple[str, ...]) -> tuple[dict[str, Outcome], tuple[str, ...]]:
    """P(y = 1) of each outcome given the values of some or all others, and the labels of those given that all
    others are one."""
    codes = range(2 ** len(names))
    found, all_one = {}, []
    for j, name in enumerate(names):
        others = [k for k in range(len(names)) if k != j]
        for count in range(len(others), 0, -1):
            for known in combinations(others, count):
                for values in product((1, 0), repeat=count):
                    given = [
                        c for c in codes if all(c >> k & 1 == v for k, v in zip(known, values, strict=True))
                    ]
                    condition = ", ".join(f"{names[k]}={v}" for k, v in zip(known, values, strict=True))
                    label = f"{name}=1 | {condition}"
                    found[label] = conditional(made, [c for c in given if c >> j & 1], given)
                    if count == len(others) and all(values):
                        all_one.append(label)
    return found, tuple(all_one)


def _matrix(rho: Array, names: tuple[str, ...]) -> pd.DataFrame:
    table = np.eye(len(names))
    table[np.tril_indices(len(names), -1)] = rho
    return pd.DataFrame(table + np.tril(table, -1).T, index=list(names), columns=list(names))


def _cell(code: int, names: tuple[str, ...]) -> str:
    return ", ".join(f"{name}={(code >> j) & 1}" for j, name in enumerate(names))


JOINT_PROBIT = Response(
    "joint_probit",
    "Joint probit",
    outcomes.JOINT,
    family,
    {"pooled": Treatment(estimate, from_file=True), "correlated_pooled": Treatment(estimate)},
    instead=dict.fromkeys(
        ("fixed", "random", "correlated"),
        "Use effects='correlated_pooled', which needs no integral over unit effects",
    ),
    scales=_scales,
    labels={"quadrature_error": "Quadrature error, std. errors"},
)


def joint_probit(
    formula: str,
    data: pd.DataFrame | str | Path,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    effects: str = "pooled",
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    offset: str | None = None,
    fix: Mapping[str, float] | None = None,
    subset: str | Sequence[bool] | None = None,
    split: str | None = None,
    fsplit: str | None = None,
    trusted: bool = True,
) -> Results | ResultsList:
    r"""Probits of two to four outcomes whose errors are correlated.

    .. math:: y_{ij} = 1[x_i'\beta_j + \varepsilon_{ij} > 0], \qquad \varepsilon_i \sim N(0, R)

    The likelihood is exact: normal distribution functions of two to four variables by quadrature in one
    dimension (Plackett 1954; Drezner & Wesolowsky 1990; Genz 2004) to some ten digits; of three and four
    outcomes the summary says what twice the panels change. Correlations are parameters of the result,
    `rho(y2, y1)`, with errors by the delta method; `extra` holds their matrix.

    `predict` and `margins` know the probability of each outcome (`"marginal"`), of every combination
    (`"joint"`), and of each outcome given others (`"conditional"`), Stata's `pmarg1`, `p11` and `pcond1`.

    Parameters
    ----------
    formula : `"y1 + y2 + y3 ~ x1 + x2"`; every equation has the same regressors.
    data, unit, time, vcov, weights, frequency, offset, subset, split, fsplit, trusted : as in
        `logit`.
    effects : `pooled`, or `correlated_pooled`: with the unit means of the regressors.
    fix : parameters held at a value: `{"y1: x2": 0}` takes x2 out of the first equation,
        `{"rho(y2, y1)": 0.3}` holds the correlation that is printed.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({
    ...     "rd": [0, 1, 2, 3, 4, 5, 6, 7], "product": [0, 0, 1, 0, 1, 0, 1, 1],
    ...     "process": [1, 0, 0, 0, 1, 0, 1, 1]})
    >>> result = joint_probit("product + process ~ rd", frame)
    >>> float(result.params["rho(process, product)"].round(3))
    0.632
    """
    return fit(
        Request(
            joint_probit, formula, data, unit=unit, time=time, step=step, effects=effects, vcov=vcov,
            weights=weights, frequency=frequency, offset=offset, fix=fix,
            subset=subset, split=split, fsplit=fsplit, trusted=trusted,
        ),
        JOINT_PROBIT,
    )  # fmt: skip
