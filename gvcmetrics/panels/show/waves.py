"""What `panel waves` prints."""

from __future__ import annotations

import pandas as pd

from gvcmetrics.panels.show.findings import say
from gvcmetrics.panels.show.terminal import new_console, new_table


def print_waves(changes: pd.DataFrame) -> None:
    """A line a change, and how many of each kind there are."""
    console = new_console()
    if changes.empty:
        say(console, "No variable changed between the waves in wording, labels, codes, type or scale.")
        return
    table = new_table("variable", "panel columns", "change", "from", "to", "before", "after")
    for row in changes.itertuples(index=False):
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
    counts = changes["change"].value_counts()
    said = ", ".join(f"{name} {count}" for name, count in counts.items())
    say(console, f"\n{len(changes)} changes in {changes['variable'].nunique()} variables: {said}.")
