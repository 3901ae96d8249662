import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.build import from_matrices, from_pymrio, from_wide
from gvcmetrics.measures.input_output.participation import gvc_participation
from gvcmetrics.measures.input_output.table import (
    by_year,
    gross_exports,
    group_countries,
    leontief_inverse,
    local_inverses,
    technical_coefficients,
)

SEEDS = st.integers(0, 10_000)


# --- reading a frame -----------------------------------------------------------------------


def test_wide_frame_gives_its_matrices(small, small_frame):
    numbers = small_frame.drop(columns=["country", "industry"]).to_numpy()
    assert small.regions == ("AAA", "BBB", "CCC", "DDD")
    assert small.uses == ("f1", "f2")
    np.testing.assert_array_equal(small.Z, numbers[:, :12])
    np.testing.assert_array_equal(small.Y.reshape(12, 8), numbers[:, 12:20])
    np.testing.assert_array_equal(small.x, numbers[:, 20])
    np.testing.assert_allclose(small.value_added, numbers[:, 20] - numbers[:, :12].sum(axis=0))


def test_order_of_rows_and_columns_does_not_matter(small, small_frame):
    shuffled = small_frame.sample(frac=1, random_state=3)[
        ["output", *small_frame.columns[2:-1][::-1], "industry", "country"]
    ]
    expected = gvc_participation(small, by=("exporter", "industry", "importer"))
    result = gvc_participation(from_wide(shuffled), by=("exporter", "industry", "importer"))
    pd.testing.assert_frame_equal(result.reindex(expected.index), expected, rtol=1e-12)


def test_wiod_codes_become_iso(small_frame):
    renamed = small_frame.replace({"country": {"AAA": "ROM", "DDD": "RoW"}})
    renamed.columns = [c.replace("AAA_", "ROM_").replace("DDD_", "RoW_") for c in renamed.columns]
    assert from_wide(renamed).regions == ("ROU", "BBB", "CCC", "ROW")


def test_one_year_of_a_panel(small, small_frame):
    panel = pd.concat([small_frame.assign(year=2000), small_frame.assign(year=2001)])
    assert from_wide(panel, year=2001).year == 2001
    np.testing.assert_array_equal(from_wide(panel, year=2001).Z, small.Z)
    with pytest.raises(DataError, match=r"holds the years 2000, 2001.*Say which one"):
        from_wide(panel)
    with pytest.raises(DataError, match="not 1999"):
        from_wide(panel, year=1999)


def test_matrices_with_numbers_as_labels_and_no_output(small):
    labels = pd.MultiIndex.from_product([["A", "B", "C", "D"], [1, 2, 3]])
    users = pd.MultiIndex.from_product([["A", "B", "C", "D"], ["f1", "f2"]])
    table = from_matrices(
        pd.DataFrame(small.Z, labels, labels), pd.DataFrame(small.Y.reshape(12, 8), labels, users)
    )
    np.testing.assert_allclose(table.x, small.x)
    assert table.rows[4] == ("B", "2")


def test_pymrio_system_has_the_same_coefficients_and_inverse():
    pymrio = pytest.importorskip("pymrio")
    system = pymrio.load_test().calc_all()
    table = from_pymrio(system, year=2020, negative_value_added="keep")
    assert table.year == 2020
    np.testing.assert_allclose(technical_coefficients(table), system.A.to_numpy(), rtol=1e-12)
    np.testing.assert_allclose(leontief_inverse(table), system.L.to_numpy(), rtol=1e-9)


def test_pymrio_system_without_flows_is_an_error():
    class Empty:
        Z = None

    with pytest.raises(DataError, match=r"no Z.*calc_all"):
        from_pymrio(Empty())


