"""What the trial of a spec found, for whoever prints it."""

from __future__ import annotations

from dataclasses import dataclass

from gvcmetrics.panels.harmonise.verdicts import Tally
from gvcmetrics.panels.spec.columns import PanelColumn
from gvcmetrics.panels.spec.panel import PanelSpec

OUTLIER_RULE = "0.6745 |ln x − median| / MAD > 3.5 (Iglewicz and Hoaglin 1993)"


@dataclass(frozen=True)
class CheckedColumn:
    """A column that maps: where it comes from, and its values in the rows that break no rule."""

    column: PanelColumn
    missing_share: float
    distinct: int
    spread: str


@dataclass(frozen=True)
class Recoded:
    """A raw value of a recoded or compared column, and what becomes of it how often."""

    column: str
    raw_column: str
    value: str
    becomes: str
    rows: int


@dataclass(frozen=True)
class Outliers:
    """Outliers of one column, by the rule in `OUTLIER_RULE`."""

    column: str
    positive: int
    outliers: int
    low: float
    high: float


@dataclass(frozen=True)
class Findings:
    """What `panel check` found.

    Attributes
    ----------
    problems : messages with file and line; a spec with none can be built.
    note : what else is to be said of a spec that is in order.
    absent : columns of the contract that the spec does not map.
    coverage : rows by value of year, region and industry, the most frequent first (years in order).
    implausible : columns that break no rule and look odd, each with why.
    """

    name: str
    problems: list[str]
    note: str = ""
    spec: PanelSpec | None = None
    tally: Tally | None = None
    rows: int = 0
    duplicates: int = 0
    columns: tuple[CheckedColumn, ...] = ()
    absent: tuple[str, ...] = ()
    recoded: tuple[Recoded, ...] = ()
    outliers: tuple[Outliers, ...] = ()
    coverage: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()
    implausible: tuple[tuple[str, str], ...] = ()
