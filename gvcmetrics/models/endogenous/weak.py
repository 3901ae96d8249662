r"""How strong instruments are, and tests that do not ask it.

Everything is made of the reduced form: outcome and instrumented regressors on the instruments, all net of
controls and absorbed effects. In an orthonormal basis Q of the instruments, with coefficients
:math:`\hat\pi = Q'd` and their covariance :math:`\hat V` (of whatever errors are asked for),

.. math:: F_{\text{eff}} = \frac{\hat\pi'\hat\pi}{\operatorname{tr}\hat V}, \qquad
   AR(b) = \frac{1}{K}\, g(b)'\,V(b)^{-1}g(b), \quad g(b) = Q'(y - bd),

which no other basis would change. V(b) is a quadratic in b, so the b with :math:`AR(b) = c` are eigenvalues:
:math:`\det\begin{pmatrix} cK & g(b)' \\ g(b) & V(b) \end{pmatrix} = 0`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import nested_in, small_sample
from gvcmetrics.ground.numerics.least_squares import rank
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.endogenous.equation import Equation, net_of_controls
from gvcmetrics.models.inference.covariance import Inference, Vcov, covariance
from gvcmetrics.models.inference.jackknife import refitted

_TENTH = 10.0


@dataclass(frozen=True, eq=False)
class ReducedForm:
    """Coefficients (K, 1 + p) of outcome and instrumented regressors, and their covariance.

    V : (1 + p, 1 + p, K, K), by pairs of equations. df : of the tests' denominator. carried : the most
    coefficients that V can test at once, fewer than clusters.
    """

    coefficients: Array
    V: Array
    df: float
    label: str
    carried: float = float("inf")

    @property
    def K(self) -> int:
        """Instruments."""
        return len(self.coefficients)

    def first_stage(self, j: int) -> float:
        """F of the instruments in the equation of instrumented regressor j; NaN if V cannot carry it."""
        return self._f(self.coefficients[:, 1 + j], self.V[1 + j, 1 + j])

    def effective(self, j: int = 0) -> float:
        """Montiel Olea and Pflueger's F."""
        pi = self.coefficients[:, 1 + j]
        return float(pi @ pi / np.trace(self.V[1 + j, 1 + j]))

    def critical(self, j: int = 0, bias: float = 1.0 / _TENTH, level: float = 0.05) -> float:
        r"""Above it the worst bias of two-stage least squares is below a share, at a level of 5 %.

        With :math:`x = 1/\text{bias}` and :math:`t = \operatorname{tr} V` it is :math:`\chi^2_{1-\alpha}(k,
        xk)/k`, noncentral, with :math:`k = t^2(1+2x)/(\operatorname{tr} V'V + 2xt\lambda_{\max})`
        (Montiel Olea & Pflueger 2013, their simplified procedure).
        """
        V, x = self.V[1 + j, 1 + j], 1.0 / bias
        trace, largest = float(np.trace(V)), float(np.linalg.eigvalsh(V)[-1])
        k = trace**2 * (1.0 + 2.0 * x) / (float((V * V).sum()) + 2.0 * x * trace * largest)
        return float(stats.ncx2.ppf(1.0 - level, k, x * k) / k)

    def at(self, values: Array) -> tuple[Array, Array]:
        """g(b) and V(b) for values of the instrumented regressors' coefficients."""
        c = np.concatenate([[1.0], -values])
        return self.coefficients @ c, np.einsum("a,b,abij->ij", c, c, self.V)

    def anderson_rubin(self, values: Array) -> float:
        """F of the hypothesis that the instrumented regressors have these coefficients."""
        return self._f(*self.at(values))

    def _f(self, distance: Array, V: Array) -> float:
        return wald_f(distance, V) if self.carried >= self.K else float("nan")


def wald_f(distance: Array, V: Array) -> float:
    """d'V⁻¹d over its degrees of freedom; NaN where V is singular."""
    if rank(V) < len(distance):
        return float("nan")
    scale = 1.0 / np.sqrt(np.diag(V))
    return float((distance * scale) @ np.linalg.solve(V * np.outer(scale, scale), distance * scale)) / len(V)


