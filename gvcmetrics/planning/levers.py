"""Which parameter of the economy moves the effect that a rule speaks of, and the value that it must have."""

from __future__ import annotations

import pandas as pd
from scipy.optimize import brentq

from gvcmetrics.errors import DataError, Place
from gvcmetrics.planning.design import Design
from gvcmetrics.simulate.economies.make import economy

LEVERS = {
    "H1": ("h1_product", "h1_process", "h1_functional", "h1_functional"),
    "H2": ("h2_lock_in", "h2_breadth"),
    "H3": ("h3_joint_action",),
    "H4": ("h4_lock_in", "h4_size"),
    "H5": ("h5_knowledge",),
    "H6": ("h6_research", "h6_governed"),
    "H7": ("h7_single", "h7_institutions"),
    "H8": ("h8_functional",),
    "H9": ("h9_dispersion", "h9_squared"),
    "H11": ("h11_infrastructure",),
    "H12": ("h12_continuity",),
    "H13": ("h13_certified", "h13_size"),
    "H14": ("h14_knowledge", "h14_risk", "h14_differentiation", "h14_standards", "h14_newness"),
    "H22": ("h22_shock",),
}
"""One parameter for each rule, in the order of the economy's truth."""
_FIRMS, _CLUSTERS, _SEED = 2000, 100, 20_000
_WIDEST = 3.0


def setting(hypothesis: str, rule: str, effect: float, design: Design) -> dict[str, float]:
    """The parameter, and its value at which the true effect behind a rule is this.

    Raises
    ------
    DataError : no parameter moves the rule, or no value within reach gives the effect.
    """
    if hypothesis not in LEVERS:
        raise DataError(
            f"the simulated economy has no parameter for {hypothesis} alone",
            Place(key="effect"),
            f"By simulation with an effect of your own: {', '.join(LEVERS)}",
        )
    effects = list(_truth(hypothesis, design, {})["effect"])
    if rule not in effects:
        raise DataError(f"{rule} has no one true value", Place(key="rule"), f"Choose of {'; '.join(effects)}")
    name = LEVERS[hypothesis][effects.index(rule)]

    def gap(value: float) -> float:
        return true_effect(hypothesis, rule, design, {name: value}) - effect

    reach = _reach(design, name)
    low, high = gap(-reach), gap(reach)
    if low * high > 0:
        raise DataError(
            f"no value of {name} makes the effect {effect:g}: it would make probabilities leave (0, 1)",
            Place(key="effect"),
            f"Effects from {min(low, high) + effect:.3f} to {max(low, high) + effect:.3f} can be simulated",
        )
    return {name: float(brentq(gap, -reach, reach, xtol=1e-3, rtol=1e-3))}


def _reach(design: Design, name: str) -> float:
    """How far from zero the parameter may go in an economy."""
    reach = _WIDEST
    while True:
        try:
            design.economy.with_(**{name: reach})
            return reach
        except DataError:
            reach *= 0.9


def true_effect(hypothesis: str, rule: str, design: Design, changes: dict[str, float] | None = None) -> float:
    """The true effect behind a rule, in an economy large enough to hold it; missing if there is none."""
    found = _truth(hypothesis, design, changes or {})
    values = found.loc[found["effect"] == rule, "value"]
    return float(values.iloc[0]) if len(values) else float("nan")


def _truth(hypothesis: str, design: Design, changes: dict[str, float]) -> pd.DataFrame:
    truth = economy(design.of(_FIRMS, _CLUSTERS).with_(**changes), seed=_SEED).truth
    return truth[truth["hypothesis"] == hypothesis]
