"""A Parquet file fitted batch by batch equals the frame in memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.models.data import batches as from_file
from gvcmetrics.models.registry import responses

REFERENCE = Path(__file__).parents[1] / "reference" / "engine" / "data"


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    monkeypatch.setattr(from_file, "BATCH_ROWS", 250)
    data = pd.read_csv(REFERENCE / "balanced.csv").sort_values("g", kind="stable").reset_index(drop=True)
    data["w"] = 1.0 + np.arange(len(data)) % 4
    data.loc[7, "x1"] = np.nan
    return data


@pytest.mark.filterwarnings("ignore::gvcmetrics.errors.EstimationWarning")
@pytest.mark.parametrize(
    ("function", "outcome", "options"),
    [
        ("logit", "binary", {"vcov": {"CRV1": "region"}}),
        ("logit", "binary", {"vcov": {"CRV1": "region + time"}, "weights": "w"}),
        ("logit", "binary", {"vcov": "hetero", "weights": "w", "frequency": True}),
        ("probit", "binary", {"vcov": "iid", "offset": "x2"}),
        ("cloglog", "event", {"vcov": "hetero"}),
        ("fractional_logit", "fraction", {}),
        ("ordered_logit", "ordered", {"vcov": {"CRV1": "unit"}}),
        ("ordered_probit", "ordered", {"fix": {"d": 0.1}}),
        ("multinomial_logit", "choice", {}),
        ("negative_binomial", "overdispersed", {}),
        ("poisson", "count", {"vcov": {"CRV1": "region"}}),
        ("joint_probit", "first + second", {"vcov": "hetero"}),
        ("tobit", "continuous", {}),
        ("tobit", "continuous", {"upper": "3 + w", "weights": "w", "vcov": {"CRV1": "region"}}),
    ],
)
def test_as_in_memory(
    frame: pd.DataFrame, tmp_path: Path, function: str, outcome: str, options: dict
) -> None:
    path = tmp_path / "firms.parquet"
    frame.to_parquet(path)
    # the file is sorted by g, so its first batches do not know all levels of it
    formula = f"{outcome} ~ x1 + d + g + C(industry) + log(w)"
    memory = getattr(gvc, function)(formula, frame, **options)
    chunked = getattr(gvc, function)(formula, path, **options)
    assert list(chunked.params.index) == list(memory.params.index)
    np.testing.assert_allclose(chunked.params, memory.params, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(chunked.std_errors, memory.std_errors, rtol=1e-8)
    assert chunked.loglik == pytest.approx(memory.loglik, rel=1e-12)
    assert chunked.nobs == memory.nobs
    # What is expected, and what moves it, is the same road too.
    np.testing.assert_allclose(chunked.predict(), memory.predict(), rtol=1e-7)
    np.testing.assert_allclose(chunked.predict(frame.head(50)), memory.predict(frame.head(50)), rtol=1e-7)
    for asked in ({"variables": ["x1", "g"]}, {"variables": "d", "by": "region"}, {"kind": "predictions"}):
        one, other = chunked.margins(**asked), memory.margins(**asked)
        assert list(one.terms) == list(other.terms)
        np.testing.assert_allclose(one.values, other.values, rtol=1e-7, atol=1e-12)
        np.testing.assert_allclose(one.std_errors, other.std_errors, rtol=1e-6, atol=1e-12)


def test_every_response_that_says_so_is_fitted_from_a_file() -> None:
    said = {name for name, response in responses().items() if response.treatments["pooled"].from_file}
    assert said == {*responses()} - {"ols"}


def test_what_a_file_cannot_do(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "firms.parquet"
    frame.assign(twice=2 * frame["x1"]).to_parquet(path)
    with pytest.warns(EstimationWarning, match="collinear with other regressors: twice"):
        gvc.logit("binary ~ x1 + twice", path)
    with pytest.raises(ModelError, match="pooled effects"):
        gvc.logit("binary ~ x1", path, unit="unit", effects="fixed")
    with pytest.raises(ModelError, match="whole column"):
        gvc.logit("binary ~ scale(x1)", path)
    with pytest.raises(DataError, match="neither 0 nor 1"):
        gvc.logit("ordered ~ x1", path)
    with pytest.raises(DataError, match="no such column"):
        gvc.logit("binary ~ x7", path)
    with pytest.raises(DataError, match="no such file"):
        gvc.logit("binary ~ x1", tmp_path / "absent.parquet")
    with pytest.raises(ModelError, match="was not read"):
        gvc.logit("binary ~ x1", path).with_vcov({"CRV1": "region"})
    frame.assign(binary=1).to_parquet(path)
    with pytest.raises(ModelError, match="the outcome 'binary' is 1 in all"):
        gvc.logit("binary ~ x1", path)
