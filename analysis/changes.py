"""Say what moved since the last build, from the tidy tables that analysis/report.py keeps copies of."""

from __future__ import annotations

from pathlib import Path

from gvcmetrics.report.pages.changes import changes

RESULTS = Path(__file__).parent / "results"

if __name__ == "__main__":
    print("\n".join(changes(RESULTS)))
