r"""Exponential mean with instrumented regressors by moments (Mullahy 1997; Windmeijer & Santos Silva 1997).

.. math:: E[f_i\,(y_i - e^{x_i'\beta})] = 0,

one step where moments are as many as coefficients, else two, the second weighted by the covariance of the
moments at the first, whose weight is :math:`(F'F)^{-1}`; then :math:`J = g'Wg` is Hansen's test.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from gvcmetrics.errors import ConvergenceWarning
from gvcmetrics.ground.numerics.demean import group_sums
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.effects.pooled import pooled_problem, predictor_of
from gvcmetrics.models.endogenous.stages import Scaled, Stages
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.families import poisson
from gvcmetrics.models.inference.covariance import Inference
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.likelihood.newton import maximise

_STEPS, _TOLERANCE = 200, 1e-11


def moments(request: Request, response: Response, stages: Stages) -> Estimate:
    """Estimates in one or two steps; the second weighted by cluster where errors are clustered one way."""
    errors = request.errors
    clusters = errors.clusters[0] if errors.kind == "CRV1" and len(errors.clusters) == 1 else None
    codes = None if clusters is None else stages.sample.codes(clusters)
    made = _Fit(stages, codes)
    sample = stages.sample
    T = made.X.T
    psi = made.influence() @ T.T
    beta = T @ made.beta
    label = "robust" if not made.spare else "robust, two-step"
    inference = Inference(
        scores=psi,
        bread=np.eye(len(beta)),
        nobs=sample.nobs,
        parameters=len(beta),
        linear=False,
        jackknife=refitted(
            lambda keep: T @ _Fit(stages.only(keep), None if codes is None else codes[keep], made).beta,
            len(beta),
        ),
        estimates=beta,
        frequency=sample.weights if sample.frequency else None,
        own={} if codes is not None else {"hetero": (T @ made.covariance() @ T.T, label)},
    )
    facts: dict[str, float] = {"instruments": len(stages.equation.names)}
    if made.spare:
        J = made.hansen
        facts |= {"hansen": J, "hansen_p": float(stats.chi2.sf(J, made.spare)), "overidentified": made.spare}
    named = ", ".join(stages.equation.instrumented), ", ".join(stages.equation.names)
    return Estimate(
        sample=sample, names=sample.names, params=beta, inference=inference, codes=sample.codes,
        predictor=predictor_of(response, poisson.family, sample),
        title="Exponential mean, moments", statistics=facts,
        notes=(f"Instrumented: {named[0]}. Instruments: {named[1]}, and the controls.",),
    )  # fmt: skip


class _Fit:
    """Estimates on scaled columns.

    codes : of clusters that weight the second step. like : another fit, whose scales are taken.
    """

    def __init__(self, stages: Stages, codes: np.ndarray | None, like: _Fit | None = None) -> None:
        sample = stages.sample
        self.X = Scaled.of(sample.X, sample.names)
        if like is not None:
            columns = (sample.X - like.X.centre) / like.X.scale
            self.X = replace(like.X, columns=columns)
        # An orthonormal basis, of which the first step's weight is the identity.
        root = stages.root[:, None]
        Q = np.linalg.qr(stages.scaled_first.columns * root)[0]
        self.Z = Q * root
        self.y, self.codes, self.frequency = sample.y, codes, sample.weights if sample.frequency else None
        self.spare = self.Z.shape[1] - self.X.columns.shape[1]
        wide = replace(sample, X=np.ascontiguousarray(self.X.columns))
        start = pooled_problem(wide, poisson.family)
        self.weight: Array = np.eye(self.Z.shape[1])
        beta = self._solve(maximise(start.evaluate, start.start).theta, self.weight)
        if self.spare:
            self.weight = np.asarray(np.linalg.inv(self._spread(beta)))
            beta = self._solve(beta, self.weight)
        self.beta = beta

    def _errors(self, beta: Array) -> tuple[Array, Array]:
        mean = np.exp(np.minimum(self.X.columns @ beta, 700.0))
        return self.y - mean, mean

    def _spread(self, beta: Array) -> Array:
        """Covariance of the sum of the moments."""
        rows = self.Z * self._errors(beta)[0][:, None]
        if self.codes is not None:
            rows = group_sums(rows, self.codes)
        elif self.frequency is not None:
            rows = rows / np.sqrt(self.frequency)[:, None]
        return np.asarray(rows.T @ rows)

    def _value(self, beta: Array, weight: Array) -> float:
        g = self.Z.T @ self._errors(beta)[0]
        return float(g @ weight @ g)

    def _solve(self, beta: Array, weight: Array) -> Array:
        """Gauss–Newton steps, halved while the criterion rises by more than rounding."""
        half = np.linalg.cholesky(weight).T
        value = self._value(beta, weight)
        for _ in range(_STEPS):
            error, mean = self._errors(beta)
            g, G = half @ (self.Z.T @ error), half @ (self.Z.T @ (self.X.columns * mean[:, None]))
            step = np.linalg.lstsq(G, g, rcond=None)[0]
            allowed = value + 1e-12 * float(np.abs(error) @ np.abs(error))
            while not (new := self._value(beta + step, weight)) <= allowed:
                step = step / 2.0
            beta, value = beta + step, new
            if np.abs(step).max() < _TOLERANCE * (1.0 + np.abs(beta).max()):
                return beta
        warn("the moments were not brought to zero", ConvergenceWarning)
        return beta

    @property
    def hansen(self) -> float:
        """J of the two-step estimates."""
        return self._value(self.beta, self.weight)

    def influence(self) -> Array:
        """Of each row on the estimates; of two steps with the spread that weighted the second."""
        error, mean = self._errors(self.beta)
        G = self.Z.T @ (self.X.columns * mean[:, None])
        bread = np.linalg.inv(G.T @ self.weight @ G)
        return np.asarray(self.Z * error[:, None] @ self.weight @ G @ bread)

    def covariance(self) -> Array:
        """Robust, and of two steps by the weight of the second."""
        mean = self._errors(self.beta)[1]
        G = self.Z.T @ (self.X.columns * mean[:, None])
        weight = self.weight if self.spare else np.linalg.inv(self._spread(self.beta))
        return np.asarray(np.linalg.inv(G.T @ weight @ G))
