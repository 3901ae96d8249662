"""Participation by borders, origins, exposure: against the matrices written out, identities and the hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures as m
from gvcmetrics.errors import DataError

BY = ("exporter", "industry", "importer")


@pytest.fixture(scope="module")
def table() -> m.InputOutput:
    """Three countries with two, three and one industries: nothing is symmetric."""
    rng = np.random.default_rng(11)
    labels = [("A", "i"), ("A", "j"), ("B", "i"), ("B", "j"), ("B", "k"), ("C", "i")]
    rows = pd.MultiIndex.from_tuples(labels, names=["country", "industry"])
    Z = pd.DataFrame(rng.uniform(0, 4, (6, 6)) * (rng.uniform(size=(6, 6)) < 0.8), rows, rows)
    uses = pd.MultiIndex.from_product([list("ABC"), ["f"]], names=["country", "category"])
    return m.from_matrices(Z, pd.DataFrame(rng.uniform(1, 9, (6, 3)), rows, uses))


@pytest.fixture(scope="module")
def line() -> m.InputOutput:
    """A makes 10 out of nothing for B, B makes 30 of it for C, C makes 50 of that and sells it at home."""
    Z = np.zeros((3, 3))
    Z[0, 1], Z[1, 2] = 10, 30
    Y = np.zeros((3, 3))
    Y[2, 2] = 50
    return m.from_arrays(Z, Y, countries=list("ABC"), industries=["i"])


def test_a_straight_line_by_hand(line: m.InputOutput) -> None:
    """All of A's exports are exported on; of B's 30, 10 are A's, and C uses them itself."""
    parts = m.pure_and_two_sided_participation(line)
    assert parts.loc["A", ["DAVAX", "pure_forward", "pure_backward", "two_sided"]].tolist() == pytest.approx(
        [0, 10, 0, 0]
    )
    assert parts.loc["B", ["DAVAX", "pure_forward", "pure_backward", "two_sided"]].tolist() == pytest.approx(
        [20, 0, 10, 0]
    )
    output = m.output_participation(line)
    assert output.loc[("C", "i"), ["domestic", "pure_backward"]].tolist() == pytest.approx([20, 30])
    assert output.loc[("C", "i"), "participation"] == pytest.approx(0.6)
    borders = m.simple_and_complex_participation(line)
    assert borders["forward_simple"].tolist() == pytest.approx([0, 20, 0])
    assert borders["forward_complex"].tolist() == pytest.approx([10, 0, 0])
    assert borders.loc[("C", "i"), ["backward_domestic", "backward_simple", "backward_complex"]].tolist() == (
        pytest.approx([20, 20, 10])
    )
    assert m.average_propagation_length(line).to_numpy()[0, 1:] == pytest.approx([1, 2])
    exposure = m.foreign_input_exposure(line)
    assert exposure["face_value"].tolist() == pytest.approx([0, 1 / 3, 3 / 5])
    assert exposure["look_through"].tolist() == pytest.approx([0, 1 / 3, 3 / 5 + 1 / 5])
    lost = m.hypothetical_extraction(line, "B")
    assert lost["output_lost"].tolist() == pytest.approx([10, 30, 0])
    rates = pd.DataFrame(0.0, line.rows, list("ABC"))
    rates.loc[("A", "i"), "B"], rates.loc[("B", "i"), "C"] = 0.3, 0.1
    tariffs = m.cumulative_tariffs(line, rates)
    assert tariffs["direct"].tolist() == pytest.approx([0, 0.1, 0.06])
    assert tariffs["cumulative"].tolist() == pytest.approx([0, 0.1, 0.06 + 0.1 * 0.6])
    assert m.value_added_in_imports(line)["value_added"].unstack().loc["A"].tolist() == pytest.approx(
        [0, 10, 10]
    )
    jobs = m.satellite_in_trade(line, pd.Series([5.0, 8.0, 2.0], line.rows, name="jobs"), of="final_use")
    assert jobs["jobs"].unstack("destination")["C"].tolist() == pytest.approx([5, 8, 2])


def test_parts_of_exports_are_those_of_participation(table: m.InputOutput) -> None:
    parts, known = m.pure_and_two_sided_participation(table, by=BY), m.gvc_participation(table, by=BY)
    names = ["pure_forward", "pure_backward", "two_sided"]
    np.testing.assert_allclose(parts["DAVAX"], known["DAVAX"], rtol=1e-10)
    np.testing.assert_allclose(parts[[*names, "DAVAX"]].sum(axis=1), parts["gross_exports"], rtol=1e-10)
    whole, total = m.pure_and_two_sided_participation(table), m.gvc_participation(table)
    np.testing.assert_allclose(whole[names].sum(axis=1), total["GVC"], rtol=1e-10)
    np.testing.assert_allclose(whole["pure_forward"], total["GVC_forward"], rtol=1e-10)
    np.testing.assert_allclose(whole["pure_backward"] + whole["two_sided"], total["GVC_backward"], rtol=1e-10)
    np.testing.assert_allclose(whole["two_sided_share"], whole["two_sided"] / whole["gross_exports"])


