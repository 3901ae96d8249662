r"""Control functions: the residuals of the first stage as regressors, with the errors of both steps.

The moments of both steps, :math:`f_i v_i` and the scores :math:`s_i(\theta, \hat v_i)` of the second, give

.. math:: \psi_i = A_2^{-1}\Big[s_i + \sum_j D_j A_1^{-1} f_i v_{ij}\Big], \qquad
   D_j = \sum_i \partial s_i/\partial \delta_j', \quad A_1 = \sum_i f_i f_i', \quad A_2 = -\sum_i \partial
   s_i/\partial\theta',

of which every covariance is made (Murphy & Topel 1985; Wooldridge 2010, section 12.4).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gvcmetrics.ground.numerics.least_squares import inverse_information
from gvcmetrics.models.data.batch import Array
from gvcmetrics.models.effects.pooled import pooled_problem
from gvcmetrics.models.endogenous.stages import Scaled, Stages, least_squares_of
from gvcmetrics.models.engine.estimate import Estimate
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.engine.response import Response
from gvcmetrics.models.inference.covariance import Inference
from gvcmetrics.models.inference.jackknife import refitted
from gvcmetrics.models.likelihood.family import Family
from gvcmetrics.models.likelihood.problem import Solution, solve


def two_step(request: Request, response: Response, stages: Stages) -> Estimate:
    """Estimates of both steps; the second's come first."""
    family = response.family(stages.sample)
    made = _Fit(stages, family)
    k, p = stages.sample.X.shape[1], stages.D.shape[1]
    names = (*stages.sample.names, *stages.residuals, *family.constants)
    firsts = [name for block in stages.blocks.values() for name in block]
    psi = made.influence()
    rows = psi if not stages.sample.frequency else psi / stages.root[:, None]
    inference = Inference(
        scores=psi,
        bread=np.eye(psi.shape[1]),
        nobs=stages.sample.nobs,
        parameters=len(names),
        linear=False,
        jackknife=refitted(lambda keep: _Fit(stages.only(keep), family).params(), psi.shape[1]),
        estimates=made.params(),
        frequency=stages.sample.weights if stages.sample.frequency else None,
        own={
            "hetero": (rows.T @ rows, "robust, of both steps"),
            "iid": (made.naive(), "each step by itself"),
        },
    )
    optimum = made.solution.optimum

    def working(params: Array) -> tuple[Array, Array]:
        return _as_fixed_columns(params, k, p, len(family.constants))

    constants = {family.block: family.constants} if family.constants else {}
    return Estimate(
        sample=stages.sample, names=(*names, *firsts), params=made.params(), inference=inference,
        codes=stages.sample.codes, predictor=stages.predictor(response, family, working),
        loglik=None if response.quasi(stages.sample) else optimum.loglik, converged=optimum.converged,
        title=f"{response.title}, control function",
        blocks={**constants, **stages.blocks}, ancillary=(*constants,), untested=(*constants,),
        tested={"exogeneity": stages.residuals},
        statistics={"iterations": optimum.iterations},
        notes=(_named(stages),),
    )  # fmt: skip


def _named(stages: Stages) -> str:
    instrumented, instruments = ", ".join(stages.equation.instrumented), ", ".join(stages.equation.names)
    return f"Instrumented: {instrumented}. Instruments: {instruments}, and the controls."


