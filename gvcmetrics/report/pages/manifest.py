"""What a study made and found out, written down for the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.figures import save_figure
from gvcmetrics.ground.files import write_atomic
from gvcmetrics.ground.provenance import Told, as_list, is_simulated, source_note
from gvcmetrics.ground.version import __version__
from gvcmetrics.report.tables.formats import Table
from gvcmetrics.report.tables.grid import Note
from gvcmetrics.report.tables.render.tidy import records

RESULTS = Path("analysis/results")
FORMAT = 1
# The page of a panel is a chapter by this and the panel's name.
PANEL = "panel_"
_SOURCE_FIELDS = (
    "panel",
    "title",
    "source",
    "source_title",
    "origin",
    "licence",
    "citation",
    "raw_file",
    "raw_sha256",
    "coverage",
)


class Study:
    """Collects what a study says; `write` puts the manifest down last, so that its presence means done.

    Parameters
    ----------
    name : of the manifest, `NAME.json`, and the first part of the name of every file.
    title, question : what the study is called, and what it asks.
    results : folder of the files; by default `analysis/results` of the project around the working
        directory (the nearest folder upwards that holds `analysis`).

    Examples
    --------
    ::

        study = Study("car_exporters", title="Car exporters", question="Who moved up?")
        study.source(cars.attrs["provenance"])
        study.text("Cars are traded by 166 countries.")
        study.table(gvc.table(coverage), "coverage", caption="What the panel holds")
        study.figure(figure, "quadrants", caption="Prices and shares")
        study.not_estimated("H15", needs="a dated cost shock", get="add it to the panel")
        study.write()
    """

    def __init__(self, name: str, title: str, question: str, results: str | Path | None = None) -> None:
        self.name = name
        self.folder = Path(results) if results is not None else _results_folder()
        self._title, self._question = title, question
        self._items: list[dict[str, Any]] = []
        self._sources: list[dict[str, Any]] = []
        self._samples: list[dict[str, Any]] = []
        self._not_estimated: list[dict[str, str]] = []
        self._used: set[str] = set()

    def source(self, provenance: Told | Sequence[Told]) -> None:
        """Name the panels behind the study; tables and figures that follow are marked if one is simulated.

        Raises
        ------
        DataError
            If the provenance is not that of a panel.
        """
        records = [_source_record(item) for item in as_list(provenance)]
        self._sources += [record for record in records if record not in self._sources]

    def text(self, text: str) -> None:
        """Add paragraphs, parted by empty lines; `code`, **bold** and *italic* as in Markdown."""
        self._items += [
            {"kind": "text", "text": " ".join(paragraph.split())}
            for paragraph in text.split("\n\n")
            if paragraph.strip()
        ]

    def table(
        self,
        table: Table,
        name: str,
        caption: str = "",
        provenance: Told | Sequence[Told] | None = None,
    ) -> list[Path]:
        """Save a table as NAME_name in six formats.

        Parameters
        ----------
        table, name : the table, and its part of the files' names.
        caption : replaces the table's title.
        provenance : of the panels that it shows, where the table does not name them itself; by default
            all that the study has named.

        Returns
        -------
        list of Path
            The files.
        """
        stem = self._claim(name)
        if not table.sourced:
            shown = as_list(provenance) or self._sources
            table = replace(
                table,
                notes=(*table.notes, *([Note(source_note(shown))] if shown else [])),
                simulated=table.simulated or is_simulated(shown),
                sourced=bool(shown),
            )
        table = replace(table, title=caption or table.title)
        paths = table.save_all(self.folder / stem)
        counts = [int(line["value"]) for line in records(table) if line["statistic"] == "nobs"]  # type: ignore[call-overload]
        self._items.append(
            {
                "kind": "table",
                "stem": stem,
                "caption": table.title,
                "notes": [" ".join(part for part in (note.text, note.code) if part) for note in table.notes],
                "observations": counts,
                "simulated": table.simulated,
            }
        )
        return paths

    def figure(
        self,
        figure: Figure,
        name: str,
        caption: str,
        notes: Sequence[str] = (),
        provenance: Told | Sequence[Told] | None = None,
        simulated: bool = False,
    ) -> list[Path]:
        """Save a figure as NAME_name.pdf and .png, with the data that it shows as .csv.

        Parameters
        ----------
        figure, name, caption : the figure, its part of the file's name, and what it shows.
        notes : sentences under the figure.
        provenance : of the panels that it shows, for the note and the mark of simulated data; by
            default all that the study has named.
        simulated : marks the figure whatever the provenance says.

        Returns
        -------
        list of Path
            The files.
        """
        stem = self._claim(name)
        shown = as_list(provenance) or self._sources
        simulated = simulated or is_simulated(shown)
        self._items.append(
            {
                "kind": "figure",
                "stem": stem,
                "caption": caption,
                "notes": [*notes, *([source_note(shown)] if shown else [])],
                "simulated": simulated,
            }
        )
        return save_figure(figure, self.folder / stem, simulated=simulated)

    def sample(self, label: str, rows: int, **counts: int) -> None:
        """Record the size of a sample: rows, and counts such as ``countries=166``."""
        self._samples.append(
            {"label": label, "rows": int(rows), "counts": {k: int(v) for k, v in counts.items()}}
        )

    def not_estimated(self, what: str, needs: str, get: str = "") -> None:
        """Record what the study leaves open: a hypothesis or a sentence, what it needs, how to get that."""
        self._not_estimated.append({"what": what, "needs": needs, "get": get})

    def write(self) -> Path:
        """Write `NAME.json`, whole and last; returns its path."""
        manifest = {
            "format": FORMAT,
            "name": self.name,
            "title": self._title,
            "question": self._question,
            "version": __version__,
            "simulated": self._simulated or any(item.get("simulated") for item in self._items),
            "items": self._items,
            "sources": self._sources,
            "samples": self._samples,
            "not_estimated": self._not_estimated,
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False)
        return write_atomic(self.folder / f"{self.name}.json", f"{text}\n")

    @property
    def stems(self) -> list[str]:
        """What the names of its files begin with, one a table or figure."""
        return [item["stem"] for item in self._items if "stem" in item]

    @property
    def _simulated(self) -> bool:
        return is_simulated(self._sources)

    def _claim(self, name: str) -> str:
        if name in self._used:
            raise SpecError(
                f"study '{self.name}' has two outputs called '{name}'", remedy="Rename one of them."
            )
        self._used.add(name)
        return f"{self.name}_{name}"


def read_manifest(path: str | Path) -> dict[str, Any]:
    """A manifest that `Study.write` wrote.

    Raises
    ------
    DataError
        If the file is no manifest of this format.
    """
    path = Path(path)
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("the manifest cannot be read", Place(path.name), "Run its study again.") from error
    if not isinstance(manifest, Mapping) or manifest.get("format") != FORMAT:
        raise DataError("this is no manifest of a study", Place(path.name), "Run its study again.")
    return dict(manifest)


def _source_record(provenance: Told) -> dict[str, Any]:
    absent = [field for field in _SOURCE_FIELDS if field not in provenance]
    if absent:
        raise DataError(
            "the provenance is not complete",
            Place(key=absent[0]),
            'Pass frame.attrs["provenance"] of a panel.',
        )
    kept = {field: provenance[field] for field in _SOURCE_FIELDS}
    return {**kept, "simulated": bool(provenance.get("simulated", False))}


def _results_folder() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / RESULTS.parent).is_dir():
            return folder / RESULTS
    raise SpecError(
        "there is no folder 'analysis' here or above",
        remedy="Run the study inside the project, or pass results=.",
    )
