"""From hypotheses to questions, and from answers to verdicts, with no line by hand."""

from __future__ import annotations

import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from docx import Document
from python_calamine import CalamineWorkbook

import gvcmetrics as gvc
from gvcmetrics import cli
from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.construct import choose
from gvcmetrics.claims.match import match
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.verdict import NOT_ESTIMABLE
from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.measures import classify_governance
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.report.questionnaires.bank import FRAME, LANGUAGES, bank
from gvcmetrics.report.questionnaires.survey import Survey

HYPOTHESES = Path(__file__).parents[3] / "analysis" / "hypotheses.yaml"
CLAIMS = read_claims(HYPOTHESES)
CHOSEN = ("H1", "H2", "H7")
BESIDE = """
- id: H90
  claim: Firms of industries that take part in value chains upgrade more
  document: made up for this test
  contract: firm
  constructs:
    participation: {measure: value_chain, value: participation}
  equations:
    - {name: e, model: logit, outcome: upgrade_product, regressors: [participation], scale: probability}
  expect: [{sign: positive}]
  family: {name: f}
  get: nowhere
- id: H91
  claim: Firms that paint their gates upgrade more
  document: made up for this test
  contract: firm
  equations:
    - {name: e, model: logit, outcome: upgrade_product, regressors: [painted_gate], scale: probability}
  expect: [{sign: positive}]
  family: {name: f}
  get: nowhere
"""


def survey_of(*ids: str, **words: str) -> Survey:
    return gvc.survey(ids, path=HYPOTHESES, **words)


@pytest.fixture(scope="module")
def firms() -> pd.DataFrame:
    made = gvc.simulate.economy(firms=260, clusters=24, years=2, seed=3, missing=0.03).firms
    return made[made["year"] == made["year"].max()].reset_index(drop=True)


@pytest.fixture(scope="module")
def everything() -> Survey:
    return survey_of(name="all_of_it", currency="PEN")


