"""What is done with the panels of each contract: a registry that building, trying and showing look into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvcmetrics.errors import SpecError
from gvcmetrics.ground.names import did_you_mean
from gvcmetrics.panels.contracts import CONTRACTS, INPUT_OUTPUT
from gvcmetrics.panels.findings import Findings
from gvcmetrics.panels.input_output.build import build_tables, no_sql, try_tables
from gvcmetrics.panels.input_output.spec import tables_formats, tables_spec
from gvcmetrics.panels.job import AnySpec, Built, Job
from gvcmetrics.panels.progress import Report
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.readers.tables import FORMATS
from gvcmetrics.panels.rows.build import build_rows, rows_sql
from gvcmetrics.panels.rows.trial import try_rows
from gvcmetrics.panels.sources.raw_files import Formats, RawFiles
from gvcmetrics.panels.spec.document import read_document
from gvcmetrics.panels.spec.panel import panel_spec
from gvcmetrics.panels.spec.yaml_lines import Document


@dataclass(frozen=True)
class Kind:
    """A kind of panel; each function takes the spec that `load` gives.

    Attributes
    ----------
    load : the checked spec of a document.
    formats : what the raw files may be called.
    build : makes the panel in the workspace of the job.
    trial : what the spec makes of its raw files, without building.
    sql : the SQL that a build runs.
    engines : those that can build it.
    """

    load: Callable[[Path, Document], AnySpec]
    formats: Callable[[Any], Formats]
    build: Callable[[Any, Job], Built]
    trial: Callable[[Any, RawFiles, Project, Report | None], Findings]
    sql: Callable[[Any, str], str]
    engines: tuple[str, ...]


_ROWS = Kind(panel_spec, lambda _: FORMATS, build_rows, try_rows, rows_sql, ("duckdb", "spark"))
_TABLES = Kind(tables_spec, tables_formats, build_tables, try_tables, no_sql, ("duckdb",))

KINDS = {**dict.fromkeys(CONTRACTS, _ROWS), INPUT_OUTPUT.name: _TABLES}
"""The kind of each contract."""


def load_panel(path: Path) -> tuple[Kind, AnySpec]:
    """The checked spec in a file, and what its kind of panel is built by.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    document = read_document(path)
    if "contract" not in document.data:
        raise SpecError("the key 'contract' is absent", document.place(("contract",)), "Add it")
    contract = document.data["contract"]
    if contract not in KINDS:
        remedy = did_you_mean(contract, KINDS, f"Valid: {', '.join(map(repr, KINDS))}")
        raise SpecError(f"'{contract!s:.60}' is not valid here", document.place(("contract",)), remedy)
    kind = KINDS[contract]
    return kind, kind.load(path, document)
