"""Build one input-output panel: files → checked tables → Parquet; one table is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator

from gvcmetrics.errors import DataError, GvcError, Place, SpecError
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.ground.provenance import ColumnProvenance, Coverage, Provenance
from gvcmetrics.panels.contracts import INPUT_OUTPUT
from gvcmetrics.panels.findings import Findings
from gvcmetrics.panels.input_output.balance import Balance, balance, check
from gvcmetrics.panels.input_output.read import read_tables
from gvcmetrics.panels.input_output.spec import InputOutputSpec
from gvcmetrics.panels.input_output.store import Labels, Spool, seal, write_cells
from gvcmetrics.panels.job import Built, Job
from gvcmetrics.panels.progress import Report
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.raw_files import RawFiles


def build_tables(spec: InputOutputSpec, job: Job) -> Built:
    """Make the panel's file in the workspace of the build.

    Raises
    ------
    DataError : a file or a table is wrong.
    """
    spool, made = job.folder / "spool", job.folder / "panel"
    _ = job.raw_sha256  # tables take long to read: first see that they are those expected
    written = write_cells(_checked(spec, job.raw), spool)
    if not written.years:
        years = ", ".join(map(str, spec.words.years or []))
        raise DataError(f"no table {f'of {years} ' if years else ''}is in the files", Place(job.raw.name))
    _refuse_unknown_inventories(spec, written)
    provenance = _provenance(spec, job, written)
    labels = Labels(
        unit=spec.words.unit,
        inventories=spec.words.inventories,
        final_uses=written.final_uses,
        uses=spec.words.uses,
        industries=spec.words.industries,
        balances=[str(found) for found in sorted(written.balances, key=lambda found: found.year or 0)],
    )
    seal(spool, provenance, labels, made)
    return Built(made, provenance)


def try_tables(
    spec: InputOutputSpec, raw: RawFiles, _project: Project, _report: Report | None = None
) -> Findings:
    """Is the spec in order and are its files those expected? Tables are checked as they are built."""
    try:
        raw.checksum()
    except GvcError as error:
        return Findings(spec.name, [str(error)])
    said = "the spec is in order; the tables of an input-output panel are checked while they are built"
    return Findings(spec.name, [], said)


def no_sql(spec: InputOutputSpec, _dialect: str) -> str:
    """Refuse: matrices are read, checked and stored without a query.

    Raises
    ------
    SpecError : always.
    """
    remedy = f"The built panel is read by SQL as any other: FROM 'data/parquet/{spec.name}.parquet'"
    raise SpecError("no SQL builds an input-output panel", Place(spec.path.name), remedy)


def _checked(spec: InputOutputSpec, raw: RawFiles) -> Iterator[tuple[InputOutput, Balance]]:
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


def _provenance(spec: InputOutputSpec, job: Job, written: Spool) -> Provenance:
    words, raw = spec.words, job.raw
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
    coverage = Coverage(
        rows=written.rows,
        first_year=min(written.years),
        last_year=max(written.years),
        countries=written.countries,
        raw_rows=written.raw_rows,
        omitted=0,
        rejected=0,
    )
    return job.record(spec, INPUT_OUTPUT.keys, coverage, columns, notes)
