"""Every response, treatment of unit effects and covariance of docs/models.md against its reference values."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.errors import ConvergenceWarning, EstimationWarning, ModelError
from gvcmetrics.models.registry import markdown_table, responses, table_of_responses
from gvcmetrics.models.results.results import Results

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "tests" / "reference" / "engine"
DOCS = (ROOT / "docs" / "models.md").read_text("utf-8")
OUTCOMES = {
    "ols": "continuous", "logit": "binary", "probit": "binary", "cloglog": "event",
    "ordered_logit": "ordered", "ordered_probit": "ordered", "multinomial_logit": "choice",
    "fractional_logit": "fraction", "poisson": "count", "negative_binomial": "overdispersed",
    "joint_probit": "first + second", "tobit": "censored",
}  # fmt: skip
EFFECTS = ("pooled", "absorbed", "fixed", "random", "correlated", "correlated_pooled")
FILES = ("pooled", "cells", "fixed", "random_binary", "random_ordered", "random_overdispersed",
         "random_wagepan", "joint", "linear", "tobit")  # fmt: skip
KINDS = ("classical", "HC", "one way", "two ways", "three ways", "CRV3", "survey", "Driscoll–Kraay")
# Parts of keys of cases that are no estimate of ours, or that test_joint and test_absorbed compare.
ELSEWHERE = ("dummies", "at_given", "gretl", "joint_probit2:own")


@dataclass(frozen=True)
class Case:
    """One estimate of a reference file, and the cell of the table that it belongs to."""

    file: str
    key: str
    response: str
    effects: str
    values: Any

    @property
    def weighted(self) -> bool:
        return "weighted" in self.key or "survey" in self.key

    @property
    def simulated(self) -> bool:
        """Whether quadrature with few points stands between the two programs."""
        return "points" in self.values


def _cell(key: str) -> tuple[str, str]:
    response, effects = key.split(":")[:2]
    if response.startswith("joint_probit"):
        return "joint_probit", "correlated_pooled" if "correlated" in effects else "pooled"
    named = {"none": "pooled", "unit": "fixed", "unit+time": "fixed"}
    return response, named.get(effects, effects.split("(")[0])


CASES = [
    Case(file, key, *_cell(key), values)
    for file in FILES
    for key, values in json.loads((ENGINE / f"{file}.json").read_text()).items()
    if not any(part in key for part in ELSEWHERE)
]


@cache
def sample(name: str) -> pd.DataFrame:
    data = pd.read_csv(ENGINE / "data" / f"{name}.csv")
    if name == "wagepan":
        return data.assign(unit=data["nr"], binary=data["union"], ordered=data["quartile"])
    # A column of integers with gaps is read as floats, and its categories would be called 1.0 and 2.0.
    censored = data["continuous"].clip(lower=0)
    return data.assign(cohort=data["unit"] % 7, choice=data["choice"].astype("Int64"), censored=censored)


def fitted(case: Case) -> Results:
    data, outcome, right = sample(case.values["data"]), OUTCOMES[case.response], "x1 + x2 + d"
    options: dict[str, Any] = {"unit": "unit", "effects": case.effects}
    if case.values["data"] == "wagepan":
        own = re.compile(r"Intercept|sd|cut\d")
        right = " + ".join(name for name in case.values["names"] if not own.fullmatch(name))
    elif case.file == "pooled":
        right += " + g"
    if case.effects == "absorbed":
        right, options = right + " | industry + time", {}
    elif "unit+time" in case.key:
        right += " | time"
    if case.file == "joint":
        # R left out the rows without the third outcome from every joint model.
        data = data.dropna(subset="third")
        outcome += " + third" if "probit3" in case.key else ""
    if case.weighted:
        options["weights"] = "weight"
    if "points" in case.values:
        options["nquad"] = case.values["points"]
    return getattr(gvc, case.response)(f"{outcome} ~ {right}", data, **options)


def comparisons(case: Case) -> list[tuple[str, Any, str]]:
    """(kind, vcov as a user writes it, key of the errors in the reference) for what both can estimate."""
    found: list[tuple[str, Any, str]] = []
    for key in case.values["se"]:
        name, _, columns = key.partition(":")
        ways = [f"{'unit' if way == 'nr' else way}" for way in columns.split("+")]
        if name == "classical":
            # Not a covariance with sampling weights, nor where the likelihood is composite.
            composite = (case.response, case.effects) == ("ordered_logit", "fixed")
            if case.response == "ols" or not (case.weighted or composite):
                found.append(("classical", "iid", key))
        elif name in ("HC1", "HC2", "HC3"):
            found.append(("HC", name, key))
        elif columns.startswith("DK"):
            # Every dummy counts in Driscoll–Kraay errors: of the file's two factors the second is ours.
            if name == ("CRV1_all_k" if f"CRV1_all_k:{columns}" in case.values["se"] else "CRV1"):
                found.append(("Driscoll–Kraay", {"DK": "time", "lags": int(columns[2:])}, key))
        elif name == ("CRV1_psd" if f"CRV1_psd:{columns}" in case.values["se"] else "CRV1"):
            # Where a negative variance was repaired the scale matters, and that of joint.json is atanh(rho),
            # as it does for the estimates without a cluster; cells.json has both in rho.
            if not (name == "CRV1_psd" and case.file == "joint"):
                found.append((KINDS[1 + len(ways)], {"CRV1": " + ".join(ways)}, key))
        elif name == "CRV3" and case.file != "joint":
            found.append(("CRV3", {"CRV3": columns}, key))
        elif name == "survey":
            found.append(("survey", {"survey": {"psu": "psu", "strata": "stratum"}}, key))
    return found


def ours(name: str) -> str:
    """Our name of a parameter of the reference."""
    equation, colon, term = name.rpartition(":")
    named = {
        "sd": "sigma_u", "gb": "g[T.b]", "gc": "g[T.c]", "atanh_rho": "rho(second, first)",
        "rho12": "rho(second, first)", "rho13": "rho(third, first)", "rho23": "rho(third, second)",
    }  # fmt: skip
    term = f"mean({term.removesuffix('_mean')})" if term.endswith("_mean") else named.get(term, term)
    return f"{equation}: {term}" if colon else term


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}-{case.key}")
def test_against_reference(case: Case) -> None:
    values = case.values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EstimationWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        estimate = fitted(case)
    names = [ours(name) for name in values["names"]]
    assert sorted(names) == sorted(estimate.params.index)
    expected = np.array(values["coef"])
    if "sigma_u" in names:
        expected[names.index("sigma_u")] = abs(expected[names.index("sigma_u")])
    if "atanh_rho" in values["names"]:
        expected[-1] = values["rho"]
    tolerance = 1e-4 if case.simulated else 1e-6
    np.testing.assert_allclose(estimate.params[names], expected, rtol=tolerance)
    assert estimate.nobs == values.get("rows_used", values["nobs"])
    # R's likelihood of a weighted linear model is one of scaled weights.
    weighted_ols = case.weighted and case.response == "ols"
    if values.get("loglik") is not None and not weighted_ols and case.response != "fractional_logit":
        assert estimate.loglik == pytest.approx(values["loglik"], rel=1e-6 if case.simulated else 1e-9)
    asked = comparisons(case)
    assert asked
    for _, vcov, key in asked:
        errors = np.array([np.nan if e is None else e for e in values["se"][key]], dtype=float)
        if "se_rho" in values:
            errors[-1] = np.array(values["se_rho"][key], dtype=float)
        known = ~np.isnan(errors)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", EstimationWarning)
            made = estimate.with_vcov(vcov).std_errors[names].to_numpy()
        np.testing.assert_allclose(made[known], errors[known], rtol=tolerance, err_msg=f"{vcov}")
        assert known.any()


@cache
def exists() -> dict[tuple[str, str], str]:
    """Every cell of the table: an empty text where the model exists, else what its error advises."""
    data, found = sample("balanced").head(360), {}
    for response, outcome in OUTCOMES.items():
        for effects in EFFECTS:
            formula = f"{outcome} ~ x1 + d{' | time' if effects == 'absorbed' else ''}"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", EstimationWarning)
                    getattr(gvc, response)(
                        formula, data, unit="unit", effects="pooled" if effects == "absorbed" else effects
                    )
                found[response, effects] = ""
            except ModelError as error:
                found[response, effects] = error.remedy or "no remedy"
    return found


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, as rows of cells without the line under the head."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
        elif found[-1]:
            found.append([])
    return [[table[0], *table[2:]] for table in found if table]


def table(first: str) -> dict[tuple[str, str], str]:
    """The table whose head begins with `first`: (row, column) -> cell."""
    (head, *rows), *others = (each for each in tables(DOCS) if each[0][0] == first)
    assert not others
    return {(row[0], name): cell for row in rows for name, cell in zip(head[1:], row[1:], strict=True)}


def test_the_table_of_the_docs_is_what_the_code_does() -> None:
    said = table("response")
    assert said.keys() == exists().keys()
    for cell, remedy in exists().items():
        assert said[cell] == ("—" if remedy else "yes"), cell


def test_the_docs_say_what_the_errors_say() -> None:
    words = " ".join(DOCS.replace("`", "").split())
    for cell, remedy in exists().items():
        assert " ".join(remedy.replace("`", "").split()) in words, (cell, remedy)


def test_the_registry_is_what_the_code_does_and_what_the_docs_print() -> None:
    assert list(responses()) == list(OUTCOMES)
    table = table_of_responses()
    assert {cell: table.loc[cell] for cell in exists()} == {cell: not r for cell, r in exists().items()}
    assert markdown_table() in DOCS
    readme = (ROOT / "README.md").read_text("utf-8")
    assert f"`{' '.join(responses())}`" in readme


def test_every_cell_has_a_reference() -> None:
    compared = {(case.response, case.effects) for case in CASES}
    assert compared == {cell for cell, remedy in exists().items() if not remedy}
    # The unbalanced sample has singletons, units that are all one and missing cells.
    for response, effects in compared:
        keys = [case for case in CASES if (case.response, case.effects) == (response, effects)]
        assert any(case.values["data"] == "unbalanced" for case in keys), (response, effects)
        if (response, effects) not in (("ols", "random"), ("ols", "correlated")):
            assert any(case.weighted for case in keys), (response, effects)


def test_the_docs_list_which_covariances_have_a_reference() -> None:
    compared: dict[tuple[str, str], set[str]] = {}
    for case in CASES:
        for kind, _, _ in comparisons(case):
            compared.setdefault((case.response, case.effects), set()).add(kind)
    said = table("model, effects")
    wanted = {
        (f"{response}, {effects}", kind): "R" if kind in kinds else "—"
        for (response, effects), kinds in compared.items()
        for kind in KINDS
    }
    marks = {"≡": "—", "·": "—"}
    assert {cell: marks.get(mark, mark) for cell, mark in said.items()} == wanted
