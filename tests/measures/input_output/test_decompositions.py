import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.build import from_matrices, from_wide
from gvcmetrics.measures.input_output.decompositions import (
    borin_mancini_perspective,
    borin_mancini_sink,
    borin_mancini_source,
    hummels_ishii_yi,
    koopman_wang_wei,
    oecd_content,
    standard_parts,
    wang_wei_zhu,
)
from gvcmetrics.measures.input_output.participation import gvc_participation
from gvcmetrics.measures.input_output.table import group_countries

SEEDS = st.integers(0, 10_000)
SIZES = st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple)
ALL = ("exporter", "industry", "importer")


def agrees(result: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every column of the reference, to 1e-6 relative."""
    for name in expected.columns:
        np.testing.assert_allclose(
            result[name].reindex(expected.index), expected[name], rtol=1e-6, err_msg=name
        )


def adds_up(frame: pd.DataFrame) -> None:
    """Terms to gross exports, to 1e-9 of the exporter's exports."""
    terms = frame.drop(columns=["gross_exports", "VAXIM"], errors="ignore").sum(axis=1)
    scale = frame["gross_exports"].abs().groupby(level="exporter").transform("sum").clip(lower=1e-12)
    assert ((terms - frame["gross_exports"]).abs() / scale).max() < 1e-9


def same(one: pd.Series, other: pd.Series, what: str) -> None:
    """Equal but for rounding; zeros may be off by that of the flows of order one they come from."""
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-12, err_msg=what)


# --- published programs, small table ---------------------------------------------------------


def test_koopman_wang_wei_small(small, reference):
    agrees(koopman_wang_wei(small), reference("small_icio_decompr_kww"))
    agrees(standard_parts(koopman_wang_wei(small)), reference("small_icio_exvatools_kww_standard"))


def test_wang_wei_zhu_small_by_industry_and_partner(small, reference):
    expected = reference("small_icio_decompr_wwz").rename(
        columns={
            "Exporting_Country": "exporter",
            "Exporting_Industry": "industry",
            "Importing_Country": "importer",
            "texp": "gross_exports",
        }
    )
    expected = expected[expected["exporter"] != expected["importer"]].set_index(list(ALL))
    result = wang_wei_zhu(small)
    assert len(result) == len(expected) == 36
    agrees(result, expected[result.columns])


def test_wang_wei_zhu_small_by_exporter(small, reference):
    result = wang_wei_zhu(small, by=("exporter",))
    agrees(standard_parts(result), reference("small_icio_exvatools_wwz_standard"))
    same = {
        "DVA_INTrexI1": "DVA_INTrex1",
        "DVA_INTrexF": "DVA_INTrex2",
        "DVA_INTrexI2": "DVA_INTrex3",
        "RDV_FIN": "RDV_FIN1",
        "RDV_FIN2": "RDV_FIN2",
        "RDV_INT": "RDV_INT",
        "MVA_FIN": "FVA_FIN1",
        "OVA_FIN": "FVA_FIN2",
        "MVA_INT": "FVA_INT1",
        "OVA_INT": "FVA_INT2",
        "MDC": "MDC",
        "ODC": "ODC",
    }
    expected = reference("small_icio_exvatools_wwz_terms")
    for ours, theirs in same.items():
        np.testing.assert_allclose(result[ours], expected[theirs], rtol=1e-6, err_msg=ours)


def test_borin_mancini_source_small(small, reference):
    result = borin_mancini_source(small)
    agrees(result, reference("small_icio_exvatools_bm_src_terms"))
    standard = reference("small_icio_exvatools_bm_src_standard")
    agrees(standard_parts(result), standard.drop(columns=["DAVAX", "GVC", "GVCB", "GVCF"]))
    np.testing.assert_allclose(result["VAX1"] + result["VAX2"], standard["DAVAX"], rtol=1e-6)


def test_borin_mancini_sink_small(small, reference):
    result = borin_mancini_sink(small)
    agrees(result, reference("small_icio_exvatools_bm_snk_terms"))
    standard = reference("small_icio_exvatools_bm_snk_standard")
    agrees(standard_parts(result), standard.drop(columns="VAXIM"))
    np.testing.assert_allclose(result["VAXIM"], standard["VAXIM"], rtol=1e-6)


def test_miroudot_ye_small_is_the_exporter_perspective(small, reference):
    expected = reference("small_icio_exvatools_my_terms")
    agrees(borin_mancini_perspective(small, "exporter"), expected)
    agrees(standard_parts(borin_mancini_source(small)), reference("small_icio_exvatools_my_standard"))


def test_oecd_small(small, reference):
    expected = reference("small_icio_exvatools_oecd_terms").rename(columns={"gross_exports": "EXGR"})
    agrees(oecd_content(small), expected)