# --- equations -----------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_inverse_and_identities_on_random_tables(random_table, seed):
    table = random_table(seed)
    n = len(table.x)
    np.testing.assert_allclose(table.A * table.x, table.Z, atol=1e-12)
    np.testing.assert_allclose(table.B @ (np.eye(n) - table.A), np.eye(n), atol=1e-10)
    np.testing.assert_allclose(table.v @ table.B, np.ones(n), rtol=1e-10)
    np.testing.assert_allclose(table.output_by_destination.sum(axis=1), table.x, rtol=1e-10)
    np.testing.assert_allclose(table.content_by_origin.sum(axis=1), np.ones(n), rtol=1e-10)
    for inverse, block in zip(table.L, table.blocks, strict=True):
        np.testing.assert_allclose(
            inverse @ (np.eye(len(inverse)) - table.A[block, block]), np.eye(len(inverse)), atol=1e-12
        )


def test_local_inverses_are_labelled(small):
    inverse = local_inverses(small)["BBB"]
    assert list(inverse.columns) == [("BBB", "s1"), ("BBB", "s2"), ("BBB", "s3")]
    np.testing.assert_allclose(inverse, np.linalg.inv(np.eye(3) - small.A[3:6, 3:6]))


def test_exports_by_hand(small_frame, small):
    by_partner = gross_exports(small, by=("exporter", "industry", "importer"))
    row = small_frame.set_index(["country", "industry"]).loc[("BBB", "s2")]
    to_c = row[["CCC_s1", "CCC_s2", "CCC_s3"]].sum()
    assert by_partner.loc[("BBB", "s2", "CCC"), "intermediate_exports"] == pytest.approx(to_c, rel=1e-12)
    assert by_partner.loc[("BBB", "s2", "CCC"), "final_exports"] == pytest.approx(
        row["CCC_f1"] + row["CCC_f2"], rel=1e-12
    )
    assert len(by_partner) == 4 * 3 * 3
    assert list(gross_exports(small).index) == ["AAA", "BBB", "CCC", "DDD"]
    imports = gross_exports(small, by=("importer",))
    assert imports["gross_exports"].sum() == pytest.approx(small.exports.sum())


def test_unknown_level_is_an_error(small):
    with pytest.raises(DataError, match="not a choice of levels"):
        gross_exports(small, by=("country",))


def test_by_year_stacks_measures(small_frame):
    frame = by_year((from_wide(small_frame, year=y) for y in (2000, 2001)), gvc_participation)
    assert frame.index.names == ["year", "exporter"]
    pd.testing.assert_frame_equal(frame.loc[2000], frame.loc[2001])


def test_tables_without_a_year_of_their_own_are_an_error(small, small_frame):
    with pytest.raises(DataError, match="has no year"):
        by_year([small], gvc_participation)
    with pytest.raises(DataError, match="two tables are of 2000"):
        by_year([from_wide(small_frame, year=2000)] * 2, gvc_participation)
    with pytest.raises(DataError, match="no table"):
        by_year([], gvc_participation)


# --- groups of countries ---------------------------------------------------------------------


def test_group_exports_leave_out_trade_among_members(small):
    pairs = gross_exports(small, by=("exporter", "importer"))["gross_exports"]
    grouped = group_countries(small, {"UNION": ["AAA", "CCC"]})
    assert grouped.regions == ("UNION", "BBB", "DDD")
    exports = gross_exports(grouped, by=("exporter", "importer"))["gross_exports"]
    for partner in ("BBB", "DDD"):
        assert exports[("UNION", partner)] == pytest.approx(pairs[("AAA", partner)] + pairs[("CCC", partner)])
        assert exports[(partner, "UNION")] == pytest.approx(pairs[(partner, "AAA")] + pairs[(partner, "CCC")])
    assert ("UNION", "UNION") not in exports.index
    by_industry = gross_exports(grouped, by=("exporter", "industry"))
    assert len(by_industry) == 9
    np.testing.assert_allclose(grouped.v @ grouped.B, np.ones(12), rtol=1e-12)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"UNION": ["AAA", "XXX"]}, "XXX.*not a region of the table"),
        ({"U1": ["AAA"], "U2": ["AAA", "BBB"]}, "AAA.*in two groups"),
        ({"BBB": ["AAA", "CCC"]}, "BBB.*name of a country"),
    ],
)
def test_impossible_groups_are_errors(small, groups, message):
    with pytest.raises(DataError, match=message):
        group_countries(small, groups)