def test_parts_of_output_add_up(table: m.InputOutput) -> None:
    parts = m.output_participation(table)
    names = ["domestic", "traditional", "pure_forward", "pure_backward", "two_sided"]
    np.testing.assert_allclose(parts[names].sum(axis=1), table.x, rtol=1e-10)
    assert (parts[names].to_numpy() >= 0).all()


def test_simple_and_complex_from_the_matrices_written_out(table: m.InputOutput) -> None:
    found = m.simple_and_complex_participation(table)
    local, foreign = np.zeros((6, 6)), table.A.copy()
    for b, L in zip(table.blocks, table.L, strict=True):
        local[b, b], foreign[b, b] = L, 0
    home = table.at_home(table.final_use)
    y, V = table.final_use.sum(axis=1), np.diag(table.v)
    parts = {
        "domestic": V @ local @ np.diag(home),
        "traditional": V @ local @ np.diag(y - home),
        "simple": V @ local @ foreign @ local @ np.diag(home),
    }
    parts["complex"] = V @ table.B @ np.diag(y) - sum(parts.values())
    for name, matrix in parts.items():
        np.testing.assert_allclose(found[f"forward_{name}"], matrix.sum(axis=1), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[f"backward_{name}"], matrix.sum(axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        found["backward_complex_share"], found["backward_complex"] / found["final_goods"]
    )


def test_origins_add_up_and_agree_with_each_other(table: m.InputOutput) -> None:
    bilateral = m.value_added_in_bilateral_exports(table)["value_added"]
    gross = m.gross_exports(table, by=BY)["gross_exports"]
    np.testing.assert_allclose(bilateral.groupby(list(BY)).sum().reindex(gross.index), gross, rtol=1e-10)
    imports = m.value_added_in_imports(table)["value_added"]
    pd.testing.assert_series_equal(bilateral.groupby(["origin", "importer"]).sum(), imports.sort_index())
    # Value added is one satellite among others.
    row = pd.Series(table.value_added, table.rows, name="value_added").sample(frac=1, random_state=2)
    for of, measure in (("exports", m.value_added_in_exports), ("final_use", m.value_added_in_final_use)):
        pd.testing.assert_frame_equal(
            m.satellite_in_trade(table, row, of=of), measure(table), check_exact=False, rtol=1e-10
        )
    jobs = pd.Series([3.0, 1, 4, 1, 5, 9], table.rows, name="jobs")
    used = m.satellite_in_trade(table, jobs, of="final_use")["jobs"]
    np.testing.assert_allclose(used.groupby(["origin", "industry"]).sum(), jobs, rtol=1e-10)
    with pytest.raises(DataError, match="lacks 1 rows"):
        m.satellite_in_trade(table, jobs.iloc[1:])


def test_the_balance_in_value_added_is_the_balance_in_trade(table: m.InputOutput) -> None:
    found = m.tiva_indicators(table)
    np.testing.assert_allclose(found["BALVAFD"], found["BALGR"], atol=1e-10)
    np.testing.assert_allclose(found["EXGR_DVA"] + found["EXGR_FVA"], found["EXGR"], rtol=1e-10)
    koopman = m.participation_koopman(table)
    np.testing.assert_allclose(found["FEXDVA"], koopman["IV"], rtol=1e-10)
    np.testing.assert_allclose(found["EXGR_FVASH"], koopman["FV"] / koopman["gross_exports"], rtol=1e-10)


def test_lengths_and_losses_from_the_series_of_rounds(table: m.InputOutput) -> None:
    steps = [np.linalg.matrix_power(table.A, k) for k in range(1, 400)]
    effect, weighed = sum(steps), sum(k * step for k, step in enumerate(steps, 1))
    np.testing.assert_allclose(m.average_propagation_length(table), weighed / effect, rtol=1e-8)
    lost = m.hypothetical_extraction(table, "B", industry="j")
    A, y = table.A.copy(), table.final_use.sum(axis=1)
    A[3], A[:, 3], y[3] = 0, 0, 0
    np.testing.assert_allclose(lost["output"] - lost["output_lost"], np.linalg.solve(np.eye(6) - A, y))
    assert lost.loc[("B", "j"), "lost_share"] == pytest.approx(1)
    every = m.hypothetical_extraction_by_industry(table)
    country = table.rows.get_level_values("country")
    for place, (origin, industry) in enumerate(table.rows):
        one = m.hypothetical_extraction(table, origin, industry=industry)
        abroad = country != origin
        told = [one["output_lost"].sum(), one["output_lost"].drop((origin, industry)).sum()]
        told += [one.loc[abroad, "output_lost"].sum(), one["value_added_lost"].sum()]
        told += [one.loc[abroad, "value_added_lost"].sum(), one["output_lost"].sum() / table.x[place]]
        np.testing.assert_allclose(every.iloc[place, 1:], told, rtol=1e-10, atol=1e-12)
    with pytest.raises(DataError, match="key 'B, z'"):
        m.hypothetical_extraction(table, "B", industry="z")
    with pytest.raises(DataError, match="column 'C'"):
        m.cumulative_tariffs(table, pd.DataFrame(0.1, table.rows, ["A", "B"]))
