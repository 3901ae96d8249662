"""What changed in a variable from one wave of a survey to the next.

Two waves that ask one thing in one way become one column; two that do not, do not, and no build can see
it: a question reworded, codes renumbered, a scale of five that has become one of seven, pesos that have
become thousands of pesos. So the report is read before the waves are put together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from gvcmetrics.errors import DataError, Place, SpecError
from gvcmetrics.ground.numbers import short
from gvcmetrics.panels.kinds import load_panel
from gvcmetrics.panels.project import Project, find_project
from gvcmetrics.panels.sources.raw_files import find_raw
from gvcmetrics.panels.spec.panel import PanelSpec
from gvcmetrics.panels.waves.variables import Variable, Wave, read_waves

CHANGES = ("absent", "spelling", "wording", "labels", "codes", "type", "scale")
_FAR = 5.0  # times that a median moves before it is called another scale
_ALMOST = 0.9


def wave_changes(spec: Path | str, project: Project | None = None, everything: bool = False) -> pd.DataFrame:
    """What changed between the waves of a survey: the raw files of a spec, in its order.

    Parameters
    ----------
    spec : the YAML of a panel of rows with several raw files.
    everything : look at every variable, not only those that the spec reads.

    Returns
    -------
    pandas.DataFrame : a row a change with `variable`, `panel_columns` (that read it), `change`, `from_wave`,
        `to_wave`, `before`, `after`. `change` is one of: absent (a wave lacks the variable), spelling (of
        its name), wording (of its label), labels (of a code), codes (labelled or, where answers are few,
        given in one wave only), type (numbers or texts), scale (the range of an answer that is graded,
        shares of one or of a hundred, a median that moved fivefold).

    Raises
    ------
    SpecError : the spec is wrong, or of input-output tables.
    DataError : there is one file only, or one is damaged.

    Examples
    --------
    ::

        gvc.wave_changes("data/panels/firms.yaml")
    """
    path = Path(spec)
    project = project or find_project(path.absolute().parent)
    kind, checked = load_panel(path)
    if not isinstance(checked, PanelSpec):
        raise SpecError("input-output tables have no waves", Place(path.name), "Name a spec of rows")
    raw = find_raw(checked, project, kind.formats(checked))
    waves = read_waves(checked, raw.paths, project, everything)
    if len(waves) < 2:
        remedy = "Name the files of all waves, as in `source: {files: [raw/w1.dta, raw/w2.dta]}`"
        raise DataError("there is one file, and nothing to compare it with", Place(raw.name), remedy)
    readers = _readers(checked)
    rows = [
        (name, ", ".join(readers.get(name.casefold(), [])), *change)
        for name in _names(waves)
        for change in _changes(name, waves)
    ]
    columns = ["variable", "panel_columns", "change", "from_wave", "to_wave", "before", "after"]
    return pd.DataFrame(rows, columns=columns, dtype="str")


def _readers(spec: PanelSpec) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in spec.columns:
        for cell in item.inputs:
            for raw in spec.raw_names(cell).values():
                columns = found.setdefault(raw.removesuffix(cell.suffix).casefold(), [])
                if item.name not in columns:
                    columns.append(item.name)
    return found


def _names(waves: list[Wave]) -> list[str]:
    """Every variable once, spelled as in the first wave that has it."""
    found: dict[str, str] = {}
    for wave in waves:
        for same, variable in wave.variables.items():
            found.setdefault(same, variable.name)
    return list(found.values())


def _changes(name: str, waves: list[Wave]) -> Iterator[tuple[str, str, str, str, str]]:
    last: tuple[Wave, Variable] | None = None
    for number, wave in enumerate(waves):
        variable = wave.variables.get(name.casefold())
        if variable is None:
            before = waves[number - 1].file if number else ""
            yield "absent", before, wave.file, "", "no such variable"
            continue
        if last is not None:
            earlier, known = last
            for change, before, after in _between(known, variable):
                yield change, earlier.file, wave.file, before, after
        last = wave, variable


def _between(a: Variable, b: Variable) -> Iterator[tuple[str, str, str]]:
    if a.name != b.name:
        yield "spelling", a.name, b.name
    if _plain(a.wording) != _plain(b.wording):
        yield "wording", a.wording, b.wording
    for code in (code for code in a.labels if code in b.labels):
        if _plain(a.labels[code]) != _plain(b.labels[code]):
            yield "labels", f"{code}: {a.labels[code]}", f"{code}: {b.labels[code]}"
    lost, new = _only(a, b), _only(b, a)
    if lost or new:
        yield "codes", ", ".join(lost), ", ".join(new)
    if a.numeric is not None and b.numeric is not None:
        before, after = _kind(a.numeric), _kind(b.numeric)
        if before != after:
            yield "type", before, after
        elif before == "numbers":
            yield from _scales(a, b)


def _only(a: Variable, b: Variable) -> list[str]:
    """The codes that are labelled in one wave only; without labels, the few answers that are given there."""
    if a.labels or b.labels:
        if not (a.labels and b.labels):
            return [f"{len(a.labels)} labels"] if a.labels else []
        return [f"{code}: {label}" for code, label in a.labels.items() if code not in b.labels]
    if a.answers is None or b.answers is None:
        return []
    return [answer for answer in a.answers if answer not in b.answers]


def _scales(a: Variable, b: Variable) -> Iterator[tuple[str, str, str]]:
    before, after = _grades(a), _grades(b)
    if before and after:
        if before != after:
            yield "scale", before, after
        return
    assert a.high is not None
    assert b.high is not None
    as_share = [0 < (high or 0) <= 1 for high in (a.high, b.high)]
    if as_share[0] != as_share[1] and min(a.low or 0, b.low or 0) >= 0 and max(a.high, b.high) <= 100:
        yield "scale", f"up to {short(a.high)}", f"up to {short(b.high)}"
    elif a.median and b.median and abs(math.log(abs(b.median / a.median))) >= math.log(_FAR):
        yield "scale", f"median {short(a.median)}", f"median {short(b.median)}"


def _grades(variable: Variable) -> str:
    """The range of an answer graded in whole numbers, by its labels or by the few answers; else "".

    What lies apart from the grades, as 8 and 9 do from 1 to 5, stands for no answer.
    """
    codes = [code for code in (variable.labels or variable.answers or ()) if re.fullmatch("[0-9]{1,2}", code)]
    numbers = sorted(map(int, codes))
    run = [number for place, number in enumerate(numbers) if number == numbers[0] + place]
    return f"{run[0]}–{run[-1]}" if len(run) > 2 else ""


def _kind(numeric: float | None) -> str:
    share = numeric or 0
    return "numbers" if share >= _ALMOST else "texts" if share <= 1 - _ALMOST else "numbers and texts"


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
