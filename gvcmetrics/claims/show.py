"""What the `hypotheses` commands print, and the end of `panel check`."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from gvcmetrics.claims.claim import Claim, describe, listed
from gvcmetrics.claims.match import match, said
from gvcmetrics.claims.run import (
    ALL_PANELS,
    claims_file,
    claims_of,
    find_claim,
    line,
    results_file,
    rows_of,
    run,
    write,
)
from gvcmetrics.claims.verdict import NOT_ESTIMABLE
from gvcmetrics.claims.vocabulary import VOCABULARY
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.show.findings import say
from gvcmetrics.panels.show.terminal import new_console, new_table
from gvcmetrics.panels.store.listing import panel_names
from gvcmetrics.panels.store.stored import find_panel, read_provenance


def print_list() -> None:
    """One line a hypothesis."""
    table = new_table("", "claim", "panel", "document")
    for claim in claims_of(None):
        where = f"{claim.document}, {claim.section}" if claim.section else claim.document
        table.add_row(claim.id, claim.claim, claim.contract, where)
    new_console().print(table)


def print_run() -> Path:
    """Examine everything, write the table, print a line for each claim that a panel answers."""
    project, console = find_project(), new_console()
    results = run(project)
    answered = results[results["verdict"] != NOT_ESTIMABLE]
    for (hypothesis, panel), rows in answered.groupby(["hypothesis", "panel"], sort=False):
        say(console, f"{hypothesis} on {panel}: {rows['claim_verdict'].iloc[0]}", style="bold")
        for found in rows_of(rows):
            say(console, line(found))
    silent = [each for each in results["hypothesis"].unique() if each not in set(answered["hypothesis"])]
    if silent:
        say(
            console,
            f"No panel answers {', '.join(silent)}; `gvcmetrics hypotheses explain` says what each needs.",
        )
    return write(results, results_file(project))


def print_explanation(hypothesis: str) -> None:
    """All that an entry says, and what each built panel has for it."""
    project, console = find_project(), new_console()
    claim = find_claim(hypothesis, claims_of(None, project))
    say(console, f"{claim.id}: {claim.claim}", style="bold")
    said_where = f"{claim.document}, {claim.section}" if claim.section else claim.document
    marks = {"document": "", "literature": "; from later literature", "proposed": "; proposed here"}
    say(console, f"{said_where}{marks[claim.mark]}. Speaks of {claim.contract} panels.")
    for equation in claim.equations:
        right = " + ".join(
            [*equation.regressors, *equation.given, *(f"[{name}]" for name in equation.controls)]
        )
        left = ", ".join(listed(equation.outcome))
        say(
            console,
            f"\n{equation.model}: {left} ~ {right or '1'}, effects as {equation.scale.replace('_', ' ')}",
        )
    say(console, "Controls in brackets are used where a panel has them.\n\nExpected:")
    for rule in claim.expect:
        say(console, f"  {describe(claim, rule)}{' (where a panel has it)' if rule.where_present else ''}")
    say(console, "\nMeasured by, the first that a panel has the columns for:")
    for name in claim.constructs:
        for construct in claim.alternatives(name):
            of = ", ".join(listed(construct.of)) or ", ".join(VOCABULARY[construct.measure].reads)
            say(console, f"  {name}: {construct.measure} of {of}{_meaning(construct.meaning)}")
    say(console, f"\nPanels (data to be had: {claim.get}):")
    for panel in panel_names(project):
        stored = find_panel(panel, project)
        if stored is not None:
            provenance = read_provenance(stored)
            say(console, f"  {panel}: {said(match(claim, provenance.contract, list(provenance.columns)))}")
    results = results_file(project)
    if results.exists():
        _print_results(claim, results)


def _print_results(claim: Claim, path: Path) -> None:
    console, known = new_console(), pd.read_parquet(path)
    rows = known[(known["hypothesis"] == claim.id) & (known["verdict"] != NOT_ESTIMABLE)]
    for panel, found in rows.groupby("panel", sort=False):
        title = "Summary over panels" if panel == ALL_PANELS else f"Verdict on {panel}"
        say(console, f"\n{title}: {found['claim_verdict'].iloc[0]}", style="bold")
        for each in rows_of(found):
            say(console, line(each))


def print_answerable(contract: str, columns: Collection[str], project: Project) -> None:
    """What a panel with these columns can answer, and which columns would let it answer more."""
    if not claims_file(project).exists():
        return
    console = new_console()
    found = [
        match(claim, contract, columns) for claim in claims_of(None, project) if claim.contract == contract
    ]
    say(console, "\nHypotheses that these columns can answer:", style="bold")
    able = [each for each in found if each.answers]
    for each in able:
        say(console, f"  {each.claim.id}: {each.claim.claim}")
    if not able:
        say(console, "  none")
    more = [
        (each.claim.id, "; ".join(each.lacks or each.wanted)) for each in found if each.lacks or each.wanted
    ]
    if more:
        say(console, "With further columns it would answer (more of):", style="bold")
        for hypothesis, wanted in more:
            say(console, f"  {hypothesis}: {wanted}")


def _meaning(text: str) -> str:
    return f" ({text})" if text else ""
