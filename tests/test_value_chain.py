"""The chain from codes to participation and position: a table with a known answer, and WIOD."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures import national_coefficients
from gvcmetrics.measures.input_output.participation import gvc_participation, participation_koopman
from gvcmetrics.measures.input_output.position import positions
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.value_chain import (
    MEASURES,
    cluster_completeness,
    compare_editions,
    describe,
    industry_measures,
    input_output,
    join_value_chain,
)

MIRROR = os.environ.get("GVCMETRICS_MIRROR")
SPEC = "title: T\ncontract: input_output\nextends: wiod\nlicence: none (simulated)\ncitation: none\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two regions in 2000 and 2001, and a crosswalk in which ISIC4 division 10 is ¾ c1 and ¼ c2.

    DEU c2 sells 20 to c1 of the rest of the world, which makes 50 out of them and sells 10 to DEU; DEU c1
    sells 100 to the rest of the world, out of nothing. In 2001 DEU c2 sells all at home to final users.
    """
    (tmp_path / "data" / "panels").mkdir(parents=True)
    (tmp_path / "data" / "raw").mkdir()
    frame = pd.DataFrame(
        {"country": ["DEU", "DEU", "RoW", "RoW"], "industry": ["c1", "c2", "c1", "c2"]}
        | {"DEU_c1": 0, "DEU_c2": 0, "RoW_c1": [0, 20, 0, 0], "RoW_c2": 0}
        | {"DEU_f1": [0, 0, 10, 0], "RoW_f1": [100, 0, 40, 0], "DEU_f5": 0, "RoW_f5": 0}
        | {"output": [100, 20, 50, 0]}
    )
    frame.to_csv(tmp_path / "data" / "raw" / "wiot_2000.csv", index=False)
    frame.loc[1, ["RoW_c1", "DEU_f1"]] = [0, 20]
    frame.to_csv(tmp_path / "data" / "raw" / "wiot_2001.csv", index=False)
    (tmp_path / "data" / "panels" / "wiod.yaml").write_text(f"{SPEC}source: {{files: 'raw/wiot_*.csv'}}\n")

    folder = tmp_path / "mirror" / "concordances"
    folder.mkdir(parents=True)
    fine = pd.DataFrame({"ISIC4_4d": ["1010", "1020", "1030", "1040", "2600", "9800"]})
    fine["ISIC4_2d"] = fine["ISIC4_4d"].str[:2]
    fine["ISIC3_4d"] = ["1511", "1512", "1513", "1600", "1600", None]
    fine.to_parquet(folder / "isic4_isic3.parquet")
    wiod = pd.DataFrame({"ISIC3_4d": ["1511", "1512", "1513", "1600"], "WIOT2013_n": [1.0, 1.0, 1.0, 2.0]})
    wiod.to_parquet(folder / "wiod_2013.parquet")
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    found = Project(tmp_path / "data")
    build_panel(found.spec_file("wiod"), found)
    return found


def firms(**changed: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "country": ["DEU", "DEU", "ECU", "DEU", "DEU", "DEU", None, "DEU"],
            "industry": ["10", "26", "10", "26", "98", "26", "26", "77"],
            "year": [2000, 2000, 2000, 2001, 2000, 1999, 2000, 2000],
            "sales_usd": [10.0, 20.0, 5.0, 20.0, 3.0, 1.0, 1.0, 0.0],
        },
        index=list("hgfedcba"),
    )
    return frame.assign(**changed)


@pytest.mark.usefixtures("project")
def test_the_measures_of_the_small_table() -> None:
    found = industry_measures("wiod", [2000])
    # c1 of the rest of the world: 20 of 50 imported; forward nothing, since nobody exports on from DEU.
    world = found.loc[2000, "ROW", "c1"]
    assert world["backward_share"] == pytest.approx(0.4)
    assert world["forward_share"] == pytest.approx(0.0)
    assert world["downstreamness"] == pytest.approx(1.4)
    assert world["upstreamness"] == pytest.approx(1.0)
    # DEU c2: a fifth of what it sells is exported on, and it stands one stage before final use.
    german = found.loc[2000, "DEU", "c2"]
    assert german["forward_share"] == pytest.approx(0.2)
    assert german["backward_share"] == pytest.approx(0.0)
    assert german["upstreamness"] == pytest.approx(2.0)
    assert found.loc[(2000, "ROW", "c2")].isna().all()
    # Position: the fifth that goes on less nothing foreign; nothing that goes on less two fifths foreign.
    assert german["position_koopman"] == pytest.approx(np.log(1.2))
    assert world["position_koopman"] == pytest.approx(-np.log(1.4))