# --- bad input -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["country", "industry", "output"])
def test_missing_column_is_named(small_frame, name):
    with pytest.raises(DataError, match=rf"column '{name}'.*no column"):
        from_wide(small_frame.drop(columns=name))


def test_column_of_an_unknown_country_is_named(small_frame):
    with pytest.raises(DataError, match=r"column 'XXX_s1'.*country among the rows"):
        from_wide(small_frame.rename(columns={"AAA_s1": "XXX_s1"}))


def test_missing_country_among_the_columns_is_named(small_frame):
    gone = [c for c in small_frame.columns if c.startswith("DDD_s")]
    with pytest.raises(DataError, match=r"columns of the intermediate.*missing DDD s1"):
        from_wide(small_frame.drop(columns=gone))
    with pytest.raises(DataError, match=r"columns of the final-use.*missing DDD f2"):
        from_wide(small_frame.drop(columns="DDD_f2"))


def test_missing_country_among_the_rows_is_named(small_frame):
    with pytest.raises(DataError, match=r"column 'DDD_s1'"):
        from_wide(small_frame[small_frame["country"] != "DDD"])


def test_rows_given_twice_are_named(small_frame):
    with pytest.raises(DataError, match="not unique: AAA s1"):
        from_wide(pd.concat([small_frame, small_frame.iloc[:1]]))


def test_labels_of_one_level_are_an_error(small):
    flat = pd.DataFrame(small.Z)
    with pytest.raises(DataError, match="1 label level, not two"):
        from_matrices(flat, flat)


def test_missing_cell_is_named(small_frame):
    with pytest.raises(DataError, match=r"BBB_s2.*row of AAA s3|column 'BBB_s2'.*AAA s3"):
        from_wide(small_frame.assign(BBB_s2=small_frame["BBB_s2"].where(small_frame.index != 2)))


def test_text_in_a_cell_is_an_error(small_frame):
    text = small_frame.astype({"BBB_s2": object})
    text.loc[0, "BBB_s2"] = "n.a."
    with pytest.raises(DataError, match=r"not a number.*n\.a\."):
        from_wide(text)


def test_negative_intermediate_use_is_an_error(small_frame):
    wrong = small_frame.copy()
    wrong.loc[1, "CCC_s3"] = -4.0
    with pytest.raises(DataError, match=r"column 'CCC_s3'.*negative \(-4\).*AAA s2"):
        from_wide(wrong)


def test_unknown_inventories_category_is_an_error(small_frame):
    with pytest.raises(DataError, match=r"no final-use category 'f5'.*f1, f2"):
        from_wide(small_frame, inventories="f5")


def test_imbalance_is_reported_with_size_and_place(small_frame):
    wrong = small_frame.copy()
    wrong.loc[4, "output"] += 7.5
    wrong.loc[7, "output"] -= 2.0
    with pytest.raises(DataError, match=r"in 2 of 12 rows.*by 9\.5 in all; largest gaps: BBB s2 \(row sum"):
        from_wide(wrong)


def test_gap_closed_by_row_sums(small_frame, small):
    wrong = small_frame.assign(output=small_frame["output"] + 10)
    np.testing.assert_allclose(from_wide(wrong, close="row_sums").x, small.x)


def test_gap_closed_in_intermediate_uses(small_frame):
    wrong = small_frame.assign(output=small_frame["output"] * 1.02)
    row = wrong.index == 5
    wrong.loc[row, [c for c in wrong.columns if "_s" in c]] = 0.0
    table = from_wide(wrong, close="intermediate")
    np.testing.assert_allclose(table.Z.sum(axis=1) + table.final_use.sum(axis=1), table.x, rtol=1e-12)
    np.testing.assert_allclose(table.x[~row], wrong["output"][~row], rtol=1e-12)
    assert table.x[5] == pytest.approx(table.final_use[5].sum())
    ratio = table.Z[0] / small_frame.filter(like="_s").to_numpy()[0]
    np.testing.assert_allclose(ratio, ratio[0])


