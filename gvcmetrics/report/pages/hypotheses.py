"""The hypotheses as the report lists them: claim, source, and which study or panel answers it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from gvcmetrics.claims.claim import Rule
from gvcmetrics.claims.match import needs
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.verdict import NOT_ESTIMABLE
from gvcmetrics.errors import DataError, Place

_SIGNS = {
    "positive": "+",
    "negative": "-",
    "zero": "0",
    "not_negative": "+ or 0",
    "not_positive": "- or 0",
    "differs": "joint",
}


def read_hypotheses(path: str | Path, answers: str | Path | None = None) -> list[dict[str, Any]]:
    """Hypotheses as mappings of text.

    Parameters
    ----------
    path : the YAML file of hypotheses.
    answers : the table that `gvcmetrics hypotheses run` writes.

    Returns
    -------
    list of dict
        Of each hypothesis id, source, statement, sign, `estimated_in` (names of studies, perhaps none),
        `needs` and `get` (what it takes and where that is to be had), and `answers`, panel → verdict.

    Raises
    ------
    SpecError : the file breaks the schema of hypotheses. DataError : the table of answers is none.
    """
    verdicts = _verdicts(Path(answers)) if answers is not None else {}
    return [
        {
            "id": claim.id,
            "source": f"{claim.document}, {claim.section}" if claim.section else claim.document,
            "statement": claim.claim,
            "sign": ", ".join(dict.fromkeys(_sign(rule) for rule in claim.expect)),
            "estimated_in": list(claim.estimated_in),
            "needs": needs(claim),
            "get": claim.get,
            "answers": verdicts.get(claim.id, {}),
        }
        for claim in read_claims(path)
    ]


def _sign(rule: Rule) -> str:
    return _SIGNS.get(rule.sign) or f"{rule.sign} {rule.bound:g}"


def read_answers(path: str | Path) -> pd.DataFrame:
    """The table that `gvcmetrics hypotheses run` writes.

    Raises
    ------
    DataError : it is no such table.
    """
    try:
        table = pd.read_parquet(path)
        table[["hypothesis", "panel", "verdict", "claim_verdict"]]
    except (OSError, ValueError, KeyError):
        raise DataError(
            "this is no table of answers", Place(Path(path).name), "Run `gvcmetrics hypotheses run`"
        ) from None
    return table


def _verdicts(path: Path) -> dict[str, dict[str, str]]:
    """Hypothesis → panel → verdict, of the panels that answer it."""
    table = read_answers(path)
    # A panel may answer a part of a claim, which is then no answer to the claim.
    there = table[(table["verdict"] != NOT_ESTIMABLE) & (table["claim_verdict"] != NOT_ESTIMABLE)]
    found: dict[str, dict[str, str]] = {}
    columns = (there[name] for name in ("hypothesis", "panel", "claim_verdict"))
    for hypothesis, panel, whole in zip(*columns, strict=True):
        found.setdefault(str(hypothesis), {})[str(panel)] = str(whole)
    return found
