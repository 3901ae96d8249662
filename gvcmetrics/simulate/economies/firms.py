"""Firms over the years: size, owners, research, certificates, chains and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from gvcmetrics.simulate.economies.geography import Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams

Flags = NDArray[np.bool_]
GROWTH, GROWTH_SPREAD = 0.01, 0.12
PAY, PAY_SPREAD = 0.015, 0.06
"""Mean and spread of yearly growth of employment and of pay, assumed."""
ENTRY, STAY = -1.3, 0.85
"""Index of entry into a chain, and the share that stays in one for another year, assumed."""
ENTRY_SIZE, ENTRY_FOREIGN = 0.15, 0.2


@dataclass(frozen=True)
class Firms:
    """Firms (N) and their years (N, T).

    Attributes
    ----------
    cluster : of each firm. alive : in which years there is the firm. foreign : share of foreign owners.
    capability : unseen by a survey. shock : to upgrading, shared by its kinds and by growth.
    log_size, log_pay : logs of employment and of pay per head, after the year's growth.
    in_chain : exports and imports inputs. entry_index, entry_slope : of entry in the year by a firm that was
        outside, and what a certificate adds. continuity : years of unbroken exports before the year.
    """

    cluster: NDArray[np.int64]
    alive: Flags
    foreign: Array
    capability: Array
    shock: Array
    log_size: Array
    log_pay: Array
    certified: Flags
    research: Flags
    in_chain: Flags
    exports: Flags
    imports: Flags
    continuity: Array
    entry_index: Array
    entry_slope: Array


def firms(economy: Economy, places: Geography, streams: Streams) -> Firms:
    """Draw the economy's firms, some for each cluster, and let them live."""
    count = round(economy.firms * economy.census)
    years = economy.years
    cluster = _clusters(economy, places, count, streams("firms of clusters"))
    shock = streams("shocks").standard_normal((count, years))
    size0 = streams("sizes").normal(economy.size_mean, 1.0, count)
    size0 = economy.size_mean + (size0 - economy.size_mean) * places.dispersion[cluster]
    log_size = size0[:, None] + np.cumsum(
        _growth(economy, shock, streams("growth"), GROWTH, GROWTH_SPREAD), 1
    )
    log_pay = streams("pay levels").normal(9.0, 0.3, (count, 1)) + np.cumsum(
        _growth(economy, shock, streams("pay"), PAY, PAY_SPREAD), 1
    )
    rng = streams("owners")
    owned = rng.random(count) < economy.foreign
    foreign = np.where(owned, np.round(rng.uniform(0.1, 1.0, count), 2), 0.0)
    ability = streams("capability")
    capability = np.sqrt(0.5) * (ability.normal(size=(count, 1)) + ability.normal(size=(count, years)))
    alive = _alive(economy, count, streams("births and deaths"))
    lean = (log_size - economy.size_mean) / 1.1
    return Firms(
        cluster=cluster,
        alive=alive,
        foreign=foreign,
        capability=capability,
        shock=shock,
        log_size=log_size,
        log_pay=log_pay,
        research=_lasting(0.3 * lean + 0.3 * owned[:, None] - 0.5, streams("research")),
        **_careers(economy, lean, owned, alive, streams),
    )


def _clusters(economy: Economy, places: Geography, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A firm for each cluster, the others by the clusters' shares."""
    first = np.arange(economy.clusters)
    rest = rng.choice(economy.clusters, size=max(count - economy.clusters, 0), p=places.share)
    return np.sort(np.concatenate([first, rest])[:count])


def _growth(economy: Economy, shock: Array, rng: np.random.Generator, mean: float, spread: float) -> Array:
    """Yearly growth, part of whose surprise is that of upgrading; none in the first year."""
    part = economy.h22_shock
    grown = mean + spread * (part * shock + np.sqrt(1 - part**2) * rng.standard_normal(shock.shape))
    grown[:, 0] = 0.0
    return grown


def _alive(economy: Economy, count: int, rng: np.random.Generator) -> Flags:
    """Years from birth to death; a share of firms is there from the first year on."""
    years = economy.years
    late = 1 - (1 - economy.birth) ** (years - 1)
    born = np.where(rng.random(count) < late, 1 + rng.integers(0, max(years - 1, 1), count), 0)
    dies = rng.random((count, years)) < economy.death
    year = np.arange(years)
    dies &= year > born[:, None]
    gone = np.maximum.accumulate(dies, axis=1)
    return (year >= born[:, None]) & ~gone


def _lasting(index: Array, rng: np.random.Generator) -> Flags:
    """A 0/1 state of which half the chance is the firm's own and half the year's."""
    count, years = index.shape
    error = np.sqrt(0.5) * (rng.standard_normal((count, 1)) + rng.standard_normal((count, years)))
    return index + error > 0


def _careers(economy: Economy, lean: Array, owned: Flags, alive: Flags, streams: Streams) -> dict[str, Any]:
    """Certificates, chains and exports from year to year."""
    count, years = lean.shape
    rng, chance = streams("certificates"), streams("chains")
    others, inputs = streams("exports outside chains"), streams("imports outside chains")
    certified, chain, outside = (np.zeros((count, years), dtype=bool) for _ in range(3))
    index, slope = np.zeros((count, years)), np.zeros((count, years))
    run, continuity = np.zeros(count), np.zeros((count, years))
    for t in range(years):
        pull = 0.3 * lean[:, t] + 0.3 * owned
        continuity[:, t] = run
        if t == 0:
            certified[:, 0] = rng.random(count) < ndtr(pull - 0.9)
            chain[:, 0] = chance.random(count) < 0.2
            outside[:, 0] = others.random(count) < 0.3
        else:
            before = certified[:, t - 1]
            certified[:, t] = before | (rng.random(count) < ndtr(pull - 1.9))
            size = 1.1 * lean[:, t]
            slope[:, t] = economy.h13_certified + economy.h13_size * size
            index[:, t] = ENTRY + ENTRY_SIZE * size + ENTRY_FOREIGN * owned
            enters = chance.random(count) < np.where(
                chain[:, t - 1], STAY, ndtr(index[:, t] + slope[:, t] * before)
            )
            chain[:, t] = enters
            outside[:, t] = others.random(count) < np.where(outside[:, t - 1], 0.8, 0.1)
        for state in (certified, chain, outside):
            state[:, t] &= alive[:, t]
        run = np.where(chain[:, t] | outside[:, t], run + 1, 0.0)
    exports = chain | outside
    imports = chain | (~exports & (inputs.random((count, years)) < 0.4))
    return {
        "certified": certified, "in_chain": chain, "exports": exports, "imports": imports,
        "continuity": continuity, "entry_index": index, "entry_slope": slope,
    }  # fmt: skip
