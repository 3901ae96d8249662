"""The size of a survey, from one large economy and from many small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import gvcmetrics as gvc
from gvcmetrics.claims.run import claims_of
from gvcmetrics.errors import DataError, GvcError
from gvcmetrics.planning import power as planning
from gvcmetrics.planning import replications, show
from gvcmetrics.planning.design import Design
from gvcmetrics.planning.levers import LEVERS, true_effect
from gvcmetrics.planning.power import Power
from gvcmetrics.simulate import Economy

CLAIMS = Path(__file__).parents[2] / "analysis" / "hypotheses.yaml"
SMALL = {"firms": 150, "clusters": 15, "path": CLAIMS}


@pytest.fixture(scope="module", autouse=True)
def small():
    """Large economies of a size that tests can afford."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "_ROWS", 1500)
        yield


@pytest.fixture(scope="module")
def found(small) -> Power:
    return gvc.power("H2", **SMALL, drop=["own_design", "buyer_hhi"])


def test_the_table_says_what_it_is(found: Power) -> None:
    table = found.table
    assert list(table.index.str.rsplit(": ").str[1]) == ["positive", "negative"]
    assert table["power"].between(0.3, 0.9).all()
    assert (table["type_m"] > 1).all()
    assert "Simulated" in str(found)
    shown = found.plot()
    assert {"firms", "clusters", "rule", "power"} == set(shown.shown.columns)


