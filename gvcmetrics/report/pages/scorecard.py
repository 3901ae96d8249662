"""The first thing of the report: what every hypothesis gets from every panel, in words, signs and colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gvcmetrics.claims.run import ALL_PANELS
from gvcmetrics.claims.verdict import CONTRADICTED, NEGLIGIBLE, SUPPORTED, UNCLEAR
from gvcmetrics.report.tables.render.html import escape, region

SIGNS = {SUPPORTED: "✓", CONTRADICTED: "✗", UNCLEAR: "?", NEGLIGIBLE: "≈"}
_CLASSES = {SUPPORTED: "yes", CONTRADICTED: "no", UNCLEAR: "open", NEGLIGIBLE: "zero"}


def scorecard(claims: Sequence[Mapping[str, Any]]) -> str:
    """Hypotheses × panels, with a sentence that counts; empty where no panel answers any.

    Parameters
    ----------
    claims : as `read_hypotheses` gives them, `answers` from panel to verdict.
    """
    panels = sorted(
        {panel for claim in claims for panel in claim["answers"]}, key=lambda x: (x == ALL_PANELS, x)
    )
    if not panels:
        return ""
    head = "".join(f'<th scope="col">{_breakable(panel)}</th>' for panel in panels)
    lines = []
    for claim in claims:
        cells = "".join(_cell(claim["answers"].get(panel)) for panel in panels)
        lines.append(
            f'<tr><th scope="row" title="{escape(claim["statement"])}">{escape(claim["id"])}</th>{cells}</tr>'
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


def _breakable(name: str) -> str:
    """A name that may be broken after an underscore, not inside a word."""
    return escape(name).replace("_", "_<wbr>")


def _cell(verdict: str | None) -> str:
    if verdict is None:
        return '<td class="none" title="not estimable">·</td>'
    return (
        f'<td class="{_CLASSES[verdict]}"><b aria-hidden="true">{SIGNS[verdict]}</b> {escape(verdict)}</td>'
    )