# --- published programs, WIOD 2011 -----------------------------------------------------------


def test_koopman_wang_wei_wiod(wiod_2011, reference):
    expected = reference("wiod11_decompr_kww")
    assert len(expected) == 41
    agrees(koopman_wang_wei(wiod_2011), expected)


def test_borin_mancini_source_wiod(wiod_2011, reference):
    expected = reference("wiod11_exvatools_bm_src")
    result = standard_parts(borin_mancini_source(wiod_2011)).join(
        gvc_participation(wiod_2011)[["DAVAX", "GVC", "GVC_backward", "GVC_forward"]]
    )
    agrees(result.rename(columns={"GVC_backward": "GVCB", "GVC_forward": "GVCF"}), expected)


def test_terms_add_up_in_wiod(wiod_2011):
    adds_up(koopman_wang_wei(wiod_2011))
    adds_up(wang_wei_zhu(wiod_2011))
    adds_up(borin_mancini_source(wiod_2011, by=ALL))
    adds_up(borin_mancini_sink(wiod_2011, by=ALL))
    np.testing.assert_allclose(wiod_2011.v @ wiod_2011.B, np.ones(1435), rtol=1e-9)


def test_terms_add_up_in_wiod_where_industries_sell_only_out_of_stock(wiod_frame):
    """In 1999 some industries of small countries export what their inventories lose, and produce nothing."""
    for close in ("row_sums", "intermediate"):
        table = from_wide(wiod_frame(1999), inventories="f5", close=close, negative_value_added="keep")
        assert ((table.x == 0) & (table.exports.sum(axis=1) > 0)).any()
        for decompose in (koopman_wang_wei, borin_mancini_source, borin_mancini_sink):
            adds_up(decompose(table))


# --- identities on random tables ---------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, sizes=SIZES)
def test_terms_add_up_on_random_tables(random_table, seed, sizes):
    table = random_table(seed, sizes)
    adds_up(koopman_wang_wei(table))
    for decompose in (wang_wei_zhu, borin_mancini_source, borin_mancini_sink):
        adds_up(decompose(table, by=ALL))
        by_exporter = decompose(table, by=("exporter",))
        adds_up(by_exporter)
        summed = decompose(table, by=ALL).groupby(level="exporter").sum()
        np.testing.assert_allclose(summed.reindex(by_exporter.index), by_exporter, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, sizes=SIZES)
def test_decompositions_agree_where_theory_says_so(random_table, seed, sizes):
    table = random_table(seed, sizes)
    parts = {
        "source": standard_parts(borin_mancini_source(table)),
        "sink": standard_parts(borin_mancini_sink(table)),
        "kww": standard_parts(koopman_wang_wei(table)),
        "wwz": standard_parts(wang_wei_zhu(table, by=("exporter",))),
    }
    for name in ("DC", "DVA", "VAX", "REF", "DDC", "FC"):
        for method, frame in parts.items():
            same(frame[name], parts["source"][name], f"{method} {name}")
    for name in ("FVA", "FDC"):
        same(parts["sink"][name], parts["source"][name], name)
        same(parts["wwz"][name], parts["kww"][name], name)
    vertical = hummels_ishii_yi(table, by=("exporter", "importer"))
    backward = gvc_participation(table, by=("exporter", "importer"))
    same(vertical["VS"], backward["GVC_backward"], "VS")
    same(vertical["VS_share"], backward["backward_share"], "VS share")


# --- the textbook way: one explicit inverse for each extraction matrix ---------------------------


def extracted(table, rows, columns):
    """The inverse with the entries of A in rows × columns set to zero."""
    A = table.A.copy()
    A[np.ix_(rows, columns)] = 0.0
    return np.linalg.inv(np.eye(len(A)) - A)


def index_of(table, s):
    return np.flatnonzero(table.region_of_row == s)


def others(table, s):
    return np.flatnonzero(table.region_of_row != s)


def source_the_textbook_way(table):
    """Terms by row and importer straight from the formulas, loops over exporters and importers."""
    R, B, A, Y, v = len(table.regions), table.B, table.A, table.final_use, table.v
    terms = {name: np.zeros((len(v), R)) for name in ("VAX4", "REF2", "FVA1", "FVA4", "FDC", "DDC")}
    for s in range(R):
        S, T = index_of(table, s), others(table, s)
        slashed = extracted(table, S, T)
        d, f, c = v[S] @ table.L[s], v[T] @ slashed[np.ix_(T, S)], v[T] @ B[np.ix_(T, S)]
        for r in set(range(R)) - {s}:
            P, off = index_of(table, r), others(table, r)
            ends = A[np.ix_(S, P)] @ table.L[r] @ A[np.ix_(P, off)] @ B[off] @ Y
            terms["REF2"][S, r] = d * ends[:, s]
            terms["VAX4"][S, r] = d * np.delete(ends, s, axis=1).sum(axis=1)
            terms["FVA4"][S, r] = f * ends.sum(axis=1)
            terms["FVA1"][S, r] = f * Y[S, r]
            terms["DDC"][S, r] = (v[S] @ B[np.ix_(S, S)] - d) * table.exports[S, r]
            terms["FDC"][S, r] = (c - f) * table.exports[S, r]
    return terms


