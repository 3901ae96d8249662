"""Compose the studies' manifests into analysis/results/report.html."""

from __future__ import annotations

from pathlib import Path

from gvcmetrics.report import build_report

ANALYSIS = Path(__file__).parent


def run(results: Path = ANALYSIS / "results") -> Path:
    """Every study that has been run, in the order of its number, and the validation."""
    manifests = [*sorted(results.glob("[0-9]*.json")), *results.glob("validation.json")]
    return build_report(manifests, results / "report.html", hypotheses=ANALYSIS / "hypotheses.yaml")


if __name__ == "__main__":
    run()