@pytest.fixture(scope="module")
def panel(everything: Survey, firms: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("survey")
    everything.save_answers(firms, folder)
    project = Project(folder)
    build_panel(folder / "panels" / "all_of_it_simulated.yaml", project)
    return gvc.panel("all_of_it_simulated", project=project)


@pytest.fixture(scope="module")
def form(everything: Survey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    book = CalamineWorkbook.from_path(str(everything.save(tmp_path_factory.mktemp("form"))[2]))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    return {name: pd.DataFrame(rows[1:], columns=rows[0]) for name, rows in sheets.items()}


def test_answers_become_a_panel_and_the_panel_verdicts(firms: pd.DataFrame, tmp_path: Path) -> None:
    survey_of(*CHOSEN).save_answers(firms, tmp_path)
    build_panel(tmp_path / "panels" / "survey_simulated.yaml", Project(tmp_path))
    built = gvc.panel("survey_simulated", project=Project(tmp_path))
    assert built.attrs["provenance"]["simulated"] is True
    for one in CHOSEN:
        answer = gvc.examine(one, built, path=HYPOTHESES)
        assert answer.verdict != NOT_ESTIMABLE, answer
        assert len(answer.results) == len(next(claim.expect for claim in CLAIMS if claim.id == one))
        assert (answer.results["verdict"] != NOT_ESTIMABLE).all(), answer
        assert answer.results["controls_left_out"].eq("").all(), answer


def test_the_panel_has_what_the_firms_would_have_said(
    everything: Survey, firms: pd.DataFrame, panel: pd.DataFrame
) -> None:
    keys = ["country", "firm_id", "year"]
    truth, said = (frame.sort_values(keys, ignore_index=True) for frame in (firms, panel))
    assert len(truth) == len(said)
    for column in everything.columns:
        one, two = truth[column.name], said[column.name]
        # Who does not export has no exports either, whether or not the amount was known.
        skipped = one.isna() & two.notna()
        others = {bank().questions[name].otherwise for name in column.asks} - {None}
        assert (skipped.sum() == 0) or (others and set(two[skipped]) == {0.0}), column.name
        assert one[two.isna()].isna().all(), column.name
        one = one.mask(skipped, 0.0) if skipped.any() else one
        if everything.column(column.name).unit == "scale 1–5":
            assert set(two.dropna()) <= {1, 2, 3, 4, 5}
            assert one.corr(two, method="spearman") > 0.9
        elif pd.api.types.is_numeric_dtype(one):
            within = {"persons": 0.5, "share": 0.0005, "USD": 0.01}.get(
                everything.column(column.name).unit, 0
            )
            np.testing.assert_allclose(
                two.astype(float), one.astype(float), atol=within + 1e-9, err_msg=column.name
            )
        else:
            assert one.tolist() == two.tolist(), column.name


def test_governance_is_the_same_from_the_answers(firms: pd.DataFrame, panel: pd.DataFrame) -> None:
    keys = ["country", "firm_id", "year"]
    truth, said = (
        classify_governance(frame.sort_values(keys, ignore_index=True))["governance"]
        for frame in (firms, panel)
    )
    assert truth.tolist() == said.tolist()
    assert said.nunique() == 5


@pytest.mark.parametrize(
    "claim", [each for each in CLAIMS if each.contract == "firm"], ids=lambda each: each.id
)
def test_a_survey_of_one_hypothesis_asks_all_that_it_needs(claim: Claim) -> None:
    asked = survey_of(claim.id)
    columns = [column.name for column in asked.columns]
    found = match(claim, "firm", [*columns, "cluster_id"])
    assert found.answers
    assert found.rules == claim.expect
    controls = {name for equation in claim.equations for name in equation.controls}
    assert not [name for name in controls if choose(claim, name, columns).lacks]
    if any(made.construct and made.construct.measure == "governance" for made in found.chosen.values()):
        assert "owned_by_buyer" in columns
    assert set(FRAME) <= set(columns)
    assert asked.over_time == (claim.id in ("H12", "H13", "H22"))


def test_others_are_listed_with_the_reason(everything: Survey) -> None:
    listed = {each.claim.id: each for each in everything.not_asked}
    assert set(listed) == {claim.id for claim in CLAIMS if claim.contract != "firm"}
    assert {each.claim.id for each in everything.needs} == {
        claim.id for claim in CLAIMS if claim.contract == "firm"
    }
    assert "customs" in listed["H10"].why_not[0]
    assert "H10, H15 cannot be asked of firms" in str(everything)


def test_every_question_is_whole() -> None:
    fields: set[str] = {"consent"}
    for question in bank().questions.values():
        assert set(question.text) == set(LANGUAGES), question.name
        assert len(set(question.text.values())) == len(LANGUAGES), question.name
        if question.when:
            assert question.when[0] in fields, f"{question.name} is asked before what decides on it"
        fields |= {question.name, question.field}
    assert {name for column in bank().columns.values() for name in column.asks} == set(bank().questions)
    for column in bank().columns.values():
        words = [column.spec] if "from" in column.spec else column.spec.get("any_of") or column.spec["all_of"]
        assert {each["from"] for each in words} <= {bank().questions[name].field for name in column.asks}
        for name in column.asks:
            question = bank().questions[name]
            assert question.when is None or question.when[0] in column.asks, column.name


def test_the_form_asks_each_question_once_and_who_is_not_asked_is_known(
    everything: Survey, form: dict[str, pd.DataFrame]
) -> None:
    assert list(form) == ["survey", "choices", "settings"]
    rows = form["survey"]
    names = rows.loc[~rows["type"].isin(["begin_group", "end_group"]), "name"]
    assert names.is_unique
    assert {question.name for question in everything.questions} <= set(names)
    of = rows.set_index("name")
    assert of.loc["export_percent", "relevant"] == "${exports} = 1"
    assert (
        of.loc["export_percent_all", "calculation"]
        == "if(${exports} = 1, ${export_percent}, if(${exports} = 0, 0, ''))"
    )
    assert (
        of.loc["main_percent_all", "calculation"]
        == "if(${n_customers} != 1 and ${n_customers} != '', ${main_percent}, "
        "if(${n_customers} = 1, 100, ''))"
    )
    used = {kind.split()[1] for kind in rows["type"] if kind.startswith("select_one")}
    assert used == set(form["choices"]["list_name"])
    assert form["settings"].loc[0, "default_language"] == LANGUAGES["en"]
    assert "PEN" in of.loc["wages", f"hint::{LANGUAGES['es']}"]


def test_pyxform_makes_a_form_of_it(everything: Survey, tmp_path: Path) -> None:
    xls2xform = pytest.importorskip("pyxform.xls2xform", reason="checks the form as KoboToolbox and ODK do")
    path = everything.save(tmp_path)[2]
    warnings: list[str] = []
    converted = xls2xform.convert(str(path), warnings=warnings, validate=False)
    assert warnings == []
    for question in everything.questions:
        assert f'/{question.name}"' in converted.xform, question.name
        for language in LANGUAGES:
            assert question.text[language].replace("'", "&apos;") in converted.xform.replace("'", "&apos;")


def test_the_same_survey_is_the_same_bytes(firms: pd.DataFrame, tmp_path: Path) -> None:
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        made = survey_of(*CHOSEN, language="es")
        written.append([*made.save(folder), *made.save_answers(firms, folder)])
    for one, two in zip(*written, strict=True):
        assert one.name == two.name
        assert one.read_bytes() == two.read_bytes(), one.name
    for path in written[0]:
        if path.suffix in (".xlsx", ".docx"):
            with zipfile.ZipFile(BytesIO(path.read_bytes())) as package:
                assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_have_each_question_its_measure_and_who_is_asked(language: str, tmp_path: Path) -> None:
    made = survey_of(*CHOSEN, language=language)
    markdown, word = (path for path in made.save(tmp_path)[:2])
    page = Document(str(word))
    texts = [markdown.read_text("utf-8"), "\n".join(each.text for each in page.paragraphs)]
    for text in texts:
        for number, question in enumerate(made.questions, 1):
            assert f"{number}. {question.text[language]}" in text
        assert "{" not in text
    numbers = {question.name: number for number, question in enumerate(made.questions, 1)}
    skip = {
        "en": "Only if {n} is any answer but 1. Where {n} is 1 it counts as 100.",
        "es": "Solo si {n} es cualquier respuesta salvo 1. Si {n} es 1, vale 100.",
    }
    assert all(skip[language].format(n=numbers["n_customers"]) in text for text in texts)
    assert "| main_buyer_share | " in texts[0]
    assert "Humphrey and Schmitz (2000)" in texts[0]
    assert len(page.tables) == 3
    assert len(page.tables[1].rows) == len(made.columns) + 1


def test_the_real_spec_reads_the_export_and_asks_for_rates(everything: Survey, tmp_path: Path) -> None:
    spec = yaml.safe_load(everything.save(tmp_path)[3].read_text("utf-8"))
    assert spec["money"] == {"currency": "PEN", "rates": "raw/all_of_it_rates.csv"}
    assert "simulated" not in spec
    assert spec["source"] == {"file": "raw/all_of_it.csv"}
    assert "money" not in yaml.safe_load(
        survey_of(*CHOSEN, currency="PEN").save(tmp_path)[3].read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("ids", "words", "said"),
    [
        (["H99"], {}, "no hypothesis 'H99'"),
        (["h1"], {}, "Did you mean 'H1'"),
        (["H1", "H10"], {}, "H10 cannot be asked of firms, since it speaks of trade"),
        (["H19"], {}, "input-output tables"),
        (["H1"], {"language": "fr"}, "language 'fr'"),
        (["H1"], {"currency": "soles"}, "'soles' is no currency"),
        (["H1"], {"country": "Peru"}, "'Peru' is no country"),
        (["H1"], {"name": "../x"}, "no name of a survey"),
    ],
)
def test_bad_input_is_one_message(ids: list[str], words: dict[str, str], said: str) -> None:
    with pytest.raises(SpecError) as told:
        gvc.survey(ids, path=HYPOTHESES, **words)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_what_a_firm_cannot_know_or_nobody_asks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hypotheses.yaml"
    path.write_text(BESIDE, "utf-8")
    with pytest.raises(SpecError, match="input-output table or another panel"):
        gvc.survey("H90", path=path)
    with pytest.raises(SpecError, match="no question gives painted_gate"):
        gvc.survey("H91", path=path)


def test_answers_are_made_up_from_simulated_firms_alone(firms: pd.DataFrame, tmp_path: Path) -> None:
    made = survey_of(*CHOSEN)
    real = firms.copy()
    real.attrs = {}
    with pytest.raises(DataError, match="not marked as simulated"):
        made.save_answers(real, tmp_path)
    with pytest.raises(DataError, match="own_brand"):
        made.save_answers(firms.drop(columns="own_brand"), tmp_path)
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="a file, not a folder"):
        made.save(tmp_path / "taken")
    assert not (tmp_path / "raw").exists()


def test_the_command_writes_what_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "data" / "panels").mkdir(parents=True)
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "hypotheses.yaml").write_bytes(HYPOTHESES.read_bytes())
    monkeypatch.delenv("GVCMETRICS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["gvcmetrics", "survey", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return int(stop.value.code or 0)

    assert run("H10") == 1
    assert "H10 cannot be asked of firms" in capsys.readouterr().err
    assert not (tmp_path / "survey").exists()
    assert run("H22", "--language", "es", "--currency", "PEN") == 0
    told = capsys.readouterr().out
    assert "H22: ask the same firms in two years or more" in told
    written = sorted(
        path.relative_to(tmp_path).as_posix() for path in (tmp_path / "survey").rglob("*") if path.is_file()
    )
    assert all(f"wrote {path}" in told for path in written)
    assert written == [
        "survey/panels/survey.yaml",
        "survey/panels/survey_simulated.yaml",
        "survey/raw/survey_simulated.csv",
        "survey/raw/survey_simulated_rates.csv",
        "survey/survey.docx",
        "survey/survey.md",
        "survey/survey.xlsx",
    ]
    answers = pd.read_csv(tmp_path / "survey" / "raw" / "survey_simulated.csv", sep=";")
    assert answers["year"].nunique() > 1
    build_panel(tmp_path / "survey" / "panels" / "survey_simulated.yaml", Project(tmp_path / "survey"))
