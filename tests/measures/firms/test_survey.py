"""Survey descriptives against R's package survey (tests/reference/survey/make.R), and what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.measures.firms.survey import survey_means, survey_totals

REFERENCE = Path(__file__).parents[2] / "reference" / "survey"
SAMPLE = pd.read_csv(REFERENCE / "sample.csv")
EXPECTED = pd.read_csv(REFERENCE / "expected.csv", keep_default_na=False)
DESIGNS = {
    "strata, psu, weights": {"stratum": "stratum", "psu": "psu", "weights": "weight"},
    "strata, weights": {"stratum": "stratum", "weights": "weight"},
    "psu, weights": {"psu": "psu", "weights": "weight"},
    "weights": {"weights": "weight"},
    "nothing": {},
    "lonely": {"stratum": "stratum", "psu": "psu", "weights": "weight", "lonely_psu": "certainty"},
}


@pytest.mark.parametrize("case", list(DESIGNS))
@pytest.mark.parametrize("what", ["mean", "total"])
def test_agrees_with_r(case: str, what: str) -> None:
    frame = SAMPLE if case == "lonely" else SAMPLE[SAMPLE["stratum"] != "lonely"]
    function = survey_means if what == "mean" else survey_totals
    overall = function(frame, ["sales", "exports"], **DESIGNS[case])
    by_size = function(frame, ["sales", "exports"], by="size", **DESIGNS[case])
    expected = EXPECTED[(EXPECTED["case"] == case) & (EXPECTED["what"] == what)]
    assert len(expected) == 6
    for line in expected.itertuples():
        found = by_size.loc[(line.group, line.column)] if line.group else overall.loc[line.column]
        for name in ("estimate", "standard_error", "low", "high"):
            assert found[name] == pytest.approx(getattr(line, name), rel=1e-9), (line, name)


def test_counts_and_population() -> None:
    frame = SAMPLE[SAMPLE["stratum"] != "lonely"]
    found = survey_means(frame, ["sales"], weights="weight", by=["stratum", "size"])
    answered = frame.dropna(subset="sales").groupby(["stratum", "size"])["weight"]
    assert found["n"].tolist() == answered.count().tolist()
    np.testing.assert_allclose(found["population"], answered.sum(), rtol=1e-12)
    assert list(found.index.names) == ["stratum", "size", "column"]


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ({}, {"psu": "psu", "stratum": "stratum"}, "stratum 'lonely' has a single unit"),
        (
            {"weight": -1.0},
            {"weights": "weight"},
            "row 2, column 'weight': 1 negative values, the first is -1",
        ),
        ({"weight": np.nan}, {"weights": "weight"}, "row 2, column 'weight': 1 rows have no weight"),
        ({"stratum": None}, {"stratum": "stratum"}, "row 2, column 'stratum': a row has no place"),
        ({}, {"weights": "wmedian"}, "column 'wmedian': the frame has no such column"),
    ],
)
def test_refuses(change: dict, options: dict, said: str) -> None:
    frame = SAMPLE.copy()
    for column, value in change.items():
        frame.loc[0, column] = value
    with pytest.raises(DataError, match=said):
        survey_means(frame, ["sales"], **options)


def test_text_has_no_mean() -> None:
    with pytest.raises(DataError, match="column 'size': the column is not numeric"):
        survey_means(SAMPLE, ["size"])
    with pytest.raises(DataError, match="the frame has no rows"):
        survey_means(SAMPLE.head(0), ["sales"])


DOMAINS = REFERENCE.parent / "domains"


@pytest.mark.parametrize("what", ["mean", "total"])
def test_finite_populations_agree_with_r(what: str) -> None:
    firms, expected = pd.read_csv(DOMAINS / "firms.csv"), pd.read_csv(DOMAINS / "means.csv")
    function = survey_means if what == "mean" else survey_totals
    design = {"weights": "weight", "stratum": "district", "psu": "village"}
    columns = ["sales", "innovates"]
    for fpc in ("villages", "share"):
        overall = function(firms, columns, fpc=fpc, **design)
        exporters = function(firms, columns, fpc=fpc, by="exporter", **design).loc[1]
        for row in expected[expected["what"] == what].itertuples():
            found = (overall if np.isnan(row.exporter) else exporters).loc[row.column]
            assert found["estimate"] == pytest.approx(row.estimate, rel=1e-9)
            assert found["standard_error"] == pytest.approx(row.standard_error, rel=1e-9)


@pytest.mark.parametrize(
    ("villages", "message"),
    [(0.0, "0 is no number of units"), (3.0, "3 is less than the units"), (None, "differs from another row")],
)
def test_populations_that_cannot_be(villages: float | None, message: str) -> None:
    firms = pd.read_csv(DOMAINS / "firms.csv")
    firms["villages"] = villages if villages is not None else 100.0 + np.arange(len(firms))
    with pytest.raises(DataError, match=message):
        survey_means(firms, ["sales"], stratum="district", psu="village", fpc="villages")
