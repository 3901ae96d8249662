"""From the economy to its survey: who is sampled and stays, what is asked, answered wrongly or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gvcmetrics.simulate.economies.firms import Firms, Flags
from gvcmetrics.simulate.economies.geography import Array, Geography
from gvcmetrics.simulate.economies.parameters import Economy
from gvcmetrics.simulate.economies.streams import Streams
from gvcmetrics.simulate.economies.upgrading import Upgrading

SIZES = ("below 20", "20 to 99", "100 and more")
SIZE_EDGES = (np.log(20), np.log(100))


@dataclass(frozen=True)
class Sample:
    """The firms that are surveyed, and in which years.

    Attributes
    ----------
    chosen : whether a firm is in the sample (N). seen : its years (N, T). weight : firms that it stands for.
    stratum : country and size class at the start, as a number; `strata` names them.
    """

    chosen: Flags
    seen: Flags
    weight: Array
    stratum: NDArray[np.int64]
    strata: NDArray[np.str_]


def sample(
    economy: Economy, places: Geography, made: Firms, became: Upgrading, country_names: list[str],
    streams: Streams,
) -> Sample:  # fmt: skip
    """Draw a stratified sample of firms, and let some leave it.

    Strata are country × size class at the start; within a stratum firms are drawn with equal chances, in
    the largest class with `oversampling` times the odds. Whoever leaves does not come back.
    """
    count = len(made.cluster)
    size = np.searchsorted(SIZE_EDGES, made.log_size[:, 0], side="right")
    stratum = places.country[made.cluster] * len(SIZES) + size
    strata = np.array([f"{name}, {each}" for name in country_names for each in SIZES])
    odds = np.array([1.0, np.sqrt(economy.oversampling), economy.oversampling])[size]
    wanted = min(economy.firms / count, 1.0)
    share = np.minimum(wanted * odds / odds.mean(), 1.0)
    held = np.bincount(stratum, minlength=len(strata))
    takes = np.minimum(np.round(np.bincount(stratum, share, len(strata))), held)
    takes = np.where(held > 0, np.maximum(takes, 1), 0)
    luck = streams("sample").random(count)
    order = np.lexsort((luck, stratum))
    first = np.concatenate([[0], np.cumsum(held)])[:-1]
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count) - np.repeat(first, held)
    chosen = rank < takes[stratum]
    weight = (held / np.where(takes > 0, takes, 1))[stratum]
    return Sample(
        chosen, chosen[:, None] & made.alive & _stays(economy, became, streams), weight, stratum, strata
    )


def _stays(economy: Economy, became: Upgrading, streams: Streams) -> Flags:
    """Years before a firm leaves; the odds of leaving are higher after a year without any upgrading."""
    upgraded = became.kinds.any(axis=0)
    count, years = upgraded.shape
    if economy.attrition == 0:
        return np.ones((count, years), dtype=bool)
    odds = economy.attrition / (1 - economy.attrition) * np.exp(economy.selectivity * (0.5 - upgraded))
    leaves = streams("attrition").random((count, years)) < odds / (1 + odds)
    gone = np.maximum.accumulate(leaves, axis=1)
    return np.column_stack([np.ones((count, 1), dtype=bool), ~gone[:, :-1]])


def answered(
    frame: pd.DataFrame, economy: Economy, items: tuple[str, ...], asked: tuple[str, ...], streams: Streams
) -> pd.DataFrame:
    """The frame as it is answered: some buyer items wrongly, and some of what is asked not at all.

    Each item has a stream of its own.
    """
    made = frame
    for name in items:
        if economy.misreporting > 0:
            wrong = streams(f"misreported {name}").random(len(frame)) < economy.misreporting
            made[name] = np.where(wrong, 1.0 - made[name], made[name])
    for name in asked:
        if economy.missing > 0:
            silent = streams(f"missing {name}").random(len(frame)) < economy.missing
            made[name] = made[name].mask(silent)
    return made
