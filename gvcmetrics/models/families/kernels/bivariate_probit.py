"""Bivariate probit: y_j = 1 if eta_j + e_j > 0, j = 1, 2, with corr(e_1, e_2) = rho.

The two outcomes are one response with four categories, coded y_1 + 2 y_2.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

from gvcmetrics.models.families.kernels.bivariate_normal import log_bivariate_cdf
from gvcmetrics.models.families.kernels.scalar import LOG_SQRT_2PI, log_normal_cdf, log_normal_pdf
from gvcmetrics.models.likelihood.family import Array, Family, shares


@njit(cache=True, nogil=True)
def bivariate_probit_kernel(
    y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any
) -> None:
    """log Phi2(q1 eta1, q2 eta2; q1 q2 rho) with derivatives in eta1, eta2 and atanh rho.

    The derivatives of Phi2 are those of Greene (2012, section 17.5.1), taken relative to Phi2 in logs.
    """
    z = constants[0]
    # 1 - rho^2 = sech^2 z, computed without cancellation
    sech2 = 4.0 * math.exp(-2.0 * abs(z)) / (1.0 + math.exp(-2.0 * abs(z))) ** 2
    s = math.sqrt(sech2)
    for i in range(y.shape[0]):
        code = int(y[i])
        q1, q2 = 2.0 * (code & 1) - 1.0, 2.0 * (code >> 1) - 1.0
        q = q1 * q2
        a, b, r = q1 * eta[i, 0], q2 * eta[i, 1], q * math.tanh(z)
        if s < 1e-7 or not (math.isfinite(a) and math.isfinite(b)):
            loglik[i] = -math.inf
            gradient[i, :] = 0.0
            hessian[i, :] = 0.0
            continue
        log_p = log_bivariate_cdf(a, b, r)
        u, v = (b - r * a) / s, (a - r * b) / s
        ga = math.exp(log_normal_pdf(a) + log_normal_cdf(u) - log_p)
        gb = math.exp(log_normal_pdf(b) + log_normal_cdf(v) - log_p)
        density = math.exp(-0.5 * (a * a + u * u) - 2.0 * LOG_SQRT_2PI - math.log(s) - log_p)
        gz = density * sech2
        haa = -a * ga - r * density - ga * ga
        hbb = -b * gb - r * density - gb * gb
        hab = density - ga * gb
        haz = -density * v * s - ga * gz
        hbz = -density * u * s - gb * gz
        # d^2/dz^2: (d density/d rho) sech^4 + density d(sech^2)/dz, less the squared gradient
        hzz = density * (r * sech2 + u * v * sech2 - 2.0 * r * sech2) - gz * gz
        loglik[i] = log_p
        gradient[i, 0], gradient[i, 1], gradient[i, 2] = q1 * ga, q2 * gb, q * gz
        hessian[i, 0], hessian[i, 1], hessian[i, 2] = haa, q * hab, hbb
        hessian[i, 3], hessian[i, 4], hessian[i, 5] = q1 * q * haz, q2 * q * hbz, hzz


def _start(y: Array, weights: Array) -> tuple[Array, Array]:
    share = shares(y, weights, 4)
    return ndtri(np.array([share[1] + share[3], share[2] + share[3]])), np.zeros(1)


bivariate_probit = Family(
    "joint_probit",
    bivariate_probit_kernel,
    _start,
    n_indices=2,
    constants=("atanh_rho_21",),
    outcomes=4,
    strip=4096,
)
