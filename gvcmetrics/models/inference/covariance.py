r"""Covariance of estimates, one convention for every model (that of reghdfe and fixest).

With scores :math:`s_i` (the derivative of observation i's log likelihood, or :math:`w_i x_i e_i`)
and bread :math:`B` (inverse of the negative Hessian, or :math:`(X'WX)^{-1}`), N observations,
G clusters and K parameters:

=============  ============================================================================
`"iid"`        :math:`\hat\sigma^2 B`, :math:`\hat\sigma^2 = \sum w e^2/(N-K)`; for likelihood models B
`"HC0"`        :math:`B (\sum s_i s_i') B`
`"hetero"`     HC1: :math:`\frac{N}{N-K}\, B (\sum s_i s_i') B`
`"HC2"`        :math:`s_i/\sqrt{1-h_i}` in place of :math:`s_i`, no factor; h is the leverage
`"HC3"`        :math:`s_i/(1-h_i)`, no factor
`{"CRV1":g}`   :math:`\frac{G}{G-1}\frac{N-1}{N-K}\, B (\sum_g s_g s_g') B`, :math:`s_g` the cluster's sum
`"a + b"`      :math:`\sum_{S}(-1)^{|S|+1}V_S` over the non-empty sets S of ways, clusters crossed within S,
               with the smallest G in the factor (Cameron, Gelbach & Miller 2011)
`{"CRV3":g}`   :math:`\frac{G-1}{G}\sum_g(\hat\beta_{(g)}-\hat\beta)(\hat\beta_{(g)}-\hat\beta)'`, each
               cluster left out in turn (MacKinnon, Nielsen & Webb 2023)
`{"CR2":g}`    scores adjusted so that a working model leaves no bias, tests with Satterthwaite's degrees of
               freedom (Pustejovsky & Tipton 2018), see `bias_reduced`
`{"DK":t}`     Driscoll & Kraay (1998): scores summed by period, Bartlett kernel with `lags`
               (default :math:`\lfloor T^{1/4}\rfloor`), :math:`\frac{T}{T-1}\frac{N-1}{N-K}`
`{"survey":…}` :math:`B\big[\sum_h (1-f_h)\frac{n_h}{n_h-1}\sum_{i}(z_{hi}-\bar z_h)(z_{hi}-\bar z_h)'\big]B`,
               :math:`z_{hi}` score sums of primary sampling unit i in stratum h (Binder 1983), see `survey`
=============  ============================================================================

K counts regressors and absorbed effects, less redundant levels; absorbed effects nested within a
cluster variable are not counted (Driscoll–Kraay counts all). Linear models use Student's t with
N − K degrees of freedom (iid, HC), min G − 1 (CRV) or T − 1 (DK); likelihood models use the normal
distribution; a survey design uses t with PSUs − strata for both, and CR2 its own degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import (
    absorbed_parameters,
    group_count,
    jackknife_factor,
    small_sample,
)
from gvcmetrics.ground.numerics.demean import group_sums
from gvcmetrics.ground.numerics.slopes import Effect
from gvcmetrics.ground.warn import warn
from gvcmetrics.models.data.domain import Surroundings
from gvcmetrics.models.inference.asked import CLASSICAL, PLAIN, Vcov, VcovSpec, parse_vcov
from gvcmetrics.models.inference.bias_reduced import BiasReduced, Working, bias_reduced
from gvcmetrics.models.inference.survey import linearised

FEW_CLUSTERS = 30
_NOT_CLASSICAL = {"hetero": "With sampling weights the errors are heteroskedasticity-robust."}


@dataclass(frozen=True, eq=False)
class Inference:
    """What an estimate leaves behind so that any covariance can be made of it without refitting.

    Attributes
    ----------
    scores : (r, k) score contributions, weights included, one row an observation (or a group).
    bread : (k, k) inverse of the negative Hessian, or (X'WX)⁻¹.
    nobs, parameters : N, and k the estimated parameters without absorbed effects.
    linear : whether t distributions apply.
    sigma2 : residual variance of a linear model, None for likelihood models.
    absorbed : codes of the absorbed effects, or their slopes.
    leverage : makes the (r,) hat values, or None where they are not defined.
    jackknife : cluster codes → (G, k) estimates without each cluster, or None.
    frequency : (r,) frequency weights, or None. of_units : whether the rows of the scores are units, the
        copies of which are units of their own.
    regression : (X, residuals, weights or None) as least squares saw them; None for likelihood models.
    working : makes the regression whose scores the model has, for CR2, or None where there is none.
    periods : column → codes in the order of time, where it matters.
    restricted : (R, r) → scores and bread of the estimates under Rβ = r, or None.
    own : kind → covariance and label, where the model has its own (two-step moments).
    profile : (base, Z) → the highest log likelihood over base + Zγ, in the parameters of the likelihood and
        with its penalty, or None.
    classical : what `"iid"` stands for: where weights or a composite likelihood leave the inverse Hessian
        no covariance, the errors that hold.
    around : what a survey design knows besides; None of a file.
    """

    scores: np.ndarray = field(repr=False)
    bread: np.ndarray = field(repr=False)
    nobs: int
    parameters: int
    linear: bool
    sigma2: float | None = None
    absorbed: tuple[Effect, ...] = field(default=(), repr=False)
    leverage: Callable[[], np.ndarray] | None = field(default=None, repr=False)
    jackknife: Callable[[np.ndarray], np.ndarray] | None = field(default=None, repr=False)
    estimates: np.ndarray | None = field(default=None, repr=False)
    frequency: np.ndarray | None = field(default=None, repr=False)
    regression: tuple[np.ndarray, np.ndarray, np.ndarray | None] | None = field(default=None, repr=False)
    periods: Callable[[str], np.ndarray] | None = field(default=None, repr=False)
    restricted: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None = field(
        default=None, repr=False
    )
    working: Callable[[], Working] | None = field(default=None, repr=False)
    profile: Callable[[np.ndarray, np.ndarray], float] | None = field(default=None, repr=False)
    of_units: bool = False
    own: Mapping[str, tuple[np.ndarray, str]] = field(default_factory=dict, repr=False)
    classical: Vcov = CLASSICAL
    around: Surroundings | None = field(default=None, repr=False)

    @property
    def total_parameters(self) -> int:
        """Estimated parameters, absorbed effects included."""
        return self.parameters + absorbed_parameters(self.absorbed)


def classical_errors(weighted: bool) -> Vcov:
    """What `"iid"` stands for in a likelihood model: sampling weights make errors robust ones."""
    return Vcov("hetero") if weighted else CLASSICAL


@dataclass(frozen=True, eq=False)
class Covariance:
    """A covariance matrix with the degrees of freedom of its t distribution (∞: normal).

    note : a sentence where it is not what was asked for. adjusted : what the tests of CR2 need; df is then
    the smallest of its degrees of freedom.
    """

    matrix: np.ndarray
    df: float
    label: str
    n_clusters: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    adjusted: BiasReduced | None = field(default=None, repr=False)


def covariance(vcov: VcovSpec | Vcov, inference: Inference, codes: Callable[[str], np.ndarray]) -> Covariance:
    """Covariance of the estimates.

    Parameters
    ----------
    vcov : what is asked for, as in the table of this module.
    inference : scores, bread and counts of the estimate.
    codes : column name → integer codes of its groups, one for each row of the scores.

    Raises
    ------
    ModelError : one cluster only, or the kind is not defined for this model.
    """
    asked = parse_vcov(vcov)
    if asked.kind in inference.own and not asked.columns:
        matrix, label = inference.own[asked.kind]
        return Covariance(matrix, float("inf"), label)
    if asked.kind == "HC0" and inference.own:
        raise ModelError("this model has robust errors of its own", remedy='Use "hetero"')
    if asked.kind == "iid" and inference.classical.kind != "iid":
        if inference.of_units and inference.frequency is not None:
            return _by_copied_unit(inference, *inference.classical.clusters)
        made = covariance(inference.classical, inference, codes)
        return replace(made, note=_NOT_CLASSICAL.get(inference.classical.kind, ""))
    if asked.kind == "iid":
        return _iid(inference)
    if asked.kind in PLAIN:
        return _robust(asked.kind, inference)
    in_order = inference.periods if asked.kind == "DK" else None
    groups = {column: (in_order or codes)(column) for column in asked.columns}
    for column, group in groups.items():
        if len(group) != len(inference.scores):
            raise ModelError(
                f"'{column}' varies within the groups of this model's likelihood",
                remedy="Cluster by the unit or by something that units are nested in",
            )
    if asked.kind == "survey":
        return _survey(asked, inference, groups)
    for column, group in groups.items():
        if group_count(group) < 2:
            raise ModelError(f"'{column}' has one group only; clustered errors need at least two")
    if asked.kind == "DK":
        return _driscoll_kraay(asked, inference, groups)
    if asked.kind == "CRV3":
        return _jackknifed(asked, inference, groups)
    if asked.kind == "CR2":
        return _unbiased(inference, groups)
    return _clustered(asked, inference, groups)


def sandwich(bread: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """B (Σ s s') B for the rows s of `scores`."""
    half = scores @ bread
    return half.T @ half


def _factor(
    inference: Inference, clusters: Sequence[np.ndarray] | None = None, groups: int | None = None
) -> tuple[float, float]:
    """Small-sample factor, and degrees of freedom of the tests."""
    factor, df = small_sample(
        inference.nobs, inference.parameters, inference.absorbed, clusters, groups=groups
    )
    return factor, float(df) if inference.linear else float("inf")


def _iid(inference: Inference) -> Covariance:
    scale = 1.0 if inference.sigma2 is None else inference.sigma2
    return Covariance(scale * inference.bread, _factor(inference)[1], "iid")


def _robust(kind: str, inference: Inference) -> Covariance:
    scores = inference.scores
    if inference.frequency is not None:
        # A row that stands for w equal rows adds w·ss', and its stored score is w·s.
        scores = scores / np.sqrt(inference.frequency)[:, None]
    if kind in ("hetero", "HC0"):
        factor, df = _factor(inference)
        if kind == "HC0":
            return Covariance(sandwich(inference.bread, scores), df, "heteroskedastic (HC0)")
        return Covariance(factor * sandwich(inference.bread, scores), df, "heteroskedastic (HC1)")
    if inference.leverage is None:
        raise ModelError(
            f"{kind} needs hat values, which this model does not have", remedy='Use "hetero" or CRV3'
        )
    slack = 1.0 - inference.leverage()
    if (slack < 1e-10).any():
        raise ModelError(
            f"{kind} is not defined: {int((slack < 1e-10).sum())} observations have leverage 1",
            remedy='Use "hetero", or leave these observations out',
        )
    scores = scores / (np.sqrt(slack) if kind == "HC2" else slack)[:, None]
    return Covariance(sandwich(inference.bread, scores), _factor(inference)[1], f"heteroskedastic ({kind})")


def _clustered(asked: Vcov, inference: Inference, groups: Mapping[str, np.ndarray]) -> Covariance:
    counts = {column: group_count(codes) for column, codes in groups.items()}
    _warn_few(counts)
    matrix = np.zeros_like(inference.bread)
    for size in range(1, len(groups) + 1):
        for ways in combinations(groups.values(), size):
            matrix += (-1) ** (size + 1) * sandwich(
                inference.bread, group_sums(inference.scores, cross(ways))
            )
    factor, df = _factor(inference, list(groups.values()))
    matrix *= factor
    if len(groups) > 1:
        matrix = _repair(matrix)
    return Covariance(matrix, df, f"clustered (CRV1) by {_and(counts)}", counts)


def _by_copied_unit(inference: Inference, unit: str) -> Covariance:
    """Units that stand for several equal ones, each a cluster."""
    assert inference.frequency is not None
    scores = inference.scores / np.sqrt(inference.frequency)[:, None]
    count = round(float(inference.frequency.sum()))
    factor, df = _factor(inference, groups=count)
    matrix = factor * sandwich(inference.bread, scores)
    return Covariance(matrix, df, f"clustered (CRV1) by {unit}", {unit: count})


def _jackknifed(asked: Vcov, inference: Inference, groups: Mapping[str, np.ndarray]) -> Covariance:
    if inference.jackknife is None or inference.estimates is None:
        raise ModelError("CRV3 is not defined for this model", remedy="Use CRV1 or the wild bootstrap")
    ((column, codes),) = groups.items()
    count = group_count(codes)
    difference = inference.jackknife(codes) - inference.estimates
    if not np.isfinite(difference).all():
        failed = int((~np.isfinite(difference).all(axis=1)).sum())
        raise ModelError(
            f"without {failed} of the {count} clusters of '{column}' the model cannot be estimated",
            remedy="Use CRV1 with the wild bootstrap",
        )
    matrix = jackknife_factor(count) * difference.T @ difference
    df = _factor(inference, [codes])[1]
    return Covariance(matrix, df, f"clustered (CRV3) by {column}", {column: count})


def _unbiased(inference: Inference, groups: Mapping[str, np.ndarray]) -> Covariance:
    if inference.working is None:
        raise ModelError(
            "CR2 is defined for linear models without weights, and for logit and Poisson without weights or "
            "absorbed effects",
            remedy="Use CRV3 or the wild bootstrap",
        )
    ((column, codes),) = groups.items()
    count = group_count(codes)
    made = bias_reduced(inference.working(), inference.bread, codes)
    smallest = float(np.nanmin(made.by_parameter)) if np.isfinite(made.by_parameter).any() else float("inf")
    return Covariance(
        made.matrix, smallest, f"clustered (CR2) by {column}", {column: count},
        "p and intervals of CR2 by Satterthwaite's degrees of freedom, the parameter's own.", made,
    )  # fmt: skip


def _driscoll_kraay(asked: Vcov, inference: Inference, groups: Mapping[str, np.ndarray]) -> Covariance:
    if not inference.linear:
        raise ModelError("Driscoll–Kraay errors are for linear models", remedy="Cluster by period: CRV1")
    ((column, codes),) = groups.items()
    sums = group_sums(inference.scores, codes)
    periods = len(sums)
    lags = int(periods**0.25) if asked.lags is None else asked.lags
    if not isinstance(lags, int) or not 0 <= lags < periods:
        raise ModelError(f"lags={lags!r} must be a whole number from 0 to {periods - 1}")
    meat = sums.T @ sums
    for lag in range(1, lags + 1):
        product = sums[lag:].T @ sums[:-lag]
        meat += (1 - lag / (lags + 1)) * (product + product.T)
    factor, df = _factor(inference, groups=periods)
    matrix = factor * inference.bread @ meat @ inference.bread
    return Covariance(matrix, df, f"Driscoll–Kraay by {column}, {lags} lags", {column: periods})


def _survey(asked: Vcov, inference: Inference, groups: Mapping[str, np.ndarray]) -> Covariance:
    around, rows = inference.around, len(inference.scores)
    domain = around.subpop if around else None
    if asked.subpop not in (None, domain):
        raise ModelError(
            f"the estimates are not those of the subpopulation '{asked.subpop}'",
            remedy="Name it in vcov= when estimating",
        )

    def codes(column: str) -> np.ndarray:
        if around is None or around.outside is None:
            return groups[column]
        return np.concatenate([groups[column], around.outside(column)])

    beyond = around.rows if around else 0
    if domain and inference.of_units and not asked.clusters:
        raise ModelError(
            "a subpopulation in a model of units needs the units that were drawn",
            remedy="Name the panel's unit as psu, or what it is nested in",
        )
    strata = codes(asked.strata) if asked.strata else np.zeros(rows + beyond, dtype=np.int64)
    # PSU numbers often restart in each stratum, so a PSU is its number within its stratum.
    psu = cross([strata, codes(asked.clusters[0])]) if asked.clusters else np.arange(rows + beyond)
    sampled = None
    if asked.fpc:
        assert around is not None
        sampled = around.levels(asked.fpc)[groups[asked.fpc]]
    names = (asked.strata, asked.clusters[0] if asked.clusters else None)
    made = linearised(inference.scores, strata, psu, sampled, names)
    label = f"survey design, {made.units} PSU in {made.strata} strata"
    return Covariance(
        sandwich(inference.bread, made.sums),
        made.df,
        f"{label}, within {domain}" if domain else label,
        {names[1] or "observation": made.units},
    )


def cluster_factor(inference: Inference, ways: Sequence[np.ndarray]) -> float:
    """Small-sample factor of CRV1."""
    return _factor(inference, ways)[0]


def cross(ways: Sequence[np.ndarray]) -> np.ndarray:
    """Codes 0 … G−1 of the combinations of several codes that occur."""
    combined = ways[0].astype(np.int64)
    for codes in ways[1:]:
        combined = combined * (int(codes.max()) + 1) + codes
        combined = np.unique(combined, return_inverse=True)[1]
    return combined


def _repair(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    if values[0] >= -1e-14 * max(values[-1], 0.0):
        return matrix
    warn(
        "the multiway clustered covariance was not positive semi-definite; negative eigenvalues were set to "
        "zero (Cameron, Gelbach & Miller  2011)"
    )
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


def _warn_few(counts: Mapping[str, int]) -> None:
    column, count = min(counts.items(), key=lambda item: item[1])
    if count < FEW_CLUSTERS:
        warn(
            f"only {count} clusters in '{column}': CRV1 errors are then too small; "
            f'use {{"CRV3": "{column}"}}, {{"CR2": "{column}"}} or gvc.wild_bootstrap'
        )


def _and(names: Mapping[str, int]) -> str:
    return " + ".join(names)
