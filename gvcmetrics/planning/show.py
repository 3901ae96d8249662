"""What `gvcmetrics power` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.figures import save_figure
from gvcmetrics.planning.power import Power, power


def print_power(
    hypothesis: str, *, costs: tuple[float | None, float | None, float | None], figure: Path | None,
    rule: int, **options: Any,
) -> None:  # fmt: skip
    """Print power, the cheapest allocation where costs are given, and draw the figure where a file is named.

    Raises
    ------
    DataError : a cost alone, or costs or a figure of a simulation, which knows one design only.
    """
    firm_cost, cluster_cost, budget = costs
    if (firm_cost is None) != (cluster_cost is None) or (budget is not None and firm_cost is None):
        raise DataError("a cost is missing", Place(key="cost"), "Give --firm-cost and --cluster-cost")
    if options["by"] == "simulation" and (figure is not None or firm_cost is not None):
        raise DataError(
            "a simulation knows one design only",
            Place(key="simulate"),
            "Leave out --simulate for figure and costs",
        )
    found = power(hypothesis, rule=rule, **options)
    print(found)
    if firm_cost is not None and cluster_cost is not None:
        print(_costs(found, firm_cost, cluster_cost, budget, rule))
    if figure is not None:
        for path in save_figure(found.plot(), figure.with_suffix(""), simulated=True)[:2]:
            print(f"wrote {path}")


def _costs(found: Power, firm_cost: float, cluster_cost: float, budget: float | None, rule: int) -> str:
    design = found.design
    spent = design.firms * firm_cost + design.clusters * cluster_cost if budget is None else budget
    best = found.allocate(spent, firm_cost, cluster_cost, rule)
    reached = found.at(best.firms, best.clusters).iloc[rule]
    return (
        f"For {spent:g}: {best.clusters} clusters of {best.firms_per_cluster} firms tell most about "
        f"{found.table.index[rule]}; cost {best.cost:g}, power {reached:.3f}"
    )
