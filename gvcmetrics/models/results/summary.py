"""Results as text and as HTML."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.ground.numbers import estimate, stars_of
from gvcmetrics.ground.printing import LEGEND, WIDTH, decimals, label_room, labelled
from gvcmetrics.models.inference.estimates import Estimates
from gvcmetrics.models.results.ratios import as_ratios, ratio_of

STATISTIC_LABELS = {
    "nobs": "Observations",
    "n_clusters": "Clusters",
    "units": "Units",
    "treated_units": "Units ever treated",
    "treated_rows": "Treated rows",
    "r2": "R²",
    "r2_adjusted": "Adjusted R²",
    "r2_within": "Within R²",
    "r2_between": "Between R²",
    "r2_overall": "Overall R²",
    "pseudo_r2": "Pseudo R²",
    "sigma_u": "σ_u",
    "sigma_e": "σ_e",
    "rho": "Intraclass correlation",
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
    "nquad": "Quadrature points",
    "units_left_out": "Units left out",
    "lr_independence": "LR test of independence",
    "lr_independence_p": "LR test of independence, p",
    "rows_left_out": "Rows left out",
    "penalised_loglik": "Penalised log likelihood",
    "iterations": "Newton steps",
    "lr_pooled": "LR test against pooled",
    "lr_pooled_p": "LR test against pooled, p",
}
_NUMBERS = (11, 3, 11, 8, 6, 11, 11)


def summary_text(results: Estimates, *, exponentiate: bool = False) -> str:
    """A fixed-width table: facts, estimates by block, statistics, notes."""
    blocks = blocks_of(results, exponentiate=exponentiate)
    header = header_of(results, ratio_of(results) if exponentiate else None)
    room = label_room([label for _, rows in blocks for label, _ in rows], sum(_NUMBERS) + len(_NUMBERS))
    width = max(WIDTH, room + sum(_NUMBERS) + len(_NUMBERS))
    lines = [
        _title(results),
        "═" * width,
        *_pairs(facts_of(results), width),
        "─" * width,
        *labelled("", _columns(header), room),
        "─" * width,
    ]
    for title, rows in blocks:
        if title:
            lines += [] if lines[-1].startswith("─") else ["─" * width]
            lines.append(title)
        for label, cells in rows:
            lines += labelled(label, _columns(cells), room)
    lines.append("─" * width)
    lines += _pairs(_statistics(results), width)
    for title, frame in results.extra.items():
        lines += ["", title, *_fitting(frame, width)]
    lines.append("═" * width)
    for note in _notes(results):
        lines += textwrap.wrap(note, width, subsequent_indent="  ")
    return "\n".join(lines)


def summary_html(results: Estimates) -> str:
    """The same table for a notebook."""

    def row(label: str, cells: Sequence[str], tag: str) -> str:
        estimate, mark, *rest = (html.escape(cell) for cell in cells)
        # The stars take no width, so that the numbers stay in line.
        hung = f"<sup style='display:inline-block;width:0'>{mark}</sup>" if mark else ""
        numbers = [f"{estimate}{hung}", *rest]
        made = "".join(
            f"<{tag} style='text-align:right;padding:.1em .9em'>{number}</{tag}>" for number in numbers
        )
        return f"<tr><{tag} style='text-align:left'>{html.escape(label)}</{tag}>{made}</tr>"

    rows = []
    for title, block in blocks_of(results):
        if title:
            rows.append(f"<tr><td colspan='7' style='text-align:left'><i>{html.escape(title)}</i></td></tr>")
        rows += [row(label, cells, "td") for label, cells in block]
    listed = " · ".join(
        f"{html.escape(name)}: {html.escape(value)}"
        for name, value in facts_of(results) + _statistics(results)
    )
    extra = "".join(
        f"<p>{html.escape(title)}</p>{frame.to_html(float_format=estimate, border=0)}"
        for title, frame in results.extra.items()
    )
    notes = "<br>".join(html.escape(note) for note in _notes(results))
    return (
        f"<div><b>{html.escape(_title(results))}</b><br><small>{listed}</small>"
        f"<table><thead>{row('', header_of(results), 'th')}</thead><tbody>{''.join(rows)}</tbody></table>"
        f"{extra}<small>{notes}</small></div>"
    )


def term_in_block(term: str, block: str) -> str:
    """The name of a parameter below the title of its block, which says the equation already."""
    return term.removeprefix(f"{block}: ")


def left_out(dropped: Mapping[str, int]) -> str:
    """A sentence about rows left out and why, empty if none were."""
    counted = [f"{count:,} {'row' if count == 1 else 'rows'} ({reason})" for reason, count in dropped.items()]
    return f"Left out: {', '.join(counted)}." if counted else ""


def _title(results: Estimates) -> str:
    return f"{results.model}, {results.effects} effects" if results.effects != "pooled" else results.model


def facts_of(results: Estimates) -> list[tuple[str, str]]:
    """Outcome, observations, errors, effects, log likelihood, by name."""
    facts = [("Outcome", results.outcome), ("Observations", f"{results.nobs:,}")]
    facts += [("Errors", results.vcov_label)]
    facts += [(f"Groups in {name}", f"{count:,}") for name, count in results.n_clusters.items()]
    if results.absorbed:
        facts.append(("Absorbed", " + ".join(results.absorbed)))
    if results.loglik is not None:
        facts.append(("Log likelihood", f"{results.loglik:.4f}"))
    return facts


def _statistics(results: Estimates) -> list[tuple[str, str]]:
    labels = results.__maketables_stat_labels__
    return [(labels.get(key, key), estimate(value)) for key, value in results.statistics.items()]


def header_of(results: Estimates, ratio: str | None = None) -> list[str]:
    """Names of the columns, the second of which is for stars."""
    statistic = "z" if np.isinf(results.df) else "t"
    return [
        ratio.split()[0].capitalize() + " r." if ratio else "Estimate",
        "",
        "Std. error",
        statistic,
        "p",
        "95 % conf.",
        "interval",
    ]


def _columns(cells: Sequence[str]) -> str:
    aligned = [
        cell.ljust(size) if position == 1 else cell.rjust(size)
        for position, (cell, size) in enumerate(zip(cells, _NUMBERS, strict=True))
    ]
    return " ".join(aligned)


def blocks_of(
    results: Estimates, *, exponentiate: bool = False
) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Title, and rows of label and cells, of each block; parameters in no block come first."""
    frame = as_ratios(results, results.tidy()) if exponentiate else results.tidy()
    tidy = {row.term: row for row in frame.itertuples()}
    placed = {term for terms in results.blocks.values() for term in terms}
    blocks = {"": [term for term in tidy if term not in placed], **results.blocks}

    def cells(term: Any, title: str) -> list[str]:
        row, tested = tidy[term], title not in results.untested
        test = (
            (stars_of(row.p_value), decimals(row.statistic, 2), decimals(row.p_value, 3))
            if tested
            else ("", "", "")
        )
        return [
            estimate(row.estimate),
            test[0],
            estimate(row.std_error),
            *test[1:],
            estimate(row.conf_low),
            estimate(row.conf_high),
        ]

    return [
        (
            title,
            [(term_in_block(str(term), title), cells(term, title)) for term in terms],
        )
        for title, terms in blocks.items()
    ]


