r"""What the summary of an equation with instruments says of them.

===============  ==========================================================================================
Wu–Hausman       the first stage's residuals, added to the equation, have no part in it
Sargan           :math:`n\, e'Pe / e'e`, P the projection on instruments and controls, χ² with K − p
Hansen           J of the two-step moments, weighted by the covariance of :math:`z_i e_i` of the errors
                 asked for, without small-sample factor, as ivreg2 and linearmodels have it
===============  ==========================================================================================
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import stats

from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.ground.numerics.corrections import small_sample
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.endogenous.equation import Equation
from gvcmetrics.models.endogenous.weak import ReducedForm, RobustSet, reduced_form, robust_set, wald_f
from gvcmetrics.models.inference.covariance import (
    Inference,
    Vcov,
    VcovSpec,
    cluster_factor,
    covariance,
    parse_vcov,
)  # fmt: skip
from gvcmetrics.models.results.by_errors import ByErrors
from gvcmetrics.models.results.results import Results

# Errors of residuals summed by cluster; their moments are those of CRV1.
_SUMMED = {"CRV3": "CRV1", "CR2": "CRV1"}


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """The tests of an equation, by whatever covariance.

    params : estimates of all its coefficients.
    """

    equation: Equation
    params: Array

    def under(self, vcov: VcovSpec | Vcov) -> ByErrors:
        """Statistics, first stage and sentences by the covariance that is asked for."""
        asked = parse_vcov(vcov)
        with warnings.catch_warnings():
            # What is to be said of few clusters the estimates themselves have said.
            warnings.simplefilter("ignore", EstimationWarning)
            form = reduced_form(self.equation, asked)
            found = {**self._strength(form), **self._exogeneity(asked), **self._overidentified(asked)}
            note = self._note(form)
        return ByErrors(found, self._frames(form), note, asked)

    @cached_property
    def residuals(self) -> Array:
        """Net of controls and effects, times the root of the weights."""
        net = self.equation.net
        return np.asarray(net.y - net.D @ self.params[self.equation.endogenous])

    @property
    def p(self) -> int:
        """Instrumented regressors."""
        return int(self.equation.endogenous.sum())

    def _strength(self, form: ReducedForm) -> dict[str, float]:
        found: dict[str, float] = {}
        if self.p == 1:
            found["first_stage_f"], found["first_stage_r2"] = form.first_stage(0), self._partial_r2(form, 0)
            found["effective_f"], found["effective_f_critical"] = form.effective(), form.critical()
        ar = form.anderson_rubin(np.zeros(self.p))
        found["ar"], found["ar_p"] = ar, float(stats.f.sf(ar, form.K, form.df))
        return found

    def _exogeneity(self, asked: Vcov) -> dict[str, float]:
        net, sample = self.equation.net, self.equation.sample
        V = net.D - net.Q @ (net.Q.T @ net.D)
        size = np.linalg.norm(net.D, axis=0)
        basis = np.linalg.qr(net.D / size)[0]
        beside = V - basis @ (basis.T @ V)
        if np.linalg.norm(beside, axis=0).min() <= 1e-10 * size.min():
            return {}
        beside = np.linalg.qr(beside / np.linalg.norm(beside, axis=0))[0]
        move = beside.T @ net.y
        e = net.y - basis @ (basis.T @ net.y) - beside @ move
        parameters = len(self.params) + self.p
        _, left = small_sample(sample.nobs, parameters, self.equation.absorbed)
        inference = self._inference(beside * e[:, None], parameters, float(e @ e) / left)
        made = covariance(_by_sums(asked), inference, sample.codes)
        statistic = wald_f(move, made.matrix)
        return {"wu_hausman": statistic, "wu_hausman_p": float(stats.f.sf(statistic, self.p, made.df))}

    def _overidentified(self, asked: Vcov) -> dict[str, float]:
        net, e = self.equation.net, self.residuals
        spare = net.Q.shape[1] - self.p
        if not spare:
            return {}
        g = net.Q.T @ e
        sargan = self.equation.sample.nobs * float(g @ g / (e @ e))
        found = {"sargan": sargan, "sargan_p": float(stats.chi2.sf(sargan, spare))}
        if asked.kind != "iid":
            J = self._hansen(_by_sums(asked))
            found |= {"hansen": J, "hansen_p": float(stats.chi2.sf(J, spare))}
        return {**found, "overidentified": spare}

    def _hansen(self, asked: Vcov) -> float:
        net, sample = self.equation.net, self.equation.sample
        inference = self._inference(net.Q * self.residuals[:, None], 0, None)
        if asked.kind == "survey":
            # Moments do not add to zero, so a design that takes their means out would be another test.
            asked = Vcov("CRV1", asked.clusters) if asked.clusters else Vcov("hetero")
        S = covariance(asked, inference, sample.codes).matrix
        if asked.clusters:
            S = S / cluster_factor(inference, [sample.codes(column) for column in asked.clusters])
        try:
            half = np.linalg.inv(np.linalg.cholesky(S))
        except np.linalg.LinAlgError:
            return float("nan")
        y, D = half @ (net.Q.T @ net.y), half @ (net.Q.T @ net.D)
        left = y - D @ np.linalg.lstsq(D, y, rcond=None)[0]
        return float(left @ left)

    def _inference(self, scores: Array, parameters: int, sigma2: float | None) -> Inference:
        sample = self.equation.sample
        return Inference(
            scores=scores, bread=np.eye(scores.shape[1]), nobs=sample.nobs, parameters=parameters,
            linear=True, sigma2=sigma2, absorbed=self.equation.absorbed if parameters else (),
            frequency=sample.weights if sample.frequency else None, periods=sample.periods,
            around=sample.around,
        )  # fmt: skip

    def _frames(self, form: ReducedForm) -> dict[str, pd.DataFrame]:
        """Coefficients of the instruments in the first stage, and where there are several, each one's F."""
        net, several = self.equation.net, self.p > 1
        back = np.linalg.inv(net.R)
        rows, jointly = {}, {}
        for j, name in enumerate(self.equation.instrumented):
            pi, V = back @ form.coefficients[:, 1 + j], back @ form.V[1 + j, 1 + j] @ back.T
            for instrument, value, error in zip(self.equation.names, pi, np.sqrt(np.diag(V)), strict=True):
                p = 2.0 * stats.t.sf(abs(value / error), form.df)
                rows[f"{name}: {instrument}" if several else instrument] = (value, error, value / error, p)
            F = form.first_stage(j)
            jointly[name] = (F, stats.f.sf(F, form.K, form.df), self._partial_r2(form, j))
        columns = ["estimate", "std_error", "statistic", "p_value"]
        frames = {"First stage": pd.DataFrame.from_dict(rows, orient="index", columns=columns)}
        if several:
            named = ["F", "p_value", "partial_r2"]
            frames["First stage, all instruments"] = pd.DataFrame.from_dict(
                jointly, orient="index", columns=named
            )
        return frames

    def _partial_r2(self, form: ReducedForm, j: int) -> float:
        pi, d = form.coefficients[:, 1 + j], self.equation.net.D[:, j]
        return float(pi @ pi / (d @ d))

    def _note(self, form: ReducedForm) -> tuple[str, ...]:
        if self.p > 1:
            return ("The effective F is defined for one instrumented regressor.",)
        try:
            return (f"{robust_set(form, self.equation.instrumented[0], 0.95)}.",)
        except ModelError as error:
            return (f"Anderson–Rubin set not available: {error}.",)