@pytest.mark.usefixtures("project")
def test_each_joined_measure_is_its_source() -> None:
    table, by = input_output("wiod", 2000), ("exporter", "industry")
    shares, places = gvc_participation(table, by=by), positions(table)
    sources = {name: shares[name] for name in ("backward_share", "forward_share", "participation")}
    sources |= {name: places[name] for name in ("upstreamness", "downstreamness")}
    sources["position_koopman"] = participation_koopman(table, by=by, sector="exporter")["position"]
    cells = pd.DataFrame({"country": ["ROW", "DEU", "DEU"], "industry": ["c1", "c2", "c1"], "year": 2000})
    done = join_value_chain(cells, None, quiet=True)
    assert set(MEASURES) == set(sources)
    for name, source in sources.items():
        expected = source.reindex(pd.MultiIndex.from_frame(cells[["country", "industry"]]))
        np.testing.assert_allclose(done[name], expected, rtol=1e-12, err_msg=name)


@pytest.mark.usefixtures("project")
def test_joined_to_firms_by_split_codes(capsys: pytest.CaptureFixture[str]) -> None:
    frame = firms()
    frame.attrs["lineage"] = {"sales_usd": ["ii_9_a"]}
    done = join_value_chain(frame, "ISIC4", value="sales_usd")
    assert list(done.index) == list("hgfedcba")
    pd.testing.assert_frame_equal(done[list(frame.columns)], frame, check_flags=False)
    assert done.loc["h", "upstreamness"] == pytest.approx(0.75 * 1 + 0.25 * 2)
    assert done.loc["h", "forward_share"] == pytest.approx(0.25 * 0.2)
    assert done.loc["g", "participation"] == pytest.approx(0.2)
    assert done.loc["e", "upstreamness"] == pytest.approx(1.0)
    assert np.isnan(done.loc["e", "participation"])  # exports nothing in 2001
    assert done.loc[["f", "d", "c", "b", "a"], "upstreamness"].isna().all()
    report = done.attrs["value_chain"]
    assert report["route"] == ["ISIC4", "ISIC3", "WIOD2013"]
    assert report["matched_rows"] == pytest.approx(3 / 8)
    assert report["matched_value"] == pytest.approx(50 / 60)
    assert report["unmatched"] == {
        "no industry of the table": 2 / 8,
        "country not in the table": 1 / 8,
        "year not in the table": 1 / 8,
        "country or code missing": 1 / 8,
    }
    assert raw_columns(done, "participation", "sales_usd") == ["ii_9_a", "wiod.value"]
    shown = capsys.readouterr().out
    assert shown == describe(report) + "\n"
    assert "37.5% of rows matched, 83.3% of sales_usd; not matched: 25.0% no industry" in shown


def test_editions_stand_side_by_side(project: Project) -> None:
    """A second edition that knows DEU alone and the rest, with DEU's output doubled."""
    frame = pd.read_csv(project.raw / "wiot_2000.csv")
    frame.loc[0, ["RoW_f1", "output"]] += 100
    frame.replace("RoW", "FRA").rename(columns=lambda c: c.replace("RoW", "FRA")).to_csv(
        project.raw / "other_2000.csv", index=False
    )
    spec = f"{SPEC}unit: million EUR\nsource: {{files: 'raw/other_*.csv'}}\n"
    project.spec_file("wiod").with_name("other.yaml").write_text(spec)
    build_panel(project.spec_file("other"), project)
    found = compare_editions(["wiod", "other"], 2000, gvc_participation)
    for name in ("wiod", "other"):
        one = gvc_participation(input_output(name, 2000))
        np.testing.assert_allclose(found["gross_exports"][name].dropna(), one["gross_exports"].sort_index())
    exports = found.loc["DEU", "gross_exports"]
    assert exports.tolist() == [120.0, 220.0, 100.0]
    assert found.loc["ROW", ("backward_share", "wiod")] == pytest.approx(0.4)
    assert np.isnan(found.loc["ROW", ("backward_share", "other")])
    assert np.isnan(found.loc["ROW", ("backward_share", "spread")])
    facts = found.attrs["editions"]
    assert (facts["wiod"]["unit"], facts["other"]["unit"]) == ("million USD", "million EUR")
    assert (facts["wiod"]["regions"], facts["wiod"]["industries"], facts["wiod"]["inventories"]) == (
        2,
        2,
        "f5",
    )
    assert facts["other"]["balance"][0].startswith("2000: row sums miss output by 0")
    with pytest.raises(DataError, match="fewer than two editions"):
        compare_editions(["wiod", "wiod"], 2000, gvc_participation)