def sink_the_textbook_way(table):
    R, B, A, v = len(table.regions), table.B, table.A, table.v
    terms = {name: np.zeros((len(v), R)) for name in ("VAX4", "REF2", "DDC", "FVA4", "FDC")}
    for s in range(R):
        S, T = index_of(table, s), others(table, s)
        slashed = extracted(table, S, T)
        Y = table.final_use.copy()
        Y[np.ix_(S, [r for r in range(R) if r != s])] = 0.0
        d, f = v[S] @ B[np.ix_(S, S)], v[T] @ B[np.ix_(T, S)]
        exports = table.exports[S].sum(axis=1)
        for r in set(range(R)) - {s}:
            P, off = index_of(table, r), others(table, r)
            through = A[np.ix_(S, P)] @ table.L[r] @ A[np.ix_(P, off)]
            ends, own = through @ slashed[off] @ Y, through @ slashed[np.ix_(off, S)] @ exports
            terms["REF2"][S, r] = d * ends[:, s]
            terms["VAX4"][S, r] = d * np.delete(ends, s, axis=1).sum(axis=1)
            terms["FVA4"][S, r] = f * ends.sum(axis=1)
            terms["DDC"][S, r], terms["FDC"][S, r] = d * own, f * own
    return terms


def same_by_partner(table, result, expected):
    rows, columns = np.nonzero(table.abroad)
    for name, array in expected.items():
        np.testing.assert_allclose(result[name], array[rows, columns], rtol=1e-7, atol=1e-10, err_msg=name)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, sizes=SIZES)
def test_source_and_sink_as_with_explicit_extraction_inverses(random_table, seed, sizes):
    table = random_table(seed, sizes)
    same_by_partner(table, borin_mancini_source(table, by=ALL), source_the_textbook_way(table))
    same_by_partner(table, borin_mancini_sink(table, by=ALL), sink_the_textbook_way(table))


def test_group_of_countries_as_with_an_explicit_extraction_inverse(random_table):
    table = group_countries(random_table(5, (3, 2, 2, 3)), {"UNION": ["C0", "C2"]})
    terms = source_the_textbook_way(table)
    result = borin_mancini_source(table, by=("exporter",))
    for name, array in terms.items():
        by_region = np.add.reduceat(array.sum(axis=1), [b.start for b in table.blocks])
        np.testing.assert_allclose(result[name], by_region, rtol=1e-9, err_msg=name)
    adds_up(result)
    sink = sink_the_textbook_way(table)
    for name, array in sink.items():
        by_region = np.add.reduceat(array.sum(axis=1), [b.start for b in table.blocks])
        np.testing.assert_allclose(borin_mancini_sink(table)[name], by_region, rtol=1e-9, err_msg=name)


def test_decompositions_of_groups_agree_where_theory_says_so(small):
    table = group_countries(small, {"UNION": ["BBB", "DDD"]})
    nine, sixteen = koopman_wang_wei(table), wang_wei_zhu(table, by=("exporter",))
    source = standard_parts(borin_mancini_source(table))
    for frame in (nine, sixteen):
        adds_up(frame)
        for name in ("gross_exports", "DC", "DVA", "VAX", "REF", "DDC", "FC"):
            same(standard_parts(frame)[name], source[name], name)
    assert source.loc["UNION", "gross_exports"] < small.exports[[*range(3, 6), *range(9, 12)]].sum()


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS, sizes=SIZES)
def test_perspectives_as_with_explicit_extraction_inverses(random_table, seed, sizes):
    table = random_table(seed, sizes)
    v, R = table.v, len(table.regions)

    def border(perspective, s, i, r):
        rows = [i] if "sector" in perspective else index_of(table, s)
        return rows, index_of(table, r) if "bilateral" in perspective else others(table, s)

    for perspective in ("exporter", "bilateral", "sector", "sector_bilateral"):
        dva, fva = np.zeros((len(v), R)), np.zeros((len(v), R))
        for i, s in enumerate(table.region_of_row):
            for r in set(range(R)) - {s}:
                inverse = extracted(table, *border(perspective, s, i, r))
                home = table.region_of_row == s
                dva[i, r] = v[home] @ inverse[home, i] * table.exports[i, r]
                fva[i, r] = v[~home] @ inverse[~home, i] * table.exports[i, r]
        result = borin_mancini_perspective(table, perspective, by=ALL)
        same_by_partner(table, result, {"DVA": dva, "FVA": fva})
        adds_up(result)


