"""The first thing of the report: what every hypothesis gets from every panel, in words, signs and colours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gvcmetrics.claims.run import ALL_PANELS
from gvcmetrics.claims.verdict import CONTRADICTED, NEGLIGIBLE, SUPPORTED, UNCLEAR
from gvcmetrics.report.pages.manifest import PANEL
from gvcmetrics.report.tables.render.html import anchor, escape, region

SIGNS = {SUPPORTED: "✓", CONTRADICTED: "✗", UNCLEAR: "?", NEGLIGIBLE: "≈"}
_CLASSES = {SUPPORTED: "yes", CONTRADICTED: "no", UNCLEAR: "open", NEGLIGIBLE: "zero"}


def scorecard(claims: Sequence[Mapping[str, Any]], there: Collection[str] = ()) -> str:
    """Hypotheses × panels, with a sentence that counts; empty where no panel answers any.

    Parameters
    ----------
    claims : as `read_hypotheses` gives them, `answers` from panel to verdict.
    there : what the page has anchors for: pages of panels, tables of answers.
    """
    panels = sorted(
        {panel for claim in claims for panel in claim["answers"]}, key=lambda x: (x == ALL_PANELS, x)
    )
    if not panels:
        return ""
    head = "".join(
        f'<th scope="col">{_linked(_breakable(panel), f"{PANEL}{panel}", there)}</th>' for panel in panels
    )
    lines = []
    for claim in claims:
        cells = "".join(_cell(claim["answers"].get(panel)) for panel in panels)
        lines.append(
            f'<tr><th scope="row" title="{escape(claim["statement"])}">'
            f"{_linked(_breakable(claim['id']), 'answers_' + claim['id'], there)}</th>{cells}</tr>"
        )
    return (
        '<section id="scorecard">\n<h2>What the panels answer</h2>\n'
        f"<p>{escape(in_words(claims))}</p>\n"
        f'<div class="wide" {region("What the panels answer")}><table class="list scorecard">'
        f"<thead><tr><td></td>{head}</tr></thead>\n"
        f"<tbody>{''.join(lines)}</tbody></table></div>\n</section>"
    )


def in_words(claims: Sequence[Mapping[str, Any]]) -> str:
    """How many hypotheses have an answer, and which."""
    counts = dict.fromkeys(SIGNS, 0)
    for claim in claims:
        for panel, verdict in claim["answers"].items():
            counts[verdict] += panel != ALL_PANELS
    answered = [claim for claim in claims if claim["answers"]]
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    return (
        f"{len(answered)} of {len(claims)} hypotheses can be examined on a panel of this machine, in "
        f"{sum(counts.values())} answers: {said}. Verdicts take p-values adjusted within families "
        "of hypotheses. What the others need is listed below."
    )


def answers_of(claims: Sequence[Mapping[str, Any]], chapter: str, there: Collection[str]) -> str:
    """What one panel answers, for the end of its page; empty where it answers nothing."""
    panel = chapter.removeprefix(PANEL)
    lines = [
        f"<li>{_linked(escape(claim['id']), 'answers_' + claim['id'], there)} "
        f"<b>{escape(claim['answers'][panel])}</b>: {escape(claim['statement'])}</li>"
        for claim in claims
        if panel in claim["answers"]
    ]
    return f"<h3>What this panel answers</h3><ul>{''.join(lines)}</ul>" if lines else ""


def _linked(said: str, name: str, there: Collection[str]) -> str:
    to = anchor(name)
    return f'<a href="#{to}">{said}</a>' if to in there else said


def _breakable(name: str) -> str:
    """A name that may be broken after an underscore, not inside a word."""
    return escape(name).replace("_", "_<wbr>")


def _cell(verdict: str | None) -> str:
    if verdict is None:
        return '<td class="none" title="not estimable">·</td>'
    return (
        f'<td class="{_CLASSES[verdict]}"><b aria-hidden="true">{SIGNS[verdict]}</b> {escape(verdict)}</td>'
    )
