"""Firm panels with known signs: governance from buyer items, upgrading from latent indices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

CLUSTERS = 60


def simulated(turn: float = 1.0, n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """A cross-section of firms; `turn` multiplies every effect that a hypothesis speaks of."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, CLUSTERS, n)
    industry = np.array(["13", "26", "10", "28"])[cluster % 4]
    common = rng.normal(0, 0.2, CLUSTERS)[cluster]
    certified, research, exports = (rng.random(n) < share for share in (0.3, 0.4, 0.5))
    share = np.clip(0.3 + 0.4 * rng.random(n), 0.05, 0.95)
    buyers = np.ceil(1 / share) + rng.integers(0, 5, n)
    owned = rng.random(n) < 0.15
    captive = ~owned & (rng.random(n) < 0.35 + 0.25 * turn * (certified - 0.3))
    network = ~owned & ~captive & (rng.random(n) < 0.4)
    specific = network | captive | (rng.random(n) < 0.5 + turn * (share - 0.5))
    pattern = np.select([industry == "13", industry == "26"], [1.0, -1.0], 0.0)
    errors = rng.multivariate_normal(np.zeros(3), 0.3 + 0.7 * np.eye(3), n)
    pull = turn * (0.5 * captive + 0.6 * owned + 0.6 * research + 0.7 * research * captive)
    product = pull + turn * 1.2 * pattern * captive - 0.9 + common + errors[:, 0] > 0
    process = pull + turn * 0.6 * pattern * captive - 0.7 + common + errors[:, 1] > 0
    functional = turn * (0.6 * research - 1.2 * captive - 3.0 * (share - 0.5)) + errors[:, 2] > 0
    return pd.DataFrame(
        {
            "country": "SOM",
            "firm_id": [f"f{i}" for i in range(n)],
            "year": 2019,
            "region": [f"r{each // 4}" for each in cluster],
            "industry": industry,
            "cluster_id": [f"c{each}" for each in cluster],
            "employment": np.exp(rng.normal(3.5, 1, n)).round() + 1,
            "export_share": 0.3 * exports,
            "rd_usd": 1000.0 * research,
            "certified": certified * 1.0,
            "foreign_share": 0.6 * owned,
            "n_buyers": buyers,
            "main_buyer_share": share,
            "buyer_sets_design": captive * 1.0,
            "buyer_sets_process": captive * 1.0,
            "joint_design": network * 1.0,
            "specific_investment": specific * 1.0,
            "owned_by_buyer": owned * 1.0,
            "upgrade_product": product * 1.0,
            "upgrade_process": process * 1.0,
            "upgrade_functional": functional * 1.0,
        }
    )


@pytest.fixture(scope="session")
def firms() -> Callable[..., pd.DataFrame]:
    """The maker of firms."""
    return simulated
