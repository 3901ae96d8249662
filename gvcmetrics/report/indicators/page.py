"""One page of all indicators, to which chapters and panels link."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gvcmetrics.ground.files import write_atomic
from gvcmetrics.ground.version import __version__
from gvcmetrics.report.indicators.read import Indicator, indicators
from gvcmetrics.report.pages.html import SHEET, inline
from gvcmetrics.report.tables.render.html import anchor, escape

PAGE = "indicators.html"
_KINDS = {
    "cases": "Cases",
    "clusters": "Clusters and regions",
    "firms": "Firms",
    "gvcmetrics": "Lineage",
    "governance": "Governance",
    "input-output": "Input-output tables",
    "items": "Items of a questionnaire",
    "trade": "Trade",
}
_MATH = re.compile(r":math:`([^`]+)`")


def write_indicators(out: str | Path, used: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Write the page of all indicators: definition, steps, result, source, where it is used, citation.

    Parameters
    ----------
    out : the page. used : measure → chapters of the report that use it, by their anchor.

    Returns
    -------
    pathlib.Path
        `out`.
    """
    every = indicators()
    groups: dict[str, list[Indicator]] = {}
    for each in every:
        groups.setdefault(_KINDS.get(each.kind, each.kind.capitalize()), []).append(each)
    contents = "".join(
        f"<details><summary>{escape(kind)}</summary><ol>"
        + "".join(f'<li><a href="#{anchor(i.name)}">{escape(i.name)}</a></li>' for i in members)
        + "</ol></details>"
        for kind, members in groups.items()
    )
    sections = [
        f"<h2>{escape(kind)}</h2>\n"
        + "\n".join(_section(each, (used or {}).get(each.name, ())) for each in members)
        for kind, members in groups.items()
    ]
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Indicators</title>\n<style>\n{SHEET}</style>\n</head>\n<body>",
        "<header><h1>Indicators</h1>",
        f"<p>What each of the {len(every)} measures of the package is. Formulas are in the notation of "
        "LaTeX.</p></header>",
        f'<nav aria-label="Contents"><h2>Contents</h2>{contents}</nav>\n<main>',
        *sections,
        f"</main>\n<footer><p>Made by gvcmetrics {escape(__version__)}.</p></footer>\n</body>\n</html>\n",
    ]
    return write_atomic(out, "\n".join(lines))


def _section(each: Indicator, chapters: Sequence[str]) -> str:
    steps = "".join(f"<li><code>{escape(k)}</code>: {_text(v)}</li>" for k, v in each.steps.items())
    links = ", ".join(f'<a href="report.html#{anchor(name)}">{escape(name)}</a>' for name in chapters)
    facts = {
        "Call": f"<code>{escape(each.call)}</code>",
        "Steps": f"<ul>{steps}</ul>" if steps else "",
        "Gives": _text(each.gives),
        "Refuses": _text(each.errors),
        "Source": _text(each.source) or "An elementary definition, as stated above.",
        "Used in": links,
        "To cite": _text(
            f"{each.source.rstrip('.') + '; ' if each.source else ''}computed by gvcmetrics {__version__}, "
            f"`measures.{each.name}`"
        ),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{body}</dd>" for name, body in facts.items() if body)
    body = "".join(_paragraph(part) for part in each.definition)
    return (
        f'<section id="{anchor(each.name)}" class="indicator"><h3>{escape(each.name)}</h3>\n'
        f'{body}<dl class="facts">{rows}</dl></section>'
    )


def _paragraph(part: str) -> str:
    if part.startswith(".. math::"):
        formula = re.sub(r"\s+", " ", part.removeprefix(".. math::")).strip()
        return f'<p class="formula"><code>{escape(formula)}</code></p>'
    before, found, formula = part.partition(".. math::")
    if found:
        return _paragraph(before.strip()) + _paragraph(f".. math::{formula}")
    return f"<p>{_text(part)}</p>"


def _text(text: str) -> str:
    return inline(re.sub(r"\s+", " ", _MATH.sub(r"`\1`", text).replace("``", "`")).strip())
