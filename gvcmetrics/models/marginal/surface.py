r"""Expected outcomes of any model as functions of its linear indices, with two derivatives.

The arguments of an expected outcome are the m indices, then the parameters that all rows share
(cutpoints, a correlation, a dispersion, the spread of a random effect). With the derivatives g and H of the
log probability that a family's kernel gives, :math:`P_a = P g_a` and :math:`P_{ab} = P (H_{ab} + g_a g_b)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.models.data.sample import Sample
from gvcmetrics.models.effects.absorbed_results import AbsorbedPrediction
from gvcmetrics.models.effects.mundlak import mundlak_columns
from gvcmetrics.models.families.base import Array, Family
from gvcmetrics.models.families.probit import probit
from gvcmetrics.models.marginal import third as thirds
from gvcmetrics.models.marginal.incidental import Incidental
from gvcmetrics.models.marginal.rows import Rows
from gvcmetrics.models.marginal.third import Third
from gvcmetrics.models.results.prediction import NODES, Prediction, equations
from gvcmetrics.models.results.results import Results

# (indices (n, m), shared parameters (q)) -> value (n), first (n, m + q), second (n, m, m + q) derivatives
Expected = Callable[[Array, Array], tuple[Array, Array, Array]]
Outcome = tuple[Expected, Third | None]
_JOINT_CELLS = 2


@dataclass(frozen=True)
class Surface:
    """Expected outcomes by label, as functions of m indices that all take the same regressors.

    third : third derivatives by label, where they are known (see `third`).
    theta : coefficients of index 1, ..., m, then the shared parameters. jacobian : of theta in the reported
    parameters. scale : what is printed. discrete : whether changes of it over a jump have a meaning.
    """

    expected: Mapping[str, Expected]
    third: Mapping[str, Third | None]
    indices: int
    theta: Array
    jacobian: Array
    scale: str
    discrete: bool = True

    def coefficients(self, k: int) -> tuple[Array, Array]:
        """Coefficients (m, k) and shared parameters."""
        m = self.indices
        return self.theta[: m * k].reshape(m, k), self.theta[m * k :]


def surface_of(
    results: Results, scale: str | None, unit_effect: str, outcomes: Sequence[str] | None
) -> Surface:
    """The expected outcomes of a model on a scale: `response`, `index` or `semi_elasticity`."""
    prediction, sample = results.predictor, results.sample
    if sample is None:
        raise ModelError(
            "this result does not keep its sample", remedy="Estimate on a frame to ask for marginal effects"
        )
    if scale not in (None, "response", "index", "semi_elasticity"):
        raise ModelError(
            f"scale={scale!r} is not known", remedy="Use 'response', 'index' or 'semi_elasticity'"
        )
    if unit_effect not in ("averaged", "zero"):
        raise ModelError(f"unit_effect={unit_effect!r} is not known", remedy="Use 'averaged' or 'zero'")
    conditional = isinstance(prediction, Prediction) and prediction.conditional
    if conditional and scale == "response":
        raise ModelError(
            "a conditional likelihood does not estimate the unit effects, so no probability can change",
            remedy="Use scale='index' (log odds), for a logit scale='semi_elasticity', or "
            "effects='correlated'",
        )
    scale = scale or ("index" if conditional else "response")
    params = results.params.to_numpy()
    if scale == "semi_elasticity":
        return _semi_elasticity(results, params)
    if isinstance(prediction, Prediction):
        theta, jacobian = (params, np.eye(len(params))) if conditional else prediction.working(params)
        m, family = prediction.family.n_indices, prediction.family
        if scale == "index":
            return _surface(_indices(sample, m), m, theta, jacobian, _index_scale(family.name))
        table = _responses(prediction, sample)
        chosen = _choose(table, outcomes, _default_outcomes(prediction, table))
        if prediction.random:
            over = _averaged if unit_effect == "averaged" else _at_zero
            chosen = {label: over(*outcome) for label, outcome in chosen.items()}
        return _surface(chosen, m, theta, jacobian, _response_scale(family))
    if results.inference is not None and results.inference.linear:
        return _surface({"": _identity(0)}, 1, params, np.eye(len(params)), "expected outcome")
    if results.family is None:
        raise ModelError(
            f"marginal effects are not known for {results.model} with effects={results.effects!r}"
        )
    one = _identity(0) if scale == "index" else _outcome(results.family, 1)
    named = _index_scale(results.family.name) if scale == "index" else _response_scale(results.family)
    return _surface({"": one}, 1, params, np.eye(len(params)), named)


def _surface(table: Mapping[str, Outcome], m: int, theta: Array, jacobian: Array, scale: str) -> Surface:
    return Surface(
        {label: expected for label, (expected, _) in table.items()},
        {label: third for label, (_, third) in table.items()},
        m, theta, jacobian, scale,
    )  # fmt: skip


def sample_rows(results: Results) -> Rows:
    """The rows of the estimation sample."""
    sample, prediction = results.sample, results.predictor
    assert sample is not None
    weights = np.ones(len(sample.rows)) if sample.weights is None else sample.weights
    offset = np.zeros(len(weights)) if sample.offset is None else sample.offset
    if isinstance(prediction, Prediction):
        X = prediction.regressors(None)
    else:
        X = mundlak_columns(sample)[0] if results.effects == "correlated" else sample.X
    rows = Rows(sample.design, sample.frame.infer_objects(), X, weights / weights.sum(), offset)
    if not sample.absorbed:
        return rows
    # The fitted index holds the absorbed effects; they move with the coefficients so that the scores of
    # the effects stay zero, which turns x into its weighted deviation from the effects' groups.
    linear = results.inference is not None and results.inference.linear
    eta = results.predict().to_numpy() if linear else results.predict(kind="index").to_numpy()
    curvature = np.ones(len(eta))
    if not linear:
        assert results.family is not None
        curvature = -results.family.evaluate(sample.y, eta[:, None], np.empty(0))[2][:, 0]
    within = demean(X, [*sample.absorbed.values()], weights * curvature)
    incidental = None
    if isinstance(prediction, AbsorbedPrediction) and prediction.lags is not None:
        everywhere = np.ones(len(eta), dtype=bool)
        incidental = Incidental(sample, prediction.family.name, eta, prediction.lags, everywhere)
    alpha = eta - X @ results.params.to_numpy()
    return replace(rows, alpha=alpha, shift=within - X, incidental=incidental)


def _responses(prediction: Prediction, sample: Sample) -> dict[str, Outcome]:
    family = prediction.family
    single = len(prediction.labels) == 1
    cells = {
        "" if single else str(label): _outcome(family, outcome)
        for label, outcome in zip(prediction.labels, prediction.outcomes, strict=True)
    }
    if family.name != "joint_probit":
        return cells
    return {**{name: _marginal(j) for j, name in enumerate(equations(sample))}, **cells}


def _default_outcomes(prediction: Prediction, table: dict[str, Outcome]) -> list[str]:
    # Cells of three and four outcomes are simulated, which is dear, and seldom wanted.
    dear = prediction.family.name == "joint_probit" and prediction.family.n_indices > _JOINT_CELLS
    return list(table)[: prediction.family.n_indices] if dear else list(table)


def _choose(
    table: dict[str, Outcome], outcomes: Sequence[str] | None, default: list[str]
) -> dict[str, Outcome]:
    wanted = default if outcomes is None else [str(outcome) for outcome in outcomes]
    for outcome in wanted:
        if outcome not in table:
            known = ", ".join(table) if list(table) != [""] else "not needed: this model has one"
            raise ModelError(f"outcome '{outcome}' is not known", remedy=f"Outcomes are {known}")
    return {outcome: table[outcome] for outcome in wanted}


def _indices(sample: Sample, m: int) -> dict[str, Outcome]:
    names = [""] if m == 1 else equations(sample)
    return {name: _identity(j) for j, name in enumerate(names)}


def _index_scale(name: str) -> str:
    if name.endswith("logit"):
        return "log odds"
    return "log of the expected outcome" if name in ("poisson", "negative_binomial") else "linear index"


def _response_scale(family: Family) -> str:
    return (
        "expected outcome" if family.outcomes is None or family.name == "fractional_logit" else "probability"
    )


def _semi_elasticity(results: Results, params: Array) -> Surface:
    """Kemp & Santos Silva (2016): d log P / dx = (1 - P) b, whose average has the mean of y for P."""
    prediction, sample = results.predictor, results.sample
    if not (
        isinstance(prediction, Prediction) and prediction.conditional and prediction.family.name == "logit"
    ):
        raise ModelError(
            "scale='semi_elasticity' exists for the logit with effects='fixed'", remedy="Use scale='response'"
        )
    assert sample is not None
    factor = 1.0 - float(np.average(sample.y, weights=sample.weights))
    surface = _surface({"": _identity(0, factor)}, 1, params, np.eye(len(params)), "log of the probability")
    return replace(surface, discrete=False)


def _identity(j: int, factor: float = 1.0) -> Outcome:
    def expected(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, m = eta.shape
        first, second = np.zeros((n, m + len(shared))), np.zeros((n, m, m + len(shared)))
        first[:, j] = factor
        return factor * eta[:, j], first, second

    return expected, thirds.flat


def _outcome(family: Family, outcome: int) -> Outcome:
    """Probability of a category, or the expected count."""

    def expected(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, m = eta.shape
        arguments = m + len(shared)
        if family.outcomes is None:
            mean = np.exp(eta[:, 0])
            first, second = np.zeros((n, arguments)), np.zeros((n, 1, arguments))
            first[:, 0] = second[:, 0, 0] = mean
            return mean, first, second
        loglik, g, h = family.evaluate(np.full(n, float(outcome)), eta, shared)
        P = np.exp(loglik)
        second = g[:, :m, None] * g[:, None, :]
        for j in range(m):
            for a in range(arguments):
                high, low = max(j, a), min(j, a)
                second[:, j, a] += h[:, high * (high + 1) // 2 + low]
        return P, P[:, None] * g, P[:, None, None] * second

    return expected, thirds.third_of(family, outcome)


def _marginal(j: int) -> Outcome:
    """P(y_j = 1) of a joint probit, which is that of a probit alone."""
    alone, bent = _outcome(probit, 1)
    assert bent is not None

    def expected(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, m = eta.shape
        P, g, h = alone(eta[:, [j]], np.empty(0))
        first, second = np.zeros((n, m + len(shared))), np.zeros((n, m, m + len(shared)))
        first[:, j], second[:, j, j] = g[:, 0], h[:, 0, 0]
        return P, first, second

    return expected, thirds.of_index(bent, j)


def _averaged(expected: Expected, third: Third | None) -> Outcome:
    """The expected outcome averaged over a normal intercept, whose log sigma is the last shared parameter."""

    def averaged(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        n, sigma = len(eta), float(np.exp(shared[-1]))
        value, first, second = np.zeros(n), np.zeros((n, len(shared) + 1)), np.zeros((n, 1, len(shared) + 1))
        for node, share in zip(*NODES, strict=True):
            v, f, s = expected(eta + sigma * node, shared[:-1])
            value += share * v
            first[:, :-1] += share * f
            second[:, :, :-1] += share * s
            first[:, -1] += share * sigma * node * f[:, 0]
            second[:, 0, -1] += share * sigma * node * s[:, 0, 0]
        return value, first, second

    return averaged, None if third is None else thirds.averaged(third, *NODES)


def _at_zero(expected: Expected, third: Third | None) -> Outcome:
    """The expected outcome of a unit whose random intercept is zero."""

    def at_zero(eta: Array, shared: Array) -> tuple[Array, Array, Array]:
        v, f, s = expected(eta, shared[:-1])
        return v, np.pad(f, ((0, 0), (0, 1))), np.pad(s, ((0, 0), (0, 0), (0, 1)))

    return at_zero, None if third is None else thirds.at_zero(third)
