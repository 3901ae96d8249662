"""Hausman's test compares the same units in the same rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError


def panel() -> pd.DataFrame:
    rng = np.random.default_rng(21)
    unit = np.repeat(np.arange(100), 6)
    x = rng.normal(size=600)
    latent = x + rng.normal(size=100)[unit] + rng.normal(size=600)
    return pd.DataFrame({"id": unit, "x": x, "y": latent, "d": (latent > 0).astype(int)})


@pytest.mark.parametrize(("name", "outcome"), [("ols", "y"), ("logit", "d")])
def test_other_firms_and_other_units_are_refused(name: str, outcome: str) -> None:
    call = getattr(gvc, name)
    data = panel()
    first, second = data[:300], data[300:]
    gone = data.assign(x=data["x"].where(data["id"] != 1)), data.assign(x=data["x"].where(data["id"] != 2))
    for a, b in ((first, second), (first, second.reset_index(drop=True)), gone):
        fixed = call(f"{outcome} ~ x", a, unit="id", effects="fixed")
        random = call(f"{outcome} ~ x", b, unit="id", effects="random")
        with pytest.raises(ModelError, match="differ in their observations"):
            gvc.hausman(fixed, random)
    fixed = call(f"{outcome} ~ x", data, unit="id", effects="fixed")
    other_units = data.assign(id=data["id"] // 2)
    with pytest.raises(ModelError, match="units"):
        gvc.hausman(fixed, call(f"{outcome} ~ x", other_units, unit="id", effects="random"))
    shuffled = call(f"{outcome} ~ x", data.sample(frac=1, random_state=3), unit="id", effects="random")
    same = call(f"{outcome} ~ x", data, unit="id", effects="random")
    assert gvc.hausman(fixed, shuffled).statistic == pytest.approx(
        gvc.hausman(fixed, same).statistic, rel=1e-4
    )