class _Fit:
    """Both steps on scaled columns, and how they look in the columns themselves."""

    def __init__(self, stages: Stages, family: Family) -> None:
        self.stages, self.family = stages, family
        self.delta, V, self.first_bread = least_squares_of(stages)
        size = np.sqrt(np.mean(V**2, axis=0))
        self.unit = 2.0 ** np.round(np.log2(np.where(size > 0, size, 1.0)))
        self.V = V
        self.scaled = Scaled.of(stages.sample.X, stages.sample.names, cuts="cut1" in family.constants)
        self.X = np.column_stack([self.scaled.columns, V / self.unit])
        named = (*stages.sample.names, *stages.residuals)
        sample = replace(stages.sample, X=np.ascontiguousarray(self.X), names=named)
        self.problem = pooled_problem(sample, family)
        self.solution: Solution = solve(self.problem)

    @property
    def theta(self) -> Array:
        return self.solution.optimum.theta

    def back(self) -> Array:
        """From all parameters of scaled columns to those of the columns themselves."""
        k, p, q = self.scaled.columns.shape[1], len(self.unit), len(self.family.constants)
        first = self.stages.scaled_first.T
        m = k + p + q
        T = np.eye(m + p * len(first))
        T[:k, :k] = self.scaled.T
        T[k : k + p, k : k + p] = np.diag(1.0 / self.unit)
        if q and "Intercept" not in self.stages.sample.names:
            T[k + p : m, :k] += self.scaled.centre / self.scaled.scale
        for j in range(p):
            block = slice(m + j * len(first), m + (j + 1) * len(first))
            T[block, block] = first
        return T

    def params(self) -> Array:
        return self.back() @ np.concatenate([self.theta, self.delta.T.ravel()])

    def influence(self) -> Array:
        """ψ of each row, in the columns themselves; weighted."""
        stages, family, theta = self.stages, self.family, self.theta
        k, p = self.scaled.columns.shape[1], len(self.unit)
        F, weights = stages.scaled_first.columns, stages.root**2
        eta = self.X @ theta[: k + p]
        _, g, h = family.evaluate(stages.sample.y, eta[:, None], theta[k + p :])
        q = len(family.constants)
        # Curvature in the index, and between it and each constant, of the packed triangle.
        bend = h[:, [0, *(j * (j + 1) // 2 for j in range(1, q + 1))]] * weights[:, None]
        moved = np.column_stack([self.X * bend[:, [0]], bend[:, 1:]])
        s = self.problem.scores(theta)
        firsts = []
        for j in range(p):
            v = F * (self.V[:, j] * weights)[:, None] @ self.first_bread
            firsts.append(v)
            D = -theta[k + j] / self.unit[j] * (moved.T @ F)
            D[k + j] -= (g[:, 0] * weights / self.unit[j]) @ F
            s = s + v @ D.T
        psi = np.hstack([s @ self.solution.bread, *firsts])
        return np.asarray(psi @ self.back().T)

    def _information(self) -> Array:
        """Of the second step: expected where the response has a density, as R's glm has it, else observed."""
        if self.family.density is None:
            return -self.solution.optimum.hessian
        F, f, _ = self.family.density(self.X @ self.theta)
        weights = self.stages.root**2 * f**2 / np.maximum(F * (1.0 - F), 1e-300)
        return np.asarray((self.X * weights[:, None]).T @ self.X)

    def naive(self) -> Array:
        """Covariance of each step by itself: inverse information, and classical least squares."""
        p, L = self.V.shape[1], len(self.first_bread)
        m = len(self.theta)
        V = self.V * self.stages.root[:, None]
        made = np.zeros((m + p * L,) * 2)
        made[:m, :m] = inverse_information(self._information())
        made[m:, m:] = np.kron(V.T @ V / (self.stages.sample.nobs - L), self.first_bread)
        T = self.back()
        return np.asarray(T @ made @ T.T)


def _as_fixed_columns(params: Array, k: int, p: int, q: int) -> tuple[Array, Array]:
    """Coefficients of x, d and f and the constants: β, ρ, −δρ, with their Jacobian."""
    rho, m = params[k : k + p], k + p + q
    L = (len(params) - m) // p
    delta = params[m:].reshape(p, L)
    made = np.concatenate([params[: k + p], -rho @ delta, params[k + p : m]])
    jacobian = np.zeros((len(made), len(params)))
    jacobian[: k + p, : k + p] = np.eye(k + p)
    jacobian[k + p + L :, k + p : m] = np.eye(q)
    for j in range(p):
        jacobian[k + p : k + p + L, k + j] = -delta[j]
        jacobian[k + p : k + p + L, m + j * L : m + (j + 1) * L] = -rho[j] * np.eye(L)
    return made, jacobian
