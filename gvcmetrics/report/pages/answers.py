"""What the panels answer, in numbers: a table a hypothesis, and a forest plot where several panels answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gvcmetrics.claims.pool import forest, pool
from gvcmetrics.claims.run import ALL_PANELS
from gvcmetrics.claims.verdict import NOT_ESTIMABLE
from gvcmetrics.report.findings import p_in_words, with_interval
from gvcmetrics.report.pages.hypotheses import read_answers, read_hypotheses
from gvcmetrics.report.pages.manifest import PANEL, Study, read_manifest
from gvcmetrics.report.tables.frames import frame_table

ANSWERS = "answers"
MADE_BY = "gvcmetrics hypotheses run"
_SCALES = {"log_points": "log points", "standard_deviations": "standard deviations"}


def write_answers(answers: Path, claims: Path, results: Path) -> Path:
    """The chapter on the panels' answers, as `answers.json` with its tables and figures.

    Parameters
    ----------
    answers : the table that `gvcmetrics hypotheses run` writes. claims : the YAML of hypotheses.
    results : folder of the files. Those that an earlier table of answers left behind are removed.

    Raises
    ------
    DataError : the table of answers is none. SpecError : the list of hypotheses breaks its form.
    """
    study = Study(
        ANSWERS,
        title="The answers in numbers",
        question="What does each panel say to each hypothesis, how surely, and do panels agree?",
        results=results,
    )
    found = read_answers(answers)
    pages = [read_manifest(path) for path in sorted(results.glob(f"{PANEL}*.json"))]
    simulated = {page["name"].removeprefix(PANEL) for page in pages if page["simulated"]}
    for claim in read_hypotheses(claims, answers):
        rows = found[(found["hypothesis"] == claim["id"]) & found["panel"].isin(claim["answers"])]
        if not rows.empty:
            _hypothesis(study, claim, rows, simulated)
    written = study.write()
    kept = {str(path) for path in _files(study, results)}
    for path in sorted(results.glob(f"{ANSWERS}_*")):
        if str(path) not in kept:
            path.unlink()
    return written


def _files(study: Study, results: Path) -> Iterator[Path]:
    for stem in study.stems:
        yield from results.glob(f"{stem}.*")
        yield from results.glob(f"{stem}_narrow.*")


def _hypothesis(study: Study, claim: Mapping[str, Any], rows: pd.DataFrame, simulated: set[str]) -> None:
    study.text(f"**{claim['id']}.** {claim['statement']} ({claim['source']})")
    name = str(claim["id"])
    caption = f"{name}: what each panel answers"
    notes = _measured(rows)
    # The pages of the panels name their sources; a table over panels would repeat a dozen of them.
    whole = dict.fromkeys(("N", "Clusters"), ",d")
    made = frame_table(answers_table(rows), title=caption, notes=notes, formats=whole)
    study.table(replace(made, sourced=True, simulated=bool(set(rows["panel"]) & simulated)), name, caption)
    for number, (_, several) in enumerate(several_panels(rows), 1):
        figure, said = _forest(several)
        rule = several["rule"].iloc[0]
        marked = bool(set(several["panel"]) & simulated)
        study.figure(
            figure, f"{name}_forest_{number}", f"{name} across panels: {rule}", said, simulated=marked
        )


def answers_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A block a rule, a row a panel: effect with interval, adjusted p, N, clusters, verdict."""
    lines = []
    for found in rows[rows["verdict"] != NOT_ESTIMABLE].to_dict("records"):
        said = not pd.isna(found["p_adjusted"])
        lines.append(
            {
                "rule": f"{found['rule']} ({_SCALES.get(found['scale'], found['scale'])})",
                "panel": found["panel"],
                "Effect": found["estimate"],
                "95% from": found["conf_low"],
                "to": found["conf_high"],
                "p, adjusted": p_in_words(found["p_adjusted"]).removeprefix("p ").removeprefix("= ")
                if said
                else "–",
                "N": found["n"],
                "Clusters": found["clusters"],
                "Verdict": found["verdict"],
            }
        )
    frame = pd.DataFrame(lines).astype({"N": "Int64", "Clusters": "Int64"})
    order = {rule: place for place, rule in enumerate(dict.fromkeys(frame["rule"]))}
    last = (frame["panel"] == ALL_PANELS).to_numpy()
    frame = frame.iloc[np.lexsort((np.arange(len(frame)), last, frame["rule"].map(order)))]
    return frame.set_index(["rule", "panel"]).rename_axis(["Rule", "Panel"])


def several_panels(rows: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows of each rule and way to measure it that two panels or more estimate."""
    known = rows[
        (rows["panel"] != ALL_PANELS)
        & (rows["std_error"] > 0)
        & (rows["scale"] != "share")
        & (rows["verdict"] != NOT_ESTIMABLE)
    ]
    return [
        ((str(rule), str(ways)), found)
        for (rule, ways), found in known.groupby(["rule", "ways"], sort=False)
        if len(found) > 1
    ]


def _forest(rows: pd.DataFrame) -> tuple[Any, list[str]]:
    summary = pool(rows["estimate"], rows["std_error"])
    scale = str(rows["scale"].iloc[0])
    figure = forest(
        list(rows["panel"]),
        rows["estimate"],
        rows["std_error"],
        intervals=(rows["conf_low"], rows["conf_high"]),
        estimate_title=f"Effect in {_SCALES.get(scale, scale)}, 95% interval",
    )
    between = "no variance between panels is found" if summary.tau2 == 0 else f"τ² = {summary.tau2:.3g}"
    notes = [
        f"Mean of {summary.k} panels: "
        f"{with_interval(summary.estimate, summary.conf_low, summary.conf_high)}. "
        f"Random effects by REML, interval of Knapp and Hartung; {between}, I² = {summary.i2:.0f} %, "
        f"test that panels agree: {p_in_words(summary.q_p)}."
    ]
    if np.isfinite(summary.predict_low):
        ahead = f"{summary.predict_low:.3f} to {summary.predict_high:.3f}".replace("-", "−")
        notes.append(
            f"The thin line through the diamond, {ahead}, is where the effect on a further panel is expected."
        )
    if summary.k > 2:
        notes.append(
            "Grey: the mean without each panel in turn. An interval at the edge of the plot goes on."
        )
    return figure, notes


def _measured(rows: pd.DataFrame) -> list[str]:
    """How each panel measures the constructs and under which errors, and the rules that one cannot bear."""
    said = []
    known = rows["verdict"] != NOT_ESTIMABLE
    told = rows[known & (rows["panel"] != ALL_PANELS)].drop_duplicates(["panel", "measured_by", "errors"])
    for found in told.to_dict("records"):
        left = f" Left out: {found['controls_left_out']}." if found["controls_left_out"] else ""
        how = f"{found['measured_by']}. " if found["measured_by"] else ""
        said.append(f"{found['panel']}: {how}{found['model']}, {found['errors']}.{left}")
    for rule, reasons in rows[~known].groupby("rule", sort=False)["reason"]:
        said.append(f"{rule}: {'; '.join(reasons)}.")
    return said
