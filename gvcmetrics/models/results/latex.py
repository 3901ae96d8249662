"""One result as a table of LaTeX."""

from __future__ import annotations

import re

from gvcmetrics.ground.numbers import star_legend
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.results.summary import blocks_of, facts_of, header_of

_MARKS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "²": "$^2$",
    "σ": r"$\sigma$", "θ": r"$\theta$", "−": "$-$", "–": "--", "<": "$<$", ">": "$>$",
}  # fmt: skip


def summary_latex(results: Estimates) -> str:
    """A `tabular`: a header, the estimates by block, then what the model is of."""
    lines = [r"\begin{tabular}{lrrrrrr}", r"\toprule"]
    first, _, *rest = header_of(results)
    lines += [_row("", first, *rest), r"\midrule"]
    for title, rows in blocks_of(results):
        if title:
            lines.append(rf"\multicolumn{{7}}{{l}}{{\emph{{{_text(title)}}}}} \\")
        lines += [_row(label, value + _stars(mark), *more) for label, (value, mark, *more) in rows]
    lines.append(r"\midrule")
    lines += [
        rf"{_text(name)} & \multicolumn{{6}}{{r}}{{{_text(value)}}} \\" for name, value in facts_of(results)
    ]
    lines += [r"\bottomrule", rf"\multicolumn{{7}}{{l}}{{{_text(star_legend())}}} \\", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _row(label: str, *cells: str) -> str:
    marked = [cell if cell.startswith("$") or r"\textsuperscript" in cell else _text(cell) for cell in cells]
    return " & ".join([_text(label), *marked]) + r" \\"


def _stars(mark: str) -> str:
    return rf"\textsuperscript{{{mark}}}" if mark else ""


def _text(text: str) -> str:
    return re.sub(r"[\\&%$#_{}~^²σθ−–<>]", lambda mark: _MARKS[mark[0]], text)
