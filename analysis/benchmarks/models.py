"""Discrete-choice models against R and statsmodels, on simulated panels (20,000 units x 8 periods x 6).

For each model: the first call in a fresh process (compiled code cached, imports not counted), the fastest
of several later calls, the competitor's fastest, and the ratio of the last two. Both take turns, so that
busy spells of the machine hit both. Where statsmodels would take minutes it is timed on a part of the
units and scaled by their number; the line says so. Without R its columns stay empty. At the end a million
rows in memory, and 20 million from a temporary file of a gigabyte.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

R_SCRIPTS = Path(__file__).parent / "r"
sys.path.insert(0, str(R_SCRIPTS))
from write_samples import SHAPES, SLOPES, draw  # noqa: E402

REGRESSORS = " + ".join(f"x{k + 1}" for k in range(SLOPES.size))
FIRST_CALL = 1.0
PASSES = 4.0
MEMORY = 2.5
FILE_ROWS, FILE_GIGABYTES = 20_000_000, 2.0


@dataclass(frozen=True)
class Rival:
    """A competitor: R by its model name in time.R, or a statsmodels fit that gives the slope of x1.

    share : part of the units that it gets. rounds : how often it is timed.
    """

    name: str
    target: float
    r: str = ""
    python: Callable[[pd.DataFrame], float] | None = None
    share: float = 1.0
    rounds: int = 2


@dataclass(frozen=True)
class Model:
    """One line of the table; `fit` and the sample's file are found by name in a fresh process, too."""

    title: str
    data: str
    fit: Callable[[pd.DataFrame], Any]
    rivals: tuple[Rival, ...] = ()


