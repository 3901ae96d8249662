"""Likelihood of a Poisson count whose mean is multiplied by a gamma variable of mean one."""

from __future__ import annotations

import math
from typing import Any

from numba import njit


@njit(cache=True, nogil=True)
def negative_binomial_kernel(
    y: Any, eta: Any, constants: Any, loglik: Any, gradient: Any, hessian: Any
) -> None:
    """Log likelihood and derivatives in eta and log alpha; O(y) an observation, exact as alpha -> 0.

    sum_{j<y} log(1 + alpha j) - log y! + y eta - (y + 1/alpha) log(1 + alpha mu)
    (Cameron & Trivedi 1998, equation 3.26, with the gamma ratio written as a product).
    """
    alpha = math.exp(constants[0])
    for i in range(y.shape[0]):
        mu = math.exp(eta[i, 0])
        a = alpha * mu
        log1a = math.log1p(a)
        # log(1+a)/alpha - mu/(1+a) and its derivative in log alpha, free of cancellation for small a
        if a < 1e-3:
            gap = mu * a * (0.5 - a * (2.0 / 3.0 - a * (0.75 - 0.8 * a)))
            gap_slope = mu * a * (0.5 - a * (4.0 / 3.0 - a * (2.25 - 3.2 * a)))
        else:
            gap = log1a / alpha - mu / (1.0 + a)
            gap_slope = -gap + mu * a / (1.0 + a) ** 2
        total = slope = curve = 0.0
        for j in range(int(y[i])):
            u = alpha * j
            total += math.log1p(u)
            slope += u / (1.0 + u)
            curve += u / (1.0 + u) ** 2
        odds = 1.0 / (1.0 + a)
        loglik[i] = total - math.lgamma(y[i] + 1.0) + y[i] * (eta[i, 0] - log1a) - gap - mu * odds
        gradient[i, 0] = (y[i] - mu) * odds
        gradient[i, 1] = slope - y[i] * a * odds + gap
        hessian[i, 0] = -mu * odds - (y[i] - mu) * a * odds * odds
        hessian[i, 1] = -(y[i] - mu) * a * odds * odds
        hessian[i, 2] = curve - y[i] * a * odds * odds + gap_slope