def test_row_with_more_final_use_than_output_takes_its_row_sum(small_frame):
    output = small_frame["output"].copy()
    output[2] = small_frame.filter(regex="_f").loc[2].sum() - 1.0
    table = from_wide(small_frame.assign(output=output), close="intermediate")
    assert table.x[2] == pytest.approx(small_frame["output"][2])
    np.testing.assert_allclose(table.Z[2], small_frame.filter(regex="_s").loc[2])


def test_negative_value_added_is_an_error_unless_kept(small_frame):
    wrong = small_frame.copy()
    wrong.loc[0, "AAA_s1"] += 900.0
    wrong.loc[0, "output"] += 900.0
    wrong.loc[1, "AAA_s1"] += 700.0
    wrong.loc[1, "output"] += 700.0
    with pytest.raises(DataError, match=r"negative in 1 industries: AAA s1 \(-"):
        from_wide(wrong)
    assert from_wide(wrong, negative_value_added="keep").value_added[0] < 0


def test_purchases_of_an_industry_without_output_become_final_use(small_frame, small):
    idle = small_frame.copy()
    idle.loc[4, idle.columns[2:]] = 0.0
    with pytest.raises(DataError, match=r"negative in 1 industries: BBB s2 \(-.* on output 0\)"):
        from_wide(idle, close="row_sums")
    table = from_wide(idle, close="row_sums", negative_value_added="keep")
    assert (table.Z[:, 4] == 0).all()
    bought = idle["BBB_s2"].to_numpy()
    np.testing.assert_allclose(table.Y[:, 1, 1], idle["BBB_f2"] + bought)
    np.testing.assert_allclose(table.Z.sum(axis=1) + table.final_use.sum(axis=1), table.x, rtol=1e-12)
    others = [0, 1, 2, 6, 7, 8, 9, 10, 11]
    np.testing.assert_allclose(table.exports[others], small.exports[others], rtol=1e-12)
    np.testing.assert_allclose(table.v @ table.B, np.ones(12), rtol=1e-12)


@pytest.mark.parametrize("third", [1.0, 1 / 3])
def test_singular_system_is_an_error(third):
    """A's two industries buy from each other all that they make, exactly or to rounding."""
    labels = pd.MultiIndex.from_product([["A", "B"], ["i", "j"]])
    users = pd.MultiIndex.from_product([["A", "B"], ["use"]])
    Z = np.array([[2.0, 3.1, 0, 0], [3.1, 5.3, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]]) * third
    Y = np.array([[0.0, 0], [0, 0], [2, 1], [1, 2]])
    table = from_matrices(
        pd.DataFrame(Z, labels, labels), pd.DataFrame(Y, labels, users), negative_value_added="keep"
    )
    with pytest.raises(DataError, match=r"I − A is singular"):
        leontief_inverse(table)
    with pytest.raises(DataError, match=r"I − A of A is singular"):
        gvc_participation(table)


def test_singular_system_names_the_industries_without_value_added():
    labels = pd.MultiIndex.from_product([["A", "B"], ["i"]])
    users = pd.MultiIndex.from_product([["A", "B"], ["use"]])
    Z = pd.DataFrame([[2.0, 0.0], [0.0, 1.0]], labels, labels)
    Y = pd.DataFrame([[0.0, 0.0], [2.0, 1.0]], labels, users)
    with pytest.raises(DataError, match=r"without value added: A i\."):
        leontief_inverse(from_matrices(Z, Y))


def test_zero_output_industry_passes_through(small_frame):
    empty = small_frame.copy()
    empty.loc[4, empty.columns[2:]] = 0.0
    empty["BBB_s2"] = 0.0
    table = from_wide(empty, close="row_sums")
    assert table.x[4] == 0
    assert np.isfinite(table.B).all()
    np.testing.assert_array_equal(table.B[:, 4], np.eye(12)[4])
    shares = gvc_participation(table, by=("exporter", "industry"))
    assert np.isnan(shares.loc[("BBB", "s2"), "participation"])
    assert shares.drop(index=("BBB", "s2")).notna().all(axis=None)
