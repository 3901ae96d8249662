import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.build import from_matrices, from_wide
from gvcmetrics.measures.input_output.position import (
    correct_inventories,
    country_position,
    downstreamness,
    positions,
    production_length,
    smile_curve,
    upstreamness,
)

SEEDS = st.integers(0, 10_000)


def chain(stock: float = 0.0):
    """Mine (A) → steel (A) → car (B), each adding 10 and selling all to the next, cars to final users.

    A fourth industry (B, shop) sells its value added straight to final users; steel may build stocks.
    """
    rows = pd.MultiIndex.from_tuples([("A", "mine"), ("A", "steel"), ("B", "car"), ("B", "shop")])
    users = pd.MultiIndex.from_product([["A", "B"], ["use", "stock"]])
    Z = pd.DataFrame(0.0, rows, rows)
    Z.loc[("A", "mine"), ("A", "steel")] = 10.0
    Z.loc[("A", "steel"), ("B", "car")] = 20.0
    Y = pd.DataFrame(0.0, rows, users)
    Y.loc[("B", "car"), ("A", "use")] = 30.0
    Y.loc[("B", "shop"), ("B", "use")] = 5.0
    Y.loc[("A", "steel"), ("A", "stock")] = stock
    return from_matrices(Z, Y, inventories="stock")


def test_chain_of_three_by_hand():
    frame = positions(chain())
    assert frame["upstreamness"].tolist() == pytest.approx([3, 2, 1, 1])
    assert frame["downstreamness"].tolist() == pytest.approx([1, 1.5, 2, 1])
    assert frame["final_use_ratio"].tolist() == pytest.approx([0, 0, 1, 1])
    assert frame["value_added_ratio"].tolist() == pytest.approx([1, 0.5, 1 / 3, 1])
    assert upstreamness(chain()).loc[("A", "mine"), "upstreamness"] == pytest.approx(3)
    assert downstreamness(chain()).loc[("B", "car"), "downstreamness"] == pytest.approx(2)


def test_country_position_by_hand():
    # A makes 10 of mining (3 stages) and 20 of steel (2), and exports steel only.
    frame = country_position(chain(), of="output")
    assert frame["upstreamness"].to_dict() == pytest.approx({"A": 7 / 3, "B": 1})
    assert frame["downstreamness"].to_dict() == pytest.approx({"A": (10 + 30) / 30, "B": (60 + 5) / 35})
    assert country_position(chain())["upstreamness"].to_dict() == pytest.approx({"A": 2, "B": 1})
    with pytest.raises(DataError, match="of='wages' is unknown"):
        country_position(chain(), of="wages")


def test_country_position_passes_over_industries_without_output(small_frame, small):
    empty = small_frame.copy()
    empty.loc[4, empty.columns[2:]] = 0.0
    empty["BBB_s2"] = 0.0
    table = from_wide(empty, close="row_sums")
    average = country_position(table, of="output").loc["BBB", "upstreamness"]
    rows = positions(table).loc["BBB", "upstreamness"].drop("s2")
    assert average == pytest.approx(np.average(rows, weights=table.x[[3, 5]]))


def test_net_inventories_by_hand():
    # Steel makes 25, of which 5 go to stock: corrected, all 25 go to cars.
    corrected = correct_inventories(chain(stock=5.0))
    assert corrected.Z[1, 2] == pytest.approx(25.0)
    assert corrected.Y.sum(axis=(1, 2)).tolist() == pytest.approx([0, 0, 30, 5])
    assert upstreamness(chain(stock=5.0))["upstreamness"].tolist() == pytest.approx([3, 2, 1, 1])
    # Uncorrected, a fifth of steel is final use: 0.8 × 2 + 0.2 × 1.
    plain = upstreamness(chain(stock=5.0), net_inventories=False)["upstreamness"]
    assert plain.tolist() == pytest.approx([2.8, 1.8, 1, 1])
    # Stocks that fall scale the other uses down: steel makes 16 and sells 20.
    assert correct_inventories(chain(stock=-4.0)).Z[1, 2] == pytest.approx(16.0)


def test_industry_that_only_builds_stocks_has_no_upstreamness():
    labels = pd.MultiIndex.from_product([["A", "B"], ["i"]])
    users = pd.MultiIndex.from_product([["A", "B"], ["use", "stock"]])
    Z = pd.DataFrame([[1.0, 0.0], [1.0, 1.0]], labels, labels)
    Y = pd.DataFrame([[0.0, 2.0, 0.0, 0.0], [3.0, 0.0, 1.0, 0.0]], labels, users)
    # A makes 3 and puts 2 into stock: the rest goes to itself, so nothing ever reaches final use.
    with pytest.raises(DataError, match="singular"):
        upstreamness(from_matrices(Z, Y, inventories="stock"))
    # A makes 3 and puts 4 into stock (users give 2 back): there is nothing to correct by.
    Y.loc[("A", "i")] = [-2.0, 4.0, 0.0, 0.0]
    frame = positions(from_matrices(Z, Y, inventories="stock"))
    assert np.isnan(frame.loc[("A", "i"), "upstreamness"])
    assert np.isfinite(frame.loc[("A", "i"), "downstreamness"])
    assert np.isfinite(frame.loc[("B", "i"), "upstreamness"])


