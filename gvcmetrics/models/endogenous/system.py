r"""Systems of linear equations: seemingly unrelated regressions and three-stage least squares.

With :math:`\hat X_e` the regressors of equation e projected on its instruments and controls (themselves,
where there are none) and :math:`\hat\Sigma` the covariance of the errors equation by equation,

.. math:: \hat\beta = \big(\hat X'(\hat\Sigma^{-1} \otimes I)\hat X\big)^{-1}
   \hat X'(\hat\Sigma^{-1} \otimes I) y,

and row i's score is :math:`\sum_f \hat\Sigma^{-1}_{ef}\, \hat x_{ei} u_{fi}` for the coefficients of e.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean
from gvcmetrics.ground.numerics.least_squares import inverse_information, least_squares
from gvcmetrics.models.data import outcomes
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.data.formula import Formula
from gvcmetrics.models.data.sample import Sample, drop_collinear, without_singletons
from gvcmetrics.models.endogenous.equation import Equation, equation_of, in_memory
from gvcmetrics.models.endogenous.formula import has_instruments, read
from gvcmetrics.models.endogenous.stages import Scaled
from gvcmetrics.models.engine.conclude import conclude
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.fit import sample_of, treatment_of
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response, Treatment
from gvcmetrics.models.families.ols import family
from gvcmetrics.models.inference.covariance import Inference, VcovSpec
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.likelihood.newton import one_blas_thread
from gvcmetrics.models.results.results import Results


def _only_here(request: Request, response: Response, sample: object) -> Estimate:
    raise ModelError("a system is estimated by gvc.system")


_TREATMENT = Treatment(_only_here)
_RESPONSE = Response(
    "system",
    "System of equations",
    outcomes.NUMBER,
    lambda _: family,
    {"pooled": _TREATMENT, "absorbed": _TREATMENT},
    response_words="expected outcome",
    labels={"breusch_pagan": "Test of independent errors, χ²", "breusch_pagan_p": "Independent errors, p"},
)


@dataclass(frozen=True, eq=False)
class _Part:
    """An equation: its sample, and where some regressors are instrumented, how."""

    name: str
    sample: Sample
    instrumented: Equation | None

    def rows(self, wanted: np.ndarray) -> _Part:
        """The rows of some positions of the user's frame."""
        keep = np.isin(self.sample.rows, wanted)
        if keep.all():
            return self
        sample = self.sample.select(keep, "not in every equation")
        made = self.instrumented
        return replace(
            self, sample=sample, instrumented=made and replace(made, sample=sample, Z=made.Z[keep])
        )

    def columns(self) -> tuple[Array, Array, Scaled]:
        """Outcome and regressors, the latter as they are and projected (n, 2k), and how they are scaled."""
        sample, made = self.sample, self.instrumented
        scaled = Scaled.of(sample.X, sample.names)
        k = sample.X.shape[1]
        Z = made.Z - made.Z.mean(axis=0) if made and "Intercept" in sample.names else made.Z if made else None
        both = np.column_stack([sample.y, scaled.columns, *([] if Z is None else [Z / Z.std(axis=0)])])
        if sample.absorbed:
            both = demean(both, [*sample.absorbed.values()], sample.weights)
        if sample.weights is not None:
            both = both * np.sqrt(sample.weights)[:, None]
        y, X, projected = both[:, 0], both[:, 1 : 1 + k], both[:, 1 : 1 + k].copy()
        if made is not None:
            mask = made.endogenous
            basis = np.linalg.qr(np.hstack([X[:, ~mask], both[:, 1 + k :]]))[0]
            projected[:, mask] = basis @ (basis.T @ X[:, mask])
        return y, np.hstack([X, projected]), scaled


