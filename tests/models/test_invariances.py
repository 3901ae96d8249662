"""What must not matter, all at once, in every cell of the registry.

A row that counts three times is three rows; an offset is a coefficient that is given; units have other names
and rows another order. One of two samples has each of these, the other none, so that any two of them meet.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import EstimationWarning, ModelError
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also", "tobit": "positive",
}  # fmt: skip
CELLS = [(name, effects) for name, response in responses().items() for effects in response.treatments]
NO_FREQUENCIES = [("ols", "random"), ("ols", "correlated")]
NO_OFFSET = [("multinomial_logit", "fixed")]
HELD = [
    cell
    for cell in CELLS
    if "fix" in inspect.signature(getattr(gvc, cell[0])).parameters
    and cell[1] in ("pooled", "fixed", "random")
    and cell not in NO_OFFSET
]
GIVEN = 0.3


def panel(units: int = 45, periods: int = 4) -> pd.DataFrame:
    """Units of four periods, and five rows that are alone in their unit, of which three count once."""
    rng = np.random.default_rng(11)
    unit = np.append(np.repeat(np.arange(units), periods), units + np.arange(5))
    n = len(unit)
    time = np.append(np.tile(np.arange(periods), units), np.zeros(5, dtype=int))
    x, z = rng.normal(size=n), rng.normal(size=n)
    latent = 0.6 * x + 0.4 * z + 0.6 * rng.normal(size=units + 5)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit, "time": time, "region": unit % 12, "x": x, "z": z, "number": latent,
            "positive": latent.clip(min=-0.3), "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int), "rung": np.digitize(latent, [-0.5, 0.8]),
            "share": 1 / (1 + np.exp(-latent)), "count": rng.poisson(np.exp(0.4 * latent)),
            "by_row": np.append(1 + np.arange(n - 5) % 3, [1, 2, 1, 3, 1]), "by_unit": 1 + unit % 3,
        }
    ).assign(given=GIVEN * z)  # fmt: skip


def written_out(data: pd.DataFrame, times: str, copies_are_units: bool) -> pd.DataFrame:
    """Each row as often as it counts, in another order, units and regions under other names."""
    rows = data.loc[data.index.repeat(data[times])]
    copy = rows.groupby(level=0).cumcount().to_numpy() if copies_are_units else 0
    unit = pd.Series(1000 * copy + rows["unit"].to_numpy(), rows.index)
    known = unit.unique()
    names = dict(zip(known, np.random.default_rng(3).permutation(len(known)), strict=True))
    regions = rows["region"].map(lambda region: f"region {'kbhcajdlefgi'[region]}")
    made = rows.assign(unit=[f"firm {names[u]:03d}" for u in unit], region=regions)
    return made.sample(frac=1, random_state=2).reset_index(drop=True)


def fit(name: str, effects: str, data: pd.DataFrame, right: str = "x + z", **options: Any) -> Any:
    formula = f"{OUTCOMES[name]} ~ {right}" + (" | unit + time" if effects == "absorbed" else "")
    if effects in ("random", "correlated") and name != "ols":
        options["nquad"] = 8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        treated = "pooled" if effects == "absorbed" else effects
        return getattr(gvc, name)(formula, data, unit="unit", time=None, effects=treated, **options)


def quiet(result: Any, vcov: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        return result.with_vcov(vcov)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_rows_that_count_offsets_names_and_order(name: str, effects: str) -> None:
    data, cell = panel(), (name, effects)
    # A likelihood that a unit's rows share is repeated with its unit, and so is a unit's mean.
    shared = effects in ("random", "correlated", "correlated_pooled")
    shared |= effects == "fixed" and name not in ("ols", "poisson")
    times = "by_unit" if shared else "by_row"
    options: dict[str, Any] = {}
    if cell in NO_FREQUENCIES:
        data[times] = 1
    else:
        options |= {"weights": times, "frequency": True}
    one = data
    if name == "ols":  # what an offset is in a linear model
        one = data.assign(number=data["number"] - data["given"])
    elif cell not in NO_OFFSET:
        options["offset"] = "given"
    short = fit(name, effects, one, **options)
    long = fit(name, effects, written_out(data, times, shared))
    assert short.nobs == long.nobs
    terms = [term.rpartition(": ")[2] for term in short.params.index]
    moved = np.array([GIVEN if term == "z" and cell not in NO_OFFSET else 0.0 for term in terms])
    assert moved.any() or cell in NO_OFFSET
    np.testing.assert_allclose(short.params + moved, long.params[short.params.index], rtol=1e-5, atol=1e-7)
    if short.loglik is not None:
        assert short.loglik == pytest.approx(long.loglik, rel=1e-8)
    for vcov in ("iid", {"CRV1": "region"}):
        errors = [quiet(made, vcov).std_errors[short.params.index] for made in (short, long)]
        np.testing.assert_allclose(*errors, rtol=1e-5, err_msg=str(vcov))
    if short.predictor is not None and not short.predictor.conditional:
        averages = [quiet(made, {"CRV1": "region"}).margins("x").frame() for made in (short, long)]
        for column in ("estimate", "std_error"):
            np.testing.assert_allclose(*(frame[column] for frame in averages), rtol=1e-5)


@pytest.mark.parametrize(("name", "effects"), HELD)
def test_a_coefficient_that_is_held_is_an_offset(name: str, effects: str) -> None:
    data = panel().query("unit < 45")
    terms = [term for term in fit(name, effects, data).params.index if term.endswith("z")]
    held = fit(name, effects, data, offset="given", fix=dict.fromkeys(terms, 0.5))
    given = fit(name, effects, data.assign(both=data["given"] + 0.5 * data["z"]), "x", offset="both")
    np.testing.assert_allclose(held.params[given.params.index], given.params, rtol=1e-5)
    np.testing.assert_allclose(held.std_errors[given.params.index], given.std_errors, rtol=1e-4)
    assert held.loglik == pytest.approx(given.loglik, rel=1e-8)


@pytest.mark.parametrize("cell", [*NO_FREQUENCIES, *NO_OFFSET])
def test_what_a_cell_does_not_take_is_refused(cell: tuple[str, str]) -> None:
    options = {"offset": "given"} if cell in NO_OFFSET else {"weights": "by_unit", "frequency": True}
    with pytest.raises(ModelError, match=r"offset|weights"):
        fit(*cell, panel(), **options)


@pytest.mark.parametrize("name", ["logit", "probit"])
@pytest.mark.parametrize("order", ["later first", "shuffled"])
def test_lags_of_the_correction_go_by_time(name: str, order: str) -> None:
    data = panel().query("unit < 45")
    other = data.iloc[::-1] if order == "later first" else data.sample(frac=1, random_state=5)
    made = []
    for frame in (data, other):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            result = getattr(gvc, name)("yes ~ x | unit", frame, unit="unit", time="time",
                                        bias_correction="analytical", lags=2)  # fmt: skip
        made.append([*result.params, *result.margins("x").values])
    np.testing.assert_allclose(*made, rtol=1e-8)