def test_industry_without_output_has_no_position(small_frame):
    empty = small_frame.copy()
    empty.loc[4, empty.columns[2:]] = 0.0
    empty["BBB_s2"] = 0.0
    table = from_wide(empty, close="row_sums")
    for frame in (positions(table), production_length(table)):
        assert frame.loc[("BBB", "s2")].isna().all()
        assert frame.drop(index=("BBB", "s2")).notna().all(axis=None)


def test_inventories_that_are_not_named_are_an_error(small):
    with pytest.raises(DataError, match=r"does not say which.*f1, f2"):
        correct_inventories(small)
    pd.testing.assert_frame_equal(upstreamness(small), upstreamness(small, net_inventories=False))


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_identities_on_random_tables(random_table, seed):
    raw = random_table(seed)
    corrected = correct_inventories(raw)
    np.testing.assert_allclose(
        corrected.Z.sum(axis=1) + corrected.final_use.sum(axis=1), corrected.x, rtol=1e-10
    )
    for table in (raw, corrected):
        frame = positions(table, net_inventories=False)
        total = table.x.sum()
        assert (table.value_added * frame["upstreamness"]).sum() == pytest.approx(total, rel=1e-9)
        final = table.final_use.sum(axis=1)
        assert (final * frame["downstreamness"]).sum() == pytest.approx(total, rel=1e-9)
        allocation = table.Z / table.x[:, None]
        by_definition = np.linalg.solve(np.eye(len(table.x)) - allocation, np.ones(len(table.x)))
        np.testing.assert_allclose(frame["upstreamness"], by_definition, rtol=1e-9)
    pd.testing.assert_frame_equal(positions(raw), positions(corrected, net_inventories=False))


def test_symmetric_table_has_the_same_position_everywhere():
    rows = pd.MultiIndex.from_product([["A", "B"], ["i"]])
    users = pd.MultiIndex.from_product([["A", "B"], ["use"]])
    Z = pd.DataFrame([[0.2, 0.1], [0.1, 0.2]], rows, rows)
    frame = positions(from_matrices(Z, pd.DataFrame([[0.5, 0.2], [0.2, 0.5]], rows, users)))
    assert frame["upstreamness"].tolist() == pytest.approx([1 / 0.7, 1 / 0.7], rel=1e-12)
    assert frame["downstreamness"].tolist() == pytest.approx([1 / 0.7, 1 / 0.7], rel=1e-12)


# --- production length -------------------------------------------------------------------------


def test_production_length_of_the_chain_by_hand():
    frame = production_length(chain())
    # Mine to steel at home, then over the border as an input: the whole chain is GVC production.
    assert frame.loc[("A", "mine"), "forward_GVC"] == pytest.approx(3)
    assert np.isnan(frame.loc[("A", "mine"), "forward_domestic"])
    assert frame.loc[("B", "car"), "forward_traditional"] == pytest.approx(1)
    assert frame.loc[("B", "shop"), "forward_domestic"] == pytest.approx(1)
    # Backward from cars: mine's 10 pass three stages, steel's 10 two, of which only these are foreign.
    assert frame.loc[("B", "car"), "backward_GVC"] == pytest.approx(2.5)
    assert frame.loc[("B", "car"), "backward_domestic"] == pytest.approx(1)
    assert frame.loc[("B", "car"), "backward"] == pytest.approx(2)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_lengths_average_to_the_total(random_table, seed):
    table = random_table(seed)
    frame = production_length(table)
    np.testing.assert_allclose(
        frame["forward"], upstreamness(table, net_inventories=False)["upstreamness"], rtol=1e-9
    )
    np.testing.assert_allclose(
        frame["backward"], downstreamness(table, net_inventories=False)["downstreamness"], rtol=1e-9
    )
    domestic = table.local(table.at_home(table.final_use))
    traditional = table.local(table.final_exports.sum(axis=1))
    crossing = table.x - domestic - traditional
    weighted = (
        frame["forward_domestic"] * domestic
        + frame["forward_traditional"] * traditional
        + frame["forward_GVC"] * crossing
    )
    np.testing.assert_allclose(weighted / table.x, frame["forward"], rtol=1e-8)
    at_home = np.concatenate([table.v[b] @ L for b, L in zip(table.blocks, table.L, strict=True)])
    np.testing.assert_allclose(
        frame["backward_domestic"] * at_home + frame["backward_GVC"] * (1 - at_home),
        frame["backward"],
        rtol=1e-8,
    )


# --- smile curve ---------------------------------------------------------------------------------


def test_smile_curve_of_the_car_by_hand():
    curve = smile_curve(chain(), product=("B", "car"))
    assert curve["distance"].to_dict() == pytest.approx(
        {("A", "mine"): 3, ("A", "steel"): 2, ("B", "car"): 1}
    )
    assert curve["value_added"].tolist() == pytest.approx([10, 10, 10])
    assert curve["value_added_share"].sum() == pytest.approx(1)


