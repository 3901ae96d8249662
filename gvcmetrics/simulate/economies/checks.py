"""What no economy can be: each mistake one message, which names the parameter and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from gvcmetrics.errors import DataError, Place

COUNTS = {"firms": 1, "years": 1, "clusters": 1, "countries": 1, "buyers": 2,
          "exporters": 2, "products": 2}  # fmt: skip
SHARES = ("foreign", "top_buyer", "main_buyer", "switching", "birth", "death", "backshoring",
          "misreporting", "attrition", "missing", "correlation")  # fmt: skip
SPREADS = ("cluster_inequality", "cluster_effect", "dispersion_low", "selectivity")
REASONS = {
    "clusters": "without clusters nothing is local",
    "buyers": "with one buyer no firm can have another share of its sales with it than all",
}
LARGEST_INDEX = 5.0
"""An index further out than this leaves one firm-year in three million to chance."""
BASE_SHARE, SHARE_SPREAD = 0.5, 0.2
"""Shares of functions, and of joint action, are drawn about a half, firm by firm up to this far from it."""


def check(values: Mapping[str, Any]) -> None:
    """Refuse parameters, by name, that no economy can have.

    Raises
    ------
    DataError : the first mistake.
    """
    economy = SimpleNamespace(**values)
    _patterns(economy.patterns)
    for name, value in values.items():
        if name == "patterns":
            continue
        if (
            not isinstance(value, int | float | np.number)
            or isinstance(value, bool)
            or not np.isfinite(value)
        ):
            raise _refused(name, f"{name} is {value!r}, not a number", "Give a number")
    for name, least in COUNTS.items():
        value = getattr(economy, name)
        if value != int(value) or value < least:
            why = f": {REASONS[name]}" if name in REASONS else ""
            raise _refused(name, f"{name} is {value}{why}", f"Give a whole number from {least} on")
    for name in SHARES:
        if not 0 <= (value := getattr(economy, name)) < 1:
            raise _refused(name, f"{name} is {value}, a share outside [0, 1)", "Give a share")
    for name in SPREADS:
        if (value := getattr(economy, name)) < 0:
            raise _refused(name, f"{name} is {value}, below zero", "Give zero or more")
    _sizes(economy)
    _probabilities(economy)


def _patterns(shares: Any) -> None:
    if len(shares) != 4 or min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise _refused(
            "patterns",
            f"patterns is {shares}: the four shares of sectoral patterns do not add to one",
            "Give four shares from zero on that add to one",
        )


def _sizes(economy: SimpleNamespace) -> None:
    if economy.clusters > economy.firms:
        raise _refused(
            "clusters",
            f"{economy.clusters} clusters of {economy.firms} firms: some would have none",
            "Ask for more firms or fewer clusters",
        )
    if economy.clusters < economy.countries:
        raise _refused(
            "countries",
            f"{economy.countries} countries share {economy.clusters} clusters: some would have none",
            "Ask for more clusters or fewer countries",
        )
    if economy.census < 1:
        raise _refused("census", f"census is {economy.census}: the survey would be larger than the economy",
                       "Give one or more")  # fmt: skip
    if economy.dispersion_high < economy.dispersion_low:
        raise _refused("dispersion_high", "the highest dispersion of sizes lies below the lowest",
                       "Exchange dispersion_low and dispersion_high")  # fmt: skip
    if economy.death + economy.attrition >= 1:
        raise _refused("attrition", "death and attrition add to one or more, so that no firm stays",
                       "Make them smaller")  # fmt: skip
    if economy.oversampling <= 0:
        raise _refused("oversampling", f"oversampling is {economy.oversampling}, not above zero", "Give odds")


def _probabilities(economy: SimpleNamespace) -> None:
    """Shares that are drawn about a line must stay in [0, 1], and indices where chance has a say."""
    room = BASE_SHARE - SHARE_SPREAD
    for name, reach in (("h2_breadth", 0.6), ("h3_joint_action", 0.6)):
        if abs(value := getattr(economy, name)) * reach > room:
            raise _refused(
                name,
                f"{name} = {value} makes probabilities leave (0, 1)",
                f"Give at most {room / reach:g} in size",
            )
    if abs(economy.h4_size) > 0.08:
        raise _refused("h4_size", f"h4_size = {economy.h4_size} makes shares of markets leave (0, 1)",
                       "Give at most 0.08 in size")  # fmt: skip
    if abs(economy.h21_marketing) > 0.6:
        raise _refused("h21_marketing", f"h21_marketing = {economy.h21_marketing} makes shares leave (0, 1)",
                       "Give at most 0.6 in size")  # fmt: skip
    if abs(economy.h22_shock) >= 1:
        raise _refused(
            "h22_shock", f"h22_shock = {economy.h22_shock} is no correlation", "Give one in (−1, 1)"
        )
    for name, value in vars(economy).items():
        if name.startswith(
            ("h1_", "h5_", "h6_", "h8_", "h12_", "h13_", "h14_", "h16_", "h20_", "upgrade_")
        ) and (abs(value) > LARGEST_INDEX):
            raise _refused(
                name,
                f"{name} = {value} makes probabilities leave (0, 1) as far as numbers can tell",
                f"Give at most {LARGEST_INDEX:g} in size",
            )


def _refused(name: str, problem: str, remedy: str) -> DataError:
    return DataError(problem, Place(key=name), remedy)
