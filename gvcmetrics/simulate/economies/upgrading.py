"""Four kinds of upgrading, lock-in, functions and joint action: what becomes of firms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.ground.vocabulary import UPGRADING
from gvcmetrics.simulate.economies.checks import BASE_SHARE, SHARE_SPREAD
from gvcmetrics.simulate.economies.firms import Firms, Flags
from gvcmetrics.simulate.economies.geography import PATTERN_WEIGHT, Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.ties import CAPTIVE, NETWORK, OWNED, Ties

KINDS = len(UPGRADING)
FUNCTIONS = ("own_design", "own_marketing", "own_brand")
ACTIONS = ("cooperates_suppliers", "cooperates_buyers", "cooperates_rivals", "member_association")
HHI_MIDDLE, TOP_MIDDLE = 0.4, 0.4
LOCK_IN_SPREAD = 0.8
MIDDLE, SIZE_REACH = 0.45, 3.0
"""Middle of diversification; how far from the mean log employment size still moves it."""


@dataclass(frozen=True)
class Upgrading:
    """What becomes of firms (N) in each year (N, T).

    Attributes
    ----------
    base : (4, N, T), the index of each kind without tie, research, system and knowledge.
    knowledge, log_markets, system : regressors of H5 and H8. kinds : (4, N, T), which of them happened.
    diversification, single, lock_in : as the constructs are called. functions, actions : 0/1 items by name.
    top_buyer : the first buyer's share of the cluster's sales, (C, T).
    """

    base: Array
    dispersion: Array
    knowledge: Array
    log_markets: Array
    system: Flags
    kinds: Flags
    diversification: Array
    single: Flags
    lock_in: Array
    functions: dict[str, Flags]
    actions: dict[str, Flags]
    top_buyer: Array


def upgrading(
    economy: Economy, places: Geography, made: Firms, tied: Ties, top_buyer: Array, streams: Streams
) -> Upgrading:
    """Draw what becomes of every firm in every year."""
    shape = made.log_size.shape
    system = streams("innovation system").standard_normal(shape) + 0.2 * (made.log_size - economy.size_mean)
    lasting = streams("knowledge")
    knowledge = np.sqrt(0.5) * (lasting.standard_normal((shape[0], 1)) + lasting.standard_normal(shape))
    diversification = _diversification(economy, made, streams("diversification"))
    markets = 1 + streams("markets").poisson(6 * diversification)
    parts: dict[str, Any] = {
        "base": _base(economy, places, made),
        "dispersion": places.dispersion[made.cluster],
        "knowledge": np.round(knowledge, 3),
        "log_markets": np.log(markets),
        "system": system > 0.3,
    }
    index = indices(economy, places, made, tied, parts, tied.governance, made.research, parts["system"])
    return Upgrading(
        **parts,
        kinds=index + errors(economy, made, streams("upgrading")) > 0,
        diversification=diversification,
        **_lock_in(economy, places, made, tied, diversification, streams),
        functions=_functions(economy, tied, streams("functions")),
        actions=_actions(economy, made, top_buyer, streams("joint action")),
        top_buyer=top_buyer,
    )


def _base(economy: Economy, places: Geography, made: Firms) -> Array:
    common = (
        0.1 * (made.log_size - economy.size_mean)
        + 0.15 * (made.foreign > 0)[:, None]
        + 0.15 * made.exports
        + economy.capability * made.capability
        + places.common[made.cluster][:, None]
    )
    starts = [getattr(economy, f"upgrade_{kind}") for kind in UPGRADING]
    return np.stack([start + common for start in starts])


def indices(
    economy: Economy, places: Geography, made: Firms, tied: Ties, parts: dict[str, Any],
    governance: NDArray[np.int8], research: Flags, system: Flags,
) -> Array:  # fmt: skip
    """Index of each kind of upgrading, (4, N, T), were ties, research and system these."""
    captive, network = governance == CAPTIVE, governance == NETWORK
    tied_up = captive | (governance == OWNED)
    pattern = PATTERN_WEIGHT[places.pattern[made.cluster]][:, None]
    spread = parts["dispersion"][:, None]
    shared = (
        parts["base"]
        + economy.h20_network * network
        + economy.h16_pattern * pattern * tied_up
        + economy.h6_research * research
        + economy.h6_governed * research * captive
        + economy.h5_knowledge * parts["knowledge"] * parts["log_markets"]
        + economy.h9_dispersion * (spread - 1)
        + economy.h9_squared * (spread**2 - 1)
    )
    for kind, tie in enumerate((economy.h1_product, economy.h1_process, economy.h1_functional, 0.0)):
        shared[kind] += tie * captive
    shared[1] += economy.h8_process * system
    shared[2] += economy.h8_functional * system
    return shared


def errors(economy: Economy, made: Firms, rng: np.random.Generator) -> Array:
    """Errors of variance one, any two as correlated: a shock of the firm's year and a part of each kind."""
    own = rng.standard_normal((KINDS, *made.shock.shape))
    return np.sqrt(economy.correlation) * made.shock + np.sqrt(1 - economy.correlation) * own


def _diversification(economy: Economy, made: Firms, rng: np.random.Generator) -> Array:
    """One less the HHI of destinations: the firm's own, the year's, and by size."""
    count, years = made.log_size.shape
    own = rng.uniform(-0.12, 0.12, (count, 1)) + rng.uniform(-0.08, 0.08, (count, years))
    by_size = economy.h4_size * np.clip(made.log_size - economy.size_mean, -SIZE_REACH, SIZE_REACH)
    return MIDDLE + own + by_size


def _lock_in(
    economy: Economy, places: Geography, made: Firms, tied: Ties, diversification: Array, streams: Streams
) -> dict[str, Any]:
    """The score of lock-in, and whether the main customer is the only source of knowledge."""
    rng = streams("lock-in")
    count, years = made.log_size.shape
    source = streams("sources of knowledge")
    single = source.standard_normal((count, 1)) + source.standard_normal((count, years)) > 0.5
    institutions = places.institutions[made.cluster]
    score = (
        economy.h2_lock_in * (tied.hhi - HHI_MIDDLE)
        + economy.h4_lock_in * (diversification - MIDDLE)
        + single * (economy.h7_single + economy.h7_institutions * institutions)
        + 0.5 * rng.standard_normal((count, 1))
        + LOCK_IN_SPREAD * rng.standard_normal((count, years))
    )
    return {"single": single, "lock_in": np.round(score, 4)}


def _functions(economy: Economy, tied: Ties, rng: np.random.Generator) -> dict[str, Flags]:
    """Functions that a firm performs itself, each with a chance that falls with the buyer HHI."""
    count, years = tied.hhi.shape
    own = rng.uniform(-SHARE_SPREAD, SHARE_SPREAD, (count, 1))
    chance = BASE_SHARE + own + economy.h2_breadth * (tied.hhi - HHI_MIDDLE)
    return {name: rng.random((count, years)) < chance for name in FUNCTIONS}


def _actions(economy: Economy, made: Firms, top_buyer: Array, rng: np.random.Generator) -> dict[str, Flags]:
    """What firms do together, each with a chance that falls with the first buyer's share of the cluster."""
    count, years = made.log_size.shape
    half = SHARE_SPREAD / 2
    place = rng.uniform(-half, half, size=len(top_buyer))
    own = rng.uniform(-half, half, size=count) + place[made.cluster]
    chance = BASE_SHARE + own[:, None] + economy.h3_joint_action * (top_buyer[made.cluster] - TOP_MIDDLE)
    return {name: rng.random((count, years)) < chance for name in ACTIONS}