def system(
    formulas: Mapping[str, str],
    data: pd.DataFrame,
    *,
    unit: str | None = None,
    time: str | None = None,
    step: float = 1,
    vcov: VcovSpec = "iid",
    weights: str | None = None,
    frequency: bool = False,
    trusted: bool = True,
) -> Results:
    r"""Linear equations whose errors go together: SUR, and with instruments three-stage least squares.

    .. math:: y_{ei} = x_{ei}'\beta_e + u_{ei}, \qquad E[u_{ei}u_{fi}] = \sigma_{ef}, \qquad
       \hat\beta = \big(\hat X'(\hat\Sigma^{-1} \otimes I)\hat X\big)^{-1}\hat X'(\hat\Sigma^{-1} \otimes I)y

    Parameters
    ----------
    formulas : by name of the equation, as of `ols`, or with instruments as of `iv`: an equation takes its
        own instruments and controls. All absorb the same effects.
    data, unit, time, step, weights, frequency, trusted : as in `ols`; rows are those that all equations have.
    vcov : `"iid"` and `"hetero"` without small-sample factor; clusters, see
        `gvcmetrics.models.inference.covariance`. Tests are normal.

    Returns
    -------
    Results with parameters `name: regressor`. Tests go across equations: ``res.test("`a: x` = `b: x`")``.
    `statistics` has Breusch and Pagan's (1980) test that the errors are uncorrelated, `extra` their
    correlations.

    Raises
    ------
    ModelError : fewer than two equations; different absorbed effects; what `iv` raises.

    Source
    ------
    Zellner (1962); Zellner & Theil (1962); Breusch & Pagan (1980).

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1.0, 2, 2, 4, 5, 7], "b": [2.0, 1, 4, 3, 6, 5], "x": [0.0, 1, 2, 3, 4, 5],
    ...     "z": [1.0, 0, 1, 1, 0, 0]})
    >>> result = system({"product": "a ~ x + z", "process": "b ~ x"}, frame)
    >>> result.test("`product: x` = `process: x`").df
    1
    """
    if not isinstance(formulas, Mapping) or len(formulas) < 2:
        raise ModelError(
            "a system has two equations or more, by name",
            remedy="Write {'product': 'y1 ~ x', 'process': 'y2 ~ x'}; for one use gvc.ols or gvc.iv",
        )
    named = {str(name): text for name, text in formulas.items()}
    whole = in_memory(
        Request(
            system, "; ".join(named.values()), data, unit=unit, time=time, step=step, vcov=vcov,
            weights=weights, frequency=frequency, trusted=trusted, options={"formulas": dict(named)},
        )
    )  # fmt: skip
    with one_blas_thread():
        parts = _on_common_rows([_part(whole, name, text) for name, text in named.items()])
        return conclude(whole, _RESPONSE, _estimate(whole, parts), ())


def _part(whole: Request, name: str, text: str) -> _Part:
    instruments = has_instruments(text)
    request = replace(whole, formula=text, reader=read if instruments else Formula.parse)
    treatment = treatment_of(request, _RESPONSE)
    if instruments:
        made = equation_of(request, _RESPONSE, treatment)
        return _Part(name, made.sample, made)
    return _Part(name, sample_of(request, _RESPONSE, treatment), None)


def _on_common_rows(parts: list[_Part]) -> list[_Part]:
    """All equations on the rows that each of them has."""
    first = parts[0].sample
    for part in parts[1:]:
        if [*part.sample.absorbed] != [*first.absorbed]:
            raise ModelError(
                f"'{part.name}' does not absorb what '{parts[0].name}' absorbs",
                remedy="Absorb the same effects in all equations",
            )
    while True:
        common = parts[0].sample.rows
        for part in parts[1:]:
            common = np.intersect1d(common, part.sample.rows)
        if all(len(part.sample.rows) == len(common) for part in parts):
            break
        if not len(common):
            raise ModelError("no observation is in all equations", remedy="Look for what each of them lacks")
        parts = [part.rows(common) for part in parts]
        parts = [part.rows(without_singletons(part.sample).rows) for part in parts]
    for part in parts:
        if drop_collinear(part.sample, [*part.sample.absorbed.values()]).names != part.sample.names:
            raise ModelError(
                f"on the rows that all equations have a regressor of '{part.name}' is collinear",
                remedy="Leave it out, or look for what the other equations lack",
            )
    return parts


@dataclass(frozen=True, eq=False)
class _Fit:
    """Estimates on scaled columns, row scores, bread, and the errors equation by equation."""

    beta: Array
    scores: Array
    bread: Array
    sigma: Array