def test_design_and_curve_are_one(found: Power) -> None:
    again = found.at(150, 15)
    assert np.allclose(again, found.table["power"])
    curve = found.curve(firms=[100, 200, 400], clusters=[5, 10, 40])
    wide = curve.pivot_table(index=["rule", "clusters"], columns="firms", values="power")
    assert (wide.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    needed = found.table["firms_needed"].astype(int)
    for place, firms in enumerate(needed):
        assert found.at(firms, 15).iloc[place] >= 0.8 > found.at(firms - 1, 15).iloc[place]


def test_the_smallest_effect_is_found_with_the_power_wanted(found: Power) -> None:
    for place, smallest in enumerate(found.table["smallest"]):
        each, down = found.precisions[place], -1 if place else 1
        row = planning._rule(each, np.array([down * smallest]), 150, 15, 0.05, None)
        assert row["power"] == pytest.approx(0.8, abs=1e-8)


def test_a_question_that_is_dropped_costs_power_or_the_rule(found: Power) -> None:
    kept = found.dropped[found.dropped["without"] == "buyer_hhi"]["power"]
    assert kept.notna().all()
    assert not np.allclose(kept, found.table["power"])
    breadth = found.dropped[found.dropped["without"] == "own_design"].iloc[1]
    assert breadth["effect"] == breadth["effect"]


def test_unequal_clusters_tell_less_where_firms_are_alike() -> None:
    even = gvc.power("H3", **SMALL, effect=0.2, cv=0.4)
    uneven = gvc.power("H3", **SMALL, effect=0.2, cv=1.2)
    assert even.table["rho"].iloc[0] > 0.02
    for each, cv in ((even, 0.4), (uneven, 1.2)):
        size = 10 * each.precisions[0].kept
        formula = 1 + (size * (1 + cv**2) - 1) * each.table["rho"].iloc[0]
        assert each.table["design_effect"].iloc[0] == pytest.approx(formula)
    assert uneven.table["power"].iloc[0] < even.table["power"].iloc[0]


def test_both_ways_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 20
    monkeypatch.setattr(replications, "CHUNK", 5)
    options = {**SMALL, "h3_joint_action": -0.5, "folder": tmp_path / "runs", "replications": count}
    near = gvc.power("H3", **options).table.iloc[0]
    drawn = gvc.power("H3", **options, by="simulation").table.iloc[0]
    assert "20/20 economies" in capsys.readouterr().err
    error = np.sqrt(near["power"] * (1 - near["power"]) / count)
    assert abs(drawn["power"] - near["power"]) < 0.03 + 3 * error
    spread = 3 / np.sqrt(2 * count)
    assert 1 - spread < drawn["std_error"] / near["std_error"] < 1 + spread
    # What is there already is read and not made again.
    kept = sorted((tmp_path / "runs").glob("*.parquet"))
    assert len(kept) == 4
    kept[1].unlink()
    stamps = [each.stat().st_mtime_ns for each in kept if each.exists()]
    again = gvc.power("H3", **options, by="simulation").table.iloc[0]
    assert again.equals(drawn)
    assert [each.stat().st_mtime_ns for each in (kept[0], *kept[2:])] == stamps
    with pytest.raises(DataError, match="of another design"):
        gvc.power("H3", **options | {"firms": 151}, by="simulation")


def test_a_pilot_gives_its_own_precision(found: Power) -> None:
    pilot = gvc.simulate.economy(Economy().without_frictions(), firms=400, clusters=20, years=1, seed=5).firms
    other = gvc.power("H2", **SMALL, effect=0.2, pilot=pilot)
    ratio = other.table["std_error"] / found.table["std_error"]
    assert ratio.between(0.75, 1.3).all()
    assert not np.allclose(ratio, 1)


def test_every_lever_moves_its_rule() -> None:
    design = Design(100, 20, 3, 0.05, (), Economy().without_frictions())
    known = {claim.id: claim for claim in claims_of(CLAIMS)}
    truth = gvc.simulate.economy(design.of(300, 20), seed=3).truth
    for hypothesis, names in LEVERS.items():
        effects = truth.loc[truth["hypothesis"] == hypothesis, "effect"]
        assert len(effects) == len(names) == len(known[hypothesis].expect), hypothesis
    effects = truth.loc[truth["hypothesis"] == "H7", "effect"]
    base = true_effect("H7", effects.iloc[1], design)
    assert true_effect("H7", effects.iloc[1], design, {"h7_institutions": 0.0}) == 0 != base


BAD = [
    ({"hypothesis": "H99"}, "no hypothesis 'H99'"),
    ({"hypothesis": "H10"}, "cannot test H10: it speaks of a trade panel"),
    ({"hypothesis": "H12", "years": 1}, "cannot test H12: it lacks"),
    ({"firms": 20, "clusters": 30}, "30 clusters of 20 firms"),
    ({"clusters": 1}, "one cluster"),
    ({"clusters": 4}, "4 clusters: what firms"),
    ({"firms": 0}, "firms is 0"),
    ({"level": 1.2}, "level is 1.2"),
    ({"wanted": 1.0}, "power is 1.0"),
    ({"cv": -1}, "cv is -1"),
    ({"rule": 7}, "H2 has no rule 7"),
    ({"drop": ["bayer_hhi"]}, "no question is called 'bayer_hhi'"),
    ({"hypothesis": "H5", "effect": 0.9}, r"leave \(0, 1\)"),
    ({"buyers": 1}, "buyers is 1"),
    ({"h1_product": 9.0}, r"leave \(0, 1\)"),
    ({"hypothesis": "H16", "effect": 0.1, "by": "simulation"}, "no parameter for H16 alone"),
]


@pytest.mark.parametrize(("given", "message"), BAD, ids=[message for _, message in BAD])
def test_what_cannot_be_is_one_message(given: dict, message: str) -> None:
    options = {**SMALL, "hypothesis": "H2"} | given
    with pytest.raises(GvcError, match=message):
        gvc.power(**options)


def test_the_missing_item_is_named() -> None:
    pilot = gvc.simulate.economy(firms=150, clusters=15, years=1).firms.drop(
        columns="single_knowledge_source"
    )
    with pytest.raises(DataError, match="cannot test H7: it lacks single_knowledge_source"):
        gvc.power("H7", **SMALL, effect=0.3, pilot=pilot)


def test_costs_are_checked(found: Power) -> None:
    best = found.allocate(8000, 20, 100)
    assert best.cost <= 8000
    assert best.clusters >= 15
    with pytest.raises(DataError, match="a budget of 10"):
        found.allocate(10, 20, 100)
    with pytest.raises(DataError, match="firm_cost is 0"):
        found.allocate(8000, 0, 100)


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gvcmetrics.cli import app

    monkeypatch.chdir(CLAIMS.parents[1])
    saved = []
    monkeypatch.setattr(show, "save_figure", lambda figure, stem, simulated: saved.append(stem) or [stem])
    words = "power H2 --firms 150 --clusters 15 --effect 0.2 --firm-cost 20 --cluster-cost 100 --figure"
    shown = CliRunner().invoke(app, [*words.split(), str(tmp_path / "curve.png")])
    assert shown.exit_code == 0, shown.output
    assert "firms tell most about" in shown.output
    assert saved == [tmp_path / "curve"]
    alone = CliRunner().invoke(app, ["power", "H2", "--firm-cost", "20"])
    assert isinstance(alone.exception, DataError)
