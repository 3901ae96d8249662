"""Random effects and joint probits: seconds, and the ratio to R on the same simulated data.

2,000 units × 8 periods × 6 regressors (seed 3), twelve adaptive quadrature points: the ordered logit against
ordinal::clmm (target: 100 times as fast) and the logit against lme4::glmer (10 times), each fitted once, and
only counted if both report the same log likelihood. First calls are those of a fresh process with compiled
code in the cache; targets are within a second of the warm time. On the same 16,000 rows the probits of two,
three (target: 1.5 s on two cores) and four outcomes (6 s), which have to need at most 20 Newton steps.

    python analysis/benchmarks/random_effects.py

Where R or the package is missing, that is said and its target not judged.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

UNITS, PERIODS = 2_000, 8
SLOPES = np.array([0.5, -0.4, 0.3, 0.2, -0.1, 0.6])
TERMS = " + ".join(f"x{k + 1}" for k in range(len(SLOPES)))
COMPETITORS = Path(__file__).parent / "r" / "random_effects.R"
FIRST_CALL, NEWTON_STEPS = 1.0, 20
# Warm calls are repeated, but for a model that takes longer than this.
ROUNDS, SLOW = 3, 10.0


@dataclass(frozen=True)
class Case:
    """A model, the R function it is held against, and how many times as fast it has to be; or seconds."""

    name: str
    function: str
    outcome: str
    competitor: str | None = None
    target: float | None = None
    seconds: float | None = None

    @property
    def options(self) -> dict[str, str]:
        return {"unit": "unit", "effects": "random"} if self.competitor else {}


CASES = (
    Case("random-effects ordered logit", "ordered_logit", "ordered", "clmm", 100.0),
    Case("random-effects logit", "logit", "binary", "glmer", 10.0),
    Case("bivariate probit", "joint_probit", "first + second"),
    Case("trivariate probit", "joint_probit", "first + second + third", seconds=1.5),
    Case("quadrivariate probit", "joint_probit", "first + second + third + fourth", seconds=6.0),
)


def simulated_panel() -> pd.DataFrame:
    """A binary and an ordered outcome with a normal effect of each unit, and four correlated 0/1 outcomes."""
    rng = np.random.default_rng(3)
    unit = np.repeat(np.arange(UNITS), PERIODS)
    effect = rng.normal(size=UNITS)[unit]
    x = rng.normal(size=(unit.size, SLOPES.size)).round(6)
    index = x @ SLOPES + effect
    errors = rng.multivariate_normal(np.zeros(3), [[1, 0.5, 0.3], [0.5, 1, -0.2], [0.3, -0.2, 1]], unit.size)
    joint = (x @ SLOPES)[:, None] + errors > 0
    # Of a generator of its own, so that the other outcomes are what they were.
    noise = np.random.default_rng(4).normal(size=unit.size)
    fourth = 0.5 * (x @ SLOPES) + 0.4 * errors[:, 0] + np.sqrt(1 - 0.4**2) * noise > 0.2
    frame = pd.DataFrame(
        {
            "unit": unit,
            "binary": (index + rng.logistic(size=unit.size) > 0).astype(int),
            "ordered": 1 + np.searchsorted([-1.0, 0.5, 2.0], index + rng.logistic(size=unit.size)),
            **{name: joint[:, j].astype(int) for j, name in enumerate(("first", "second", "third"))},
            "fourth": fourth.astype(int),
        }
    )
    return frame.assign(**{f"x{k + 1}": x[:, k] for k in range(SLOPES.size)})


def fitter(case: Case, frame: pd.DataFrame) -> Callable:
    """The model's fit, its code imported."""
    from gvcmetrics import models

    function = getattr(models, case.function)
    return lambda: function(f"{case.outcome} ~ {TERMS}", frame, **case.options)


def timed(run: Callable) -> tuple[float, float, Any]:
    """Elapsed and processor seconds (those of all threads), and the value."""
    start, busy = time.perf_counter(), time.process_time()
    value = run()
    return time.perf_counter() - start, time.process_time() - busy, value


def measure(position: int, path: Path) -> None:
    """What the fresh process does; it prints its findings."""
    run = fitter(CASES[position], pd.read_csv(path))
    first, _, results = timed(run)
    rounds = [timed(run) for _ in range(ROUNDS if first < SLOW else 1)]
    found = {
        "first": first,
        "seconds": min(elapsed for elapsed, _, _ in rounds),
        "processor": min(busy for _, busy, _ in rounds),
        "loglik": results.loglik,
        "steps": results.statistics["iterations"],
    }
    print(json.dumps(found))


def in_fresh_process(position: int, path: Path) -> dict[str, float]:
    """Seconds of the first and of a warm call, log likelihood and Newton steps, in a new process."""
    command = [sys.executable, __file__, str(position), str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def competitor(case: Case, path: Path) -> dict[str, float] | None:
    """R's seconds and log likelihood; None where R or the package is missing."""
    if case.competitor is None or shutil.which("Rscript") is None:
        return None
    command = ["Rscript", str(COMPETITORS), case.competitor, str(path)]
    run = subprocess.run(command, capture_output=True, text=True)
    return json.loads(run.stdout) if run.returncode == 0 else None


def report(case: Case, ours: dict[str, float], theirs: dict[str, float] | None) -> None:
    """Print a model's figures against its targets."""
    targets = {
        f"{ours['steps']:.0f} Newton steps, at most {NEWTON_STEPS}": ours["steps"] <= NEWTON_STEPS,
        f"first call within {FIRST_CALL:.0f} s of the warm one": ours["first"] - ours["seconds"]
        <= FIRST_CALL,
    }
    print(case.name)
    print(f"  first call {ours['first']:.2f} s, warm {ours['seconds']:.2f} s", end="")
    print(f" (processor {ours['processor']:.2f} s), log likelihood {ours['loglik']:.4f}")
    if theirs is not None and case.target is not None:
        print(f"  {case.competitor} {theirs['seconds']:.1f} s", end="")
        print(f" (processor {theirs['processor']:.1f} s), log likelihood {theirs['loglik']:.4f}")
        same = abs(theirs["loglik"] - ours["loglik"]) < 1e-6 * abs(ours["loglik"])
        ratio = theirs["seconds"] / ours["seconds"]
        targets = {
            "the same log likelihood": same,
            f"{ratio:.0f} times as fast, at least {case.target:.0f}": ratio >= case.target,
            **targets,
        }
    elif case.seconds is not None:
        targets = {f"warm within {case.seconds:g} s": ours["seconds"] <= case.seconds, **targets}
    elif case.competitor:
        print(f"  not held against {case.competitor}: R or its package is missing")
    for text, met in targets.items():
        print(f"  {'met' if met else 'NOT MET':<8} {text}", flush=True)


def main() -> None:
    frame = simulated_panel()
    print(f"{UNITS:,} simulated units x {PERIODS} periods; warm is the best of up to {ROUNDS} calls")
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "panel.csv"
        frame.to_csv(path, index=False)
        for position, case in enumerate(CASES):
            # Compiled code goes into the cache, which the fresh process then reads.
            fitter(case, frame.iloc[:800])()
            report(case, in_fresh_process(position, path), competitor(case, path))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        main()