def test_smile_curve_of_everything_is_upstreamness(small):
    curve = smile_curve(small)
    np.testing.assert_allclose(curve["distance"], upstreamness(small)["upstreamness"], rtol=1e-10)
    np.testing.assert_allclose(curve["value_added"], small.value_added, rtol=1e-10)


def test_smile_curve_adds_up_over_products(small):
    total = sum(smile_curve(small, product=row)["value_added"].sum() for row in small.rows)
    assert total == pytest.approx(small.final_use.sum(), rel=1e-10)


def test_smile_curve_of_an_unknown_or_unsold_product_is_an_error(small):
    with pytest.raises(DataError, match=r"AAA s9.*no such country and industry"):
        smile_curve(small, product=("AAA", "s9"))
    with pytest.raises(DataError, match=r"A mine.*no final use"):
        smile_curve(chain(), product=("A", "mine"))


# --- Antràs and Chor's published values ------------------------------------------------------------

PUBLISHED = {"upstreamness": "GVC_Ui", "downstreamness": "GVC_Di", "final_use_ratio": "GVC_FUGOi"}


@pytest.fixture(scope="module")
def published(wiod_frame):
    """Ours, theirs and output on the same rows, 1995, 1999 and 2003."""
    path = Path(os.environ["GVCMETRICS_MIRROR"]) / "antras_chor_upstreamness_1995_2003.parquet"
    if not path.exists():
        pytest.skip("needs the published upstreamness in the data mirror")
    theirs = pd.read_parquet(path)
    theirs = theirs.assign(
        year=theirs["YEAR"].astype(int),
        country=theirs["ISO3C"],
        industry="c" + theirs["WIOT2013_n"].astype(int).astype(str),
    ).set_index(["year", "country", "industry"])
    frames = []
    for year in (1995, 1999, 2003):
        table = from_wide(
            wiod_frame(year), inventories="f5", close="intermediate", negative_value_added="keep"
        )
        frames.append(positions(table).assign(output=table.x, year=year).set_index("year", append=True))
    ours = pd.concat(frames).reorder_levels(["year", "country", "industry"])
    both = ours.join(theirs[["GVC_Ui", "GVC_Di", "GVC_FUGOi"]], validate="1:1")
    assert len(both) == 3 * 1435
    return both


# Median difference, the largest output at which a difference exceeds 0.05, and the median above 100 billion.
BOUNDS = {
    "upstreamness": (0.001, 1000, 0.0001),
    "downstreamness": (0.005, 2200, 0.001),
    "final_use_ratio": (0.0005, 200, 0.00005),
}


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_positions(published, name):
    median, output, median_of_large = BOUNDS[name]
    difference = (published[name] - published[PUBLISHED[name]]).abs()
    assert difference.median() < median
    assert published["output"][difference > 0.05].max() < output
    by_size = difference.groupby(pd.cut(published["output"], [0, 1e2, 1e3, 1e4, 1e5, 1e8])).median()
    assert by_size.is_monotonic_decreasing
    assert by_size.iloc[-1] < median_of_large


def test_downstreamness_differs_as_lost_small_imports_make_it(published):
    difference = published["downstreamness"] - published["GVC_Di"]
    buys = published["GVC_Di"] > 1
    assert (difference[buys & (published["output"] < 1000)].dropna() < 0).mean() > 0.95
    assert (difference[published["output"] > 100_000] > 0).mean() > 0.8


def test_published_positions_of_industries_without_output_are_one(published):
    empty = published[published["output"] == 0]
    theirs = empty[["GVC_Ui", "GVC_Di"]]
    assert empty[["upstreamness", "downstreamness"]].isna().all(axis=None)
    # All but those with less than half a million of output, which the mirror rounds to nothing.
    assert len(empty) > 50
    assert (theirs == 1).all(axis=1).mean() > 0.9


def test_rounding_explains_the_differences_from_published_positions(published, wiod_frame):
    """Rounding to tens of millions moves an industry about as much as one a tenth its size differs."""
    frame = wiod_frame(2003)
    values = frame.iloc[:, 2:-1]
    coarse = frame.copy()
    coarse.iloc[:, 2:-1] = ((values + 5) // 10 * 10).astype(values.dtypes.iloc[0])
    options = {"inventories": "f5", "close": "intermediate", "negative_value_added": "keep"}
    fine_positions = positions(from_wide(frame, **options))
    coarse_positions = positions(from_wide(coarse, **options))
    output = frame["output"].to_numpy()
    ours = published.loc[2003]
    for name in ("upstreamness", "downstreamness"):
        from_rounding = (coarse_positions[name] - fine_positions[name]).abs()
        from_published = (ours[name] - ours[PUBLISHED[name]]).abs()
        for low, high in ((100, 1000), (1000, 10_000)):
            theirs = from_published[((ours["output"] > low) & (ours["output"] <= high)).to_numpy()]
            rounded = from_rounding[(output > 10 * low) & (output <= 10 * high)]
            assert 0.4 < rounded.median() / theirs.median() < 1.5
