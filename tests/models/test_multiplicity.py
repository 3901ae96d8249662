"""Multiple testing against R, and by its own identities."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.models import benjamini_hochberg, holm, romano_wolf
from gvcmetrics.models.inference.multiplicity import bootstrap_draws

ROOT = Path(__file__).parents[1] / "reference" / "engine"
CASES = json.loads((ROOT / "tests.json").read_text())
BALANCED = pd.read_csv(ROOT / "data" / "balanced.csv")
OUTCOMES = ("continuous", "fraction", "count", "ordered", "first")


def test_against_r() -> None:
    case = CASES["multiple_testing:p_values"]
    np.testing.assert_allclose(holm(case["p"]), case["holm"], rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(case["p"]), case["benjamini_hochberg"], rtol=1e-12)
    shuffled = np.random.default_rng(1).permutation(len(case["p"]))
    p = np.array(case["p"])[shuffled]
    np.testing.assert_allclose(holm(p), np.array(case["holm"])[shuffled], rtol=1e-12)
    np.testing.assert_allclose(
        benjamini_hochberg(p), np.array(case["benjamini_hochberg"])[shuffled], rtol=1e-12
    )


def test_romano_wolf_on_stored_draws() -> None:
    case = CASES["multiple_testing:romano_wolf"]
    adjusted = romano_wolf(case["t"], case["centred_bootstrap_t"])
    np.testing.assert_allclose(adjusted, case["adjusted"], rtol=1e-12)
    single = [
        romano_wolf([t], np.array(case["centred_bootstrap_t"])[:, [j]])[0] for j, t in enumerate(case["t"])
    ]
    np.testing.assert_allclose(single, case["unadjusted_bootstrap"], rtol=1e-12)


def models(data: pd.DataFrame) -> list:
    return [gvc.ols(f"{outcome} ~ x1 + x2 + d", data) for outcome in OUTCOMES]


def test_a_family_of_results() -> None:
    results = models(BALANCED)
    table = gvc.multiple_testing(results, "d", "region", draws=999)
    for row, result in zip(table.itertuples(), results, strict=True):
        alone = gvc.wild_bootstrap(result, "d", "region", interval=False)
        assert row.p_value == alone.pvalue
        assert row.statistic == alone.statistic
        assert row.estimate == result.params["d"]
    assert (table["romano_wolf"] >= table["p_value"]).all()
    assert (table["romano_wolf"] <= table["holm"] + 1e-12).all()
    pd.testing.assert_frame_equal(table, gvc.multiple_testing(results, "d", "region", draws=999))


def test_the_same_test_twice_costs_nothing() -> None:
    result = models(BALANCED)[3]
    table = gvc.multiple_testing([result, result], "x1 = 0.1", "region", draws=499)
    np.testing.assert_array_equal(table["romano_wolf"], table["p_value"])
    assert (table["holm"] > table["p_value"]).all() or (table["p_value"] > 0.5).all()


def test_clusters_keep_their_draw_where_one_is_missing() -> None:
    full, less = models(BALANCED)[0], models(BALANCED[BALANCED["region"] != 3])[0]
    table = gvc.multiple_testing([full, less], "d = 0.3", "region", draws=499)
    tests = [(full, "d = 0.3"), (less, "d = 0.3")]
    _, drawn, _ = bootstrap_draws(tests, "region", draws=499)
    assert np.corrcoef(drawn.T)[0, 1] > 0.9
    assert len(table) == 2


def test_without_clusters_the_models_own_p_values() -> None:
    results = models(BALANCED)
    table = gvc.multiple_testing(results, ["d", "x1"])
    assert len(table) == 10
    np.testing.assert_allclose(table["p_value"][:2], results[0].pvalues[["d", "x1"]], rtol=1e-6)
    np.testing.assert_allclose(table["holm"], holm(table["p_value"]))
    assert "romano_wolf" not in table


def test_refusals() -> None:
    with pytest.raises(ModelError, match="0 to 1"):
        holm([0.5, np.nan])
    with pytest.raises(ModelError, match="do not belong"):
        romano_wolf([1.0, 2.0], np.zeros((9, 3)))
    with pytest.raises(ModelError, match="as a list"):
        gvc.multiple_testing([], "d")
