"""Results with numbers made by hand, so that every printed figure can be checked by eye."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pytest


@dataclass
class FakeResult:
    outcome: str = "patents"
    model: str = "ols"
    effects: str = "pooled"
    vcov_label: str = "clustered by firm_id"
    call: str = 'gvc.ols("patents ~ log_rd | year", frame, vcov={"CRV1": "firm_id"})'
    absorbed: tuple[str, ...] = ("year",)
    nobs: int = 1629
    n_clusters: int | None = 181
    loglik: float | None = None
    statistics: dict = field(default_factory=lambda: {"r2": 0.51234, "outcome_mean": 12.3456})
    labels: dict = field(default_factory=dict)
    provenance: object = None
    # term -> (estimate, standard error, p-value)
    terms: dict = field(
        default_factory=lambda: {"log_rd": (0.123456, 0.04, 0.002), "Intercept": (-1.5, 1.0, 0.13)}
    )
    blocks: dict = field(default_factory=dict)

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
        model="ordered_logit",
        effects="random",
        absorbed=("region^industry",),
        nobs=900,
        n_clusters=None,
        loglik=-1234.567,
        vcov_label="robust",
        call='gvc.ordered_logit("innovates ~ log_rd * size_100%", frame)',
        statistics={"pseudo_r2": 0.2},
        terms={
            "log_rd": (0.00004, 0.00001, 0.03),
            "log_rd:size": (-2.0, 1.2, 0.0999),
            "1|2": (1.25, 0.5, 0.012),
        },
        blocks={"1|2": "Cutpoints"},
    )
    return [FakeResult(), second]


REAL = {
    "name": "patents_rd",
    "title": "Patents & R&D <1983–91>",
    "source": "Ecdat",
    "licence": "GPL-2",
    "citation": "Cincera (1997)",
    "raw_sha256": "ab" * 32,
    "rows": 1629,
    "years": "1983–1991",
    "countries": "USA, JPN",
    "simulated": False,
}
SIMULATED = {**REAL, "name": "economy", "title": "Benchmark economy", "simulated": True}


@pytest.fixture
def results() -> list[FakeResult]:
    return two_results()


@pytest.fixture
def real() -> dict:
    return dict(REAL)


@pytest.fixture
def simulated() -> dict:
    return dict(SIMULATED)
