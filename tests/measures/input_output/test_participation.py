import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import DataError
from gvcmetrics.measures.input_output.build import from_arrays, from_wide
from gvcmetrics.measures.input_output.decompositions import (
    borin_mancini_source,
    koopman_wang_wei,
    standard_parts,
)
from gvcmetrics.measures.input_output.participation import (
    domestic_value_added_in_exports,
    gvc_participation,
    participation_koopman,
    value_added_in_exports,
    value_added_in_final_use,
    value_added_in_industry_exports,
)
from gvcmetrics.measures.input_output.table import gross_exports, group_countries

SEEDS = st.integers(0, 10_000)


def test_participation_agrees_with_exvatools(small, reference):
    expected = reference("small_icio_exvatools_bm_src_standard")
    result = gvc_participation(small)
    for ours, theirs in (
        ("GVC", "GVC"),
        ("GVC_backward", "GVCB"),
        ("GVC_forward", "GVCF"),
        ("DAVAX", "DAVAX"),
    ):
        np.testing.assert_allclose(result[ours], expected[theirs], rtol=1e-6, err_msg=ours)
    np.testing.assert_allclose(
        result["participation"], expected["GVC"] / expected["gross_exports"], rtol=1e-6
    )


def test_koopman_participation_agrees_with_the_oecd_indicators(small, reference):
    expected = reference("small_icio_exvatools_oecd_standard")
    result = participation_koopman(small)
    np.testing.assert_allclose(result["IV"], expected["GVCF"], rtol=1e-6)
    np.testing.assert_allclose(result["FV"], expected["GVCB"], rtol=1e-6)
    np.testing.assert_allclose(
        result["participation"], expected["GVC"] / expected["gross_exports"], rtol=1e-6
    )
    share_iv, share_fv = (expected[k] / expected["gross_exports"] for k in ("GVCF", "GVCB"))
    np.testing.assert_allclose(result["position"], np.log((1 + share_iv) / (1 + share_fv)), rtol=1e-6)


def test_value_added_by_origin_agrees_with_decompr(small, reference):
    expected = reference("small_icio_decompr_leontief").pivot(
        index=["Source_Country", "Source_Industry"],
        columns=["Using_Country", "Using_Industry"],
        values="FVAX",
    )
    result = value_added_in_industry_exports(small)
    assert list(result.index) == list(expected.index)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    by_region = value_added_in_exports(small)["value_added"].unstack("exporter")
    expected_by_region = expected.T.groupby(level="Using_Country").sum().T
    np.testing.assert_allclose(by_region, expected_by_region, rtol=1e-6)


