"""The page of one panel, written down as a study is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from gvcmetrics.errors import MissingSourceError, PlacedError
from gvcmetrics.ground.provenance import Provenance, Told, as_list, is_simulated
from gvcmetrics.panels import panel
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.state import why_absent
from gvcmetrics.panels.store.listing import not_built
from gvcmetrics.panels.store.stored import find_panel, read_provenance
from gvcmetrics.report.pages.manifest import PANEL, Study
from gvcmetrics.report.portraits import cluster, country, firm, input_output, trade
from gvcmetrics.report.portraits.exhibit import Exhibit
from gvcmetrics.report.tables.formats import Table
from gvcmetrics.report.tables.table import table

# The exhibits of each contract of rows.
PAGES = {
    "firm": firm.exhibits,
    "trade": trade.exhibits,
    "cluster": cluster.exhibits,
    "country": country.exhibits,
}
# The columns that these look at; of panels of countries it is all.
_READS = {"firm": firm.READS, "trade": trade.READS, "cluster": cluster.READS}
# Of these a page reads one year at a time.
_BY_YEAR = ("input_output",)


def write_page(name: str, project: Project | None = None, results: str | Path | None = None) -> Path:
    """What a panel holds and shows, as `panel_NAME.json` with its tables and figures.

    An exhibit whose columns are absent, empty or do not vary is left out, and the page says so once. A panel
    whose source is not on this machine gets a manifest that says what is lacking.

    Parameters
    ----------
    name : the panel. results : folder of the files, by default `analysis/results` of the project.

    Returns
    -------
    pathlib.Path
        The manifest.
    """
    project = project or find_project()
    try:
        stored = find_panel(name, project)
        if stored is None:
            raise not_built(name, project)
        frame = panel(name, columns=_columns(read_provenance(stored)), project=project)
    except MissingSourceError as unbuilt:
        error = why_absent(project.spec_file(name), project) or unbuilt
        study = Study(f"{PANEL}{name}", title=name, question="", results=results)
        study.not_estimated(f"The page of the panel {name}", needs=error.problem, get=error.remedy)
        return study.write()
    told = as_list(frame.attrs["provenance"])[0]
    study = Study(f"{PANEL}{name}", title=str(told["title"]), question="", results=results)
    study.source(told)
    lacking = []
    for exhibit in _exhibits(name, str(told["contract"]), frame):
        if lacks := exhibit.lacks(frame):
            lacking.append(f"{exhibit.caption[:1].lower()}{exhibit.caption[1:]} (lacks {lacks})")
            continue
        try:
            made = exhibit.make(frame)
        except PlacedError as error:
            # What one exhibit cannot bear is said in its place, and stops neither the page nor the report.
            made = error.problem
        if isinstance(made, str):
            lacking.append(f"{exhibit.caption[:1].lower()}{exhibit.caption[1:]} ({made})")
        elif isinstance(made, Figure):
            study.figure(made, exhibit.name, exhibit.caption, exhibit.said_under(made))
        else:
            study.table(shown(exhibit, made, told), exhibit.name, caption=exhibit.caption)
    if lacking:
        study.text(f"Not shown: {'; '.join(lacking)}.")
    return study.write()


def _columns(provenance: Provenance) -> list[str]:
    """The columns that a page reads, of those that the panel has."""
    if provenance.contract in _BY_YEAR:
        return ["year"]
    wanted = _READS.get(provenance.contract)
    return [name for name in provenance.columns if wanted is None or name in wanted]


def _exhibits(name: str, contract: str, frame: pd.DataFrame) -> tuple[Exhibit, ...]:
    if contract == "input_output":
        years = sorted(int(year) for year in frame["year"].unique())
        return input_output.exhibits(name, sorted({years[0], years[len(years) // 2], years[-1]}))
    return PAGES[contract]()


def shown(exhibit: Exhibit, made: pd.DataFrame, told: Told) -> Table:
    """The table of an exhibit; whole numbers of one with a single format stay counts."""
    formats = exhibit.formats
    if isinstance(formats, str):
        names = {str(column[-1] if isinstance(column, tuple) else column) for column in made}
        counts = {str(column) for column in made if pd.api.types.is_integer_dtype(made[column])}
        formats = dict.fromkeys(sorted(names - counts), formats) or None
    elif formats is not None and not callable(formats):
        formats = {name: how for name, how in formats.items() if name in made}
    printed = table(made, notes=list(exhibit.said_under(made)), formats=formats, provenance=told)
    return replace(printed, simulated=printed.simulated or is_simulated([told]))
