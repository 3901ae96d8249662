"""Truth tables and their solutions: published examples by R's QCA, random tables by setqca, identities."""

import json
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError

REFERENCE = Path(__file__).parents[2] / "reference" / "qca"
PUBLISHED = (REFERENCE / "qca.txt").read_text("utf-8")
CONDITIONS = ["DEV", "URB", "LIT", "IND", "STB"]
EXPECTED = dict.fromkeys(CONDITIONS, 1)
SOLUTIONS = ("conservative", "parsimonious", "intermediate")
# Heading in the output of R → data, consistency, solution.
EXAMPLES = {
    "## crisp LC conservative": ("lc", 1.0, "conservative"),
    "## crisp LC parsimonious": ("lc", 1.0, "parsimonious"),
    "## fuzzy LF conservative": ("lf", 0.8, "conservative"),
    "## fuzzy LF parsimonious": ("lf", 0.8, "parsimonious"),
    "## fuzzy LF intermediate": ("lf", 0.8, "intermediate"),
}
RANDOM = json.loads((REFERENCE / "random.json").read_text("utf-8"))


def lipset(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0)


def terms(formula: str) -> set[str]:
    return set(formula.split(" + "))


@pytest.mark.parametrize(("name", "part"), [("lc", 0), ("lf", 1)])
def test_truth_tables_are_those_of_r(name, part):
    block = PUBLISHED.split("OUT: output value")[part + 1].split("##")[0]
    pattern = r"^ *\d+ +([01]) +([01]) +([01]) +([01]) +([01]) +([01]) +(\d) +(\d\.\d+) (\d\.\d+) (\S+)"
    theirs = {line[:5]: line[5:] for line in re.findall(pattern, block, re.M)}
    table = measures.truth_table(lipset(name), CONDITIONS, "SURV", consistency=1 if name == "lc" else 0.8)
    seen = table[table["n"] > 0]
    assert len(table) == 32
    assert len(seen) == len(theirs) == 9
    assert table["outcome"].isna().sum() == 23
    for _, row in seen.iterrows():
        out, n, consistency, pri, cases = theirs[tuple(str(row[name]) for name in CONDITIONS)]
        assert (row["outcome"], row["n"]) == (int(out), int(n))
        assert row["consistency"] == pytest.approx(float(consistency), abs=5e-4)
        assert row["pri"] == pytest.approx(float(pri), abs=5e-4)
        assert row["cases"].replace(" ", "") == cases


@pytest.mark.parametrize("heading", EXAMPLES)
def test_solutions_are_those_of_r(heading):
    name, consistency, solution = EXAMPLES[heading]
    block = PUBLISHED[PUBLISHED.index(heading) + 2 :].split("##")[0]
    formula = re.search(r"M1: +(.*?) +<?->", block).group(1)
    expectations = EXPECTED if solution == "intermediate" else None
    found = measures.set_solutions(
        lipset(name),
        CONDITIONS,
        "SURV",
        solution=solution,
        expectations=expectations,
        consistency=consistency,
    )
    assert [terms(one) for one in found.attrs["formulas"]] == [terms(formula)]
    rows = re.findall(r"^ *\d +(\S+) +(\d\.\d+) +(\d\.\d+) +(\d\.\d+) +(\d\.\d+|-)", block, re.M)
    assert {row[0] for row in rows} == terms(formula)
    for term, *fit in rows:
        line = found.loc[(1, term)]
        # R leaves the unique coverage of an only term out.
        theirs = [float(x) for x in fit if x != "-"]
        mine = line[["consistency", "pri", "coverage", "unique_coverage"]].to_list()[: len(theirs)]
        np.testing.assert_allclose(mine, theirs, atol=5e-4)
    whole = re.search(r"M1 +(\d\.\d+) +(\d\.\d+) +(\d\.\d+)", block).groups()
    mine = found.loc[(1, "solution"), ["consistency", "pri", "coverage"]].to_list()
    np.testing.assert_allclose(mine, [float(x) for x in whole], atol=5e-4)


@pytest.mark.parametrize("number", range(len(RANDOM)))
@pytest.mark.parametrize("solution", ["conservative", "parsimonious"])
def test_random_tables_have_the_solutions_of_another_program(number, solution):
    frame = pd.DataFrame(RANDOM[number]["memberships"])
    theirs = RANDOM[number]["solutions"][solution]
    conditions = list(frame.columns[:-1])
    if theirs == [["1"]]:
        with pytest.raises(DataError, match="any expression fits"):
            measures.set_solutions(frame, conditions, "Y", solution=solution)
        return
    formulas = measures.set_solutions(frame, conditions, "Y", solution=solution).attrs["formulas"]
    literals = [len(re.findall(r"\w", formula)) for formula in formulas]
    shortest = [f for f, length in zip(formulas, literals, strict=True) if length == min(literals)]
    assert sorted(sorted(terms(formula)) for formula in shortest) == theirs
    # Those with more literals have as many terms.
    assert len({len(terms(formula)) for formula in formulas}) == 1


