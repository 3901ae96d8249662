"""Panels of a third-party package that is installed for real: files and dist-info on a path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gvcmetrics.errors import MissingSourceError, SpecError
from gvcmetrics.panels import list_panels
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.sources.plugins import find_spec_file

HERE = Path(__file__).parents[1]
ROOT = HERE.parents[1]


def install(site: Path, package: str, value: str | None = None, panel: str = "peru_exports") -> None:
    """What installing a wheel of data leaves: the package's files, and its metadata with the entry point."""
    data = site / package
    (data / "panels").mkdir(parents=True)
    (data / "raw").mkdir()
    (data / "__init__.py").write_text("raise RuntimeError('a package of data must not be imported')\n")
    (data / "panels" / f"{panel}.yaml").write_bytes((HERE / "exports.yaml").read_bytes())
    (data / "raw" / "exports.csv").write_bytes((HERE / "exports.csv").read_bytes())
    info = site / f"{package}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.2\n"
    )
    (info / "entry_points.txt").write_text(f"[gvcmetrics.panels]\n{package} = {value or package}\n")
    (info / "RECORD").write_text("")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home" / "data" / "panels").mkdir(parents=True)
    (tmp_path / "site").mkdir()
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


def test_listed_checked_built_and_read_in_a_process_of_its_own(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(home.parent / "site")])}
    code = (
        "import sys, gvcmetrics as gvc\n"
        "from gvcmetrics import cli\n"
        "for words in (['list'], ['check', 'peru_exports'], ['build', 'peru_exports']):\n"
        "    sys.argv = ['gvcmetrics', 'panel', *words]\n"
        "    try: cli.main()\n"
        "    except SystemExit as stop: assert not stop.code, stop.code\n"
        "assert callable(gvc.panel)\n"
        "listed = gvc.list_panels().loc['peru_exports']\n"
        "print(listed['state'], listed['command'], len(gvc.panel('peru_exports')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "  gvcmetrics panel build peru_exports\n" in done.stdout
    assert "Nothing is wrong" in done.stdout
    assert done.stdout.endswith("\nbuilt gvcmetrics panel build peru_exports 4\n")
    assert (home / "data" / "parquet" / "peru_exports.parquet").exists()
    assert sorted(path.name for path in (home.parent / "site" / "firms_of_peru").iterdir()) == [
        "__init__.py",
        "panels",
        "raw",
    ]


def test_a_new_release_makes_the_panel_stale(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    spec, project = find_spec_file("peru_exports")
    build_panel(spec, project)
    assert list_panels().loc["peru_exports", "state"] == "built"
    spec.write_text(spec.read_text(encoding="utf-8") + "# corrected\n", encoding="utf-8")
    assert list_panels().loc["peru_exports", "state"] == "stale"


def test_the_projects_own_spec_comes_first(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    own = home / "data" / "panels" / "peru_exports.yaml"
    own.write_bytes((HERE / "exports.yaml").read_bytes())
    spec, project = find_spec_file("peru_exports")
    assert spec == own
    assert project.home is None
    assert (
        list_panels().loc["peru_exports", "command"] == "gvcmetrics panel build data/panels/peru_exports.yaml"
    )


def test_two_packages_with_one_name(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    install(home.parent / "site", "more_of_peru")
    said = "the packages firms-of-peru and more-of-peru both ship a panel 'peru_exports'"
    with pytest.raises(SpecError, match=said):
        list_panels()


def test_a_package_without_its_folder_is_warned_about(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    install(home.parent / "site", "lost_data", value="nowhere_at_all")
    said = "the entry point 'lost_data' has no folder 'nowhere_at_all/panels'"
    with pytest.warns(UserWarning, match=said) as caught:
        assert list(list_panels().index) == ["peru_exports"]
    assert {warning.filename for warning in caught} == {__file__}


def test_a_name_that_nobody_ships(home: Path) -> None:
    install(home.parent / "site", "firms_of_peru")
    with pytest.raises(
        MissingSourceError, match=r"there is no spec 'peru_export'. Did you mean 'peru_exports'"
    ):
        find_spec_file("peru_export")
