"""The simulated economy: labelled, repeatable, true to its parameters, and clear about mistakes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics.errors import DataError
from gvcmetrics.panels.validate import validate
from gvcmetrics.simulate.economies.make import Simulated
from gvcmetrics.simulate.economies.parameters import Economy, names
from gvcmetrics.simulate.economies.streams import Streams

SMALL = {"firms": 120, "clusters": 8, "years": 4, "exporters": 4, "products": 3}


@pytest.fixture(scope="module")
def large() -> Simulated:
    """Firms enough for the law of large numbers, measured without friction."""
    plain = Economy(firms=12_000, years=4, clusters=120, census=1.0, exporters=40, products=30)
    return gvc.simulate.economy(plain.without_frictions(), seed=4)


def frames(made: Simulated) -> dict[str, pd.DataFrame]:
    parts = ("firms", "clusters", "trade", "buyers", "innovation", "truth")
    return {name: getattr(made, name) for name in parts}


def test_every_frame_says_that_it_is_simulated_and_comes_again_from_its_seed():
    one, two, other = (frames(gvc.simulate.economy(seed=seed, **SMALL)) for seed in (3, 3, 4))
    for name, frame in one.items():
        assert frame.attrs["simulated"] is True, name
        pd.testing.assert_frame_equal(frame, two[name], check_exact=True)
    assert not one["firms"].equals(other["firms"])


def test_a_component_that_is_drawn_longer_moves_no_other():
    one = gvc.simulate.economy(seed=3, **SMALL)
    two = gvc.simulate.economy(seed=3, **{**SMALL, "products": 5}, missing=0.2)
    assert len(two.trade) > len(one.trade)
    both = one.firms["lock_in"].notna() & two.firms["lock_in"].notna()
    assert 50 < both.sum() < len(one.firms)
    pd.testing.assert_series_equal(one.firms.loc[both, "lock_in"], two.firms.loc[both, "lock_in"])
    pd.testing.assert_frame_equal(one.clusters, two.clusters)


def test_streams_are_numpy_s_own_and_differ_by_name():
    """The first draws of a stream by its definition: PCG64 seeded with the digest of the name."""
    first = Streams(7)("sizes").standard_normal(3)
    assert not np.allclose(first, Streams(7)("size").standard_normal(3))
    np.testing.assert_array_equal(first, Streams(7)("sizes").standard_normal(3))
    # numpy keeps the stream of a bit generator (NEP 19): these numbers hold on every machine.
    raw = Streams(7)("sizes").bit_generator.random_raw(2)
    assert raw.tolist() == [12148283004502616496, 15138391930078351238]


def test_keys_are_keys_and_values_keep_their_contracts(large: Simulated):
    assert not large.firms.duplicated(["country", "firm_id", "year"]).any()
    for contract in ("firm", "cluster", "trade"):
        frame = {"firm": large.firms, "cluster": large.clusters, "trade": large.trade}[contract]
        validate(frame, contract)


def test_buyers_are_those_that_the_firms_report():
    made = gvc.simulate.economy(Economy(**SMALL).without_frictions(), seed=3)
    firms, buyers = made.firms, made.buyers
    keys = ["country", "firm_id", "year"]
    found = buyers.groupby(keys)["buyer_share"].agg(["sum", "max", "size", lambda shares: (shares**2).sum()])
    both = firms.set_index(keys).join(found)
    np.testing.assert_allclose(both["sum"], 1.0)
    np.testing.assert_allclose(both["max"], both["main_buyer_share"])
    np.testing.assert_allclose(both["<lambda_0>"], both["buyer_hhi"])
    assert (both["size"] == both["n_buyers"]).all()
    assert not buyers.duplicated([*keys, "buyer_id"]).any()


def test_weights_add_to_the_economy_and_mend_what_sampling_distorts():
    parts = {"firms": 900, "clusters": 20, "years": 1, "census": 3.0, "birth": 0.0}
    made = gvc.simulate.economy(**parts, oversampling=8.0, seed=2)
    firms = made.firms.dropna(subset=["employment"])
    assert made.firms["weight"].sum() == pytest.approx(2700)
    size = made.world.firms.log_size[:, 0].mean()
    raw = np.log(firms["employment"])
    weighted = np.average(raw, weights=firms["weight"])
    error = raw.std() / np.sqrt(len(raw))
    assert raw.mean() > size + 4 * error
    assert abs(weighted - size) < 4 * error


def test_errors_of_two_kinds_have_the_correlation_asked_for(large: Simulated):
    """Of product and chain upgrading, residuals from the true chances: tetrachoric at the median index."""
    world = large.world
    index = world.index()
    kinds = world.upgrading.kinds.reshape(4, -1)[:, world.rows]
    near = (np.abs(index[0]) < 0.5) & (np.abs(index[3]) < 2.5)
    given = np.column_stack([index[0][near], index[3][near]])
    expected = np.mean(
        [stats.multivariate_normal.cdf(each, cov=[[1, 0.3], [0.3, 1]]) for each in given[:900]]
    )
    seen = (kinds[0] & kinds[3])[near][:900].mean()
    assert seen == pytest.approx(expected, abs=4 * np.sqrt(expected / 900))


def test_true_effects_are_what_changing_the_cause_changes(large: Simulated):
    """H1 by brute force: every firm is given a tie, or another mode, its unseen parts the same."""
    world, rng = large.world, np.random.default_rng(1)
    truth = large.truth.set_index(["hypothesis", "effect"])["value"]
    chances = world.ties.chances.reshape(-1, 4)[world.rows].copy()
    chances[:, 2] = 0.0
    chances /= chances.sum(axis=1, keepdims=True)
    other = (rng.random((len(chances), 1)) > chances.cumsum(axis=1)[:, :3]).sum(axis=1)
    error = rng.standard_normal(len(chances))
    index = np.stack([world.index(mode) for mode in range(4)])
    for place, kind in enumerate(("product", "process", "functional")):
        tied, free = index[2, place], index[other, place, np.arange(len(other))]
        changed = (tied + error > 0) * 1.0 - (free + error > 0)
        value = truth["H1", f"upgrade_{kind} ← quasi_hierarchical"]
        assert np.average(changed, weights=world.weight) == pytest.approx(value, abs=0.006)
    assert truth["H1"].iloc[2] < 0 < truth["H1"].iloc[0]


def test_chances_of_governance_are_those_that_are_drawn(large: Simulated):
    world = large.world
    mode = world.ties.governance.ravel()[world.rows]
    chances = world.ties.chances.reshape(-1, 4)[world.rows]
    shares = np.bincount(mode, minlength=4) / len(mode)
    np.testing.assert_allclose(shares, chances.mean(axis=0), atol=0.01)


def test_without_effects_every_hypothesis_has_nothing_to_find():
    made = gvc.simulate.economy(Economy(**SMALL).without_effects(), seed=1)
    known = made.truth[made.truth["hypothesis"] != "H17"]
    assert known["nothing"].all()
    assert (known["value"].dropna().abs() < 1e-12).all()


def test_frictions_are_what_they_are_called():
    plain = Economy(**SMALL).without_frictions()
    clean = gvc.simulate.economy(plain, seed=1).firms
    assert clean.drop(columns=["export_stage", "backshored"]).notna().all(axis=None)
    assert (clean.groupby("firm_id")["year"].nunique() <= SMALL["years"]).all()
    wrong = gvc.simulate.economy(plain.with_(misreporting=0.2), seed=1).firms
    assert (wrong["joint_design"] != clean["joint_design"]).mean() == pytest.approx(0.2, abs=0.07)
    gone = gvc.simulate.economy(plain.with_(attrition=0.3), seed=1).firms
    assert len(gone) < 0.8 * len(clean)


MISTAKES = {
    "patterns": ((0.5, 0.3, 0.1, 0.2), "do not add to one"),
    "clusters": (0, "nothing is local"),
    "buyers": (1, "with one buyer"),
    "firms": (10, "10 firms: some would have none"),
    "h2_breadth": (-0.9, r"leave \(0, 1\)"),
    "h3_joint_action": (0.9, r"leave \(0, 1\)"),
    "h4_size": (-0.3, r"leave \(0, 1\)"),
    "h1_product": (40.0, r"leave \(0, 1\)"),
    "h22_shock": (1.0, "no correlation"),
    "main_buyer": (1.2, r"outside \[0, 1\)"),
    "attrition": (0.97, "no firm stays"),
    "census": (0.5, "larger than the economy"),
    "countries": (100, "clusters: some would have none"),
    "endogeneity": (float("nan"), "not a number"),
    "years": (2.5, "whole number"),
    "dispersion_high": (0.1, "below the lowest"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_cannot_be_is_one_message_with_place_and_remedy(name: str):
    value, said = MISTAKES[name]
    with pytest.raises(DataError, match=said) as caught:
        gvc.simulate.economy(**{name: value})
    assert caught.value.place.key in (name, "clusters")
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(DataError, match="h1_functional"):
        gvc.simulate.economy(h1_functionl=0.0)


def test_every_parameter_says_what_it_is_and_whether_it_is_assumed():
    table = Economy.table()
    assert list(table.index) == [each.name for each in dataclasses.fields(Economy)]
    assert table["meaning"].str.len().gt(5).all()
    assert table["source"].str.contains("assumed|Humphrey|Bettiol").all()
    assert set(table["role"]) == {"setting", "effect", "friction"}
    claimed = {name.split("_")[0] for name in names("effect")}
    assert claimed == {f"h{n}" for n in (*range(1, 17), 18, 19, 20, 21, 22, 23)}


@pytest.mark.parametrize("changes", [{"firms": 1, "clusters": 1, "countries": 1, "years": 1}, {"years": 2}])
def test_the_smallest_economies_have_frames_and_truth(changes: dict[str, int]):
    made = gvc.simulate.economy(**{**SMALL, **changes})
    assert len(made.truth) > 30
    assert made.firms["cluster_id"].nunique() <= made.parameters.clusters
