"""Build one input-output panel: spec → files → checked tables → Parquet."""

from __future__ import annotations

from collections.abc import Iterator

import gvcmetrics
from gvcmetrics.errors import DataError, Place
from gvcmetrics.ground.files import replacing
from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance
from gvcmetrics.panels.contracts import INPUT_OUTPUT
from gvcmetrics.panels.input_output.layouts import read_tables
from gvcmetrics.panels.input_output.spec import InputOutputSpec, RawTables, find_tables
from gvcmetrics.panels.input_output.store import Labels, Spool, seal, write_cells
from gvcmetrics.panels.input_output.table import Balance, InputOutputTable, balance, check
from gvcmetrics.panels.project import Project


def build_input_output(spec: InputOutputSpec, project: Project) -> Provenance:
    """Build an input-output panel into `data/parquet/NAME.parquet`; one table is in memory at a time.

    Raises
    ------
    MissingSourceError : the source is not on this machine.
    SpecError, DataError : the spec, a file or a table is wrong; an earlier panel stays.
    """
    raw = find_tables(spec, project)
    with replacing(project.panel_file(spec.name)) as temporary:
        spool = temporary.with_suffix(".spool")
        try:
            written = write_cells(_checked(spec, raw), spool)
            if not written.years:
                years = ", ".join(map(str, spec.words.years or []))
                raise DataError(f"no table {f'of {years} ' if years else ''}is in the files", Place(raw.name))
            _refuse_unknown_inventories(spec, written)
            provenance = _provenance(spec, raw, written)
            labels = Labels(
                unit=spec.words.unit,
                inventories=spec.words.inventories,
                final_uses=written.final_uses,
                uses=spec.words.uses,
                industries=spec.words.industries,
                balances=[str(found) for found in sorted(written.balances, key=lambda found: found.year)],
            )
            seal(spool, provenance, labels, temporary)
        finally:
            spool.unlink(missing_ok=True)
    return provenance


def _checked(spec: InputOutputSpec, raw: RawTables) -> Iterator[tuple[InputOutputTable, Balance]]:
    for path in raw.paths:
        for table in read_tables(path, spec.words):
            if spec.words.years is None or table.year in spec.words.years:
                found = balance(table)
                check(table, found, spec.words.tolerance, path.name)
                yield table, found


def _refuse_unknown_inventories(spec: InputOutputSpec, written: Spool) -> None:
    name = spec.words.inventories
    if name is not None and name not in written.final_uses:
        raise DataError(
            f"the table has no final use '{name}' to take as inventories",
            spec.document.place(("inventories",)),
            f"Its final uses are {', '.join(written.final_uses)}",
        )


def _provenance(spec: InputOutputSpec, raw: RawTables, written: Spool) -> Provenance:
    words = spec.words
    worst = max(written.balances, key=lambda found: found.row_gap)
    columns = {
        column.name: ColumnProvenance(column.type, column.unit, column.label, [f"labels of {raw.name}"])
        for column in INPUT_OUTPUT.columns.values()
    }
    columns["year"] = ColumnProvenance("integer", "year", "Year", ["file name or column year"])
    columns["value"] = ColumnProvenance("number", words.unit, "Value of the cell", [f"cells of {raw.name}"])
    notes = [
        "Cells that are zero are left out; every country × industry has a row of kind `output`.",
        f"Largest imbalance of a year: {worst}.",
        *(f"Final use {code}: {label}." for code, label in words.uses.items()),
        *(f"Industry {code}: {label}." for code, label in words.industries.items()),
    ]
    return Provenance(
        panel=spec.name,
        title=words.title,
        contract=INPUT_OUTPUT.name,
        keys=list(INPUT_OUTPUT.keys),
        source=raw.source.name,
        source_title=raw.source.title,
        origin=raw.source.origin,
        licence=words.licence or raw.source.licence,
        citation=words.citation or raw.source.citation,
        raw_file=raw.name,
        raw_sha256=raw.checksum(),
        spec_file=spec.path.name,
        spec_sha256=spec.sha256,
        code_version=gvcmetrics.__version__,
        coverage=Coverage(
            rows=written.rows,
            first_year=min(written.years),
            last_year=max(written.years),
            countries=written.countries,
            raw_rows=written.raw_rows,
            omitted=0,
            rejected=0,
        ),
        columns=columns,
        notes=[*words.notes, *notes],
    )
