"""How fast the input-output measures are, against the textbook way, in one run.

Needs the WIOD tables (GVCMETRICS_MIRROR); without them it says so and ends well. Every time is
the least of several rounds, the rivals taken in turn so that a busy machine hits them alike.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gvcmetrics.measures.input_output.build import from_wide
from gvcmetrics.measures.input_output.decompositions import (
    borin_mancini_sink,
    borin_mancini_source,
    koopman_wang_wei,
    wang_wei_zhu,
)
from gvcmetrics.measures.input_output.participation import gvc_participation, participation_koopman
from gvcmetrics.measures.input_output.position import positions
from gvcmetrics.measures.input_output.table import InputOutput, by_year

ROUNDS = 5
YEARS = range(1995, 2012)


def table_of(frame: pd.DataFrame, year: int) -> InputOutput:
    return from_wide(frame, year=year, inventories="f5", close="row_sums", negative_value_added="keep")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def explicit_inverses(table: InputOutput) -> pd.Series:
    """The textbook way to foreign value added: one extraction matrix and inverse per exporter."""
    identity = np.eye(len(table.x))
    result = {}
    for region, block in zip(table.regions, table.blocks, strict=True):
        extracted = table.A.copy()
        own = extracted[block, block].copy()
        extracted[block] = 0.0
        extracted[block, block] = own
        inverse = np.linalg.inv(identity - extracted)
        content = table.v @ inverse[:, block] - table.v[block] @ inverse[block, block]
        result[region] = content @ table.exports[block].sum(axis=1)
    return pd.Series(result)


def panel(folder: Path) -> pd.DataFrame:
    """Participation (both kinds), upstreamness and downstreamness, all years, from the files on."""

    def tables() -> Iterator[InputOutput]:
        for year in YEARS:
            yield table_of(pd.read_parquet(folder / f"wiot_{year}.parquet"), year)

    def measure(table: InputOutput) -> pd.DataFrame:
        by = ("exporter", "industry")
        return pd.concat(
            {
                "participation": gvc_participation(table, by=by),
                "koopman": participation_koopman(table, by=by),
                "position": positions(table).rename_axis(list(by)),
            },
            axis=1,
        )

    return by_year(tables(), measure)


def verdict(value: float, goal: float, unit: str = "", least: bool = False) -> str:
    """The goal, and whether it is met."""
    met = value >= goal if least else value <= goal
    return f"(target {'≥' if least else '≤'} {goal:g}{unit}: {'met' if met else 'NOT met'})"


def load() -> str:
    """How busy the machine is: a load above the number of cores stretches every time."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def report_panel(folder: Path) -> None:
    """Time and peak memory of the process so far, so this must come first."""
    processor = time.process_time()
    took = seconds(lambda: panel(folder))
    processor = time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    print(
        f"participation, position, upstreamness 1995–2011: {took:.1f} s {verdict(took, 20, ' s')}, "
        f"processor time {processor:.1f} s; peak {peak:.2f} GB {verdict(peak, 1.5, ' GB')}; {load()}"
    )


def report_decompositions(frame: pd.DataFrame) -> None:
    """Each decomposition against one inverse, and against one inverse for each exporter."""
    rivals: dict[str, Callable[[InputOutput], object]] = {
        "one inverse": lambda table: np.linalg.inv(np.eye(len(table.x)) - table.A),
        "Koopman–Wang–Wei": koopman_wang_wei,
        "Borin–Mancini source": borin_mancini_source,
        "Borin–Mancini sink": borin_mancini_sink,
        "Wang–Wei–Zhu": lambda table: wang_wei_zhu(table, by=("exporter",)),
    }
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(ROUNDS):
        for name, work in rivals.items():
            table = table_of(frame, 2011)
            assert table.A.shape  # all start from the coefficients
            times[name].append(seconds(lambda work=work, table=table: work(table)))
    best = {name: min(values) for name, values in times.items()}
    inverse = best.pop("one inverse")
    with_target = ("Koopman–Wang–Wei", "Borin–Mancini source")
    print(f"one {len(table.x)} × {len(table.x)} inverse: {inverse:.2f} s")
    for name, least in best.items():
        ratio = least / inverse
        said = verdict(ratio, 3) if name in with_target else "(no target)"
        print(f"{name}, 41 exporters, all terms: {least:.2f} s, {ratio:.2f} inverses {said}")

    table = table_of(frame, 2011)
    start = time.perf_counter()
    foreign = explicit_inverses(table)
    textbook = time.perf_counter() - start
    ours = borin_mancini_source(table)[["FVA1", "FVA2", "FVA3", "FVA4"]].sum(axis=1)
    gap = (ours / foreign - 1).abs().max()
    ours_best = best["Borin–Mancini source"]
    print(
        f"41 explicit inverses: {textbook:.1f} s, {textbook / ours_best:.0f} times Borin–Mancini source "
        f"{verdict(textbook / ours_best, 15, least=True)}; foreign value added agrees to {gap:.0e}"
    )


def main() -> None:
    mirror = os.environ.get("GVCMETRICS_MIRROR")
    folder = Path(mirror or ".") / "wiod2013"
    if not mirror or not folder.is_dir():
        print("input-output: not measured: needs the WIOD tables, set GVCMETRICS_MIRROR to the data mirror")
        return
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"].get("name")
    threads = os.environ.get("OPENBLAS_NUM_THREADS", f"{os.cpu_count()} (all cores)")
    print(f"input-output measures, WIOD, 41 regions × 35 industries; BLAS {blas}, threads {threads}")
    report_panel(folder)
    report_decompositions(pd.read_parquet(folder / "wiot_2011.parquet"))


if __name__ == "__main__":
    main()