def reduced_form(equation: Equation, asked: Vcov) -> ReducedForm:
    """The reduced form with the covariance that is asked for.

    Raises
    ------
    ModelError : the covariance does not exist for it.
    """
    net, sample = equation.net, equation.sample
    Y = np.column_stack([net.y, net.D])
    coefficients = net.Q.T @ Y
    E = Y - net.Q @ coefficients
    K, m = coefficients.shape
    parameters = K + net.controls
    _, left = small_sample(sample.nobs, parameters, equation.absorbed)
    classical = np.kron(E.T @ E / left, np.eye(K))
    inference = Inference(
        scores=(E[:, :, None] * net.Q[:, None, :]).reshape(len(E), m * K),
        bread=np.eye(m * K),
        nobs=sample.nobs,
        parameters=parameters,
        linear=True,
        absorbed=equation.absorbed,
        jackknife=_jackknife(equation, m * K),
        estimates=coefficients.T.ravel(),
        frequency=sample.weights if sample.frequency else None,
        periods=sample.periods,
        around=sample.around,
    )
    if asked.kind == "iid":
        return ReducedForm(coefficients, _by_pairs(classical, m, K), float(left), "iid")
    made = covariance(asked, inference, sample.codes)
    carried = made.df if made.n_clusters else float("inf")
    return ReducedForm(coefficients, _by_pairs(made.matrix, m, K), made.df, made.label, carried)


def _by_pairs(matrix: np.ndarray, m: int, K: int) -> Array:
    return matrix.reshape(m, K, m, K).transpose(0, 2, 1, 3)


def _jackknife(equation: Equation, count: int) -> Callable[[np.ndarray], np.ndarray]:
    """Coefficients without each cluster, in the basis of all rows."""
    R = equation.net.R

    def estimates(codes: np.ndarray) -> np.ndarray:
        nested = all(nested_in(effect, codes) for effect in equation.absorbed)

        def refit(keep: NDArray[np.bool_]) -> Array | None:
            part = replace(equation.sample, dropped={}).select(keep, "left out")
            if nested and part.X.shape[1] != equation.sample.X.shape[1]:
                return None
            left = net_of_controls(replace(equation, sample=part, Z=equation.Z[keep]))
            if np.linalg.matrix_rank(left.R / np.linalg.norm(left.R, axis=0)) < len(left.R):
                return None
            found = R @ np.linalg.solve(left.R, left.Q.T @ np.column_stack([left.y, left.D]))
            return np.asarray(found.T.ravel())

        return refitted(refit, count)(codes)

    return estimates


@dataclass(frozen=True)
class RobustSet:
    """Values of a coefficient that the Anderson–Rubin test does not reject.

    intervals : from and to, infinite where it has no end; none if every value is rejected.
    statistic, pvalue : of the coefficient at zero, F with `df` degrees of freedom.
    """

    coefficient: str
    level: float
    intervals: tuple[tuple[float, float], ...]
    statistic: float
    pvalue: float
    df: tuple[int, float]
    errors: str

    @property
    def kind(self) -> str:
        """`interval`, `empty`, `everything`, `ray`, `two rays`, or `several pieces`."""
        ends = [end for piece in self.intervals for end in piece]
        open_ends = sum(np.isinf(end) for end in ends)
        if not self.intervals:
            return "empty"
        if len(self.intervals) == 1:
            return ("interval", "ray", "everything")[open_ends]
        return "two rays" if len(self.intervals) == 2 and open_ends == 2 else "several pieces"

    def __contains__(self, value: float) -> bool:
        return any(low <= value <= high for low, high in self.intervals)

    def __str__(self) -> str:
        named = f"Anderson–Rubin {self.level:.0%} set of {self.coefficient}"
        why = {
            "empty": "empty: every value is rejected, so the overidentifying restrictions are",
            "everything": "every value: the instruments say nothing",
        }.get(self.kind)
        if why is None:
            why = " and ".join(f"{low:.4g} to {high:.4g}" for low, high in self.intervals)
            why += " (unbounded: the instruments are weak)" if "ray" in self.kind else ""
        return f"{named}: {why}"

    __repr__ = __str__


