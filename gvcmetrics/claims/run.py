"""Every hypothesis × every built panel: one tidy table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.claims.claim import Claim, Rule, describe
from gvcmetrics.claims.examine import examine_claim, row
from gvcmetrics.claims.match import match
from gvcmetrics.claims.pool import leave_one_out, pool
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.verdict import NOT_ESTIMABLE, evidence, judged
from gvcmetrics.errors import MissingSourceError, SpecError
from gvcmetrics.ground.files import replacing
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.store.listing import panel_names
from gvcmetrics.panels.store.read import panel
from gvcmetrics.panels.store.stored import find_panel, read_provenance

ALL_PANELS = "all panels"
"""What the rows of the summaries over panels have for the panel's name."""

COLUMNS = {
    "hypothesis": "string", "panel": "string", "rule": "string", "outcome": "string", "regressor": "string",
    "required": "boolean", "sign": "string", "bound": "float64", "scale": "string",
    "family": "string", "adjustment": "string",
    "estimate": "float64", "std_error": "float64", "conf_low": "float64", "conf_high": "float64",
    "p_value": "float64", "p_adjusted": "float64", "favours": "boolean", "p_negligible": "float64",
    "n": "Int64", "rows": "Int64", "clusters": "Int64", "model": "string", "effects": "string",
    "errors": "string", "measured_by": "string", "ways": "string", "controls_left_out": "string",
    "call": "string", "reason": "string",
    "tau2": "float64", "i2": "float64", "q_p": "float64", "leave_one_out": "string",
    "verdict": "string", "claim_verdict": "string",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class Answer:
    """What one frame answers to one hypothesis.

    Attributes
    ----------
    verdict : on the whole claim. results : one row a rule, with estimate, interval, p-values and the call.
    """

    claim: Claim
    verdict: str
    results: pd.DataFrame

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.claim.id}: {self.claim.claim}", f"→ {self.verdict}", *map(line, rows_of(self.results))]
        )

    __repr__ = __str__