def clusters() -> pd.DataFrame:
    """Firms of DEU and of the rest of the world, whose c1 is made of 0.4 of DEU's c2 and nothing else."""
    return pd.DataFrame(
        {
            "country": ["ROW"] * 4 + ["DEU"],
            "year": 2000,
            "region": ["n", "n", "s", "s", "n"],
            "industry": ["c1", "c2", "c1", "c3", "c1"],
            "employment": [30.0, 10.0, 60.0, 7.0, 5.0],
        }
    )


@pytest.mark.usefixtures("project")
def test_completeness_from_codes_in_one_call() -> None:
    table = input_output("wiod", 2000)
    world = national_coefficients(table, "ROW")
    assert world.loc["c2", "c1"] == pytest.approx(0.4)
    assert national_coefficients(table, "ROW", inputs="domestic").to_numpy().sum() == 0
    with pytest.raises(DataError, match="no such country"):
        national_coefficients(table, "XXX")
    with pytest.warns(match="1 of 5 rows are of no country"):
        found = cluster_completeness(clusters(), None)
    got = found.set_index(["country", "region", "industry"])
    # North: 10 of 40 jobs in c2, a tenth of all are there: all that c1 needs. South: nobody supplies it.
    assert got.loc[("ROW", "n", "c1"), "completeness"] == pytest.approx(1.0)
    assert got.loc[("ROW", "s", "c1"), "completeness"] == 0.0
    assert got.loc[("ROW", "n", "c1"), "inputs_covered"] == 1.0
    assert np.isnan(got.loc[("DEU", "n", "c1"), "completeness"])  # it buys nothing
    assert raw_columns(found, "completeness") == ["employment", "wiod.value"]


@pytest.mark.usefixtures("project")
def test_completeness_splits_codes_and_keeps_weights() -> None:
    """Division 10 is ¾ c1 and ¼ c2: the same as two firms of these sizes, and a weight of 2 as two firms."""
    coded = clusters().iloc[[0, 2]].assign(industry="10", weight=[2.0, 1.0])
    plain = pd.DataFrame(
        {
            "country": "ROW",
            "year": 2000,
            "region": list("nnss"),
            "industry": ["c1", "c2"] * 2,
            "employment": [45.0, 15.0, 45.0, 15.0],
        }
    )
    pd.testing.assert_frame_equal(cluster_completeness(coded, "ISIC4"), cluster_completeness(plain, None))
    with pytest.raises(DataError, match="no row is of a country"):
        cluster_completeness(plain.assign(year=1990), None)


@pytest.mark.usefixtures("project")
def test_the_rest_of_the_world_only_when_asked() -> None:
    done = join_value_chain(firms(), "ISIC4", rest_of_world=True, quiet=True)
    assert done.loc["f", "backward_share"] == pytest.approx(0.4)  # c2 is idle there, so c1 alone
    assert done.attrs["value_chain"]["rest_of_world_rows"] == pytest.approx(1 / 8)
    assert "12.5% of rows by the rest of the world" in describe(done.attrs["value_chain"])


@pytest.mark.usefixtures("project")
def test_weights_and_own_codes() -> None:
    weights = pd.Series({"c1": 1.0, "c2": 3.0})
    done = join_value_chain(firms(), "ISIC4", weights=weights, measures=["upstreamness"], quiet=True)
    assert done.loc["h", "upstreamness"] == pytest.approx(0.25 * 1 + 0.75 * 2)
    assert "participation" not in done
    classes = firms(industry="1099")
    assert join_value_chain(classes, "ISIC4", quiet=True)["upstreamness"].isna().all()
    done = join_value_chain(classes, "ISIC4", parents=True, quiet=True)
    assert done.loc["h", "upstreamness"] == pytest.approx(0.75 * 1 + 0.25 * 2)
    own = firms(industry="c2")
    done = join_value_chain(own, None, quiet=True)
    assert done.loc["g", "upstreamness"] == pytest.approx(2.0)
    # An industry that produces nothing is known but has no measures.
    idle = join_value_chain(own.assign(country="ROW").iloc[:2], None, quiet=True)
    assert idle.attrs["value_chain"]["unmatched"] == {"industry inactive": 1.0}