def test_narrower_borders_count_less_twice(small):
    double = {
        p: borin_mancini_perspective(small, p, by=("exporter",))[["DDC", "FDC"]].sum(axis=1)
        for p in ("exporter", "bilateral", "sector", "sector_bilateral")
    }
    assert (double["exporter"] > double["bilateral"]).all()
    assert (double["exporter"] > double["sector"]).all()
    assert (double["bilateral"] > double["sector_bilateral"]).all()
    assert (double["sector"] > double["sector_bilateral"]).all()


def test_unknown_perspective_is_an_error(small):
    with pytest.raises(DataError, match=r"'world' is unknown.*bilateral"):
        borin_mancini_perspective(small, "world")


def test_standard_parts_of_something_else_is_an_error(small):
    with pytest.raises(DataError, match="not the terms of a decomposition"):
        standard_parts(hummels_ishii_yi(small))


# --- tables whose answers are known ----------------------------------------------------------


def two_countries(a: float, b: float, f: float):
    """Two mirror-image one-industry countries with output 1: a, b bought at home, abroad; f exported."""
    rows = pd.MultiIndex.from_product([["A", "B"], ["i"]])
    Z = np.array([[a, b], [b, a]])
    Y = np.array([[1 - a - b - f, f], [f, 1 - a - b - f]])
    users = pd.MultiIndex.from_product([["A", "B"], ["use"]])
    return from_matrices(pd.DataFrame(Z, rows, rows), pd.DataFrame(Y, rows, users))


def test_symmetric_table_by_hand():
    a, b, f = 0.2, 0.1, 0.25
    home = 1 - a - b - f
    table = two_countries(a, b, f)
    v, local = 1 - a - b, 1 / (1 - a)
    determinant = (1 - a) ** 2 - b**2
    b_home, b_abroad = (1 - a) / determinant, b / determinant
    exports = b + f

    source = borin_mancini_source(table)
    for country in ("A", "B"):
        row = source.loc[country]
        assert row["VAX1"] == pytest.approx(v * local * f, rel=1e-12)
        assert row["VAX2"] == pytest.approx(v * local * b * local * home, rel=1e-12)
        assert row["VAX3"] == pytest.approx(0, abs=1e-15)
        assert row["REF1"] == pytest.approx(v * local * b * local * f, rel=1e-12)
        assert row["DDC"] == pytest.approx(v * (b_home - local) * exports, rel=1e-12)
        assert row["FVA1"] == pytest.approx(v * local * b * local * f, rel=1e-12)
        assert row["FDC"] == pytest.approx(v * (b_abroad - local * b * local) * exports, rel=1e-12)

    nine = koopman_wang_wei(table).loc["A"]
    assert nine["DVA_FIN"] == pytest.approx(v * b_home * f, rel=1e-12)
    assert nine["DVA_INT"] == pytest.approx(v * b_abroad * home, rel=1e-12)
    assert nine["DVA_INTrex"] == pytest.approx(0, abs=1e-15)
    assert nine["RDV_FIN"] == pytest.approx(v * b_abroad * f, rel=1e-12)
    assert nine["RDV_INT"] == pytest.approx(v * b_abroad * b * local * home, rel=1e-12)
    assert nine["FDC"] == pytest.approx(v * b_abroad * b * local * exports, rel=1e-12)
    assert hummels_ishii_yi(table).loc["A", "VS"] == pytest.approx(b * local * exports, rel=1e-12)


def test_countries_that_trade_only_final_goods_have_no_foreign_content():
    table = two_countries(0.3, 0.0, 0.2)
    parts = standard_parts(borin_mancini_source(table)).loc["A"]
    assert parts["DVA"] == pytest.approx(0.2, rel=1e-12)
    assert parts[["DDC", "FVA", "FDC", "REF"]].abs().max() < 1e-15


def test_autarky_has_no_exports_and_missing_shares():
    table = two_countries(0.3, 0.0, 0.0)
    for frame in (
        koopman_wang_wei(table),
        borin_mancini_source(table),
        borin_mancini_sink(table),
        wang_wei_zhu(table),
    ):
        assert (frame == 0).all(axis=None)
    assert hummels_ishii_yi(table)["VS_share"].isna().all()
    assert gvc_participation(table)["participation"].isna().all()