def robust_set(form: ReducedForm, name: str, level: float) -> RobustSet:
    """The Anderson–Rubin set of one instrumented regressor, exactly.

    Time: of the eigenvalues of a matrix of order 2(K + 1), whatever the number of rows.
    """
    if not 0 < level < 1:
        raise ModelError(f"level={level} is not between 0 and 1", remedy="Write 0.95 for 95 %")
    critical = float(stats.f.ppf(level, form.K, form.df))
    at_zero = form.anderson_rubin(np.zeros(1))
    if np.isnan(at_zero):
        raise ModelError(
            f"the covariance cannot carry {form.K} instruments at once",
            remedy="Clusters must outnumber instruments: cluster by less, or name fewer",
        )
    p = float(stats.f.sf(at_zero, form.K, form.df))
    pieces = _below(form, critical)
    return RobustSet(name, level, pieces, at_zero, p, (form.K, form.df), form.label)


def _below(form: ReducedForm, critical: float) -> tuple[tuple[float, float], ...]:
    """The b with AR(b) at most a critical value, as intervals in ascending order."""
    pi, V = form.coefficients[:, 1], form.V[1, 1]
    centre = float(pi @ form.coefficients[:, 0] / (pi @ pi))
    unit = float(np.sqrt(np.trace(form.at(np.array([centre]))[1]) / (pi @ pi)))

    def excess(b: float) -> float:
        return form.anderson_rubin(np.array([b])) - critical

    far = wald_f(pi, V) - critical
    roots = sorted(centre + unit * t for t in _crossings(form, critical, centre, unit))
    if not roots:
        return ((-np.inf, np.inf),) if excess(centre) <= 0 and far <= 0 else ()
    middles = [(low + high) / 2.0 for low, high in pairwise(roots)]
    signs = [far <= 0, *(excess(middle) <= 0 for middle in middles), far <= 0]
    places = [-np.inf, *middles, np.inf]
    ends: list[float] = [-np.inf] if signs[0] else []
    for i, root in enumerate(roots):
        if signs[i] != signs[i + 1]:
            ends.append(_polished(excess, root, places[i], places[i + 1], unit))
    ends += [np.inf] if signs[-1] else []
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _polished(excess: Callable[[float], float], root: float, low: float, high: float, unit: float) -> float:
    """A root to full precision, where a bracket within its neighbours is found."""
    step = 1e-7 * max(unit, abs(root))
    while step < 1e-2 * max(unit, abs(root)):
        a, b = max(root - step, low), min(root + step, high)
        if excess(a) * excess(b) < 0:
            return float(brentq(excess, a, b, xtol=1e-15, rtol=8.9e-16))
        step *= 10.0
    return root


def _crossings(form: ReducedForm, critical: float, centre: float, unit: float) -> list[float]:
    """Real t with AR(centre + unit t) at the critical value: eigenvalues of a quadratic pencil."""
    K = form.K
    g0, V0 = form.at(np.array([centre]))
    g1 = -unit * form.coefficients[:, 1]
    V1 = -unit * (form.V[0, 1] + form.V[1, 0]) + 2.0 * centre * unit * form.V[1, 1]
    V2 = unit**2 * form.V[1, 1]
    # In the basis in which V(centre) is the identity every entry is of order one.
    half = np.linalg.inv(np.linalg.cholesky(V0))
    g0, g1 = half @ g0, half @ g1
    V0, V1, V2 = (half @ part @ half.T for part in (V0, V1, V2))

    def bordered(corner: float, edge: Array, block: Array) -> Array:
        return np.block([[np.array([[corner]]), edge[None]], [edge[:, None], block]])

    M0, M1 = bordered(critical * K, g0, V0), bordered(0.0, g1, V1)
    M2 = bordered(0.0, np.zeros(K), V2)
    size = K + 1
    zero, one = np.zeros((size, size)), np.eye(size)
    A, B = np.block([[zero, one], [-M0, -M1]]), np.block([[one, zero], [zero, M2]])
    found = scipy.linalg.eig(A, B, right=False)
    found = found[np.isfinite(found)]
    real = found[np.abs(found.imag) <= 1e-6 * (1.0 + np.abs(found.real))].real
    return [float(t) for t in real if abs(t) < 1e9]
