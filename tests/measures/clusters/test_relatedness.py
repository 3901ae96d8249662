"""Relatedness against base R, clusters of related industries on blocks with a known answer."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.clusters.location import location_quotient
from gvcmetrics.measures.clusters.related_clusters import (
    cluster_validation,
    industry_clusters,
    related_specialisation,
)
from gvcmetrics.measures.clusters.relatedness import (
    coagglomeration,
    input_output_links,
    locational_correlation,
    mean_relatedness,
    occupation_correlation,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"


@pytest.fixture
def country() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "country.csv", dtype={"industry": str})


def test_co_location_agrees_with_r(country):
    theirs = pd.read_csv(REFERENCE / "relatedness.csv", dtype={"industry": str, "related_industry": str})
    pairs = [theirs["industry"], theirs["related_industry"]]
    for ours, column in (
        (locational_correlation(country), "employment"),
        (locational_correlation(country, of="n_firms"), "n_firms"),
        (coagglomeration(country), "coagglomeration"),
    ):
        values = ours.to_numpy()[ours.index.get_indexer(pairs[0]), ours.columns.get_indexer(pairs[1])]
        np.testing.assert_allclose(values, theirs[column], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.diag(locational_correlation(country)), 1)


def test_input_output_links_by_hand():
    flows = pd.DataFrame(
        [[0.0, 30.0, 10.0], [20.0, 0.0, 0.0], [0.0, 70.0, 0.0]], index=list("abc"), columns=list("abc")
    )
    links = input_output_links(flows)
    # a–b: b buys 30 of 100 from a, a buys all from b, a sells 30 of 40 to b, b sells all to a.
    assert links.loc["a", "b"] == 1
    # a–c: c buys all its inputs from a; b–c: b buys 70 of 100 from c, c sells all to b.
    assert links.loc["a", "c"] == 1
    assert input_output_links(flows.assign(c=[10.0, 40.0, 0.0])).loc["a", "c"] == pytest.approx(0.25)
    assert links.equals(links.T.rename_axis(index="industry", columns="related_industry"))
    with pytest.raises(DataError, match="differ: d"):
        input_output_links(flows.assign(d=0.0))
    with pytest.raises(DataError, match="negative or missing"):
        input_output_links(-flows)


def test_occupations_by_hand():
    jobs = pd.DataFrame([[1, 2, 3], [10, 20, 30], [3, 2, 1], [0, 0, 0]], index=list("abcd"))
    related = occupation_correlation(jobs)
    assert related.loc["a", "b"] == pytest.approx(1)
    assert related.loc["a", "c"] == pytest.approx(-1)
    assert related.loc["d"].isna().all()
    with pytest.raises(DataError, match="2 occupations"):
        occupation_correlation(jobs[[0, 1]])
    with pytest.raises(DataError, match="negative or missing"):
        occupation_correlation(-jobs)


def test_the_mean_is_of_standardised_matrices(country):
    first, second = locational_correlation(country), coagglomeration(country)
    pairs = np.triu_indices(len(first), 1)
    z = []
    for matrix in (first, second):
        values = matrix.to_numpy()[pairs]
        z.append((values - values.mean()) / values.std(ddof=1))
    ours = mean_relatedness([first, second])
    np.testing.assert_allclose(ours.to_numpy()[pairs], (z[0] + z[1]) / 2)
    fewer = mean_relatedness([first, second.drop(index="41", columns="41")])
    assert "41" not in fewer.index
    with pytest.raises(DataError, match="share 0 industries"):
        mean_relatedness([first, second.rename(index="x{}".format, columns="x{}".format)])
    with pytest.raises(DataError, match="matrix 1 has no variation"):
        mean_relatedness([first * 0])
    with pytest.raises(DataError, match="not symmetric"):
        mean_relatedness([first.assign(**{"41": 7.0})])
    with pytest.raises(DataError, match="no relatedness matrix"):
        mean_relatedness([])


def blocks() -> pd.DataFrame:
    """Nine industries in three blocks: related 0.8 inside, 0.1 across, a little noise."""
    rng = np.random.default_rng(0)
    label = np.array([0, 1, 2] * 3)
    values = np.where(label[:, None] == label, 0.8, 0.1) + rng.normal(0, 0.03, (9, 9))
    names = [f"{k:02d}" for k in range(9)]
    return pd.DataFrame((values + values.T) / 2, index=names, columns=names)


def test_blocks_are_found_and_validated():
    related = blocks()
    found = industry_clusters(related, 3)
    assert found.tolist() == [1, 2, 3] * 3
    table = cluster_validation(related, found)
    values = related.to_numpy()
    inside = [values[0, 3], values[0, 6], values[3, 6]]
    assert table.loc[0, "within"] == pytest.approx(np.mean(inside))
    across = [values[np.ix_([0, 3, 6], [k, k + 3, k + 6])].mean() for k in (1, 2)]
    assert table.loc[0, "between_mean"] == pytest.approx(np.mean(across))
    assert table.loc[0, "between_p95"] == pytest.approx(np.percentile(across, 95))
    assert table.attrs["validation_score"] == 1
    wrong = pd.Series([1, 1, 1, 2, 2, 2, 3, 3, 3], related.index)
    assert cluster_validation(related, wrong).attrs["validation_score"] < 1
    alone = pd.Series([1, 2, 3, 1, 2, 3, 1, 2, 4], related.index)
    last = cluster_validation(related, alone).iloc[-1]
    assert np.isnan(last["within"])
    assert np.isnan(last["exceeds_mean"])


def test_bad_clusters():
    related = blocks()
    known = related.index != "03"
    with pytest.raises(DataError, match="10 clusters are asked of 9"):
        industry_clusters(related, 10)
    with pytest.raises(DataError, match="8 pairs of industries have no relatedness"):
        industry_clusters(related.where(np.outer(known, known)), 3)
    with pytest.raises(DataError, match="key '08': an industry has no cluster"):
        cluster_validation(related, pd.Series(1, related.index[:8]))
    with pytest.raises(DataError, match="there is one cluster"):
        cluster_validation(related, pd.Series(1, related.index))


def test_related_specialisation_by_hand():
    frame = pd.DataFrame(
        {
            "region": ["a", "a", "a", "b", "b", "b"],
            "industry": ["13", "14", "28", "13", "14", "28"],
            "employment": [10.0, 30.0, 60.0, 20.0, 10.0, 70.0],
        }
    )
    clusters = pd.Series({"13": 1, "14": 1, "28": 2})
    out = related_specialisation(frame, clusters).set_index(["region", "industry"])["related_specialisation"]
    lq = location_quotient(frame).set_index(["region", "industry"])["location_quotient"]
    assert out["a", "13"] == pytest.approx(lq["a", "14"])
    assert out["b", "14"] == pytest.approx(lq["b", "13"])
    assert out[:, "28"].isna().all()
    with pytest.raises(DataError, match="no industry of the frame has a cluster"):
        related_specialisation(frame, clusters.rename("C{}".format))


def test_co_location_of_bad_frames(country):
    with pytest.raises(DataError, match="column 'year': the frame holds 2 values of year"):
        coagglomeration(pd.concat([country.assign(year=1), country.assign(year=2)]))
    with pytest.raises(DataError, match="there are 1 regions"):
        locational_correlation(country[country["region"] == "S00"])
    with pytest.raises(DataError, match="negative"):
        locational_correlation(country.assign(employment=-1))
    flat = pd.DataFrame(
        {"region": list("abc") * 2, "industry": ["x"] * 3 + ["y"] * 3, "employment": [5, 5, 5, 1, 2, 3]}
    )
    assert np.isnan(locational_correlation(flat).loc["x", "y"])


def test_a_cluster_of_two_is_judged_and_one_of_one_is_not():
    names = list("abcde")
    related = pd.DataFrame(0.1, names, names)
    related.loc["a", "b"] = related.loc["b", "a"] = 0.9
    related.loc["c", "d"] = related.loc["d", "c"] = 0.05
    table = cluster_validation(related, pd.Series([1, 1, 2, 2, 3], names)).set_index("industry_cluster")
    assert table["n_industries"].tolist() == [2, 2, 1]
    np.testing.assert_allclose(table["within"], [0.9, 0.05, np.nan])
    np.testing.assert_allclose(table["between_mean"], 0.1)
    for bar in ("mean", "p95"):
        np.testing.assert_array_equal(table[f"exceeds_{bar}"], [1, 0, np.nan])
    assert table.attrs["validation_score"] == 0.5
