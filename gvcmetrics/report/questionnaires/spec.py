"""The spec that turns the answers into a panel."""

from __future__ import annotations

from typing import Any

import yaml

from gvcmetrics.report.questionnaires.bank import NOT_ANSWERED, NOT_KNOWN
from gvcmetrics.report.questionnaires.questionnaire import Questionnaire

DELIMITER = ";"
"""Of the CSV files that KoboToolbox exports."""
_SIMULATED = "simulated data: no firm of it exists"


def spec_text(survey: Questionnaire, simulated: bool = False) -> str:
    """The spec as YAML.

    Parameters
    ----------
    simulated : of the made-up answers, `raw/NAME_simulated.csv`, and marked as such.
    """
    name = f"{survey.name}_simulated" if simulated else survey.name
    ids = ", ".join(each.claim.id for each in survey.needs)
    words: dict[str, Any] = {
        "title": f"Survey of firms for {ids}" + (f" ({_SIMULATED})" if simulated else ""),
        "contract": "firm",
        **({"simulated": True} if simulated else {}),
        "source": {"file": f"raw/{name}.csv"},
        "licence": "public domain" if simulated else "state it before others get the panel",
        "citation": "Simulated by gvcmetrics.simulate.economy" if simulated else "state who ran the survey",
        "read": {"delimiter": DELIMITER},
        "keep": {"consent": ["1"]},
        "missing": ["", NOT_KNOWN, NOT_ANSWERED],
    }
    if survey.needs_rates:
        words["money"] = {"currency": survey.currency, "rates": f"raw/{name}_rates.csv"}
    words["columns"] = {column.name: {**column.spec, **column.own} for column in survey.columns}
    # Of the sample's design, where its columns were added to the form or the file.
    words["columns"] |= {each: {"from": each, "optional": True} for each in ("weight", "stratum", "psu")}
    head = (
        f"# The answers to {survey.name}.xlsx, as KoboToolbox exports them: CSV, XML values and headers,\n"
        "# groups not in the headers. Of ODK Central, without group names, the delimiter is a comma.\n"
    )
    return head + yaml.safe_dump(words, sort_keys=False, allow_unicode=True, width=110)
