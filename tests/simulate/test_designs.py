"""Simulated designs: labelled, reproducible, and what they say they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import ModelError
from gvcmetrics.simulate.designs import (
    PERSISTENCE,
    VARIANCE,
    simulate_average_effects,
    simulate_choices,
    simulate_common_shocks,
    simulate_domain,
    simulate_dynamics,
    simulate_gamma_counts,
    simulate_gravity,
    simulate_instruments,
    simulate_levels,
    simulate_selection,
    simulate_zeros,
)

DESIGNS: dict[str, Callable[[int], pd.DataFrame]] = {
    "average effects": lambda seed: simulate_average_effects("probit", units=20, periods=6, seed=seed),
    "choices": lambda seed: simulate_choices("nested", seed=seed),
    "common shocks": lambda seed: simulate_common_shocks(seed=seed),
    "domain": lambda seed: simulate_domain("logit", seed=seed),
    "dynamics": lambda seed: simulate_dynamics(units=30, seed=seed),
    "instruments": lambda seed: simulate_instruments("probit", units=50, seed=seed),
    "gamma": lambda seed: simulate_gamma_counts(units=30, seed=seed),
    "gravity": lambda seed: simulate_gravity(countries=4, seed=seed),
    "levels": lambda seed: simulate_levels("logit", clusters=10, seed=seed),
    "selection": lambda seed: simulate_selection(seed=seed),
    "zeros": lambda seed: simulate_zeros("hurdle", seed=seed),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_labelled_and_reproducible(name: str) -> None:
    one, two, other = (DESIGNS[name](seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, two)
    outcome = {"gravity": "trade", "choices": "x"}.get(name, "y")
    assert not one[outcome].equals(other[outcome])
    assert one.attrs["simulated"] is True
    assert one.attrs["truth"]


def test_the_factors_of_counts_have_mean_one() -> None:
    frame = simulate_gamma_counts(units=20_000, periods=2, seed=3)
    truth = frame.attrs["truth"]
    mean = np.exp(truth["Intercept"] + truth["x1"] * frame["x1"] + truth["d"] * frame["d"])
    total, expected = frame["y"].groupby(frame["unit"]).sum(), mean.groupby(frame["unit"]).sum()
    assert (total / expected).mean() == pytest.approx(1.0, abs=0.02)
    beyond = ((total - expected) ** 2 - expected).sum() / (expected**2).sum()
    assert beyond == pytest.approx(VARIANCE, rel=0.15)


def test_shocks_last_and_a_domain_leaves_most_sampling_units() -> None:
    frame = simulate_common_shocks(units=40, periods=4000, seed=1)
    by_period = frame.groupby("period")["x1"].mean()
    assert by_period.autocorr() == pytest.approx(PERSISTENCE, abs=0.05)
    survey = simulate_domain(seed=1)
    shares = survey.groupby("psu")["inside"].mean()
    assert (shares < 0.2).mean() > 0.4
    with pytest.raises(ModelError, match="no simulated average effects"):
        simulate_average_effects("cloglog")
