r"""Variance components of a linear model with a random unit effect, and quasi-demeaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gvcmetrics.errors import ModelError
from gvcmetrics.ground.numerics.demean import demean, group_means, independent_columns
from gvcmetrics.ground.numerics.least_squares import shortest


@dataclass(frozen=True)
class Components:
    """Variances of the unit effect and of the idiosyncratic error, and θ of each unit."""

    sigma_u: float
    sigma_e: float
    theta: np.ndarray

    @property
    def statistics(self) -> dict[str, float]:
        """σ_u, σ_e, ρ = σ_u²/(σ_u² + σ_e²) and the range of θ."""
        total = self.sigma_u**2 + self.sigma_e**2
        smallest, largest = float(self.theta.min()), float(self.theta.max())
        thetas = {"theta": largest} if smallest == largest else {"theta_min": smallest, "theta_max": largest}
        return {
            "units": len(self.theta),
            "sigma_u": self.sigma_u,
            "sigma_e": self.sigma_e,
            "rho": self.sigma_u**2 / total if total > 0 else np.nan,
            **thetas,
        }


def variance_components(y: np.ndarray, X: np.ndarray, unit: np.ndarray) -> Components:
    r"""Variance components of Swamy & Arora (1972), for unbalanced panels as Stata's `xtreg, re`.

    .. math::
        \hat\sigma_e^2 = \frac{RSS_W}{N-n-k_W}, \qquad
        \hat\sigma_u^2 = \max\Big(0, \frac{RSS_B}{n-K_B} - \frac{\hat\sigma_e^2}{\bar T}\Big), \qquad
        \theta_i = 1-\sqrt{\frac{\hat\sigma_e^2}{T_i\hat\sigma_u^2+\hat\sigma_e^2}}

    with n units, the harmonic mean :math:`\bar T` of their lengths, the residual sums of squares of
    the within regression (:math:`k_W` slopes) and of the regression of unit means on unit means
    (:math:`K_B` parameters, the constant included; units count alike).

    Raises
    ------
    ModelError : too few units or periods for either regression.
    """
    lengths = np.bincount(unit)
    units, nobs = len(lengths), len(unit)
    within = demean(np.column_stack([y, X]), [unit])
    rss_within, k_within = _residual_sum(
        within[:, 0], within[:, 1:], np.linalg.norm(X - X.mean(axis=0), axis=0)
    )
    means = group_means(np.column_stack([y, X]), unit)
    rss_between, k_between = _residual_sum(means[:, 0], means[:, 1:], np.linalg.norm(means[:, 1:], axis=0))
    if nobs - units - k_within <= 0 or units - k_between <= 0:
        raise ModelError(
            f"{units} units and {nobs} observations do not identify the variance of the unit effect",
            remedy=f"Random effects need more than {k_between} units, observed more than once",
        )
    variance_e = rss_within / (nobs - units - k_within)
    harmonic = units / (1 / lengths).sum()
    variance_u = max(0.0, rss_between / (units - k_between) - variance_e / harmonic)
    theta = 1 - np.sqrt(variance_e / (lengths * variance_u + variance_e))
    return Components(float(np.sqrt(variance_u)), float(np.sqrt(variance_e)), theta)


def quasi_demean(columns: np.ndarray, unit: np.ndarray, components: Components) -> np.ndarray:
    r"""Columns less θ times their unit mean, :math:`x_{it}-\theta_i\bar x_i`."""
    table = columns.reshape(len(columns), -1)
    shifted = table - (components.theta[:, None] * group_means(table, unit))[unit]
    return shifted.reshape(columns.shape)


def _residual_sum(y: np.ndarray, X: np.ndarray, scale: np.ndarray) -> tuple[float, int]:
    """Residual sum of squares on the independent columns of X, and how many they are."""
    columns = X[:, independent_columns(X, scale, 1e-9)]
    if columns.shape[1] == 0:
        return float(y @ y), 0
    residuals = y - columns @ shortest(columns, y)
    return float(residuals @ residuals), columns.shape[1]