def test_value_added_exports_agree_with_exvatools(small, reference):
    flows = value_added_in_final_use(small)["value_added"].unstack("destination")
    by_origin = flows.groupby(level="origin").sum()
    abroad = by_origin.sum(axis=1) - np.diag(by_origin)
    np.testing.assert_allclose(abroad, reference("small_icio_exvatools_oecd_standard")["VAX"], rtol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_participation_identities_on_random_tables(random_table, seed):
    table = random_table(seed)
    by = ("exporter", "industry", "importer")
    result = gvc_participation(table, by=by)
    parts = result["DAVAX"] + result["GVC_backward"] + result["GVC_forward"]
    np.testing.assert_allclose(parts, result["gross_exports"], rtol=1e-9)

    # What partners re-export of directly exported value added: V_s L_s Σ_r A_sr L_r E_r.
    exports = table.exports.sum(axis=1)
    processed = np.concatenate([L @ exports[b] for L, b in zip(table.L, table.blocks, strict=True)])
    for s, b in enumerate(table.blocks):
        bought = table.A[b] @ processed - table.A[b, b] @ processed[b]
        assert gvc_participation(table)["GVC_forward"].iloc[s] == pytest.approx(
            table.v[b] @ table.L[s] @ bought, rel=1e-9
        )

    # The two families differ by domestic double counting.
    koopman = participation_koopman(table)
    double = standard_parts(borin_mancini_source(table))["DDC"]
    np.testing.assert_allclose(
        gvc_participation(table)["GVC_backward"] - koopman["FV"], double, rtol=1e-6, atol=1e-10
    )
    nine = koopman_wang_wei(table)
    np.testing.assert_allclose(koopman["FV"], nine[["FVA_FIN", "FVA_INT", "FDC"]].sum(axis=1), rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_value_added_sums_on_random_tables(random_table, seed):
    table = random_table(seed)
    final = value_added_in_final_use(table)["value_added"]
    by_row = final.groupby(level=["origin", "industry"], sort=False).sum()
    np.testing.assert_allclose(by_row, table.value_added, rtol=1e-9)
    np.testing.assert_allclose(
        final.groupby(level="destination", sort=False).sum(), table.final_use.sum(axis=0), rtol=1e-9
    )
    exports = value_added_in_exports(table)["value_added"].groupby(level="exporter", sort=False).sum()
    np.testing.assert_allclose(exports, gross_exports(table)["gross_exports"], rtol=1e-9)
    content = domestic_value_added_in_exports(table, by=("exporter", "importer"))
    assert (content["DC"] >= content["DVA"]).all()
    assert (content["DC_share"] <= 1 + 1e-12).all()


def test_indirect_value_added_by_industry_sums_to_the_country(small):
    by_industry = participation_koopman(small, by=("exporter", "industry"))
    total = participation_koopman(small)
    for name in ("IV", "FV", "gross_exports"):
        np.testing.assert_allclose(by_industry[name].groupby(level="exporter").sum(), total[name])


def test_indirect_value_added_by_partner_is_an_error(small):
    with pytest.raises(DataError, match="no single importer"):
        participation_koopman(small, by=("exporter", "importer"))


def test_group_of_countries_has_less_backward_participation(small):
    union = group_countries(small, {"UNION": ["AAA", "BBB", "CCC"]})
    assert (
        gvc_participation(union).loc["UNION", "backward_share"]
        < gvc_participation(small)["backward_share"][:3].min()
    )
    origins = value_added_in_exports(union)
    assert len(origins) == 2 * 3 * 2
    assert origins["value_added"].sum() == pytest.approx(union.exports.sum(), rel=1e-12)


def test_industry_whose_exports_are_negative_has_no_shares(small_frame):
    drawn_down = small_frame.copy()
    moved = drawn_down.filter(regex="^(BBB|CCC|DDD)_").loc[0].sum() + 5
    drawn_down.loc[0, ["DDD_f2", "output"]] -= moved
    table = from_wide(drawn_down, negative_value_added="keep")
    assert gross_exports(table, by=("exporter", "industry")).loc[("AAA", "s1"), "gross_exports"] < 0
    for measure in (gvc_participation, participation_koopman):
        frame = measure(table, by=("exporter", "industry"))
        assert np.isnan(frame.loc[("AAA", "s1"), "participation"])
        assert frame.drop(index=("AAA", "s1")).notna().all(axis=None)


def test_one_country_alone_exports_nothing(small):
    alone = group_countries(small, {"WORLD": ["AAA", "BBB", "CCC", "DDD"]})
    assert alone.regions == ("WORLD",)
    frame = gvc_participation(alone)
    assert frame.loc["WORLD", "GVC"] == 0
    assert np.isnan(frame.loc["WORLD", "participation"])
    assert (koopman_wang_wei(alone) == 0).all(axis=None)
    assert (borin_mancini_source(alone) == 0).all(axis=None)
    assert gvc_participation(alone, by=("exporter", "importer")).empty


def test_the_position_by_exporting_industry_adds_up_and_is_what_the_border_lets_pass() -> None:
    """IV by industry from B itself: V_s L_s of the industry times A_st Σ_r B_tr E_r, cell by cell."""
    rng = np.random.default_rng(5)
    Z = rng.uniform(0, 3, (6, 6)) * (rng.uniform(size=(6, 6)) < 0.8)
    table = from_arrays(Z, rng.uniform(1, 9, (6, 3)), countries=["A", "B", "C"], industries=["i", "j"])
    by = ("exporter", "industry")
    exporter = participation_koopman(table, by=by, sector="exporter")
    whole = participation_koopman(table)
    np.testing.assert_allclose(exporter["IV"].groupby("exporter").sum(), whole["IV"], rtol=1e-12)
    np.testing.assert_allclose(
        participation_koopman(table, by=(*by, "importer"), sector="exporter")["IV"].groupby(list(by)).sum(),
        exporter["IV"],
        rtol=1e-12,
    )
    A, B, E = table.A, table.B, table.exports.sum(axis=1)
    once = np.concatenate([table.v[b] @ L for b, L in zip(table.blocks, table.L, strict=True)])
    for s, block in enumerate(table.blocks):
        for i in range(block.start, block.stop):
            passed = sum(
                A[i, t] * B[t, r] * E[r] for t in range(6) for r in range(6) if t // 2 != s and r // 2 != s
            )
            assert exporter["IV"].iloc[i] == pytest.approx(once[i] * passed, rel=1e-12)
    origin = participation_koopman(table, by=by)
    assert not np.allclose(origin["IV"], exporter["IV"])
    with pytest.raises(DataError, match="no sector 'importer'"):
        participation_koopman(table, sector="importer")
