"""The scorecard counts and words what the panels answer."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gvcmetrics.report.pages.hypotheses import read_hypotheses
from gvcmetrics.report.pages.scorecard import SIGNS, in_words, scorecard


def claims(**answers: dict[str, str]) -> list[dict[str, object]]:
    return [{"id": name, "statement": f"<{name}>", "answers": found} for name, found in answers.items()]


def test_each_answer_has_a_word_and_a_sign() -> None:
    made = claims(
        **{f"H{n}": {"peru": verdict} for n, verdict in enumerate(SIGNS)}, H9={"chile": "supported"}
    )
    page = scorecard(made)
    for verdict, sign in SIGNS.items():
        assert f"{sign}</b> {verdict}</td>" in page
    assert page.count('title="not estimable"') == 5
    assert "&lt;H0&gt;" in page
    assert "<H0>" not in page


def test_the_sentence_turns_with_the_answers() -> None:
    one = claims(H1={"a": "supported", "b": "contradicted"}, H2={}, H3={"a": "supported"})
    assert in_words(one).startswith("2 of 3 hypotheses")
    assert "3 answers: 2 supported, 1 contradicted." in in_words(one)
    turned = claims(H1={"a": "contradicted"}, H2={}, H3={})
    assert "1 of 3" in in_words(turned)
    assert "supported" not in in_words(turned)


def test_without_an_answer_there_is_no_scorecard() -> None:
    assert scorecard(claims(H1={}, H2={})) == ""


def test_the_summary_stands_last_and_is_no_answer_of_its_own() -> None:
    made = claims(H1={"all panels": "supported", "zambia": "supported", "brazil": "contradicted"})
    page = scorecard(made)
    assert page.index("brazil") < page.index("zambia") < page.index("all panels")
    assert "2 answers: 1 supported, 1 contradicted." in in_words(made)


def test_a_part_of_a_claim_is_no_answer(tmp_path: Path) -> None:
    rows = [("H1", "peru", "supported", "not estimable"), ("H1", "chile", "supported", "supported")]
    table = pd.DataFrame(rows, columns=["hypothesis", "panel", "verdict", "claim_verdict"])
    table.to_parquet(tmp_path / "answers.parquet")
    source = Path(__file__).parents[3] / "analysis" / "hypotheses.yaml"
    found = read_hypotheses(source, tmp_path / "answers.parquet")
    assert next(claim["answers"] for claim in found if claim["id"] == "H1") == {"chile": "supported"}
    assert "1 of " in in_words(found)
