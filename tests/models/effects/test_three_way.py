"""Bias-corrected three-way gravity: published values, the formulas by loops, what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ModelError
from gvcmetrics.simulate.designs import simulate_gravity

EXPECTED = json.loads((Path(__file__).parents[2] / "reference/gravity/weidner_zylkin.json").read_text())
MIRROR = Path(os.environ.get("GVCMETRICS_MIRROR", "/nowhere")) / "agtpa_gravity.parquet"
THREE_WAY = "exporter^year + importer^year + exporter^importer"


def corrected(frame: pd.DataFrame, formula: str = f"trade ~ rta + x | {THREE_WAY}", **options: Any) -> Any:
    return gvc.poisson(formula, frame, bias_correction="analytical", **options)


@pytest.mark.skipif(not MIRROR.exists(), reason="agtpa_gravity is not in the mirror (GVCMETRICS_MIRROR)")
def test_against_the_formulas_in_r() -> None:
    frame = pd.read_parquet(MIRROR)
    frame = frame[(frame["exporter"] != frame["importer"]) & (frame["year"] % 4 == 2)]
    made = corrected(frame, f"trade ~ rta | {THREE_WAY}")
    assert (made.nobs, made.statistics["pairs"]) == (EXPECTED["rows"], EXPECTED["pairs"])
    assert made.params["rta"] == pytest.approx(EXPECTED["corrected"], abs=1e-8)
    assert made.std_errors["rta"] == pytest.approx(EXPECTED["error"], rel=1e-6)
    assert made.notes[0].endswith("before: rta -0.0480.")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A small world whose countries differ, with holes."""
    made = simulate_gravity(countries=7, periods=4, seed=3)
    return made.drop(index=[3, 40, 77]).sample(frac=1, random_state=0)


def by_loops(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Bias and corrected covariance, pair by pair, from the fitted means of the plain model."""
    plain = gvc.poisson(f"trade ~ rta + x | {THREE_WAY}", frame)
    data = frame.loc[plain.predict().index].assign(mean=plain.predict())
    names, years = ["rta", "x"], sorted(data["year"].unique())
    dummies = pd.get_dummies(
        pd.DataFrame(
            {
                "a": data["exporter"] + data["year"].astype(str),
                "b": data["importer"] + data["year"].astype(str),
                "c": data["exporter"] + data["importer"],
            }
        ),
        dtype=float,
    ).to_numpy()
    root = np.sqrt(data["mean"].to_numpy())[:, None]
    X = data[names].to_numpy(dtype=float)
    X = X - dummies @ np.linalg.lstsq(dummies * root, X * root, rcond=None)[0]
    data[["x1", "x2"]] = X
    pairs = dict(list(data.groupby(["exporter", "importer"])))
    T, N = len(years), len(pairs)

    def full(part: pd.DataFrame, column: str) -> np.ndarray:
        return part.set_index("year")[column].reindex(years).fillna(0.0).to_numpy()

    H, S, x = {}, {}, {}
    for pair, part in pairs.items():
        mean, error = full(part, "mean"), full(part.assign(e=part["trade"] - part["mean"]), "e")
        H[pair] = np.diag(mean) - np.outer(mean, mean) / mean.sum()
        S[pair] = error
        x[pair] = np.column_stack([full(part, "x1"), full(part, "x2")])
    W = sum(x[p].T @ np.diag(full(pairs[p], "mean")) @ x[p] for p in pairs) / N
    total = np.zeros(2)
    for side in (0, 1):
        countries = sorted({pair[side] for pair in pairs})
        for country in countries:
            own = [pair for pair in pairs if pair[side] == country]
            inverse = np.linalg.pinv(sum(H[p] for p in own))
            products = sum(np.outer(S[p], S[p]) for p in own)
            for k in range(2):
                first = sum(np.outer(H[p] @ x[p][:, k], S[p]) for p in own)
                third = np.zeros((T, T))
                for p in own:
                    for s in range(T):
                        for t in range(T):
                            third[s, t] -= H[p][s, t] * (x[p][s, k] + x[p][t, k])
                B = -np.trace(first @ inverse) + 0.5 * np.trace(inverse @ third @ inverse @ products)
                n = len(countries)
                total[k] += n / (n - 1) * B / n / (N / n)
    bias = np.linalg.solve(W, total)
    # Leverage from the information of all dummies of exporter and importer, pair effects concentrated out.
    places = {
        key: at
        for at, key in enumerate(
            [(s, c, t) for s in (0, 1) for c in sorted(data["exporter"].unique()) for t in range(T)]
        )
    }
    information = np.zeros((len(places), len(places)))
    rows = {}
    for pair in pairs:
        D = np.zeros((T, len(places)))
        for t in range(T):
            D[t, places[0, pair[0], t]] = D[t, places[1, pair[1], t]] = 1.0
        rows[pair] = D
        information += D.T @ H[pair] @ D
    V = np.linalg.pinv(information, rcond=1e-9)
    meat = np.zeros((2, 2))
    for p in pairs:
        M = x[p] @ np.linalg.inv(W) / N @ x[p].T + rows[p] @ V @ rows[p].T
        meat += x[p].T @ np.linalg.inv(np.eye(T) - H[p] @ M) @ np.outer(S[p], S[p]) @ x[p]
    cov = N / (N - 1) * np.linalg.inv(W) @ (meat / N) @ np.linalg.inv(W) / N
    return bias, (cov + cov.T) / 2


def test_against_loops(frame: pd.DataFrame) -> None:
    made, plain = corrected(frame), gvc.poisson(f"trade ~ rta + x | {THREE_WAY}", frame)
    bias, covariance = by_loops(frame)
    np.testing.assert_allclose(plain.params - made.params, bias, rtol=1e-6)
    np.testing.assert_allclose(made.cov, covariance, rtol=1e-6)


def test_order_of_effects_units_and_other_errors(frame: pd.DataFrame) -> None:
    made = corrected(frame)
    again = corrected(
        frame.assign(x=1e6 * frame["x"] + 1e8),
        "trade ~ rta + x | importer^year + exporter^year + importer^exporter",
    )
    np.testing.assert_allclose((again.params / again.std_errors), (made.params / made.std_errors), rtol=1e-5)
    clustered = made.with_vcov({"CRV1": "exporter^importer"})
    assert (clustered.std_errors != made.std_errors).all()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "two effects": ({"formula": "trade ~ rta | exporter^year + importer^year"}, "exporter-period"),
    "three single effects": ({"formula": "trade ~ rta | exporter + importer + year"}, "exporter-period"),
    "another correction": ({"bias_correction": "jackknife"}, "Use 'analytical'"),
    "weights": ({"weights": "x_weight"}, "takes no weights"),
    "nothing absorbed": ({"formula": "trade ~ rta"}, "absorbed effects"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_refused(frame: pd.DataFrame, case: str) -> None:
    options, says = BAD[case]
    given = {"formula": f"trade ~ rta | {THREE_WAY}", "bias_correction": "analytical", **options}
    with pytest.raises(ModelError, match=says):
        gvc.poisson(data=frame.assign(x_weight=2.0), **given)


def test_a_pair_with_two_rows_in_a_period_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="several rows in one year"):
        corrected(pd.concat([frame, frame.iloc[[0]]]))