@pytest.mark.usefixtures("project")
def test_no_covered_year_matches_nothing() -> None:
    done = join_value_chain(firms(year=1950), "ISIC4", quiet=True)
    assert done["participation"].isna().all()
    assert done.attrs["value_chain"]["unmatched"]["year not in the table"] == 1.0


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("changed", "options", "message"),
    [
        ({}, {"industry": "isic"}, "no such column"),
        ({}, {"value": "turnover"}, "no such column"),
        ({"industry": 10}, {}, "codes are not text"),
        ({"year": "2000"}, {}, "years are not whole numbers"),
        ({"year": 2000.5}, {}, "years are not whole numbers"),
        ({"participation": 0.1}, {}, "has this column already"),
        ({}, {"measures": ["smile"]}, "there is no measure 'smile'"),
        ({}, {"classification": "ISIC9"}, "there is no classification 'ISIC9'"),
    ],
)
def test_refuses(changed: dict, options: dict, message: str) -> None:
    arguments = {"classification": "ISIC4", "quiet": True} | options
    with pytest.raises(DataError, match=message):
        join_value_chain(firms(**changed), **arguments)


@pytest.mark.usefixtures("project")
def test_absent_panels_and_crosswalks_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingSourceError, match="there is no panel 'icio'"):
        join_value_chain(firms(), "ISIC4", table="icio")
    with pytest.raises(MissingSourceError, match=r"needs 'hs5_isic3.parquet'"):
        join_value_chain(firms(), "HS5")


def test_a_panel_that_was_built_again_is_measured_again(project: Project) -> None:
    before = industry_measures("wiod", [2000]).loc[2000, "DEU", "c2"]["upstreamness"]
    raw = project.raw / "wiot_2000.csv"
    raw.write_text((project.raw / "wiot_2001.csv").read_text())
    build_panel(project.spec_file("wiod"), project)
    assert before == pytest.approx(2.0)
    assert industry_measures("wiod", [2000]).loc[2000, "DEU", "c2"]["upstreamness"] == pytest.approx(1.0)


def test_refuses_an_unbalanced_table_unless_it_may_close_it(project: Project) -> None:
    raw = project.raw / "wiot_2000.csv"
    frame = pd.read_csv(raw)
    frame["output"] *= 1.0005
    frame.to_csv(raw, index=False)
    build_panel(project.spec_file("wiod"), project)
    # A row with intermediate uses keeps its output; one without takes the sum of its uses.
    assert input_output("wiod", 2000).x[:2].tolist() == pytest.approx([100, 20.01])
    with pytest.raises(DataError, match="the table does not balance"):
        input_output("wiod", 2000, close=None)


needs_mirror = pytest.mark.skipif(
    not MIRROR or not (Path(MIRROR) / "wiod2013").is_dir(),
    reason="needs WIOD 2013 and the crosswalks (GVCMETRICS_MIRROR)",
)


@needs_mirror
def test_world_trade_through_wiod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """World exports by SITC product × WIOD 1999, against a loop over codes, links and industries."""
    monkeypatch.setenv("GVCMETRICS_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "panels").mkdir(parents=True)
    project = Project(tmp_path / "data")
    spec = f"{SPEC}source: wiod_2013\nyears: [1999]\n"
    project.spec_file("wiod").write_text(spec)
    build_panel(project.spec_file("wiod"), project)
    world = pd.read_parquet(Path(MIRROR or "") / "world_trade_sitc4_1998_2000.parquet")
    world = world.assign(exporter=world["country"].str.upper(), year=1999)
    done = gvc.join_value_chain(
        world, "SITC2", industry="product", country="exporter", value="value", quiet=True
    )

    table = input_output("wiod", 1999)
    shares, place = gvc_participation(table, by=("exporter", "industry")), positions(table)
    links = gvc.crosswalk("SITC2", "WIOD2013").links.set_index("source")
    for row in done[done["exporter"].isin(["DEU", "MEX", "IDN"])].iloc[::97].itertuples():
        known = links.loc[[row.product]].dropna() if row.product in links.index else links.iloc[:0]
        known = known[[(row.exporter, target) in place.index for target in known["target"]]]
        for name, source in (("backward_share", shares), ("upstreamness", place)):
            values = [
                (weight, source.at[(row.exporter, target), name])
                for target, weight in known.itertuples(index=False)
                if np.isfinite(source.at[(row.exporter, target), name])
            ]
            weight = sum(w for w, _ in values)
            expected = sum(w * m for w, m in values) / weight if weight else np.nan
            assert getattr(row, name) == pytest.approx(expected, rel=1e-12, nan_ok=True)
    report = done.attrs["value_chain"]
    matched = done["upstreamness"].notna() | done["participation"].notna()
    assert report["matched_rows"] == pytest.approx(matched.mean())
    assert report["matched_rows"] + sum(report["unmatched"].values()) == pytest.approx(1.0)