def _gls(columns: list[tuple[Array, Array]], nobs: int) -> _Fit:
    """Generalised least squares of all equations, weighted by the errors of each by itself."""
    own = []
    for y, both in columns:
        k = both.shape[1] // 2
        own.append(y - both[:, :k] @ least_squares(y, both[:, k:])[0])
    errors = np.column_stack(own)
    sigma = errors.T @ errors / nobs
    weight = np.linalg.inv(sigma)
    hats = [both[:, both.shape[1] // 2 :] for _, both in columns]
    ends = np.cumsum([0, *(hat.shape[1] for hat in hats)])
    blocks = [slice(a, b) for a, b in pairwise(ends)]
    A, right = np.zeros((ends[-1], ends[-1])), np.zeros(ends[-1])
    for e, here in enumerate(blocks):
        for f, there in enumerate(blocks):
            A[here, there] = weight[e, f] * hats[e].T @ hats[f]
            right[here] += weight[e, f] * hats[e].T @ columns[f][0]
    bread = inverse_information(A)
    beta = bread @ right
    u = np.column_stack(
        [y - both[:, : both.shape[1] // 2] @ beta[at] for (y, both), at in zip(columns, blocks, strict=True)]
    )
    scores = np.hstack([hat * (u @ weight[:, e])[:, None] for e, hat in enumerate(hats)])
    return _Fit(beta, scores, bread, sigma)


def _estimate(whole: Request, parts: list[_Part]) -> Estimate:
    made = [part.columns() for part in parts]
    columns = [(y, both) for y, both, _ in made]
    fit = _gls(columns, parts[0].sample.nobs)
    T = np.zeros_like(fit.bread)
    place = 0
    for _, _, scaled in made:
        k = len(scaled.T)
        T[place : place + k, place : place + k] = scaled.T
        place += k
    sample = parts[0].sample
    beta, psi = T @ fit.beta, fit.scores @ fit.bread @ T.T
    rows = psi if not sample.frequency or sample.weights is None else psi / np.sqrt(sample.weights)[:, None]
    inference = Inference(
        scores=psi,
        bread=np.eye(len(beta)),
        nobs=sample.nobs,
        parameters=max(len(part.sample.names) for part in parts),
        linear=False,
        absorbed=tuple(sample.absorbed.values()),
        jackknife=_jackknife(parts, columns, T),
        estimates=beta,
        frequency=sample.weights if sample.frequency else None,
        own={
            "iid": (T @ fit.bread @ T.T, "iid"),
            "hetero": (rows.T @ rows, "robust"),
        },
    )
    blocks = {part.name: tuple(f"{part.name}: {name}" for name in part.sample.names) for part in parts}
    size = np.sqrt(np.diag(fit.sigma))
    correlation = fit.sigma / np.outer(size, size)
    names = [part.name for part in parts]
    statistic = sample.nobs * float((np.tril(correlation, -1) ** 2).sum())
    degrees = len(parts) * (len(parts) - 1) // 2
    joined = tuple(part.sample.outcome[0] for part in parts)
    text = replace(sample.formula, text=whole.formula)
    return Estimate(
        sample=replace(sample, outcome=joined, formula=text),
        names=tuple(name for block in blocks.values() for name in block), params=beta, inference=inference,
        codes=sample.codes, title="Three-stage least squares" if _instrumented(parts) else "SUR",
        blocks=blocks,
        statistics={"breusch_pagan": statistic, "breusch_pagan_p": float(stats.chi2.sf(statistic, degrees))},
        extra={"Correlation of the errors": pd.DataFrame(correlation, index=names, columns=names)},
    )  # fmt: skip


def _instrumented(parts: list[_Part]) -> bool:
    return any(part.instrumented is not None for part in parts)


def _jackknife(
    parts: list[_Part], columns: list[tuple[Array, Array]], T: Array
) -> Callable[[np.ndarray], np.ndarray] | None:
    """Estimates without each cluster, where nothing is projected or partialled out of it."""
    if _instrumented(parts) or parts[0].sample.absorbed:
        return None

    def refit(keep: np.ndarray) -> Array:
        return np.asarray(T @ _gls([(y[keep], both[keep]) for y, both in columns], int(keep.sum())).beta)

    return refitted(refit, len(T))