def _fitting(frame: pd.DataFrame, width: int) -> list[str]:
    """A frame as lines; the columns of one that is too wide are numbered, as the rows then are."""
    lines = frame.to_string(float_format=estimate).splitlines()
    if len(lines[0]) <= width:
        return lines
    rows = [f"({position}) {name}" for position, name in enumerate(frame.index, start=1)]
    columns = [f"({position})" for position in range(1, frame.shape[1] + 1)]
    return frame.set_axis(rows).set_axis(columns, axis=1).to_string(float_format=estimate).splitlines()


def _notes(results: Estimates) -> list[str]:
    degrees = np.atleast_1d(results.df_by_parameter)
    known = degrees[np.isfinite(degrees)]
    of_t = "the normal"
    if len(known):
        low, high = known.min(), known.max()
        of_t = f"t({low:.0f})" if low == high else f"t({low:.1f}) to t({high:.1f})"
    notes = [f"{LEGEND}. p and intervals from {of_t}."]
    if not results.converged:
        notes.insert(0, "NOT CONVERGED: do not use these estimates.")
    notes += [left_out(results.dropped)] if results.dropped else []
    notes += [*results.notes, *results.moved.notes, *results.unavailable]
    return [*notes, *([results.vcov_note] if results.vcov_note else []), results.call]


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
            first, *rest = textwrap.wrap(value, width - len(name) - 1)
            lines.append(f"{name} {first.rjust(width - len(name) - 1)}")
            lines += [line.rjust(width) for line in rest]
            continue
        cell = name + value.rjust(half - len(name))
        if waiting:
            lines.append(f"{waiting}    {cell}")
            waiting = None
        else:
            waiting = cell
    return [*lines, waiting] if waiting else lines
