"""What one road gives every model alike: errors of weighted models, tests that follow the errors, warnings
that point at the user's line, the same row for the same bad value from memory and from a file."""

from __future__ import annotations

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.engine.request import Request
from gvcmetrics.models.registry import responses

OUTCOMES = {
    "ols": "number", "logit": "yes", "probit": "yes", "cloglog": "yes", "ordered_logit": "rung",
    "ordered_probit": "rung", "multinomial_logit": "rung", "fractional_logit": "share", "poisson": "count",
    "negative_binomial": "count", "joint_probit": "yes + also", "tobit": "number",
}  # fmt: skip
CELLS = [
    (name, effects)
    for name, response in responses().items()
    for effects in response.treatments
    if effects != "absorbed"
]


def panel(units: int = 60, periods: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = units * periods
    unit = np.repeat(np.arange(units), periods)
    x, d = rng.normal(size=n), rng.integers(0, 2, n)
    latent = 0.6 * x + 0.3 * d + 0.5 * rng.normal(size=units)[unit] + rng.normal(size=n)
    return pd.DataFrame(
        {
            "unit": unit,
            "time": np.tile(np.arange(periods), units),
            "region": unit % 9,
            "w": (0.5 + rng.random(units))[unit],
            "x": x,
            "d": d,
            "number": latent,
            "yes": (latent > 0).astype(int),
            "also": (latent + rng.normal(size=n) > 0).astype(int),
            "rung": np.digitize(latent, [-0.5, 0.8]),
            "share": 1 / (1 + np.exp(-latent)),
            "count": rng.poisson(np.exp(0.4 * latent)),
        }
    )


def fit(name: str, effects: str, data: pd.DataFrame, **options: object) -> gvc.models.Results:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        call = getattr(gvc, name)
        return call(f"{OUTCOMES[name]} ~ x + d", data, unit="unit", effects=effects, **options)


@pytest.mark.parametrize(("name", "effects"), CELLS)
def test_the_size_of_sampling_weights_does_not_matter(name: str, effects: str) -> None:
    """Only the first errors that a user sees are asked for, and again by name."""
    if name == "ols" and effects in ("random", "correlated"):
        pytest.skip("takes no weights")
    data = panel()
    light = fit(name, effects, data, weights="w")
    heavy = fit(name, effects, data.assign(w=50 * data["w"]), weights="w")
    for one, other in ((light, heavy), (light.with_vcov("iid"), heavy.with_vcov("iid"))):
        np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-5)
    if name != "ols":
        again = light.with_vcov("iid")
        assert again.vcov_label == light.vcov_label != "iid"


@pytest.mark.parametrize(("name", "effects"), [cell for cell in CELLS if cell[1].startswith("correlated")])
def test_the_mundlak_test_is_that_of_the_errors_printed_above_it(name: str, effects: str) -> None:
    first = fit(name, effects, panel())
    again = first.with_vcov({"CRV1": "region"})
    asked = fit(name, effects, panel(), vcov={"CRV1": "region"})
    for key in ("mundlak", "mundlak_p"):
        assert again.statistics[key] == pytest.approx(asked.statistics[key], rel=1e-9)
        assert again.statistics[key] != pytest.approx(first.statistics[key], rel=1e-3)


def test_a_mundlak_test_that_the_clusters_cannot_carry_is_missing_and_the_rest_is_there() -> None:
    data = panel().assign(region=lambda d: d["unit"] % 2)
    made = fit("logit", "correlated", data, vcov={"CRV1": "region"})
    assert np.isnan(made.statistics["mundlak"])
    assert np.isfinite(made.params).all()
    assert re.search(r"Mundlak test +\.", str(made))


@pytest.mark.parametrize("factor", [1e-9, 1e-4, 1e5, 1e10])
@pytest.mark.parametrize(("name", "effects"), [cell for cell in CELLS if cell[0] in ("ols", "tobit")])
def test_the_unit_of_a_numeric_outcome_does_not_matter(name: str, effects: str, factor: float) -> None:
    """Sales are the same in euros, in cents and in billions."""
    data = panel()
    base = fit(name, effects, data)
    other = fit(name, effects, data.assign(number=factor * data["number"]))
    np.testing.assert_allclose(other.params / factor, base.params, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.std_errors / factor, base.std_errors, rtol=1e-5)
    assert other.notes == base.notes


@pytest.mark.parametrize("argument", ["offset", "lower", "upper"])
def test_no_argument_runs_code_that_is_not_trusted(argument: str, tmp_path: Path) -> None:
    data = panel()
    data.to_parquet(tmp_path / "firms.parquet")
    code = {argument: "x + 0 * __import__('os').getpid()"}
    for source in (data, tmp_path / "firms.parquet"):
        with pytest.raises(ModelError, match="calls something that is not a function of the list"):
            gvc.tobit("number ~ x + d", source, trusted=False, **code)


@pytest.mark.parametrize("name", responses())
def test_every_argument_of_a_call_reaches_the_road(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A front that forgets to pass an argument on would change nothing that a user sees at once."""
    function = getattr(gvc, name)
    module = inspect.getmodule(function)
    seen: list[Request] = []
    monkeypatch.setattr(module, "fit", lambda request, response: seen.append(request))
    parameters = list(inspect.signature(function).parameters)[2:]
    marks = {parameter: f"<{parameter}>" for parameter in parameters}
    function("y ~ x", panel(), **marks)
    (request,) = seen
    for parameter, mark in marks.items():
        given = request.options.get(parameter, getattr(request, parameter, None))
        assert given == mark, parameter
        assert f"{parameter}={mark!r}" in request.call


def test_the_same_bad_outcome_is_the_same_row_from_memory_and_from_a_file(tmp_path: Path) -> None:
    data = panel()
    data.loc[1, "x"] = np.nan  # dropped before the outcome is looked at
    data["yes"] = data["yes"].astype(float)
    data.loc[4, "yes"] = 3.0
    data.to_parquet(tmp_path / "firms.parquet")
    for source in (data, tmp_path / "firms.parquet"):
        with pytest.raises(DataError, match="row 6") as caught:
            gvc.logit("yes ~ x", source)
        assert caught.value.place.row == 6


def test_warnings_point_at_the_line_of_the_user(tmp_path: Path) -> None:
    data = panel()
    separated = data.assign(rare=(data["yes"] == 1) & (data["d"] == 1) & (data["x"] > 0))
    data.to_parquet(tmp_path / "firms.parquet")
    calls = {
        "collinear": lambda: gvc.ols("number ~ x + d + I(x + d)", data),
        "collinear in a file": lambda: gvc.logit("yes ~ x + d + I(x + d)", tmp_path / "firms.parquet"),
        "perfect": lambda: gvc.logit("yes ~ x + rare", separated),
        "separated": lambda: gvc.poisson(
            "count ~ x | unit", data.assign(count=data["count"] * (data["unit"] > 3))
        ),
        "few clusters": lambda: gvc.ols("number ~ x", data, vcov={"CRV1": "region"}),
        "few clusters later": lambda: gvc.ols("number ~ x", data).with_vcov({"CRV1": "region"}),
        "category": lambda: gvc.ordered_logit(
            "rung ~ x", data.assign(rung=pd.Categorical(data["rung"], [0, 1, 2, 3], ordered=True))
        ),
    }
    for name, call in calls.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        ours = [warning for warning in caught if issubclass(warning.category, EstimationWarning)]
        assert ours, name
        assert {warning.filename for warning in ours} == {__file__}, name