def conditional_logit(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.logit(f"binary ~ {REGRESSORS}", frame, unit="unit", effects="fixed")


def blow_up_and_cluster(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.ordered_logit(f"ordered ~ {REGRESSORS}", frame, unit="unit", effects="fixed")


def conditional_multinomial(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.multinomial_logit("choice ~ x1 + x2", frame, unit="unit", effects="fixed")


def ordered_logit(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.ordered_logit(f"ordered ~ {REGRESSORS}", frame)


def multinomial_logit(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.multinomial_logit(f"choice ~ {REGRESSORS}", frame, vcov={"CRV1": "unit"})


def absorbed_logit(frame: pd.DataFrame) -> Any:
    import gvcmetrics as gvc

    return gvc.logit(
        f"binary ~ {REGRESSORS} | unit + time", frame, unit="unit", time="time", bias_correction="analytical"
    )


def _x(frame: pd.DataFrame, names: str = REGRESSORS) -> pd.DataFrame:
    return frame[names.split(" + ")]


def statsmodels_conditional(frame: pd.DataFrame) -> float:
    from statsmodels.discrete.conditional_models import ConditionalLogit

    return ConditionalLogit(frame["binary"], _x(frame), groups=frame["unit"]).fit(disp=0).params["x1"]


def statsmodels_conditional_multinomial(frame: pd.DataFrame) -> float:
    from statsmodels.discrete.conditional_models import ConditionalMNLogit

    fitted = ConditionalMNLogit(frame["choice"], _x(frame, "x1 + x2"), groups=frame["unit"]).fit(disp=0)
    return fitted.params.to_numpy().ravel()[0]


def statsmodels_ordered(frame: pd.DataFrame) -> float:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    return OrderedModel(frame["ordered"], _x(frame), distr="logit").fit(method="bfgs", disp=0).params["x1"]


def statsmodels_multinomial(frame: pd.DataFrame) -> float:
    from statsmodels.api import MNLogit, add_constant

    fitted = MNLogit(frame["choice"], add_constant(_x(frame))).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": frame["unit"]}
    )
    return fitted.params.loc["x1"].iloc[0]


MODELS = (
    Model("conditional logit", "panel", conditional_logit, (
        Rival("R survival::clogit, exact", 20, r="clogit", rounds=3),
        Rival("statsmodels ConditionalLogit", 300, python=statsmodels_conditional, share=1 / 40, rounds=1),
    )),
    Model("conditional logit, 200 groups of 250", "groups", conditional_logit, (
        Rival("R survival::clogit, exact", 7, r="clogit", rounds=1),
        Rival("statsmodels ConditionalLogit", 100, python=statsmodels_conditional, share=1 / 10, rounds=1),
    )),
    Model("fixed-effects ordered logit (BUC)", "panel", blow_up_and_cluster, (
        Rival("R clogit on stacked copies", 10, r="buc"),
    )),
    Model("conditional multinomial logit, 150 x 8 x 4", "choices", conditional_multinomial, (
        Rival(
            "statsmodels ConditionalMNLogit", 300, python=statsmodels_conditional_multinomial,
            share=1 / 15, rounds=1,
        ),
    )),
    Model("ordered logit", "panel", ordered_logit, (
        Rival("R ordinal::clm", 4, r="clm", rounds=3),
        Rival("statsmodels OrderedModel", 15, python=statsmodels_ordered, rounds=1),
    )),
    Model("multinomial logit, clustered errors", "panel", multinomial_logit, (
        Rival("statsmodels MNLogit", 3, python=statsmodels_multinomial),
    )),
    Model("logit, two absorbed effects, bias-corrected", "panel", absorbed_logit),
)  # fmt: skip


def write_samples(directory: Path) -> None:
    """The simulated panels as CSV, for R and for fresh processes."""
    for seed, name in enumerate(("panel", "groups"), start=1):
        frame = draw(*SHAPES[name], seed=seed)
        frame.assign(time=frame.groupby("unit").cumcount()).to_csv(directory / f"{name}.csv", index=False)
    rng = np.random.default_rng(3)
    unit, x = np.repeat(np.arange(150), 8), rng.normal(size=(1200, 2)).round(6)
    utility = x @ [[0.0, 0.5, -0.5, 0.3], [0.0, -0.3, 0.4, 0.6]] + rng.gumbel(size=(1200, 4))
    choices = pd.DataFrame({"unit": unit, "choice": utility.argmax(axis=1), "x1": x[:, 0], "x2": x[:, 1]})
    choices.to_csv(directory / "choices.csv", index=False)


def seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def in_fresh_process(*job: str) -> dict[str, float]:
    """Run one job of this script in a process of its own; its answer."""
    done = subprocess.run(
        [sys.executable, __file__, "--job", *job], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(job)} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def r_seconds(model: str, path: Path) -> tuple[float, float] | None:
    """Elapsed seconds of one R fit and its slope of x1; None without R or the package."""
    if shutil.which("Rscript") is None:
        return None
    command = ["Rscript", str(R_SCRIPTS / "time.R"), model, str(path), "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["coef"][0]


def bench(model: Model, directory: Path) -> None:
    """Print a model's lines."""
    path = directory / f"{model.data}.csv"
    frame = pd.read_csv(path)
    fit = model.fit
    fit(frame)
    first = in_fresh_process("first", model.title, str(directory))
    warm = min(seconds(lambda: fit(frame)) for _ in range(5))
    memory = f"peak memory {first['megabytes']:.0f} MB above the frame" if not model.rivals else ""
    if memory:
        line(model.title, "-", first["first"], warm, None, None, True, memory)
    for rival in model.rivals:
        part, scale = frame, 1.0
        if rival.share < 1.0:
            kept = frame["unit"].unique()[: max(2, round(frame["unit"].nunique() * rival.share))]
            part, scale = frame[frame["unit"].isin(kept)], frame["unit"].nunique() / len(kept)
        theirs, notes = float("inf"), []
        for _ in range(rival.rounds):
            if rival.r:
                answer = r_seconds(rival.r, path)
                if answer is None:
                    notes = ["R or its package is not installed"]
                    break
                taken, slope = answer
            else:
                assert rival.python is not None
                start = time.perf_counter()
                slope = rival.python(part)
                taken = time.perf_counter() - start
            theirs = min(theirs, taken * scale)
            warm = min(warm, *(seconds(lambda: fit(frame)) for _ in range(5)))
        if np.isfinite(theirs):
            params = fit(part).params
            ours = next(value for name, value in params.items() if str(name).endswith("x1"))
            notes.append(f"slopes of x1 within {abs(ours / slope - 1.0):.0e}")
            if scale > 1.0:
                notes.append(f"timed on {len(kept)} units, scaled by {scale:.0f}")
        line(
            model.title, rival.name, first["first"], warm, theirs if np.isfinite(theirs) else None,
            rival.target, not np.isfinite(theirs) or theirs / warm >= rival.target, ", ".join(notes),
        )  # fmt: skip
    late = first["first"] - first["warm"]
    if late > FIRST_CALL:
        print(f"    first call {late:.1f} s after the warm time; the target of {FIRST_CALL:.0f} s is not met")


def line(
    title: str, against: str, first: float, warm: float, theirs: float | None,
    target: float | None, met: bool, note: str,
) -> None:  # fmt: skip
    """One line of the table."""
    rival = f"{theirs:8.2f} s  {theirs / warm:7.1f}x" if theirs is not None else f"{'-':>10}  {'-':>8}"
    aim = f"{target:5.0f}x  {'met' if met else 'NOT MET'}" if target is not None else f"{'-':>6}"
    print(f"{title:<44}{against:<32}{first:6.2f} s {warm:7.3f} s {rival}  {aim:<14} {note}", flush=True)


def first_call(title: str, directory: str) -> dict[str, float]:
    """Time of a model's first and third call here, and the memory that the third took at its peak."""
    import gvcmetrics.models.api.discrete  # noqa: F401

    model = next(model for model in MODELS if model.title == title)
    frame = pd.read_csv(Path(directory) / f"{model.data}.csv")
    first = seconds(lambda: model.fit(frame))
    seconds(lambda: model.fit(frame))
    held = reset_peak()
    warm = seconds(lambda: model.fit(frame))
    return {"first": first, "warm": warm, "megabytes": peak() - held}


def reset_peak() -> float:
    """Forget the process's peak memory; megabytes held now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def peak() -> float:
    """Megabytes at the peak since `reset_peak`."""
    return _status("VmHWM")


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(text.split()[1]) / 1024 for text in lines if text.startswith(field))


def million(rows: int = 1_000_000) -> dict[str, float]:
    """Pooled logit of a million rows against passes of X.T @ X; memory above the frame, per sample."""
    import gvcmetrics as gvc
    from gvcmetrics.models.families.logit import logit
    from gvcmetrics.models.likelihood.newton import maximise
    from gvcmetrics.models.likelihood.sums import in_memory

    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, SLOPES.size))
    frame = pd.DataFrame(X, columns=REGRESSORS.split(" + "))
    frame["y"] = (X @ SLOPES + rng.logistic(size=rows) > 0).astype(float)
    design = np.column_stack([np.ones(rows), X])
    formula = f"y ~ {REGRESSORS}"
    y = frame["y"].to_numpy()
    steps = gvc.logit(formula, frame).statistics["iterations"]
    likelihood = in_memory(logit, y, design)
    newton = fitted = one_pass = float("inf")
    for _ in range(7):
        fitted = min(fitted, seconds(lambda: gvc.logit(formula, frame)))
        newton = min(newton, seconds(lambda: maximise(likelihood.evaluate, np.zeros(design.shape[1]))))
        one_pass = min(one_pass, *(seconds(lambda: design.T @ design) for _ in range(3)))
    held = reset_peak()
    gvc.logit(formula, frame)
    sample = rows * (SLOPES.size + 1) * 8 / 2**20
    return {
        "fit": fitted,
        "newton": newton,
        "pass": one_pass,
        "steps": steps,
        "memory": (peak() - held) / sample,
    }


def from_file(path: str) -> dict[str, float]:
    """Pooled logit of a file, batch by batch."""
    import gvcmetrics as gvc

    results: list[Any] = []
    taken = seconds(lambda: results.append(gvc.logit(f"y ~ {REGRESSORS}", path)))
    error = np.abs(results[0].params.to_numpy()[1:] - SLOPES).max()
    return {"seconds": taken, "gigabytes": peak() / 1024, "error": float(error)}


def write_file(path: Path) -> None:
    """A Parquet file of simulated rows, a million at a time."""
    rng = np.random.default_rng(0)
    names = [*REGRESSORS.split(" + "), "y"]
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for _ in range(FILE_ROWS // 1_000_000):
            X = rng.normal(size=(1_000_000, SLOPES.size))
            y = (X @ SLOPES + rng.logistic(size=len(X)) > 0).astype(float)
            writer.write_table(pa.table([*X.T, y], schema=schema))


def verdict(kept: bool) -> str:
    return "met" if kept else "NOT MET"


def main() -> None:
    print("20,000 simulated units x 8 periods x 6 regressors unless said; seconds are the best of several")
    print(f"{'model':<44}{'against':<32}{'first':>8} {'warm':>9} {'theirs':>10} {'ratio':>9}  target")
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        write_samples(directory)
        import statsmodels.tools.sm_exceptions  # noqa: F401  (it resets the warning filters when imported)

        warnings.simplefilter("ignore")
        for model in MODELS:
            bench(model, directory)
        big = in_fresh_process("million")
        ratio = big["fit"] / (big["steps"] * big["pass"])
        print(
            f"logit, a million rows: {big['fit']:.3f} s, {big['steps']:.0f} Newton steps; X.T @ X "
            f"{big['pass'] * 1e3:.1f} ms; the Newton steps take {ratio * big['newton'] / big['fit']:.1f} times, "
            f"the whole call {ratio:.1f} times as many passes "
            f"(target {PASSES:.0f}: {verdict(ratio <= PASSES)}); peak memory above the frame "
            f"{big['memory']:.1f} times the sample (target {MEMORY}: {verdict(big['memory'] <= MEMORY)})"
        )
        write_file(directory / "rows.parquet")
        chunked = in_fresh_process("file", str(directory / "rows.parquet"))
        print(
            f"logit, {FILE_ROWS:,} rows from Parquet: {chunked['seconds']:.0f} s, peak memory "
            f"{chunked['gigabytes']:.2f} GB (target {FILE_GIGABYTES:.0f}: "
            f"{verdict(chunked['gigabytes'] <= FILE_GIGABYTES)}); largest error of a slope "
            f"{chunked['error']:.1e}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        jobs: dict[str, Callable[..., dict[str, float]]] = {
            "first": first_call, "million": million, "file": from_file,
        }  # fmt: skip
        print(json.dumps(jobs[sys.argv[2]](*sys.argv[3:])))
        sys.exit(0)
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    main()
