"""With fewer clusters than unit means correlated effects are estimated all the same, and the test that the
clusters cannot carry is missing with its reason; over every response that has them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also",
}  # fmt: skip
CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects.startswith("correlated")
]


def panel(units: int = 60, periods: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(14)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    columns = {name: rng.normal(size=n) for name in ("x0", "x1", "x2", "x3")}
    latent = columns["x0"] + rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "region": unit % 3,
            **columns,
            "number": latent,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.7]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.3 * latent)),
        }
    )


@pytest.mark.parametrize("kind", ["CRV1", "CRV3"])
@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_estimates_come_and_the_test_does_not(name: str, effects: str, kind: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        made = getattr(gvc, name)(
            f"{OUTCOMES[name]} ~ x0 + x1 + x2 + x3", panel(), unit="unit", effects=effects,
            vcov={kind: "region"},
        )  # fmt: skip
    assert np.isfinite(made.params).all()
    assert np.isfinite(made.std_errors).all()
    assert np.isnan(made.statistics["mundlak"])
    assert np.isnan(made.glance()["mundlak_p"].iloc[0])
    assert "Mundlak test not available" in " ".join(str(made).split())
    assert "Mundlak test not available" in made._repr_html_()
