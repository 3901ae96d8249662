"""Ellison–Glaeser and Maurel–Sédillot: base R, the dartboard, identities, bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError, EstimationWarning
from gvcmetrics.measures.clusters.agglomeration import ellison_glaeser, maurel_sedillot
from gvcmetrics.measures.clusters.location import region_industry_table
from gvcmetrics.simulate.geography import simulate_dartboard

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"
CODES = {"industry": str, "region": str}
INDICES = [(ellison_glaeser, "ellison_glaeser"), (maurel_sedillot, "maurel_sedillot")]
REGIONS = np.arange(1, 13) / np.arange(1, 13).sum()


@pytest.fixture
def plants() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "plants.csv", dtype=CODES)


@pytest.mark.parametrize("weighted", [False, True])
def test_both_indices_and_errors_agree_with_r(plants, weighted):
    theirs = pd.read_csv(REFERENCE / "industries.csv", dtype=CODES).query("weighted == @weighted")
    weight = "weight" if weighted else None
    eg, ms = ellison_glaeser(plants, weights=weight), maurel_sedillot(plants, weights=weight)
    np.testing.assert_allclose(eg["raw_concentration"], theirs["G"], rtol=1e-9)
    np.testing.assert_allclose(eg["plant_herfindahl"], theirs["H"], rtol=1e-10)
    np.testing.assert_allclose(eg["ellison_glaeser"], theirs["gamma"], rtol=1e-9)
    np.testing.assert_allclose(eg["standard_error"], theirs["gamma_se"], rtol=1e-9)
    np.testing.assert_allclose(ms["maurel_sedillot"], theirs["maurel_sedillot"], rtol=1e-9)
    np.testing.assert_allclose(ms["standard_error"], theirs["ms_se"], rtol=1e-9)


def dartboard(gamma: float, weighted: bool, n_industries: int) -> pd.DataFrame:
    """Simulated industries beside one so large that the regional shares are known."""
    frame = simulate_dartboard(40, REGIONS, gamma=gamma, n_industries=n_industries, seed=11)
    rest = pd.DataFrame(
        {"region": [f"R{r:03d}" for r in range(12)], "industry": "rest", "employment": REGIONS * 1e12}
    )
    both = pd.concat([frame, rest], ignore_index=True)
    if weighted:
        both["weight"] = np.random.default_rng(5).choice([1.0, 2.0, 10.0], len(both))
        both.loc[both["industry"] == "rest", "weight"] = 1.0
    return both


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("measure", "column"), INDICES)
def test_random_location_has_mean_zero_and_the_stated_error(measure, column, weighted):
    out = measure(dartboard(0.0, weighted, 1500)).query("industry != 'rest'")
    index = out[column]
    assert abs(index.mean()) < 3 * index.std() / np.sqrt(len(index))
    # The spread of 1,500 draws is known to about 1/sqrt(3000) = 2 per cent, more with heavy tails.
    assert (index / out["standard_error"]).std() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma", [0.02, 0.1])
@pytest.mark.parametrize(("measure", "column"), INDICES)
def test_simulated_agglomeration_is_recovered(measure, column, gamma, weighted):
    index = measure(dartboard(gamma, weighted, 1500)).query("industry != 'rest'")[column]
    error = index.std() / np.sqrt(len(index))
    assert error < 0.15 * gamma
    assert abs(index.mean() - gamma) < 3 * error


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.integers(1, 99)), min_size=8, max_size=30
    )
)
@pytest.mark.filterwarnings("ignore:every region:gvcmetrics.errors.EstimationWarning")
def test_scale_order_and_table_do_not_matter(rows):
    frame = pd.DataFrame(rows, columns=["region", "industry", "employment"])
    column = ["ellison_glaeser", "standard_error"]
    base = ellison_glaeser(frame)[column]
    scaled = ellison_glaeser(frame.assign(employment=frame["employment"] * 7.5).iloc[::-1])[column]
    np.testing.assert_allclose(scaled, base, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ellison_glaeser(region_industry_table(frame))[column], base, rtol=1e-12)


def test_known_herfindahl_takes_the_place_of_plants(plants):
    from_plants = ellison_glaeser(plants, weights=None).set_index("industry")
    cells = plants.groupby(["region", "industry"], as_index=False)["employment"].sum()
    from_cells = ellison_glaeser(cells, plant_herfindahl=from_plants["plant_herfindahl"]).set_index(
        "industry"
    )
    np.testing.assert_allclose(from_cells["ellison_glaeser"], from_plants["ellison_glaeser"], rtol=1e-12)
    assert from_cells["standard_error"].isna().all()
    with pytest.warns(EstimationWarning, match="one row: if the rows are cells"):
        ellison_glaeser(cells)
    with pytest.raises(DataError, match="not in"):
        ellison_glaeser(cells, plant_herfindahl=from_plants["plant_herfindahl"].drop("13"))


def test_reasons_for_missing_indices():
    frame = pd.DataFrame(
        {
            "year": [1, 1, 1, 1, 1, 2, 2],
            "region": ["a", "a", "b", "b", "a", "a", "a"],
            "industry": ["x", "x", "x", "one", "none", "x", "x"],
            "employment": [3.0, 4.0, 5.0, 6.0, 0.0, 7.0, 8.0],
        }
    )
    for measure, column in INDICES:
        out = measure(frame).set_index(["year", "industry"])
        assert out["reason"].to_dict() == {
            (1, "none"): "no employment",
            (1, "one"): "one plant",
            (1, "x"): "",
            (2, "x"): "one region",
        }
        assert out[column].isna().tolist() == [True, True, False, True]
        assert out["standard_error"].isna().tolist() == [True, True, False, True]


def test_simulated_plants_say_so_and_bad_dartboards_are_refused():
    frame = simulate_dartboard(3, [0.5, 0.5], gamma=0.1)
    assert frame.attrs["simulated"] is True
    assert frame.attrs["truth"]["gamma"] == 0.1
    with pytest.raises(DataError, match="gamma is 1"):
        simulate_dartboard(3, [0.5, 0.5], gamma=1.0)
    with pytest.raises(DataError, match="do not add up"):
        simulate_dartboard(3, [0.5, 0.4])
