"""Results as text and as HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gvcmetrics.models.results import Results

WIDTH = 92
STATISTIC_LABELS = {
    "nobs": "Observations",
    "n_clusters": "Clusters",
    "units": "Units",
    "r2": "R²",
    "r2_adjusted": "Adjusted R²",
    "r2_within": "Within R²",
    "r2_between": "Between R²",
    "r2_overall": "Overall R²",
    "pseudo_r2": "Pseudo R²",
    "sigma_u": "σ_u",
    "sigma_e": "σ_e",
    "rho": "ρ",
    "theta": "θ",
    "theta_min": "θ smallest",
    "theta_max": "θ largest",
    "loglik": "Log likelihood",
    "aic": "AIC",
    "bic": "BIC",
    "deviance": "Deviance",
    "rmse": "Root MSE",
    "mundlak": "Mundlak test",
    "mundlak_p": "Mundlak test, p",
    "units_left_out": "Units left out",
    "lr_independence": "LR test of independence",
    "lr_independence_p": "LR test of independence, p",
    "rows_left_out": "Rows left out",
    "penalised_loglik": "Penalised log likelihood",
    "iterations": "Newton steps",
    "lr_pooled": "LR test against pooled",
    "lr_pooled_p": "LR test against pooled, p",
}
STARS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
LEGEND = "*** p < 0.01, ** p < 0.05, * p < 0.10"


def stars(pvalue: Any) -> str:
    """Stars of a p-value, at 1, 5 and 10 per cent."""
    return next((mark for level, mark in STARS if pvalue < level), "")


def number(value: Any) -> str:
    """A number for a table: four decimals, or scientific where those would hide it."""
    if value is None or np.isnan(value):
        return "."
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.4f}"
    return f"{value:.3e}"


def summary_text(results: Results) -> str:
    """A fixed-width table: facts, estimates by block, statistics, notes."""
    tidy = results.tidy()
    statistic = "z" if np.isinf(results.df) else "t"
    header = ["", "Estimate", "", "Std. error", statistic, "p", "95 % conf.", "interval"]
    body = {
        str(row.term): [
            str(row.term),
            number(row.estimate),
            stars(row.p_value),
            number(row.std_error),
            f"{row.statistic:.2f}",
            f"{row.p_value:.3f}",
            number(row.conf_low),
            number(row.conf_high),
        ]
        for row in tidy.itertuples()
    }
    longest = max((len(str(term)) for term in body), default=4)
    widths = [max(14, min(longest, 34)), 11, 3, 11, 8, 6, 11, 11]
    width = max(WIDTH, sum(widths) + len(widths) - 1)

    def line(cells: Sequence[str]) -> str:
        first = cells[0] if len(cells[0]) <= widths[0] else cells[0][: widths[0] - 1] + "…"
        rest = [
            cell.ljust(size) if position == 1 else cell.rjust(size)
            for position, (cell, size) in enumerate(zip(cells[1:], widths[1:], strict=True))
        ]
        return " ".join([first.ljust(widths[0]), *rest]).rstrip()

    lines = [
        _title(results),
        "═" * width,
        *_pairs(_facts(results), width),
        "─" * width,
        line(header),
        "─" * width,
    ]
    for title, terms in _blocks(results):
        if title:
            lines.append(title)
        lines += [line(body[term]) for term in terms]
    lines.append("─" * width)
    lines += _pairs(
        [(STATISTIC_LABELS.get(key, key), number(value)) for key, value in results.statistics.items()], width
    )
    for title, frame in results.extra.items():
        lines += ["", title, *frame.to_string(float_format=number).splitlines()]
    lines.append("═" * width)
    for note in _notes(results):
        lines += textwrap.wrap(note, width, subsequent_indent="  ")
    return "\n".join(lines)


def summary_html(results: Results) -> str:
    """The same table for a notebook."""
    tidy = results.tidy().set_index("term")
    statistic = "z" if np.isinf(results.df) else "t"
    cell = "<td style='text-align:right'>{}</td>"
    head = "".join(
        f"<th style='text-align:right'>{name}</th>"
        for name in ("", "Estimate", "Std. error", statistic, "p", "95 % conf.", "interval")
    )
    rows = []
    for title, terms in _blocks(results):
        if title:
            rows.append(f"<tr><td colspan='7'><i>{html.escape(title)}</i></td></tr>")
        for term in terms:
            row = tidy.loc[term]
            values = [
                f"{number(row['estimate'])}<sup>{stars(row['p_value'])}</sup>",
                number(row["std_error"]),
                f"{row['statistic']:.2f}",
                f"{row['p_value']:.3f}",
                number(row["conf_low"]),
                number(row["conf_high"]),
            ]
            name = f"<td style='text-align:left'>{html.escape(str(term))}</td>"
            rows.append("<tr>" + name + "".join(cell.format(value) for value in values) + "</tr>")
    facts = _facts(results) + [
        (STATISTIC_LABELS.get(key, key), number(value)) for key, value in results.statistics.items()
    ]
    listed = " · ".join(f"{html.escape(name)}: {html.escape(value)}" for name, value in facts)
    extra = "".join(f"<p>{html.escape(title)}</p>{frame.to_html()}" for title, frame in results.extra.items())
    notes = "<br>".join(html.escape(note) for note in _notes(results))
    return (
        f"<div><b>{html.escape(_title(results))}</b><br><small>{listed}</small>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{extra}<small>{notes}</small></div>"
    )


def _title(results: Results) -> str:
    return f"{results.model}, {results.effects} effects" if results.effects != "pooled" else results.model


def _facts(results: Results) -> list[tuple[str, str]]:
    facts = [("Outcome", results.outcome), ("Observations", f"{results.nobs:,}")]
    facts += [("Errors", results.vcov_label)]
    facts += [(f"Groups in {name}", f"{count:,}") for name, count in results.n_clusters.items()]
    if results.absorbed:
        facts.append(("Absorbed", " + ".join(results.absorbed)))
    if results.loglik is not None:
        facts.append(("Log likelihood", f"{results.loglik:.4f}"))
    return facts


def _blocks(results: Results) -> list[tuple[str, list[str]]]:
    placed = {term for terms in results.blocks.values() for term in terms}
    first = [term for term in results.params.index if term not in placed]
    return [("", first), *((title, list(terms)) for title, terms in results.blocks.items())]


def _notes(results: Results) -> list[str]:
    notes = [
        f"{LEGEND}. p and intervals from {'the normal' if np.isinf(results.df) else f't({results.df:.0f})'}."
    ]
    if not results.converged:
        notes.insert(0, "NOT CONVERGED: do not use these estimates.")
    if results.dropped:
        notes.append(
            "Left out: "
            + ", ".join(f"{count:,} rows ({reason})" for reason, count in results.dropped.items())
            + "."
        )
    return [*notes, *results.notes, results.call]


def _pairs(facts: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Two facts a line, names left and values right in their half; a long fact has a line of its own."""
    half = (width - 4) // 2
    lines: list[str] = []
    waiting: str | None = None
    for name, value in facts:
        if len(name) + len(value) + 1 > half:
            if waiting:
                lines.append(waiting.rstrip())
                waiting = None
            lines.append(f"{name} {value.rjust(width - len(name) - 1)}")
            continue
        cell = name + value.rjust(half - len(name))
        if waiting:
            lines.append(f"{waiting}    {cell}")
            waiting = None
        else:
            waiting = cell
    return [*lines, waiting] if waiting else lines
