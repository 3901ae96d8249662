"""Results with numbers made by hand, so that every printed figure can be checked by eye."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest


@dataclass
class FakeSample:
    y: np.ndarray
    source: pd.DataFrame
    weights: np.ndarray | None = None
    categories: tuple | None = None

    @property
    def attrs(self) -> dict:
        return self.source.attrs


@dataclass
class FakeResult:
    outcome: str = "patents"
    model: str = "OLS"
    effects: str = "pooled"
    vcov_label: str = "clustered by firm_id"
    call: str = 'gvc.ols("patents ~ log_rd | year", frame, vcov={"CRV1": "firm_id"})'
    absorbed: tuple[str, ...] = ("year",)
    nobs: int = 1629
    n_clusters: dict = field(default_factory=lambda: {"firm_id": 181})
    statistics: dict = field(default_factory=lambda: {"r2": 0.51234})
    converged: bool = True
    dropped: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sample: FakeSample | None = None
    # term -> (estimate, standard error, p-value)
    terms: dict = field(
        default_factory=lambda: {"log_rd": (0.123456, 0.04, 0.002), "Intercept": (-1.5, 1.0, 0.13)}
    )
    blocks: dict = field(default_factory=dict)
    ancillary: tuple[str, ...] = ("Cutpoints", "Unit effect", "Correlations")
    untested: tuple[str, ...] = ("Cutpoints", "Unit effect")

    def statistic(self, key: str) -> float | None:
        if key == "outcome_mean" and self.sample is not None and self.sample.categories is None:
            return float(np.average(self.sample.y, weights=self.sample.weights))
        return self.statistics.get(key)

    @property
    def __maketables_stat_labels__(self) -> dict[str, str]:
        return {"r2": "R²", "pseudo_r2": "Pseudo R²", "loglik": "Log likelihood"}

    def tidy(self) -> pd.DataFrame:
        lines = [
            {
                "term": term,
                "estimate": estimate,
                "std_error": error,
                "statistic": estimate / error,
                "p_value": p_value,
                "conf_low": estimate - 2 * error,
                "conf_high": estimate + 2 * error,
                "block": self.blocks.get(term, ""),
            }
            for term, (estimate, error, p_value) in self.terms.items()
        ]
        return pd.DataFrame(lines)


def two_results() -> list[FakeResult]:
    second = FakeResult(
        outcome="innovates",
        model="Ordered logit",
        effects="random",
        absorbed=("region^industry",),
        nobs=900,
        n_clusters={},
        vcov_label="robust",
        call='gvc.ordered_logit("innovates ~ log_rd * size_100%", frame)',
        statistics={"pseudo_r2": 0.2, "loglik": -1234.567},
        terms={
            "log_rd": (0.00004, 0.00001, 0.03),
            "log_rd:size": (-2.0, 1.2, 0.0999),
            "1|2": (1.25, 0.5, 0.012),
        },
        blocks={"1|2": "Cutpoints"},
    )
    first = FakeResult(sample=FakeSample(np.array([10.0, 14.6912]), pd.DataFrame({"patents": [10, 15]})))
    return [first, second]


REAL = {
    "panel": "patents_rd",
    "title": "Patents & R&D <1983–91>",
    "source": "Ecdat/PatentsRD",
    "source_title": "Ecdat",
    "origin": "embedded",
    "licence": "GPL-2",
    "citation": "Cincera (1997)",
    "raw_file": "PatentsRD.csv",
    "raw_sha256": "ab" * 32,
    "coverage": {"rows": 1629, "first_year": 1983, "last_year": 1991, "countries": 4},
    "simulated": False,
}
SIMULATED = {**REAL, "panel": "economy", "title": "Benchmark economy", "simulated": True}


@pytest.fixture
def results() -> list[FakeResult]:
    return two_results()


@pytest.fixture
def real() -> dict:
    return dict(REAL)


@pytest.fixture
def simulated() -> dict:
    return dict(SIMULATED)


@pytest.fixture
def built_twice(tmp_path):
    """Runs a program in two processes with different hash seeds; name → SHA-256 of what each wrote."""

    def build(program: str) -> list[dict[str, str]]:
        hashes = []
        for seed in ("1", "2"):
            folder = tmp_path / seed
            folder.mkdir()
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
            subprocess.run([sys.executable, "-c", program, str(folder)], check=True, env=environment)
            hashes.append(
                {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
            )
        return hashes

    return build