def described_rows(formula: str, conditions: list[str]) -> set[tuple[int, ...]]:
    """Combinations that an expression holds, one by one."""
    held = set()
    for row in product((0, 1), repeat=len(conditions)):
        value = dict(zip(conditions, row, strict=True))
        if any(
            all(value[one.strip("~")] != one.startswith("~") for one in term.split("*"))
            for term in terms(formula)
        ):
            held.add(row)
    return held


@pytest.mark.parametrize("number", range(len(RANDOM)))
def test_solutions_cover_what_they_must_and_nothing_else(number):
    """All hold the positive rows and no negative one; the intermediate lies between the others."""
    frame = pd.DataFrame(RANDOM[number]["memberships"])
    conditions = list(frame.columns[:-1])
    table = measures.truth_table(frame, conditions, "Y")
    rows = {tuple(map(int, row)): out for *row, out in table[[*conditions, "outcome"]].to_numpy()}
    positive = {row for row, out in rows.items() if out == 1}
    if 0 not in rows.values() or not positive:
        return
    expectations = {"A": 1, "B": 0, "C": 1}
    held = {
        kind: [
            described_rows(formula, conditions)
            for formula in measures.set_solutions(
                frame, conditions, "Y", solution=kind, expectations=expectations
            ).attrs["formulas"]
        ]
        for kind in SOLUTIONS
    }
    for kind, models in held.items():
        for model in models:
            assert positive <= model
            assert all(rows[row] != 0 for row in model)
            if kind == "conservative":
                assert model == positive
            if kind == "intermediate":
                assert any(model <= wide for wide in held["parsimonious"])


@pytest.mark.parametrize("number", range(0, len(RANDOM), 3))
def test_without_expectations_the_intermediate_solution_is_the_conservative_one(number):
    frame = pd.DataFrame(RANDOM[number]["memberships"])
    conditions = list(frame.columns[:-1])
    table = measures.truth_table(frame, conditions, "Y")
    if not {0.0, 1.0} <= set(table["outcome"]):
        return
    one, other = (
        measures.set_solutions(frame, conditions, "Y", solution=kind).attrs["formulas"]
        for kind in ("conservative", "intermediate")
    )
    assert one == other


def test_expectations_work_in_both_directions():
    """a*b goes with y, ~a*~b does not; the rest is not observed."""
    frame = pd.DataFrame({"a": [1, 0], "b": [1, 0], "y": [1, 0]}, index=["one", "none"])

    def solved(**expectations: int) -> list[str]:
        found = measures.set_solutions(
            frame, ["a", "b"], "y", solution="intermediate", expectations=expectations
        )
        return found.attrs["formulas"]

    assert measures.set_solutions(frame, ["a", "b"], "y", solution="parsimonious").attrs["formulas"] == [
        "a",
        "b",
    ]
    # Where absence is expected to help, presence may be left out, if the parsimonious model does without it.
    assert solved(b=0) == ["a*b", "a"]
    assert solved(a=0) == ["a*b", "b"]
    assert solved(a=1, b=1) == ["a*b"]


def test_no_combination_with_the_outcome_gives_an_empty_solution():
    frame = pd.DataFrame({"a": [1.0, 0.0], "y": [0.0, 0.0]})
    found = measures.set_solutions(frame, ["a"], "y")
    assert found.empty
    assert found.attrs["formulas"] == []


def test_frequency_and_pri_decide_what_is_a_remainder_and_what_goes_with_the_outcome():
    frame = lipset("lf")
    few = measures.truth_table(frame, CONDITIONS, "SURV", cases=2)
    assert set(few.loc[few["outcome"].notna(), "n"]) == {2, 3, 4}
    strict = measures.truth_table(frame, CONDITIONS, "SURV", pri=0.75)
    assert list(strict.loc[strict["outcome"] == 1, "n"]) == [4]


def test_mistakes_are_named():
    frame = lipset("lf")
    half = frame.assign(DEV=frame["DEV"].where(frame.index != "CZ", 0.5))
    with pytest.raises(DataError, match=r"row 4, column 'DEV': a membership of 0\.5"):
        measures.truth_table(half, CONDITIONS, "SURV")
    with pytest.raises(DataError, match="no solution 'complex'"):
        measures.set_solutions(frame, CONDITIONS, "SURV", solution="complex")
    with pytest.raises(DataError, match="expectation 1 for 'GNP'"):
        measures.set_solutions(frame, CONDITIONS, "SURV", expectations={"GNP": 1})
    with pytest.raises(DataError, match="column 'SURV': the outcome is among the conditions"):
        measures.truth_table(frame, [*CONDITIONS, "SURV"], "~SURV")
    with pytest.raises(DataError, match="0 conditions"):
        measures.truth_table(frame, [], "SURV")
