"""Who buys, how much of it, and who governs: ties of firms to their buyers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gvcmetrics.ground.vocabulary import GOVERNANCE
from gvcmetrics.simulate.economies.firms import Firms, Flags
from gvcmetrics.simulate.economies.geography import Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams

ARMS_LENGTH, NETWORK, CAPTIVE, OWNED = range(len(GOVERNANCE))
BASE = np.array([0.0, -0.6, -0.4, -1.6])
"""Logits of the four types against arm's length where nothing pulls, assumed."""
PULL = np.array([0.0, 0.3, 1.0, 0.2])
"""What complexity, risk and standards do for each type, against what they do for quasi-hierarchy, assumed."""


@dataclass(frozen=True)
class Ties:
    """What ties firms (N) to buyers in each year (N, T).

    Attributes
    ----------
    knowledge, risk, differentiation, standards, newness : what H14 names. chances : of each type
        (N, T, 4), given all of it. governance : the type, a place of `GOVERNANCE`. continuity_logit : what a
        year of exports adds to the logit of quasi-hierarchy.
    n_buyers, main_share, hhi : number of buyers, the first one's share of sales, Herfindahl index.
    main_buyer : its number in the cluster; 0 is the cluster's first.
    """

    knowledge: Array
    risk: Array
    differentiation: Array
    standards: Flags
    newness: Flags
    chances: Array
    governance: NDArray[np.int8]
    n_buyers: NDArray[np.int64]
    main_share: Array
    hhi: Array
    main_buyer: NDArray[np.int64]


def ties(economy: Economy, places: Geography, made: Firms, streams: Streams) -> Ties:
    """Let buyers choose how to govern, and firms how much to sell to whom."""
    shape = made.log_size.shape
    drivers = {name: _score(streams(name), shape) for name in ("knowledge", "risk", "differentiation")}
    standards = _score(streams("standards"), shape) > 0.3
    newness = streams("newness").random(shape) < 0.25
    chances = mode_chances(
        economy, made, drivers["knowledge"], drivers["risk"], drivers["differentiation"], standards, newness
    )
    draw = streams("governance").random(shape)
    governance = (draw[..., None] > np.cumsum(chances, axis=2)[..., :3]).sum(axis=2).astype(np.int8)
    share, buyers, hhi = _concentration(economy, governance, streams)
    return Ties(
        **drivers,
        standards=standards,
        newness=newness,
        chances=chances,
        governance=governance,
        n_buyers=buyers,
        main_share=share,
        hhi=hhi,
        main_buyer=_main_buyers(economy, places, made, streams("main buyers")),
    )


def mode_chances(
    economy: Economy, made: Firms, knowledge: Array, risk: Array, differentiation: Array, standards: Flags,
    newness: Flags,
) -> Array:  # fmt: skip
    """Multinomial-logit chances of the four types, (N, T, 4)."""
    pulled = (
        economy.h14_knowledge * knowledge
        + economy.h14_risk * risk
        + economy.h14_differentiation * differentiation
        + economy.h14_standards * standards
        + economy.h14_newness * newness
    )
    logits = BASE + PULL * pulled[..., None]
    logits[..., CAPTIVE] += economy.h12_continuity * made.continuity - economy.endogeneity * made.capability
    logits[..., NETWORK] += 0.5 * economy.endogeneity * made.capability
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=2, keepdims=True)
    return logits


def _score(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A score of variance one, four fifths of it the firm's own."""
    count, years = shape
    return np.sqrt(0.8) * rng.standard_normal((count, 1)) + np.sqrt(0.2) * rng.standard_normal((count, years))


def _concentration(
    economy: Economy, governance: NDArray[np.int8], streams: Streams
) -> tuple[Array, NDArray[np.int64], Array]:
    """Main buyer's share, number of buyers, and the HHI where the others buy alike."""
    rng = streams("buyer shares")
    count, years = governance.shape
    middle = np.log(economy.main_buyer / (1 - economy.main_buyer)) if economy.main_buyer else -5.0
    index = middle + 0.8 * rng.standard_normal((count, 1)) + 0.6 * rng.standard_normal((count, years))
    index += np.where(governance == CAPTIVE, 0.5, 0.0) - np.where(governance == ARMS_LENGTH, 0.3, 0.0)
    share = np.round(1 / (1 + np.exp(-index)), 3)
    most = min(economy.buyers, 30)
    buyers = np.minimum(2 + streams("numbers of buyers").poisson(4.0, (count, years)), most)
    share = np.clip(share, np.round(1 / buyers + 0.0005, 3), 0.999)
    return share, buyers, share**2 + (1 - share) ** 2 / (buyers - 1)


def _main_buyers(
    economy: Economy, places: Geography, made: Firms, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The main buyer of every year: kept, or another; the cluster's first by the cluster's share of it."""
    count, years = made.log_size.shape
    chance = places.top_buyer[made.cluster]
    buyer = np.zeros((count, years), dtype=np.int64)
    for t in range(years):
        other = np.where(rng.random(count) < chance, 0, rng.integers(1, economy.buyers, count))
        changes = rng.random(count) < economy.switching
        buyer[:, t] = other if t == 0 else np.where(changes, other, buyer[:, t - 1])
    return buyer
