"""One road for raw files: whatever the contract, the same faults are refused in the same words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.ground.files import sha256
from gvcmetrics.panels.build import build_panel, show_sql
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.kinds import KINDS
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources import catalogue
from gvcmetrics.panels.sources.catalogue import Remote, Source
from gvcmetrics.panels.state import build_or_skip
from gvcmetrics.panels.store.listing import list_panels
from gvcmetrics.panels.store.stored import find_panel, read_provenance
from gvcmetrics.panels.trial import check_panel

OWN = "licence: none\ncitation: none\n"
ROWS = "title: Firms\ncontract: firm\ncolumns: {country: {constant: ECU}, firm_id: {from: id}, year: {}}\n"
TABLES = "title: Tables\ncontract: input_output\nextends: wiod\n"
ROADS = {"rows": ROWS, "tables": TABLES}


def table() -> pd.DataFrame:
    return pd.DataFrame(
        {"country": ["DEU", "RoW"], "industry": "c1", "DEU_c1": [1, 2], "RoW_c1": [3, 4]}
        | {"DEU_f5": [9, 8], "RoW_f5": [7, 6], "output": [20, 20]}
    )


@pytest.fixture(params=list(ROADS))
def road(request: pytest.FixtureRequest, project: Project) -> Callable[..., Path]:
    """Writes raw/a_2000.csv and raw/a_2001.csv, which suit the road, and a spec with the given source."""
    for year in (2000, 2001):
        if request.param == "rows":
            pd.DataFrame({"id": ["a", "b"], "year": year}).to_csv(project.raw / f"a_{year}.csv", index=False)
        else:
            table().to_csv(project.raw / f"a_{year}.csv", index=False)

    def spec(source: str, own: str = OWN, name: str = "mine.yaml") -> Path:
        path = project.specs / name
        path.write_text(f"{ROADS[request.param]}{own}source: {source}\n")
        return path

    return spec


def test_each_source_that_is_right_is_built(road: Callable[..., Path], project: Project) -> None:
    digest = sha256(project.raw / "a_2000.csv")
    for source in ("{file: raw/a_2000.csv}", f"{{file: raw/a_2000.csv, sha256: {digest.upper()}}}"):
        found = build_panel(road(source), project).provenance
        assert (found.raw_file, found.raw_sha256, found.source) == ("a_2000.csv", digest, "a_2000.csv")
    listed = "".join(f"{sha256(project.raw / f'a_{year}.csv')}  a_{year}.csv\n" for year in (2000, 2001))
    for source in ("{files: 'raw/a_*.csv'}", "{files: [raw/a_2000.csv, raw/a_2001.csv]}"):
        found = build_panel(road(source), project).provenance
        assert found.raw_file == "a_2000.csv and 1 more"
        assert found.raw_sha256 == hashlib.sha256(listed.encode()).hexdigest()
        assert found.origin == "2 files of the project"
        assert (found.coverage.first_year, found.coverage.last_year) == (2000, 2001)
    assert check_panel(project.spec_file("mine"), project).problems == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{file: raw/a_2000.csv, files: 'raw/a_*.csv'}", r"key 'source': a source is a `file` or `files`"),
        ("{sha256: abc}", r"key 'source': a source is a `file` or `files`"),
        ("{files: 'raw/a_*.csv', sha256: abc}", r"key 'source.sha256': `sha256` is that of one file"),
        ("{files: '/etc/*.csv'}", r"key 'source.files': '/etc/\*.csv' leaves the data folder"),
        ("{files: '../a_*.csv'}", r"leaves the data folder"),
        ("{files: 'raw/**a.csv'}", r"'raw/\*\*a.csv' is no pattern"),
        ("{files: 'raw/b_*.csv'}", r"no file in the data folder matches 'raw/b_\*.csv'"),
        ("{files: []}", r"key 'source.files': the list names no file"),
        ("{file: /etc/passwd}", r"key 'source.file': '/etc/passwd' leaves the data folder"),
        ("{file: raw/a_1999.csv}", r"there is no file 'raw/a_1999.csv' in the data folder"),
        ("{file: raw/notes.md}", r"'notes.md' is no format that a panel is built from. Formats: \.csv"),
        ("{fiel: raw/a_2000.csv}", r"key 'source.fiel': unknown key. Did you mean 'file'"),
        ("wiod_2012", r"the catalogue has no source 'wiod_2012'. Did you mean 'wiod_2013'"),
    ],
)
def test_a_source_that_is_wrong_is_refused(
    road: Callable[..., Path], project: Project, source: str, message: str
) -> None:
    (project.raw / "notes.md").write_text("nothing")
    path = road(source)
    with pytest.raises(SpecError, match=rf"mine.yaml, line \d+, .*{message}"):
        build_panel(path, project)
    assert check_panel(path, project).problems
    assert find_panel("mine", project) is None


def test_a_wrong_checksum_is_refused_by_build_and_check(road: Callable[..., Path], project: Project) -> None:
    path = road(f"{{file: raw/a_2000.csv, sha256: {'0' * 64}}}")
    said = r"a_2000.csv: the file is not the one expected: SHA-256 is .*, not 000000000000…"
    with pytest.raises(DataError, match=said):
        build_panel(path, project)
    assert "the file is not the one expected" in check_panel(path, project).problems[0]
    assert find_panel("mine", project) is None


def test_a_file_of_ones_own_states_licence_and_citation(road: Callable[..., Path], project: Project) -> None:
    with pytest.raises(SpecError, match="must state its citation"):
        build_panel(road("{file: raw/a_2000.csv}", own="licence: none\n"), project)


def test_a_fetched_file_that_was_edited_is_refused(
    road: Callable[..., Path], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Remote(address="https://example.org/a_2000.csv", sha256=sha256(project.raw / "a_2000.csv"))
    entry = Source(name="far", title="Far", origin="o", citation="c", licence="l", remote=remote)
    monkeypatch.setattr(catalogue, "catalogue", lambda: {"far": entry})
    fetched = project.raw / "far" / "a_2000.csv"
    fetched.parent.mkdir()
    fetched.write_bytes((project.raw / "a_2000.csv").read_bytes())
    build_panel(road("far", own=""), project)
    fetched.write_text(fetched.read_text() + "\n")
    with pytest.raises(DataError, match=r"a_2000.csv: .*Delete it and run `gvcmetrics fetch far`"):
        build_panel(road("far", own=""), project)


@pytest.mark.parametrize(
    ("name", "own", "message"),
    [
        ("my-panel.yaml", OWN, "the file's name cannot be a panel's name"),
        ("mine.yaml", "licence: ???\ncitation: none\n", r"line \d+, key 'licence': still to be filled in"),
    ],
)
def test_every_spec_is_read_alike(
    road: Callable[..., Path], project: Project, name: str, own: str, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        build_panel(road("{file: raw/a_2000.csv}", own, name), project)


def test_what_an_earlier_panel_of_the_name_left_goes(road: Callable[..., Path], project: Project) -> None:
    """A partitioned panel is a folder, which would hide the new file; rejects would seem to be its own."""
    (project.panel_folder("mine") / "year=1990").mkdir(parents=True)
    project.rejects_file("mine").write_text("file,row\n")
    built = build_panel(road("{file: raw/a_2000.csv}"), project)
    assert find_panel("mine", project) == built.path == project.panel_file("mine")
    assert not project.rejects_file("mine").exists()
    assert list_panels(project).loc["mine", "state"] == "built"


@pytest.mark.parametrize(
    ("contract", "remedy"), [("frim", "Did you mean 'firm'"), ("input-output", "Did you mean 'input_output'")]
)
def test_a_contract_that_there_is_not(project: Project, contract: str, remedy: str) -> None:
    path = project.spec_file("mine")
    path.write_text(f"title: T\ncontract: {contract}\nsource: x\n")
    for act in (build_panel, show_sql):
        with pytest.raises(
            SpecError, match=rf"line 2, key 'contract': '{contract}' is not valid here. {remedy}"
        ):
            act(path)
    path.write_text("title: T\nsource: x\n")
    with pytest.raises(SpecError, match="the key 'contract' is absent"):
        build_panel(path)


def test_every_contract_has_a_kind() -> None:
    assert set(CONTRACTS) | {"input_output"} == set(KINDS)


def test_sql_and_spark_are_refused_where_they_have_no_part(project: Project) -> None:
    table().to_csv(project.raw / "a_2000.csv", index=False)
    path = project.spec_file("mine")
    path.write_text(f"{TABLES}{OWN}source: {{file: raw/a_2000.csv}}\n")
    with pytest.raises(
        SpecError, match=r"mine.yaml: no SQL builds an input-output panel. The built panel is"
    ):
        show_sql(path)
    with pytest.raises(SpecError, match=r"mine.yaml: spark has no part in building .* Leave `--engine` out"):
        build_panel(path, project, "spark")


def test_a_folder_of_the_catalogue_without_files_is_said_to_be_so(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror" / "wiod2013").mkdir(parents=True)
    monkeypatch.setenv("GVCMETRICS_MIRROR", str(tmp_path / "mirror"))
    path = project.spec_file("mine")
    path.write_text(f"{TABLES}source: wiod_2013\n")
    with pytest.raises(GvcError, match="the folder 'wiod2013' holds no file that a panel is built from"):
        build_panel(path, project)


def test_make_builds_into_the_project_that_it_is_told(project: Project, tmp_path: Path) -> None:
    home = Project(project.data, tmp_path / "home" / "data")
    build_or_skip(project.spec_file("exports"), tmp_path / "exports.state", home)
    assert read_provenance(home.panel_file("exports")).panel == "exports"
    assert not project.panel_file("exports").exists()
