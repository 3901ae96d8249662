"""Production functions that are linear in all unknowns: least squares, fixed effects, Wooldridge's GMM."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.corrections import small_sample
from gvcmetrics.ground.numerics.demean import demean, group_sums, independent_columns
from gvcmetrics.ground.numerics.least_squares import least_squares
from gvcmetrics.measures.firms.production.firm_years import Sample
from gvcmetrics.measures.firms.production.polynomials import independent, polynomial

Floats = NDArray[np.float64]


def clustered_ols(sample: Sample, weight: Floats, *, fixed_effects: bool) -> tuple[Floats, Floats]:
    """Coefficients of the inputs and their covariance, clustered by firm as reghdfe and fixest do.

    The factor is G/(G − 1) · (N − 1)/(N − K), K counting regressors and the constant, but not firm effects
    (which are nested in the clusters). With fixed effects, firms seen once count neither in G nor in N. Rows
    without weight are left out.
    """
    rows = weight > 0
    y, w = sample.y[rows], weight[rows]
    firm = np.unique(sample.firm[rows], return_inverse=True)[1]
    design = np.hstack([sample.x[rows], sample.year_dummies[rows]])
    size = np.sqrt(w @ design**2)
    if fixed_effects:
        within = demean(np.column_stack([y, design]), [firm], w)
        y, design = within[:, 0], within[:, 1:]
    else:
        design, size = np.column_stack([design, np.ones(len(y))]), np.append(size, np.sqrt(w.sum()))
    if not independent_columns(design * np.sqrt(w)[:, None], size, 1e-9).all():
        raise ModelError("the inputs are collinear", remedy="Leave one out, or pool more rows.")
    estimates, bread, residuals = least_squares(y, design, w)
    counted = np.bincount(firm) > (1 if fixed_effects else 0)
    firms, n = int(counted.sum()), w[counted[firm]].sum()
    if firms < 2:
        raise ModelError(f"{firms} firms are seen more than once", remedy="Firm effects need repeated firms.")
    k = design.shape[1] + (1 if fixed_effects else 0)
    scores = group_sums(design * (w * residuals)[:, None], firm)
    factor, _ = small_sample(n, k, groups=firms)
    covariance = factor * bread @ (scores.T @ scores) @ bread
    inputs = sample.x.shape[1]
    return estimates[:inputs], covariance[:inputs, :inputs]


def wooldridge(sample: Sample, degree: int) -> tuple[Floats, Floats]:
    """Wooldridge's joint estimation of both stages of a proxy estimator, by two-step GMM clustered by firm.

    With p(·) a polynomial in state inputs and proxy, w the free inputs (without the proxy):

        y_t = x_t'β + p_1(state_t, proxy_t) + ε_t               instruments: w_t, p_t
        y_t = x_t'β + p_2(state_{t−1}, proxy_{t−1}) + u_t        instruments: w_{t−1}, state_t, p_{t−1}

    and, where the proxy is an input itself, its second lag for the second equation; its coefficient and those
    of the state inputs come from the second equation only. The second polynomial is left free, which allows
    productivity any first-order Markov process.
    """
    assert sample.proxy is not None
    variables = np.hstack([sample.x[:, sample.state], sample.proxy[:, None]])
    basis = polynomial(variables, degree)
    seen = (sample.lag >= 0) & (sample.lag2 >= 0) if sample.proxy_input else sample.lag >= 0
    rows = np.flatnonzero(seen)
    before = sample.lag[rows]
    first_x = sample.x.copy()
    # The polynomial spans these in the first equation.
    first_x[:, [*sample.state, *sample.proxy_input]] = 0.0
    first_z = independent(np.hstack([sample.x[:, sample.free], basis, sample.year_dummies]))
    first_other = independent(np.hstack([basis, sample.year_dummies]))
    late_basis = basis[before]
    second_other = independent(np.hstack([late_basis, sample.year_dummies[rows]]))
    outside = [sample.x[before][:, sample.free], sample.x[rows][:, sample.state]]
    if sample.proxy_input:
        outside.append(sample.proxy[sample.lag2[rows]][:, None])
    second_z = independent(np.hstack([*outside, second_other]))
    x = np.vstack(
        [
            np.hstack([first_x, first_other, np.zeros((len(first_x), second_other.shape[1]))]),
            np.hstack([sample.x[rows], np.zeros((len(rows), first_other.shape[1])), second_other]),
        ]
    )
    z = np.vstack(
        [
            np.hstack([first_z, np.zeros((len(first_z), second_z.shape[1]))]),
            np.hstack([np.zeros((len(rows), first_z.shape[1])), second_z]),
        ]
    )
    y = np.concatenate([sample.y, sample.y[rows]])
    firm = np.concatenate([sample.firm, sample.firm[rows]])
    if sample.n_firms <= z.shape[1]:
        raise ModelError(
            f"{sample.n_firms} firms cannot weight {z.shape[1]} moments", remedy="Lower the degree, or pool."
        )
    return _two_step_gmm(y, x, z, firm, sample.x.shape[1])


def _two_step_gmm(
    y: Floats, x: Floats, z: Floats, firm: NDArray[np.int64], keep: int
) -> tuple[Floats, Floats]:
    """Two-step GMM; the weights of the second step are the clustered variance at the first."""
    zx, zy = z.T @ x, z.T @ y
    if np.linalg.matrix_rank(zx) < x.shape[1]:
        raise ModelError(
            "the instruments do not identify the inputs", remedy="Check that inputs vary within firms."
        )
    weight = np.linalg.inv(z.T @ z)
    for _ in range(2):
        inner = np.linalg.inv(zx.T @ weight @ zx)
        beta = inner @ zx.T @ weight @ zy
        scores = group_sums(z * (y - x @ beta)[:, None], firm)
        weight, used = np.linalg.inv(scores.T @ scores), weight
    bridge = np.linalg.inv(zx.T @ used @ zx) @ zx.T @ used
    covariance = bridge @ (scores.T @ scores) @ bridge.T
    return beta[:keep], covariance[:keep, :keep]
