"""Estimates side by side: results of any model become columns of one table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.numbers import STARS, count, fixed, printed, star_legend, stars_of
from gvcmetrics.ground.provenance import Told, as_list, is_simulated, source_note
from gvcmetrics.models.results.summary import left_out, term_in_block
from gvcmetrics.report.tables.formats import Table
from gvcmetrics.report.tables.grid import Block, Cell, Note, Row, Span
from gvcmetrics.report.tables.terms import effect_label, same_term, select_terms, term_label

BELOW = {
    "std_error": "Standard errors in parentheses",
    "statistic": "t or z statistics in parentheses",
    "p_value": "p-values in parentheses",
    "conf_int": "95% confidence intervals in brackets",
}
STATISTICS = {"outcome_mean": "Mean of outcome"}
DEFAULT_STATISTICS = ("r2", "r2_within", "pseudo_r2", "rho", "effective_f", "loglik", "outcome_mean")
_ONE_DECIMAL = {"loglik", "aic", "bic"}
# Blocks of parameters that are no coefficients stand below the equations, whichever column brings them.


@dataclass(frozen=True)
class _Column:
    """One result, read once: its estimates by (block, term) and the facts of its foot."""

    result: Any
    estimates: dict[tuple[str, str], dict[str, float]]


def regression_table(
    results: Any,
    *,
    title: str = "",
    headers: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
    keep: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    order: str | Sequence[str] | None = None,
    below: str | None = "std_error",
    stars: Mapping[str, float] | bool = True,
    digits: int = 3,
    statistics: Sequence[str] | Mapping[str, str] = DEFAULT_STATISTICS,
    rows: Mapping[str, Sequence[object]] | None = None,
    notes: Sequence[str] = (),
    sample: str = "",
    calls: bool = True,
    provenance: Told | Sequence[Told] | None = None,
) -> Table:
    """Results side by side, one column each, whatever the models.

    Parameters
    ----------
    results : a result, a sequence of results, or a mapping from column headers to results. Of a result
        the table reads `tidy()` (term, estimate, std_error, statistic, p_value, conf_low, conf_high; and
        `block`, where cutpoints or correlations stand apart), `nobs`, `n_clusters`, `statistic(key)`,
        `model`, `effects`, `vcov_label`, `call`, `outcome`, `absorbed`, `dropped`, `converged`, `notes`,
        and the `sample` with the outcome and the frame behind it.
    title : caption.
    headers : one header for each column instead of the outcomes; equal neighbours share one.
    groups : a further row of headers on top, shared in the same way; of a `ResultsList` its samples, where
        there are several.
    labels : readable names of variables; they win over those in the `attrs["labels"]` of the frames.
    keep, drop, order : regular expressions on terms or their labels; the constant comes last.
    below : what stands under each estimate: 'std_error', 'statistic', 'p_value', 'conf_int', or None.
    stars : thresholds by mark (default ``{"*": 0.10, "**": 0.05, "***": 0.01}``), or False for none.
    digits : decimals of estimates.
    statistics : which statistics the foot shows, where a result has them; a mapping also names them.
    rows : extra rows of the foot, by label, with one value for each column.
    notes : sentences under the table, before those that the table writes itself.
    sample : sentence about the sample.
    calls : whether the notes give the exact call behind each column.
    provenance : of the panels; by default what the frames carry in `attrs["provenance"]`.

    Raises
    ------
    SpecError
        For no results, an unknown `below`, headers, groups or rows of another length than the results,
        and patterns that leave no term.
    """
    if isinstance(results, Mapping):
        headers, results = headers or list(results), list(results.values())
    groups = groups or getattr(results, "groups", None)
    results = list(results) if isinstance(results, Sequence) else [results]
    if not results:
        raise SpecError("there are no results to print", remedy="Pass at least one.")
    if below not in {*BELOW, None}:
        raise SpecError(f"below='{below}' is not known", remedy=f"Use one of {', '.join(BELOW)}, or None.")
    for name, given in {"headers": headers, "groups": groups, **(rows or {})}.items():
        if given is not None and len(given) != len(results):
            raise SpecError(
                f"'{name}' has {len(given)} entries for {len(results)} results", remedy="Give one for each."
            )
    thresholds = STARS if stars is True else dict(stars or {})
    labels = {**_carried_labels(results), **(labels or {})}
    columns = _in_one_spelling([_read(result) for result in results])
    sources = as_list(provenance) or _carried_sources(results)
    body = _estimate_blocks(columns, labels, (keep, drop, order), below, thresholds, digits)
    if not body:
        raise SpecError(
            "keep and drop leave no term to print",
            remedy=f"The terms are: {', '.join(dict.fromkeys(t for c in columns for _, t in c.estimates))}.",
        )
    foot = [
        _effect_rows(results, labels, rows),
        _fit_rows(results, statistics, digits),
    ]
    return Table(
        columns=_column_names(results, headers, labels),
        align=("c",) * len(results),
        headers=_headers(results, headers, groups, labels),
        blocks=(*body, *(Block(tuple(lines)) for lines in foot if lines)),
        title=title,
        notes=tuple(_notes(results, below, thresholds, notes, sample, calls, sources)),
        simulated=is_simulated(sources),
        sourced=bool(sources),
    )


def _carried(results: list[Any], key: str) -> list[Any]:
    """What the frames behind the results say about themselves under `key`."""
    attributes = [result.sample.attrs for result in results if result.sample is not None]
    return [carried[key] for carried in attributes if carried.get(key)]


def _carried_labels(results: list[Any]) -> dict[str, str]:
    return {name: label for labels in reversed(_carried(results, "labels")) for name, label in labels.items()}


def _carried_sources(results: list[Any]) -> list[Told]:
    found: list[Told] = []
    for sources in _carried(results, "provenance"):
        found += [item for item in as_list(sources) if item not in found]
    return found


def _read(result: Any) -> _Column:
    estimates = {}
    for line in result.tidy().to_dict("records"):
        numbers = {key: float(value) for key, value in line.items() if key not in {"term", "block"}}
        block = line.get("block") or ""
        estimates[block, term_in_block(line["term"], block)] = numbers
    return _Column(result, estimates)


def _in_one_spelling(columns: list[_Column]) -> list[_Column]:
    """The columns with each term spelt as where it is first met, so that it is one row."""
    first: dict[tuple[str, tuple[str, ...]], str] = {}
    made = []
    for column in columns:
        estimates = {}
        for (block, term), numbers in column.estimates.items():
            spelling = first.setdefault((block, same_term(term)), term)
            taken = spelling != term and (block, spelling) in column.estimates
            estimates[block, term if taken else spelling] = numbers
        made.append(replace(column, estimates=estimates))
    return made


def _estimate_blocks(
    columns: list[_Column],
    labels: Mapping[str, str],
    choice: tuple[Any, Any, Any],
    below: str | None,
    thresholds: Mapping[str, float],
    digits: int,
) -> list[Block]:
    titles = dict.fromkeys(block for column in columns for block, _ in column.estimates)
    last = {title for column in columns for title in getattr(column.result, "ancillary", ())}
    untested = {title for column in columns for title in getattr(column.result, "untested", ())}
    blocks = []
    for title in sorted(titles, key=lambda title: (title != "", title in last)):
        starred = {} if title in untested else thresholds
        terms = [term for column in columns for block, term in column.estimates if block == title]
        rows = []
        for term in select_terms(terms, labels, *choice):
            found = [column.estimates.get((title, term)) for column in columns]
            estimates = tuple(_estimate(numbers, starred, digits) for numbers in found)
            rows.append(Row(term_label(term, labels), estimates, name=term))
            if below:
                rows.append(Row("", tuple(_below(numbers, below, digits) for numbers in found), name=term))
        blocks += [Block(tuple(rows), labels.get(title, title))] if rows else []
    return blocks


def _estimate(numbers: dict[str, float] | None, thresholds: Mapping[str, float], digits: int) -> Cell:
    if numbers is None:
        return Cell()
    p_value = numbers["p_value"]
    return Cell(
        fixed(numbers["estimate"], digits),
        stars=stars_of(p_value, thresholds),
        numbers=(("estimate", numbers["estimate"]), ("p_value", p_value)),
    )


def _below(numbers: dict[str, float] | None, below: str, digits: int) -> Cell:
    if numbers is None:
        return Cell()
    if below == "conf_int":
        low, high = numbers["conf_low"], numbers["conf_high"]
        text = f"[{fixed(low, digits)}, {fixed(high, digits)}]"
        return Cell(text, numbers=(("conf_low", low), ("conf_high", high)))
    return Cell(f"({fixed(numbers[below], digits)})", numbers=((below, numbers[below]),))


def _effect_rows(
    results: list[Any], labels: Mapping[str, str], extra: Mapping[str, Sequence[object]] | None
) -> list[Row]:
    found = []
    for effect in dict.fromkeys(effect for result in results for effect in result.absorbed):
        cells = (Cell("✓" if effect in result.absorbed else "") for result in results)
        found.append(Row(effect_label(effect, labels), tuple(cells), name=effect))
    effects = tuple(
        Cell("" if result.effects == "pooled" else result.effects.replace("_", " ")) for result in results
    )
    if any(cell.text for cell in effects):
        found.append(Row("Unit effects", effects, name="effects"))
    clusters = tuple(
        Cell(", ".join(term_label(name, labels) for name in result.n_clusters)) for result in results
    )
    if any(cell.text for cell in clusters):
        found.append(Row("Clustered by", clusters, name="clusters"))
    for label, values in (extra or {}).items():
        found.append(Row(label, tuple(Cell(printed(value, None, 3)) for value in values)))
    return found


def _fit_rows(results: list[Any], statistics: Sequence[str] | Mapping[str, str], digits: int) -> list[Row]:
    found = [Row("Observations", tuple(_counts("nobs", [r.nobs]) for r in results), name="nobs")]
    clusters = [list(result.n_clusters.values()) for result in results]
    if any(clusters):
        found.append(
            Row("Clusters", tuple(_counts("n_clusters", numbers) for numbers in clusters), name="n_clusters")
        )
    names = statistics if isinstance(statistics, Mapping) else _statistic_labels(results)
    for name in statistics:
        label = names.get(name, name)
        values = [_statistic(result, name) for result in results]
        if any(value is not None for value in values):
            places = 1 if name in _ONE_DECIMAL else digits
            cells = (Cell() if v is None else Cell(fixed(v, places), numbers=((name, v),)) for v in values)
            found.append(Row(label, tuple(cells), name=name))
    return found


def _counts(name: str, numbers: Sequence[int]) -> Cell:
    return Cell(", ".join(map(count, numbers)), numbers=tuple((name, float(number)) for number in numbers))


def _statistic(result: Any, name: str) -> float | None:
    value = result.statistic(name)
    return None if value is None or math.isnan(value) else float(value)


def _statistic_labels(results: list[Any]) -> dict[str, str]:
    """The names that the models give their statistics; results offer them to table makers."""
    found = dict(STATISTICS)
    for result in results:
        found.update(getattr(result, "__maketables_stat_labels__", {}))
    return found


def _outcomes(results: list[Any], labels: Mapping[str, str]) -> list[str]:
    return [_outcome(str(result.outcome), labels) for result in results]


def _outcome(name: str, labels: Mapping[str, str]) -> str:
    """The label of an outcome, or of each of the several that a joint model has."""
    parts = name.split(" + ")
    known = name not in labels and all(part in labels for part in parts)
    return " + ".join(labels[part] for part in parts) if known else term_label(name, labels)


def _column_names(
    results: list[Any], headers: Sequence[str] | None, labels: Mapping[str, str]
) -> tuple[str, ...]:
    shown = headers or _outcomes(results, labels)
    return tuple(f"({number}) {header}".strip() for number, header in enumerate(shown, start=1))


def _headers(
    results: list[Any],
    headers: Sequence[str] | None,
    groups: Sequence[str] | None,
    labels: Mapping[str, str],
) -> tuple[tuple[Span, ...], ...]:
    models = [result.model for result in results]
    levels = [_merged(groups)] if groups else []
    levels.append(_merged(headers or _outcomes(results, labels)))
    if len(set(models)) > 1:
        levels.append(_merged(models))
    return (*levels, tuple(Span(f"({number})") for number in range(1, len(results) + 1)))


def _merged(texts: Sequence[str]) -> tuple[Span, ...]:
    return tuple(Span(text, len(list(run))) for text, run in groupby(texts))


def _notes(
    results: list[Any],
    below: str | None,
    thresholds: Mapping[str, float],
    notes: Sequence[str],
    sample: str,
    calls: bool,
    sources: list[Told],
) -> list[Note]:
    found = [Note(text) for text in notes]
    said = f"{BELOW[below]}{'' if below == 'std_error' else '; standard errors'}: " if below else ""
    said += f"{_inference(results)}. " if below else ""
    legend = f"{star_legend(thresholds)}." if thresholds else ""
    found += [Note((said + legend).strip())] if said or legend else []
    found += [Note(f"Sample: {sample}")] if sample else []
    found += [Note(source_note(sources))] if sources else []
    for number, result in enumerate(results, start=1):
        said = " ".join(_facts(result))
        call = str(result.call) if calls else ""
        if said or call:
            found.append(Note(f"({number}) {said}".strip(), code=call))
    return found


def _inference(results: list[Any]) -> str:
    """The kind of standard errors; where columns differ, with the columns that have each."""
    columns: dict[str, list[str]] = {}
    for number, result in enumerate(results, start=1):
        columns.setdefault(result.vcov_label, []).append(f"({number})")
    if len(columns) == 1:
        return next(iter(columns))
    return "; ".join(f"{label} in {', '.join(where)}" for label, where in columns.items())


def _facts(result: Any) -> list[str]:
    """What a reader must know of one column beside its numbers."""
    found = [] if result.converged else ["NOT CONVERGED: do not use these estimates."]
    found += [left_out(result.dropped)] if result.dropped else []
    return [*found, *result.notes]
