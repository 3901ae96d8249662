"""The case base holds what its manual says, and study 5 says what its numbers say."""

from __future__ import annotations

import csv
import json
import math
import re
import runpy
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.panels.build import build_panel

ROOT = Path(__file__).parents[2]
CASES = ROOT / "data" / "cases"
MANUAL = (ROOT / "docs" / "coding_manual.md").read_text("utf-8")
KEYS = ["case", "cluster", "country", "region", "industry", "year", "named_where"]
SCRIPT = ROOT / "analysis" / "05_cluster_cases.py"
KINDS = ["product", "process", "functional", "chain"]


def read(name: str) -> list[dict[str, str]]:
    with (CASES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CLUSTERS = read("clusters")
CODED = [name for name in CLUSTERS[0] if name not in KEYS and not name.endswith("_where")]


# --- the files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["clusters", "pass_1", "pass_2"])
def test_every_value_has_its_place_and_every_place_a_value(name: str) -> None:
    section = r"H2001 (1|2|3|4|5\.[1-4])( n\. \d+)?"
    for row in read(name):
        for column in CODED:
            where = row[f"{column}_where"]
            assert bool(row[column]) == bool(where), (row["case"], column)
            assert not where or re.fullmatch(rf"{section}(; {section})*", where), (row["case"], column)


@pytest.mark.parametrize("name", ["clusters", "pass_1", "pass_2"])
def test_values_are_those_of_the_manual(name: str) -> None:
    part = MANUAL[MANUAL.index("## What is coded") : MANUAL.index("## Two passes")]
    allowed: dict[str, set[str]] = {}
    column = ""
    for line in part.splitlines():
        if cells := re.match(r"\| (`(\w+)`)? ?\| (.+?) \|", line):
            column = cells.group(2) or column
            allowed.setdefault(column, set()).add(cells.group(3).strip("`"))
    assert [name for name in allowed if name] == CODED
    for row in read(name):
        for column in CODED:
            if allowed[column] == {"share"}:
                assert not row[column] or 0 <= float(row[column]) <= 1
            elif column.startswith("upgrading"):
                assert row[column] in {"", "happened", "blocked"}
            else:
                assert row[column] in {"", *allowed[column]}, (row["case"], column)


def test_the_case_base_is_what_both_passes_say_and_else_what_was_settled() -> None:
    first, second = ({row["case"]: row for row in read(f"pass_{number}")} for number in (1, 2))
    settled = {(row["case"], row["column"]): row for row in read("settled")}
    assert list(first) == list(second) == [row["case"] for row in CLUSTERS]
    for row in CLUSTERS:
        case = row["case"]
        assert all(row[key] == first[case][key] == second[case][key] for key in KEYS)
        for column in CODED:
            one, two = first[case][column], second[case][column]
            if one == two:
                assert row[column] == one
                assert (case, column) not in settled
            else:
                line = settled.pop((case, column))
                assert (line["pass_1"], line["pass_2"], line["settled"]) == (one, two, row[column])
                assert line["where"] == row[f"{column}_where"]
                assert line["why"]
    assert not settled


# --- the study -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    (folder / "analysis").mkdir()
    (folder / "data" / "panels").mkdir(parents=True)
    shutil.copy(SCRIPT, folder / "analysis")
    shutil.copytree(CASES, folder / "data" / "cases")
    shutil.copy(ROOT / "data" / "panels" / "cluster_cases.yaml", folder / "data" / "panels")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GVCMETRICS_DATA", str(folder / "data"))
        patch.chdir(folder)
        build_panel(folder / "data" / "panels" / "cluster_cases.yaml")
        runpy.run_path(str(folder / "analysis" / SCRIPT.name), run_name="__main__")
    return folder / "analysis" / "results"


@pytest.fixture(scope="module")
def words(results: Path) -> str:
    manifest = json.loads((results / "05_cluster_cases.json").read_text("utf-8"))
    return " ".join(item["text"] for item in manifest["items"] if item["kind"] == "text")


@pytest.fixture(scope="module")
def study() -> Iterator[SimpleNamespace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        yield SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def number(value: str) -> float:
    return (
        {"happened": 1.0, "blocked": 0.0, "": math.nan}.get(value)
        if not value[:1].isdigit()
        else float(value)
    )


def quasi(row: dict[str, str]) -> float:
    return float(row["governance"] == "quasi_hierarchical") if row["governance"] else math.nan


PAIR = [
    (quasi(row), number(row["upgrading_functional"]))
    for row in CLUSTERS
    if row["governance"] and row["upgrading_functional"]
]


def table(results: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(results / f"05_cluster_cases_{name}.parquet")


def by_counting(pairs: list[tuple[float, float]]) -> float:
    """Fisher's two-sided p, over all ways to deal the outcomes out."""
    x = [one for one, _ in pairs]
    y = [two for _, two in pairs]
    dealt = [deal for deal in product((0.0, 1.0), repeat=len(y)) if sum(deal) == sum(y)]
    together = [sum(one * two for one, two in zip(x, deal, strict=True)) for deal in dealt]
    chance = {value: together.count(value) / len(dealt) for value in set(together)}
    seen = chance[sum(one * two for one, two in pairs)]
    return sum(value for value in chance.values() if value <= seen + 1e-9)


def test_exact_p_is_that_of_dealing_the_outcomes_out(results: Path, words: str, study) -> None:
    assert len(PAIR) == 5
    p = by_counting(PAIR)
    assert p == pytest.approx(0.1)
    assert f"exact p = {p:.3f}" in words
    exact = table(results, "exact")
    mine = exact[(exact["column"] == "p") & (exact["statistic"] == "value")]["value"]
    complete = [
        (number(row["completeness"]), number(row["upgrading_functional"]))
        for row in CLUSTERS
        if row["completeness"] and row["upgrading_functional"]
    ]
    assert mine.dropna().tolist() == pytest.approx([p, by_counting(complete), 1.0])


def test_silent_cells_are_filled_in_every_way(words: str) -> None:
    silent = [
        number(row["upgrading_functional"])
        for row in CLUSTERS
        if row["upgrading_functional"] and not row["governance"]
    ]
    p = [
        by_counting([*PAIR, *zip(guess, silent, strict=True)])
        for guess in product((0.0, 1.0), repeat=len(silent))
    ]
    assert f"p runs from {min(p):.3f} to {max(p):.3f}" in words


def test_firth_equals_half_a_case_more_in_every_cell(results: Path, words: str) -> None:
    cells = {(x, y): 0.5 + PAIR.count((x, y)) for x, y in product((0.0, 1.0), repeat=2)}
    base = math.log(cells[0.0, 1.0] / cells[0.0, 0.0])
    slope = math.log(cells[1.0, 1.0] / cells[1.0, 0.0]) - base
    firth = table(results, "firth")
    estimates = firth[firth["statistic"] == "estimate"].set_index("name")["value"]
    assert estimates["quasi_hierarchical"] == pytest.approx(slope, abs=1e-5)
    assert estimates["Intercept"] == pytest.approx(base, abs=1e-5)
    X = np.array([[1.0, x] for x, _ in PAIR])
    y = np.array([outcome for _, outcome in PAIR])

    def penalised(b: np.ndarray) -> float:
        p = 1 / (1 + np.exp(-X @ b))
        information = X.T @ (X * (p * (1 - p))[:, None])
        return float((y * np.log(p) + (1 - y) * np.log(1 - p)).sum() + np.log(np.linalg.det(information)) / 2)

    held = max(penalised(np.array([b, 0.0])) for b in np.linspace(-2, 2, 4001))
    ratio = 2 * (penalised(np.array([base, slope])) - held)
    # The upper tail of χ² with one degree of freedom.
    assert f"p = {math.erfc(math.sqrt(ratio / 2)):.4f}" in words


def test_kappa_is_that_of_statsmodels(results: Path) -> None:
    from statsmodels.stats.inter_rater import cohens_kappa

    first, second = read("pass_1"), read("pass_2")
    kappa = table(results, "agreement").query("column == 'κ'")["value"].tolist()
    for column, mine in zip(CODED, kappa, strict=True):
        codes = sorted({row[column] for row in [*first, *second]})
        counts = np.zeros((len(codes), len(codes)))
        for one, two in zip(first, second, strict=True):
            counts[codes.index(one[column]), codes.index(two[column])] += 1
        assert mine == pytest.approx(cohens_kappa(counts, return_results=False))


def test_solutions_are_those_that_can_be_read_off_the_cases(words: str) -> None:
    """Which combinations have the outcome and which have not, and what tells them apart."""
    rows = [
        (quasi(row), number(row["completeness"]), number(row["upgrading_functional"]))
        for row in CLUSTERS
        if row["governance"] and row["completeness"] and row["upgrading_functional"]
    ]
    assert {row[:2] for row in rows if row[2] == 1} == {(0.0, 0.0)}
    assert {row[:2] for row in rows if row[2] == 0} == {(1.0, 0.0)}
    # ~quasi-hierarchical alone parts them; completeness does not vary, and no single other condition does.
    assert "`~quasi-hierarchical*~complete` (conservative)" in words
    assert "`~quasi-hierarchical` (parsimonious solution)" in words


def test_fuzzy_fit_from_the_file(results: Path, words: str) -> None:
    control = {"arms_length": 0.0, "network": 0.33, "quasi_hierarchical": 1.0, "forward": 0.0, "inward": 0.67}
    x, y = [], []
    for row in CLUSTERS:
        kinds = [number(row[f"upgrading_{kind}"]) for kind in KINDS if row[f"upgrading_{kind}"]]
        if row["governance"] and kinds:
            held = row["integration"] if row["governance"] == "hierarchical" else row["governance"]
            net = sum(2 * kind - 1 for kind in kinds)
            x.append(1 - control[held])
            y.append(1 / (1 + 19 ** -(net / 2 if net >= 0 else net)))
    shared = np.minimum(x, y).sum()
    assert f"over {len(x)} clusters" in words
    assert f"sufficient for upgrading (consistency {shared / sum(x):.2f}, threshold 0.8)" in words
    assert f"necessary (consistency {shared / sum(y):.2f}, threshold 0.9)" in words
    fit = table(results, "fit").query("column == 'Consistency'")["value"].tolist()
    assert fit[0] == pytest.approx(shared / sum(x))
    assert fit[2] == pytest.approx(shared / sum(y))


# --- sentences turn with the numbers ------------------------------------------------------------


def coded(**columns: list[float | None]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.array(values, dtype="float") for name, values in columns.items()})


def test_the_exact_sentence_turns_round(study) -> None:
    apart = coded(upgrade_functional=[0] * 5 + [1] * 5, quasi_hierarchical=[1] * 5 + [0] * 5)
    pair = ("upgrade_functional", "quasi_hierarchical")
    said = study.tests_in_words(pd.DataFrame([study.exact(apart, *pair)]))
    assert "happened less often" in said
    assert "below 0.05; the least p" in said
    assert "1 of 1 tests could have come out below 0.05" in said
    turned = apart.assign(upgrade_functional=1 - apart["upgrade_functional"])
    assert "happened more often" in study.tests_in_words(pd.DataFrame([study.exact(turned, *pair)]))
    mixed = coded(upgrade_functional=[0, 1, 0, 1], quasi_hierarchical=[1, 1, 0, 0])
    said = study.tests_in_words(pd.DataFrame([study.exact(mixed, *pair)]))
    assert "happened no more often" in said
    assert "not told apart from chance" in said
    assert "None of these tests could" in said
    alike = coded(upgrade_functional=[1, 1], quasi_hierarchical=[1, 0])
    said = study.tests_in_words(pd.DataFrame([study.exact(alike, *pair)]))
    assert "too little is told, for functional upgrading by quasi-hierarchical" in said


def test_the_sentence_on_silence_turns_round(study) -> None:
    pair = ("upgrade_functional", "quasi_hierarchical")
    assert "either side of 0.05" in study.silence_in_words([0.01, 0.2], *pair)
    assert "below 0.05 throughout" in study.silence_in_words([0.01, 0.02], *pair)
    assert "above 0.05 throughout" in study.silence_in_words([0.1, 0.2], *pair)
    assert "No cluster" in study.silence_in_words([0.1], *pair)


def test_the_sentence_on_the_penalised_logit_turns_round(study) -> None:
    line = pd.Series({"estimate": -2.0, "conf_low": -5.0, "conf_high": 1.0})
    said = study.firth_in_words(line, 5, 0.04, 0.1)
    assert "negative, −2.00" in said
    assert "−5.00 to 1.00, holds zero" in said
    assert "on the other side of 0.05 than" in said
    line = pd.Series({"estimate": 3.0, "conf_low": 1.0, "conf_high": 5.0})
    said = study.firth_in_words(line, 5, 0.01, 0.02)
    assert "positive, 3.00" in said
    assert "does not hold zero" in said
    assert "on the same side of 0.05 as" in said


def test_the_sentence_on_both_kinds_in_one_cluster_turns_round(study) -> None:
    cases = coded(upgrade_process=[1, 1], upgrade_functional=[0, 1])
    cases = cases.assign(short=["Sinos", "Taiwan"], governance=["quasi_hierarchical", None])
    assert "in 1 of them, Sinos (quasi-hierarchical), the first happened" in study.within_in_words(cases)
    same = cases.assign(upgrade_functional=1.0)
    assert "in none of them the first happened" in study.within_in_words(same)


def test_the_sentence_on_solutions_turns_round(study) -> None:
    full = coded(quasi_hierarchical=[0, 1, 0, 1], completeness=[0, 0, 1, 1], upgrade_functional=[1, 0, 1, 0])
    said = study.solutions_in_words(study.solved(full), 4, study.left_out(full))
    assert "All three are the same" in said
    turned = full.assign(quasi_hierarchical=1 - full["quasi_hierarchical"])
    assert "`quasi-hierarchical` (parsimonious" in study.solutions_in_words(study.solved(turned), 4, (4, 4))
    few = full.iloc[:2]
    said = study.solutions_in_words(study.solved(few), 2, study.left_out(few))
    assert "They are not the same" in said
    assert "in 0 of the 2 ways to leave one case out" in said
    never = full.assign(upgrade_functional=0.0)
    assert "No combination" in study.solutions_in_words(study.solved(never), 4, (0, 4))
    always = full.assign(upgrade_functional=1.0).iloc[:2]
    assert "nothing that can be told (parsimonious" in study.solutions_in_words(
        study.solved(always), 2, (0, 2)
    )


def test_the_sentence_on_fuzzy_sets_turns_round(study) -> None:
    def said(sufficient: float, necessary: float, opposite: float) -> str:
        fit = pd.DataFrame(
            {"consistency": [sufficient, opposite, necessary, 0.5]},
            index=pd.MultiIndex.from_product([["Sufficient", "Necessary"], ["free", "~free"]]),
        )
        return study.fit_in_words(fit, 6)

    assert "control passes as sufficient" in said(0.9, 0.5, 0.5)
    assert "control does not pass as sufficient" in said(0.7, 0.5, 0.5)
    assert "passes as necessary" in said(0.7, 0.95, 0.5)
    assert "Control itself passes as sufficient" in said(0.7, 0.95, 0.85)


def test_the_sentence_on_agreement_turns_round(study) -> None:
    agreement = pd.DataFrame(
        {"cases": [18, 18], "differ": [0, 2], "kappa": [1.0, 0.6]}, index=["market", "governance"]
    )
    said = study.steadiness(agreement)
    assert "differ in 2 of 36 cells" in said
    assert "κ is 1 in 1 of them and lowest for governance, 0.60" in said
    assert "κ is 1 in all of them" in study.steadiness(agreement.iloc[:1])