def rows_of(results: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as mappings."""
    return [{str(key): value for key, value in each.items()} for each in results.to_dict("records")]


def line(found: dict[str, Any]) -> str:
    """One row of results as a line of text."""
    if found["verdict"] == NOT_ESTIMABLE:
        return f"  {found['rule']}: {found['reason']}"
    clusters = "" if pd.isna(found["clusters"]) else f", {found['clusters']} clusters"
    p = "p < 0.001" if found["p_adjusted"] < 0.001 else f"p = {found['p_adjusted']:.3f}"
    numbers = p
    if not pd.isna(found["estimate"]):
        interval = f"[{found['conf_low']:.3f}, {found['conf_high']:.3f}]"
        numbers = f"{found['estimate']:.3f} {interval} ({found['scale'].replace('_', ' ')}), {p}"
    return f"  {found['rule']}: {numbers}, N = {found['n']}{clusters}: {found['verdict']}"


def claims_file(project: Project) -> Path:
    """The project's hypotheses, `analysis/hypotheses.yaml`."""
    return (project.home or project.data).parent / "analysis" / "hypotheses.yaml"


def results_file(project: Project) -> Path:
    """Where `run` writes."""
    return claims_file(project).parent / "results" / "hypotheses.parquet"


def claims_of(path: str | Path | None, project: Project | None = None) -> tuple[Claim, ...]:
    """The hypotheses of a file, by default those of the project."""
    if path is None:
        path = claims_file(project or find_project())
        if not path.exists():
            raise MissingSourceError(
                "the project has no file analysis/hypotheses.yaml", remedy="Write one, or pass path="
            )
    return read_claims(path)


def find_claim(hypothesis: str, claims: Sequence[Claim]) -> Claim:
    """A hypothesis by its id.

    Raises
    ------
    SpecError : there is none; the nearest is named.
    """
    known = {claim.id: claim for claim in claims}
    if hypothesis not in known:
        remedy = did_you_mean(hypothesis, known, f"There are: {', '.join(known)}")
        raise SpecError(f"there is no hypothesis '{hypothesis}'", remedy=remedy)
    return known[hypothesis]


def hypotheses(path: str | Path | None = None, project: Project | None = None) -> pd.DataFrame:
    """The field's hypotheses, as the project declares them.

    Parameters
    ----------
    path : a YAML file; by default the project's `analysis/hypotheses.yaml`.

    Returns
    -------
    pandas.DataFrame : one row a hypothesis, index `hypothesis`: the claim, document, section, contract,
        family, what it expects, and where data for it are to be had.

    Raises
    ------
    SpecError : an entry breaks the schema, or no data could fail it.
    """
    rows = [
        {
            "hypothesis": claim.id,
            "claim": claim.claim,
            "document": claim.document,
            "section": claim.section,
            "contract": claim.contract,
            "family": claim.family.name,
            "expects": "; ".join(describe(claim, rule) for rule in claim.expect),
            "get": claim.get,
        }
        for claim in claims_of(path, project)
    ]
    return pd.DataFrame(rows).set_index("hypothesis")


def examine(
    hypothesis: str,
    data: pd.DataFrame | str,
    *,
    path: str | Path | None = None,
    project: Project | None = None,
) -> Answer:
    """What one panel answers to one hypothesis, judged by itself.

    Parameters
    ----------
    hypothesis : its id, `"H1"`.
    data : a frame with the columns of the claim's contract, or the name of a built panel. p-values are
        adjusted for the rules of this hypothesis alone; `gvcmetrics hypotheses run` adjusts for its family.
    path : a YAML file; by default the project's `analysis/hypotheses.yaml`.

    Returns
    -------
    Answer : `verdict` (supported, contradicted, no clear answer, equivalent to zero, not estimable) and
        `results`, a row for each rule.

    Raises
    ------
    SpecError : there is no such hypothesis. MissingSourceError : the panel is not built.
    """
    claim = find_claim(hypothesis, claims_of(path, project))
    contract, name = None, "frame"
    frame = data
    if isinstance(frame, str):
        name, frame = frame, panel(frame, project=project)
    record = frame.attrs.get("provenance")
    if isinstance(record, dict):
        contract, name = record.get("contract"), record.get("panel", name)
    found, findings = examine_claim(claim, frame, contract, project)
    results = judged(_frame([row(claim, str(name), found, finding) for finding in findings]))
    return Answer(claim, str(results["claim_verdict"].iloc[0]), _typed(results))


def run(
    project: Project | None = None, path: str | Path | None = None, panels: Iterable[str] | None = None
) -> pd.DataFrame:
    """Every hypothesis on every built panel, judged by family and panel, and summed up over panels.

    Returns
    -------
    pandas.DataFrame : the columns of `COLUMNS`, one row a hypothesis, panel and rule; where two or more
        panels estimate a rule, a row of their random-effects mean, whose panel is `ALL_PANELS`.
    """
    project = project or find_project()
    claims = claims_of(path, project)
    rows: list[dict[str, Any]] = []
    for name in panel_names(project) if panels is None else panels:
        stored = find_panel(name, project)
        if stored is not None:
            rows += _of_panel(name, claims, project)
    if not rows:
        return _typed(_frame([]))
    return _typed(with_summaries(judged(_frame(rows)), claims))


def write(results: pd.DataFrame, path: Path) -> Path:
    """Write the table of results, in one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        results.to_parquet(temporary, index=False)
    return path


def _of_panel(name: str, claims: Sequence[Claim], project: Project) -> list[dict[str, Any]]:
    stored = find_panel(name, project)
    assert stored is not None
    provenance = read_provenance(stored)
    rows, frame = [], None
    for claim in claims:
        found = match(claim, provenance.contract, list(provenance.columns))
        if found.answers and frame is None:
            frame = panel(name, project=project)
        given = (
            frame if found.answers and frame is not None else pd.DataFrame(columns=list(provenance.columns))
        )
        found, findings = examine_claim(claim, given, provenance.contract, project)
        rows += [row(claim, name, found, finding) for finding in findings]
    return rows


def with_summaries(results: pd.DataFrame, claims: Sequence[Claim]) -> pd.DataFrame:
    """Results with a random-effects mean of each rule that two or more panels estimate.

    Panels that measure a construct by another alternative estimate another thing, and have their own mean.
    """
    rules = {(claim.id, describe(claim, rule)): rule for claim in claims for rule in claim.expect}
    known = results[results["std_error"].notna() & (results["std_error"] > 0) & (results["scale"] != "share")]
    rows = [
        _summary(rules[str(key[0]), str(key[1])], found)
        for key, found in known.groupby(["hypothesis", "rule", "ways"], sort=False)
        if len(found) > 1
    ]
    if not rows:
        return results
    summed = judged(_frame(rows))
    return pd.concat([results, summed], ignore_index=True)


def _summary(rule: Rule, found: pd.DataFrame) -> dict[str, Any]:
    summary = pool(found["estimate"], found["std_error"])
    said = evidence(rule, np.array([summary.estimate]), np.array([[summary.std_error**2]]), summary.df)
    kept = (
        "hypothesis",
        "rule",
        "outcome",
        "regressor",
        "sign",
        "bound",
        "scale",
        "family",
        "adjustment",
        "ways",
        "required",
    )
    without = leave_one_out(found["estimate"], found["std_error"])
    told = [
        f"without {name}: {value:.4g}"
        for name, value in zip(found["panel"], without, strict=True)
        if value == value
    ]
    return {
        **{name: found[name].iloc[0] for name in kept},
        **{name: getattr(said, name) for name in said.__dataclass_fields__},
        "panel": ALL_PANELS,
        "n": int(found["n"].sum()),
        "model": f"random-effects mean of {summary.k} panels",
        "errors": "REML, Knapp–Hartung",
        "tau2": summary.tau2,
        "i2": summary.i2,
        "q_p": summary.q_p,
        "leave_one_out": "; ".join(told),
        "call": f"pool of {', '.join(found['panel'])}",
        "reason": "",
    }


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows).reindex(columns=[name for name in COLUMNS if "verdict" not in name])


def _typed(results: pd.DataFrame) -> pd.DataFrame:
    return results.reindex(columns=list(COLUMNS)).astype(COLUMNS)
