r"""Firms in clusters: what sharing a place costs, and how to spend a budget.

The variance of an estimate from :math:`n` firms in clusters whose sizes have mean :math:`m` and coefficient
of variation :math:`\kappa` is :math:`\sigma^2 / n \cdot [1 + (m (1 + \kappa^2) - 1) \rho]` (Kish 1965;
Eldridge, Ashby and Kerry 2006). Here :math:`\rho` is the correlation of the scores of two firms of a cluster,
of what they contribute to the estimate. For a mean it is the intraclass correlation of the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def design_effect(size: float, rho: float, cv: float = 0.0) -> float:
    """:math:`1 + (m (1 + \\kappa^2) - 1) \\rho`: the variance over that of as many unrelated firms.

    Examples
    --------
    >>> round(design_effect(20, 0.05), 3), round(design_effect(20, 0.05, cv=0.5), 3)
    (1.95, 2.2)
    """
    return 1 + (size * (1 + cv**2) - 1) * rho


def correlation(by_firm: float, by_cluster: float, effective_size: float) -> float:
    """ρ of the scores from an estimate's variance with errors by firm and by cluster; none below zero.

    `effective_size` is :math:`\\sum m_c^2 / \\sum m_c`. Small-sample factors are to be taken out before.
    """
    if effective_size <= 1:
        return 0.0
    return float(np.clip((by_cluster / by_firm - 1) / (effective_size - 1), 0.0, 1.0))


@dataclass(frozen=True)
class Allocation:
    """How many clusters, and firms in each; what they cost, and the standard error that they give."""

    clusters: int
    firms_per_cluster: int
    cost: float
    std_error: float

    @property
    def firms(self) -> int:
        """All firms."""
        return self.clusters * self.firms_per_cluster


def best_size(rho: float, firm_cost: float, cluster_cost: float, cv: float = 0.0) -> float:
    r"""Firms per cluster that give the least variance for the money.

    :math:`m^* = \sqrt{\frac{c_c}{c_f} \cdot \frac{1 - \rho}{\rho (1 + \kappa^2)}}`; infinite where
    :math:`\rho = 0`.

    Examples
    --------
    >>> round(best_size(0.05, firm_cost=1, cluster_cost=10), 2)
    13.78
    """
    if rho == 0:
        return np.inf
    return float(np.sqrt(cluster_cost / firm_cost * (1 - rho) / (rho * (1 + cv**2))))


def allocate(
    budget: float, firm_cost: float, cluster_cost: float, variance: float, rho: float, cv: float = 0.0,
    least: int = 2,
) -> Allocation:  # fmt: skip
    """The whole numbers of clusters and firms that give the least standard error within a budget.

    The closed form gives firms per cluster; whole numbers are searched about it, no fewer clusters than
    `least`. `variance` is that of one firm.
    """
    most = int((budget / least - cluster_cost) // firm_cost)
    middle = min(best_size(rho, firm_cost, cluster_cost, cv), most)
    low, high = int(max(1, 0.5 * middle)), int(min(most, 2 * middle + 2))
    sizes = np.arange(low, max(high, low) + 1)
    clusters = (budget // (cluster_cost + sizes * firm_cost)).astype(int)
    effects = np.array([design_effect(float(size), rho, cv) for size in sizes])
    errors = np.sqrt(variance / (sizes * clusters) * effects)
    place = int(np.argmin(errors))
    size, count = int(sizes[place]), int(clusters[place])
    return Allocation(count, size, float(count * (cluster_cost + size * firm_cost)), float(errors[place]))
