r"""Firth's penalty: finite, less biased estimates from samples that are small or separated.

.. math:: \ell^*(\beta) = \ell(\beta) + \tfrac12 \log|I(\beta)|, \qquad
   U^*_r = U_r + \tfrac12 \operatorname{tr}\{I^{-1}\, \partial I/\partial\beta_r\}

(Firth 1993; for matched sets Heinze & Puhr 2010). With :math:`I^{-1} = VV'` the trace is
:math:`\sum_k (\partial_{v_k} I)\, v_k`, a derivative along each column of V, taken from the exact information
by a five-point difference one thousandth of a standard error wide; steps are Fisher's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gvcmetrics.models.estimate import Problem
from gvcmetrics.models.families.base import Array

_WIDTH = 1e-3
_STENCIL = ((-2, 1.0), (-1, -8.0), (1, 8.0), (2, -1.0))


def penalised(problem: Problem) -> Problem:
    """The same likelihood with half the log determinant of its information added."""

    def evaluate(theta: Array) -> tuple[float, Array, Array]:
        loglik, score, hessian = problem.evaluate(theta)
        sign, log_determinant = np.linalg.slogdet(-hessian)
        if sign <= 0 or not np.isfinite(log_determinant):
            return -np.inf, score, hessian
        V = np.linalg.inv(np.linalg.cholesky(-hessian)).T
        for v in V.T:
            change = sum(c * problem.evaluate(theta + step * _WIDTH * v)[2] for step, c in _STENCIL)
            score = score - 0.5 * (change @ v) / (12.0 * _WIDTH)
        return loglik + 0.5 * log_determinant, score, hessian

    return replace(problem, evaluate=evaluate, refit=None, noise=1e-11)