def _by_sums(asked: Vcov) -> Vcov:
    kind = _SUMMED.get(asked.kind)
    return asked if kind is None else Vcov(kind, asked.clusters)


def anderson_rubin(results: Results, *, level: float = 0.95, vcov: VcovSpec | None = None) -> RobustSet:
    """The values of an instrumented regressor's coefficient that the Anderson–Rubin test does not reject.

    It has the coverage that it says however weak the instruments are, and may be empty, all numbers, or two
    rays; see `gvcmetrics.models.endogenous.weak`. Critical values are those of F(K, N − K − L), K instruments
    and L controls with absorbed effects, of F(K, G − 1) with clusters.

    Parameters
    ----------
    results : of `iv` with one instrumented regressor.
    level : of the set.
    vcov : covariance; by default that of the result.

    Returns
    -------
    RobustSet : `intervals`, `kind`, and the test that the coefficient is zero.

    Raises
    ------
    ModelError : the result is not of `iv`; several regressors are instrumented; the covariance is singular.

    Source
    ------
    Anderson & Rubin (1949); Mikusheva & Poi (2006) on the shapes.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from gvcmetrics.models import iv
    >>> rng = np.random.default_rng(2)
    >>> z, u = rng.normal(size=(2, 400)); d = z + u + rng.normal(size=400)
    >>> frame = pd.DataFrame({"z": z, "d": d, "y": 0.5 * d + u + rng.normal(size=400)})
    >>> anderson_rubin(iv("y ~ 1 [d ~ z]", frame))
    Anderson–Rubin 95% set of d: 0.2862 to 0.5757
    """
    renewed = results.renewed
    made = getattr(renewed, "__self__", None)
    if not isinstance(made, Diagnostics):
        raise ModelError(f"{results.model} has no instruments", remedy="Estimate with gvc.iv")
    if made.p != 1:
        raise ModelError(
            f"{made.p} regressors are instrumented, and a set of one has no closed form then",
            remedy="The test that all are zero is in statistics['ar']",
        )
    asked = results.moved.errors if vcov is None else parse_vcov(vcov)
    assert asked is not None
    return robust_set(reduced_form(made.equation, asked), made.equation.instrumented[0], level)
