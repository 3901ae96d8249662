"""K-densities against direct summation in R; bands on localised, dispersed and random industries."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.clusters.k_density import duranton_overman

# The package gives the function of this name.
module = importlib.import_module("gvcmetrics.measures.clusters.k_density")
REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"


@pytest.fixture
def sites() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "sites.csv", dtype={"industry": str})


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_density_agrees_with_r(sites, planar, weighted):
    theirs = pd.read_csv(REFERENCE / "kdensity.csv").query("planar == @planar and weighted == @weighted")
    ours = duranton_overman(
        sites,
        "15",
        coordinates="planar" if planar else "geographic",
        employment="employment" if weighted else None,
        maximum_distance=theirs["distance"].max(),
        n_points=11,
        n_simulations=40,
    )
    assert ours.bandwidth == pytest.approx(theirs["bandwidth"].iloc[0], rel=1e-9)
    np.testing.assert_allclose(ours.curve.index, theirs["distance"], atol=1e-9)
    np.testing.assert_allclose(ours.curve["density"], theirs["density"], rtol=1e-6)
    assert ours.n_plants == 25


def test_the_curve_is_a_density(sites):
    curve = duranton_overman(sites, "15", maximum_distance=500, n_points=1001, n_simulations=40).curve
    assert np.trapezoid(curve["density"], curve.index) == pytest.approx(1, abs=1e-6)
    assert (curve["global_upper"] >= curve["local_upper"] - 1e-12).all()
    assert (curve["global_lower"] <= curve["local_lower"] + 1e-12).all()


def square(seed: int, n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"industry": "rest", "x": rng.uniform(0, 100, n), "y": rng.uniform(0, 100, n)})


OPTIONS = {"x": "x", "y": "y", "coordinates": "planar", "n_points": 30}


def test_a_localised_and_a_dispersed_industry():
    plants = square(1)
    centre = (plants["x"] - 50).abs().lt(12) & (plants["y"] - 50).abs().lt(12)
    plants.loc[centre, "industry"] = "town"
    town = duranton_overman(plants, "town", n_simulations=200, **OPTIONS)
    assert town.globally_localised
    assert not town.globally_dispersed
    assert town.curve["localisation"].idxmax() < 20
    assert (town.curve["dispersion"] == 0).all()
    # A regular grid of sixteen plants has no short distances.
    spread = square(2)
    for k, (a, b) in enumerate([(x, y) for x in (5, 35, 65, 95) for y in (5, 35, 65, 95)]):
        spread.loc[k, ["x", "y"]] = [float(a), float(b)]
        spread.loc[k, "industry"] = "grid"
    grid = duranton_overman(spread, "grid", n_simulations=200, maximum_distance=25, bandwidth=4, **OPTIONS)
    assert grid.globally_dispersed
    assert not grid.globally_localised


def test_random_industries_leave_the_global_band_at_the_stated_rate(monkeypatch):
    monkeypatch.setattr(module, "BINS_PER_BANDWIDTH", 20)  # speed: the rate is about ranks, not digits
    rng = np.random.default_rng(4)
    plants, hits, trials = square(3, 200), 0, 120
    for trial in range(trials):
        drawn = plants.assign(industry="rest")
        drawn.loc[rng.choice(200, 15, replace=False), "industry"] = "random"
        fit = duranton_overman(
            drawn, "random", n_simulations=99, seed=trial, maximum_distance=50, bandwidth=8,
            **OPTIONS | {"n_points": 12},
        )  # fmt: skip
        hits += fit.globally_localised
    # 5 per cent nominal; three binomial standard errors are 6 points.
    assert 0 < hits / trials < 0.11


def test_the_seed_repeats(sites):
    first, again = (duranton_overman(sites, "15", n_simulations=40, seed=3).curve for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    other = duranton_overman(sites, "15", n_simulations=40, seed=4).curve
    assert not other["global_upper"].equals(first["global_upper"])


def test_bad_input(sites):
    with pytest.raises(DataError, match="row 4, column 'longitude': 1 plants have no coordinates"):
        duranton_overman(sites.assign(latitude=sites["latitude"].where(sites.index != 2)), "15")
    with pytest.raises(DataError, match="row 2, column 'longitude': the coordinates are not degrees"):
        duranton_overman(sites.assign(latitude=4500.0), "15")
    with pytest.raises(DataError, match="key 'industry 99': the industry has 0 plants"):
        duranton_overman(sites, "99")
    with pytest.raises(DataError, match="the industry has 1 plants"):
        duranton_overman(sites.assign(industry=["one"] + ["other"] * 59), "one")
    with pytest.raises(DataError, match="no plant belongs to another industry"):
        duranton_overman(sites[sites["industry"] == "15"], "15")
    with pytest.raises(DataError, match="distances do not vary"):
        duranton_overman(sites.assign(longitude=11.0, latitude=45.0), "15")
    with pytest.raises(DataError, match="negative"):
        duranton_overman(sites.assign(employment=-1), "15", employment="employment")
    with pytest.raises(DataError, match="10 simulations cannot show"):
        duranton_overman(sites, "15", n_simulations=10)
