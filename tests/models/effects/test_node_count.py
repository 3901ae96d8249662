"""Quadrature points are raised until they suffice, and the path is shown; in every response with random
effects. Frequency weights are whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "tobit": "amount",
    "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung", "ordered_probit": "rung",
    "poisson": "count", "negative_binomial": "count",
}  # fmt: skip
NAMES = [name for name, response in responses().items() if "random" in response.treatments and name != "ols"]


def panel(sigma: float, units: int = 60, periods: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(12)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x = rng.normal(size=n)
    latent = x + sigma * rng.normal(size=units)[unit] + rng.logistic(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "x": x,
            "amount": np.maximum(latent, 0.0),
            "yes": (latent > 0).astype(int),
            "rung": np.digitize(latent, [-1.0, 1.0]),
            "count": rng.poisson(np.exp(0.3 * latent)),
        }
    )


@pytest.mark.parametrize("name", NAMES)
def test_more_points_than_were_taken_change_nothing(name: str) -> None:
    data = panel(4.0 if OUTCOMES[name] != "count" else 1.5)
    made = getattr(gvc, name)(f"{OUTCOMES[name]} ~ x", data, unit="unit", effects="random")
    fine = getattr(gvc, name)(f"{OUTCOMES[name]} ~ x", data, unit="unit", effects="random", nquad=100)
    assert made.loglik == pytest.approx(fine.loglik, abs=5e-3)
    assert (np.abs(made.params - fine.params) / fine.std_errors).max() < 0.03
    assert made.statistics["nquad"] in (12, 24, 48, 96)
    assert "Quadrature points" in str(made)


def test_few_points_stay_where_they_suffice_and_the_path_is_shown() -> None:
    small = gvc.logit("yes ~ x", panel(0.5), unit="unit", effects="random")
    assert small.statistics["nquad"] == 12
    assert "nquad" not in small.call
    large = gvc.logit("yes ~ x", panel(6.0), unit="unit", effects="random")
    assert large.statistics["nquad"] > 12
    path = large.quadrature_check()
    assert path.index.is_monotonic_increasing
    assert path.loc[large.statistics["nquad"], "sigma_u"] == pytest.approx(large.params["sigma_u"], rel=1e-5)
    assert abs(path["loglik"].iloc[-1] - large.loglik) < 1e-2 < abs(path["loglik"].iloc[0] - large.loglik)
    with pytest.raises(ModelError, match="no quadrature"):
        gvc.logit("yes ~ x", panel(0.5)).quadrature_check()
    for bad in ("many", 1, 2.5, True):
        with pytest.raises(ModelError, match="nquad="):
            gvc.logit("yes ~ x", panel(0.5), unit="unit", effects="random", nquad=bad)


@pytest.mark.parametrize("from_file", [False, True])
def test_frequency_weights_are_whole(from_file: bool, tmp_path) -> None:  # type: ignore[no-untyped-def]
    data = panel(0.5).assign(w=2.0)
    data.loc[7, "w"] = 1.5
    source: object = data
    if from_file:
        source = tmp_path / "firms.parquet"
        data.to_parquet(source)
    with pytest.raises(DataError, match=r"row 9, column 'w': frequency weight 1.5"):
        gvc.logit("yes ~ x", source, weights="w", frequency=True)
    assert gvc.logit("yes ~ x", source, weights="w").nobs == len(data)
