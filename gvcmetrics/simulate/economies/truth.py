"""The true effect behind every rule of H1–H22, on the scale that the rule speaks of, at the surveyed firms.

Effects on a probability are averages over the surveyed firm-years of what the firm would have done, were
one thing otherwise and its unseen parts the same; effects in standard deviations use those of the sample;
so an estimate differs from them by its sampling error and by what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal, norm

from gvcmetrics.ground.vocabulary import UPGRADING
from gvcmetrics.simulate.economies.firms import (
    ENTRY_SIZE,
    GROWTH,
    GROWTH_SPREAD,
    PAY,
    PAY_SPREAD,
    Firms,
)
from gvcmetrics.simulate.economies.geography import Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.ties import (
    ARMS_LENGTH,
    CAPTIVE,
    NETWORK,
    OWNED,
    PULL,
    Ties,
    mode_chances,
)
from gvcmetrics.simulate.economies.upgrading import ACTIONS, FUNCTIONS, SIZE_REACH, Upgrading, indices

Found = tuple[str, str, float]
OTHERS = (ARMS_LENGTH, NETWORK, OWNED)
NODES = 24
ROUNDING = 1e-12


@dataclass(frozen=True)
class World:
    """An economy with all that a survey does not see, and the rows of it that are surveyed."""

    economy: Economy
    places: Geography
    firms: Firms
    ties: Ties
    upgrading: Upgrading
    rows: np.ndarray
    weight: Array

    def of(self, values: Array) -> Array:
        """Values (N, T) of the surveyed rows."""
        return values.ravel()[self.rows]

    def mean(self, values: Array, where: np.ndarray | None = None) -> float:
        """Weighted mean over surveyed rows, or some of them."""
        kept = np.ones(len(self.rows), dtype=bool) if where is None else where
        return float(np.average(values[kept], weights=self.weight[kept])) if kept.any() else np.nan

    def index(
        self, mode: int | None = None, research: bool | None = None, system: bool | None = None
    ) -> Array:
        """Index of each kind (4, rows), were the tie, research or linkage to the innovation system this."""
        shape = self.firms.log_size.shape
        became = self.upgrading
        parts = {"base": became.base, "dispersion": became.dispersion, "knowledge": became.knowledge,
                 "log_markets": became.log_markets}  # fmt: skip
        found = indices(
            self.economy, self.places, self.firms, self.ties, parts,
            self.ties.governance if mode is None else np.full(shape, mode, dtype=np.int8),
            self.firms.research if research is None else np.full(shape, research),
            became.system if system is None else np.full(shape, system),
        )  # fmt: skip
        return found.reshape(len(UPGRADING), -1)[:, self.rows]

    def untied(self, research: bool | None = None) -> Array:
        """Chances of each kind (4, rows) without a quasi-hierarchical tie, over what would be instead."""
        chances = self.ties.chances.reshape(-1, 4)[self.rows][:, OTHERS]
        chances = chances / chances.sum(axis=1, keepdims=True)
        each = [chances[:, place] * ndtr(self.index(mode, research)) for place, mode in enumerate(OTHERS)]
        return np.sum(each, axis=0)


def truth(world: World, firms: pd.DataFrame, clusters: pd.DataFrame, trade: pd.DataFrame) -> pd.DataFrame:
    """One row a rule: `hypothesis`, `effect` (as the rule names it), `value`.

    A rule on several effects at once has no one value; it is missing. `nothing` says whether all are zero.
    """
    found = [
        *_governance(world), *_knowledge(world), *_entry(world), *_modes(world), *_of_firms(world, firms),
        *_of_clusters(world.economy, clusters), *_of_trade(world.economy, trade),
    ]  # fmt: skip
    made = pd.DataFrame(found, columns=["hypothesis", "effect", "value"])
    e = world.economy
    kinds = (e.h1_product, e.h1_process, e.h1_functional)
    joint = {
        "H16": ("upgrading ← tie:pattern", not e.h16_pattern),
        "H20": ("upgrading ← tie", not any((*kinds, e.h20_network, e.h6_governed, e.h16_pattern))),
        "H18": (
            "resilience ← foreign_multinationals, home_multinationals, domestic_groups",
            not e.h18_modes,
        ),
    }
    several = pd.DataFrame(
        [
            {"hypothesis": name, "effect": effect, "nothing": nothing}
            for name, (effect, nothing) in joint.items()
        ]
    )
    made = pd.concat([made.assign(nothing=made["value"].abs() < ROUNDING), several], ignore_index=True)
    number = made["hypothesis"].str[1:].astype(int)
    return made.iloc[np.argsort(number, kind="stable")].reset_index(drop=True).astype({"nothing": bool})


def _governance(world: World) -> Iterator[Found]:
    contrast = ndtr(world.index(CAPTIVE)) - world.untied()
    effects = [world.mean(each) for each in contrast]
    for kind, value in zip(UPGRADING[:3], effects, strict=False):
        yield "H1", f"upgrade_{kind} ← quasi_hierarchical", value
    yield (
        "H1",
        "upgrade_product ← quasi_hierarchical less upgrade_functional ← quasi_hierarchical",
        effects[0] - effects[2],
    )


def _knowledge(world: World) -> Iterator[Found]:
    e = world.economy
    index = world.index()
    density = norm.pdf(index)
    slope = e.h5_knowledge
    markets, known = world.of(world.upgrading.log_markets), world.of(world.upgrading.knowledge)
    cross = density * (slope - index * slope * markets * slope * known)
    yield "H5", "upgrading ← chain_knowledge:log_markets", world.mean(cross.mean(axis=0))
    with_it, without = ndtr(world.index(research=True)), ndtr(world.index(research=False))
    yield "H6", "upgrading ← own_rd", world.mean((with_it - without).mean(axis=0))
    tied = ndtr(world.index(CAPTIVE, True)) - ndtr(world.index(CAPTIVE, False))
    free = world.untied(True) - world.untied(False)
    yield "H6", "upgrading ← own_rd:quasi_hierarchical", world.mean((tied - free).mean(axis=0))
    linked = ndtr(world.index(system=True)) - ndtr(world.index(system=False))
    yield (
        "H8",
        "functional ← innovation_system less upgrade_process ← innovation_system",
        world.mean(linked[2] - linked[1]),
    )
    spread = density.mean(axis=0)
    yield "H9", "upgrading ← size_dispersion", world.mean(e.h9_dispersion * spread)
    yield "H9", "upgrading ← size_dispersion_squared", world.mean(e.h9_squared * spread)


def _entry(world: World) -> Iterator[Found]:
    e, made = world.economy, world.firms
    yield "H11", "log_exports ← infrastructure:coordinated", e.h11_infrastructure
    later = world.rows % e.years > 0
    before = np.where(later, world.rows - 1, world.rows)
    seen = later & np.isin(before, world.rows)
    captive = world.ties.chances[..., CAPTIVE].ravel()[world.rows]
    outside = seen & (world.ties.governance.ravel()[before] != CAPTIVE)
    yield (
        "H12",
        "enters ← continuity",
        world.mean(e.h12_continuity * captive * (1 - captive), outside),
    )
    outside = seen & ~made.in_chain.ravel()[before]
    base, slope = world.of(made.entry_index), world.of(made.entry_slope)
    yield "H13", "enters ← certified_before", world.mean(ndtr(base + slope) - ndtr(base), outside)
    cross = norm.pdf(base + slope) * (ENTRY_SIZE + e.h13_size) - norm.pdf(base) * ENTRY_SIZE
    yield "H13", "enters ← certified_before:log_employment", world.mean(cross, outside)


def _modes(world: World) -> Iterator[Found]:
    e, tied = world.economy, world.ties
    chances = tied.chances.reshape(-1, 4)[world.rows]
    slope = chances[:, CAPTIVE] * (PULL[CAPTIVE] - chances @ PULL)
    for name, effect in (
        ("buyer_knowledge", e.h14_knowledge),
        ("delivery_risk", e.h14_risk),
        ("product_differentiation", e.h14_differentiation),
    ):
        yield "H14", f"quasi_hierarchical ← {name}", world.mean(effect * slope)
    scores = (tied.knowledge, tied.risk, tied.differentiation)
    for name, place in (("standards", 0), ("newness", 1)):
        both = []
        for value in (True, False):
            given = [tied.standards, tied.newness]
            given[place] = np.full(tied.standards.shape, value)
            both.append(world.of(mode_chances(e, world.firms, *scores, *given)[..., CAPTIVE]))
        yield "H14", f"quasi_hierarchical ← {name}", world.mean(both[0] - both[1])


def _of_firms(world: World, firms: pd.DataFrame) -> Iterator[Found]:
    e = world.economy
    hhi, lock_in = firms["buyer_hhi"].std(), firms["lock_in"].std()
    breadth = firms[list(FUNCTIONS)].mean(axis=1, skipna=False).std()
    action = firms[list(ACTIONS)].mean(axis=1, skipna=False).std()
    size, spread = np.log(firms["employment"]), firms["diversification"].std()
    reach = (np.abs(size - e.size_mean) <= SIZE_REACH).mean()
    local = firms["local_institutions"]
    yield "H2", "lock_in ← buyer_concentration", e.h2_lock_in * hhi / lock_in
    yield "H2", "functional_breadth ← buyer_concentration", e.h2_breadth * hhi / breadth
    top = firms["cluster_top_buyer_share"].std()
    yield "H3", "joint_action ← top_buyer_share", e.h3_joint_action * top / action
    yield "H4", "lock_in ← diversification", e.h4_lock_in * spread / lock_in
    yield "H4", "diversification ← log_employment", e.h4_size * reach * size.std() / spread
    alone = e.h7_single + e.h7_institutions * local.mean()
    yield "H7", "lock_in ← single_knowledge_source", alone / lock_in
    yield (
        "H7",
        "lock_in ← single_knowledge_source:local_institutions",
        e.h7_institutions * local.std() / lock_in,
    )
    yield "H17", "share of backshored", e.backshoring
    yield "H22", "correlation of economic, social", _together(world)


def _of_clusters(e: Economy, clusters: pd.DataFrame) -> Iterator[Found]:
    last = clusters.dropna(subset=["resilience"])
    yield (
        "H18",
        "resilience ← linkage",
        e.h18_linkage * last["linkage"].std() / last["resilience"].std(),
    )
    income = np.log(clusters["value_added_per_worker"]).std()
    yield (
        "H19",
        "log_income ← completeness",
        e.h19_completeness * clusters["completeness"].std() / income,
    )
    cost, share = clusters["marketing_cost"].std(), clusters["cluster_cr_4"].std()
    yield "H21", "concentration ← marketing_cost", e.h21_marketing * cost / share


def _of_trade(e: Economy, trade: pd.DataFrame) -> Iterator[Found]:
    quality, price = trade["quality"].std(), trade["relative_unit_value"].std()
    yield "H10", "export_quality ← input_tariff", e.h10_tariff * trade["input_tariff"].std() / quality
    days = np.log(trade["border_days"]).std()
    yield "H10", "export_quality ← border_delay", e.h10_delay * days / quality
    yield (
        "H15",
        "relative_unit_value ← cost_shock:tacitness",
        e.h15_tacitness * trade["tacitness"].std() / price,
    )


def _together(world: World) -> float:
    """The correlation behind upgrading of any kind and a rise of both jobs and pay.

    Given the shock of the firm's year all are independent; chances are integrated over it, and the
    correlation is that of the two normal variables whose four cells are these.
    """
    e = world.economy
    nodes, weights = hermegauss(NODES)
    weights = weights / weights.sum()
    later = world.rows % e.years > 0
    if not later.any():
        return np.nan
    index = world.index()[:, later]
    left, own = np.sqrt(e.correlation), np.sqrt(1 - e.correlation)
    any_kind = np.array(
        [np.average(1 - np.prod(ndtr(-(index + left * node) / own), axis=0), weights=world.weight[later])
         for node in nodes]
    )  # fmt: skip
    part = np.sqrt(1 - e.h22_shock**2)
    both = ndtr((GROWTH / GROWTH_SPREAD + e.h22_shock * nodes) / part) * ndtr(
        (PAY / PAY_SPREAD + e.h22_shock * nodes) / part
    )
    first, second, joint = any_kind @ weights, both @ weights, (any_kind * both) @ weights
    if e.h22_shock == 0:
        return 0.0
    cuts = [ndtri(first), ndtri(second)]

    def gap(rho: float) -> float:
        return float(multivariate_normal.cdf(cuts, mean=[0, 0], cov=[[1, rho], [rho, 1]]) - joint)

    return float(brentq(gap, -0.99, 0.99, xtol=1e-6))
