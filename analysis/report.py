"""Compose the studies' manifests into analysis/results/report.html."""

from __future__ import annotations

from pathlib import Path

from gvcmetrics.report import build_report
from gvcmetrics.report.indicators.page import PAGE, write_indicators
from gvcmetrics.report.indicators.read import used_by, used_in
from gvcmetrics.report.pages.answers import write_answers
from gvcmetrics.report.pages.changes import keep

ANALYSIS = Path(__file__).parent
VALIDATION = (
    "Do the estimators recover known parameters?",
    "Not run here. `make validate` simulates every estimator with known parameters (some twenty minutes on two "
    "cores); the next `make all` puts its tables in this place.",
)
RECOVERY = (
    "Do the declared estimators recover the truth of a simulated economy?",
    "Not run here. `make validate` examines simulated economies of known effects, and keeps a summary beside the code; "
    "the next `make all` puts its tables in this place.",
)


def run(results: Path = ANALYSIS / "results") -> Path:
    """Every study that has been run, in the order of its number, and the validation or how to run it."""
    answers = results / "hypotheses.parquet"
    numbers = [write_answers(answers, ANALYSIS / "hypotheses.yaml", results)] if answers.exists() else []
    validation = [*results.glob("validation.json")]
    recovery = [*results.glob("recovery.json")]
    scripts = sorted(ANALYSIS.glob("[0-9]*.py"))
    write_indicators(results / PAGE, used_in(scripts))
    page = build_report(
        sorted(results.glob("[0-9]*.json")),
        results / "report.html",
        hypotheses=ANALYSIS / "hypotheses.yaml",
        answers=answers if answers.exists() else None,
        panels=sorted(results.glob("panel_*.json")),
        methods=[*validation, *recovery],
        findings=numbers,
        indicators={script.stem: used_by(script.read_text("utf-8")) for script in scripts},
        not_run=({} if validation else {"validation": VALIDATION})
        | ({} if recovery else {"recovery": RECOVERY}),
    )
    # For `make changes`; the page does not depend on what an earlier build said.
    keep(results)
    return page


if __name__ == "__main__":
    run()
