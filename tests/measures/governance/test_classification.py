"""Governance by rules: the whole truth table, missing answers, the two schemes, shares, indices."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.ground.vocabulary import GOVERNANCE, GOVERNANCE_GHS
from gvcmetrics.lineage import raw_columns
from gvcmetrics.measures.governance.classification import (
    classify_governance,
    classify_governance_ghs,
    governance_index,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "clusters"
ITEMS = ["owned_by_buyer", "buyer_sets_design", "buyer_sets_process", "joint_design", "specific_investment"]

# Every complete pattern of design, process, joint, specific of a firm that its buyer does not own,
# written down by hand: a arms_length, n network, q quasi_hierarchical, . unclassified.
BOTH = {
    "0000": "a", "0001": ".", "0010": ".", "0011": "n", "0100": ".", "0101": ".", "0110": ".", "0111": "n",
    "1000": ".", "1001": ".", "1010": ".", "1011": ".", "1100": "q", "1101": "q", "1110": ".", "1111": ".",
}  # fmt: skip
EITHER = BOTH | {"0100": "q", "0101": "q", "1000": "q", "1001": "q"}
NAMES = {"a": "arms_length", "n": "network", "q": "quasi_hierarchical", ".": "unclassified"}


@pytest.mark.parametrize(("control", "table"), [("both", BOTH), ("either", EITHER)])
def test_the_whole_truth_table(control, table):
    firms = pd.DataFrame([[0, *map(int, pattern)] for pattern in table], columns=ITEMS)
    out = classify_governance(firms, control=control)
    assert out["governance"].tolist() == [NAMES[letter] for letter in table.values()]
    assert ((out["governance_reason"] == "") == (out["governance"] != "unclassified")).all()
    owned = classify_governance(firms.assign(owned_by_buyer=1), control=control)
    assert (owned["governance"] == "hierarchical").all()


@pytest.mark.parametrize("control", ["both", "either"])
def test_a_missing_item_never_leads_to_a_guess(control):
    """Every pattern of answers and gaps, against all that the gaps could be."""
    patterns = list(itertools.product((0.0, 1.0, np.nan), repeat=5))
    verdicts = classify_governance(pd.DataFrame(patterns, columns=ITEMS), control=control)
    whole = list(itertools.product((0.0, 1.0), repeat=5))
    known = classify_governance(pd.DataFrame(whole, columns=ITEMS), control=control)["governance"]
    by_answers = dict(zip(whole, known, strict=True))
    for pattern, verdict in zip(patterns, verdicts.itertuples(), strict=True):
        choices = itertools.product(*[(0.0, 1.0) if np.isnan(v) else (v,) for v in pattern])
        possible = {by_answers[answers] for answers in choices}
        if verdict.governance != "unclassified":
            assert possible == {verdict.governance}
        else:
            assert possible != {"arms_length"}
            assert verdict.governance_reason
            if len(possible) > 1:
                missing = [name for name, v in zip(ITEMS, pattern, strict=True) if np.isnan(v)]
                assert verdict.governance_reason == f"missing: {', '.join(missing)}"


def test_missing_items_that_do_not_matter():
    firms = pd.DataFrame(
        [[1, None, None, None, None], [0, 1, 1, 0, None], [None, 0, 0, 0, 0], [0, 0, 0, None, 0]],
        columns=ITEMS,
        dtype="Float64",
    )
    out = classify_governance(firms)
    assert out["governance"].tolist() == [
        "hierarchical",
        "quasi_hierarchical",
        "unclassified",
        "unclassified",
    ]
    assert out["governance_reason"].tolist() == ["", "", "missing: owned_by_buyer", "missing: joint_design"]


def test_an_item_that_the_survey_does_not_ask():
    firms = pd.DataFrame(
        {"owned_by_buyer": [0.6, 0.2], "buyer_sets_design": 1, "buyer_sets_process": 1, "joint_design": 0}
    )
    out = classify_governance(firms, specific_investment=None)
    assert out["governance"].tolist() == ["hierarchical", "quasi_hierarchical"]
    strict = classify_governance(firms, specific_investment=None, ownership_threshold=0.1)
    assert strict["governance"].tolist() == ["hierarchical", "hierarchical"]
    assert raw_columns(out, "governance") == sorted(ITEMS[:4])
    with pytest.raises(DataError, match="no item of governance"):
        classify_governance(firms, **dict.fromkeys(ITEMS))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("joint_design", 2, "row 3, column 'joint_design': 2 is not on the declared scale"),
        ("buyer_sets_design", -9, "row 3, column 'buyer_sets_design': -9 is not on"),
        ("buyer_sets_process", 0.5, "0.5 is not on the declared scale"),
        ("owned_by_buyer", 60, "row 3, column 'owned_by_buyer': 60 is not on"),
    ],
)
def test_items_off_the_scale_are_refused(column, value, message):
    firms = pd.DataFrame(0.0, index=range(3), columns=ITEMS)
    firms.loc[1, column] = value
    with pytest.raises(DataError, match=message):
        classify_governance(firms)


def test_absent_and_textual_items_are_refused():
    firms = pd.DataFrame(0.0, index=range(3), columns=ITEMS)
    with pytest.raises(DataError, match="column 'joint_design': the frame has no such column"):
        classify_governance(firms.drop(columns="joint_design"))
    with pytest.raises(DataError, match="column 'joint_design': the column is not numeric"):
        classify_governance(firms.assign(joint_design="yes"))


def test_the_five_types():
    cells = pd.DataFrame(
        list(itertools.product([0, 1], repeat=3)), columns=["complexity", "codifiability", "capability"]
    )
    out = classify_governance_ghs(cells)
    assert out["governance_ghs"].tolist() == [
        "unclassified", "unclassified", "unclassified", "market",
        "hierarchy", "relational", "captive", "modular",
    ]  # fmt: skip
    assert out["governance_ghs_reason"].iloc[0] == "low-low-low belongs to no type"
    assert list(out["governance_ghs"].cat.categories) == [*GOVERNANCE_GHS, "unclassified"]
    likert = classify_governance_ghs(cells * 3 + 1, scale=(1, 5), high_from=4)
    assert likert["governance_ghs"].tolist() == out["governance_ghs"].tolist()


def test_the_five_types_with_missing_answers():
    cells = pd.DataFrame(
        [[1, None, 0], [None, 1, 1], [0, None, 0], [0, 0, None]],
        columns=["complexity", "codifiability", "capability"],
        dtype="float",
    )
    out = classify_governance_ghs(cells)
    assert (out["governance_ghs"] == "unclassified").all()
    assert out["governance_ghs_reason"].iloc[1] == "missing: complexity"
    with pytest.raises(DataError, match="7 is not on the declared scale"):
        classify_governance_ghs(cells.assign(capability=7), scale=(0, 5), high_from=4)


@pytest.fixture
def involvement() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "items.csv")


def test_indices_agree_with_r(involvement):
    theirs = json.loads((REFERENCE / "items_R.json").read_text())
    items = ["design", "quality", "process", "research", "visits"]
    index = governance_index(involvement, items, method="pca")
    loadings = index.attrs["loadings"]
    np.testing.assert_allclose([loadings[item] for item in items], theirs["loadings"], rtol=1e-9)
    assert index.attrs["explained_share"] == pytest.approx(theirs["explained"], rel=1e-10)
    assert index.attrs["cronbach_alpha"] == pytest.approx(theirs["alpha"], rel=1e-10)
    np.testing.assert_allclose(index.dropna().iloc[:5], theirs["first_scores"], rtol=1e-8)
    assert index.isna().equals(involvement[items].isna().any(axis=1))
    total = governance_index(involvement, items, method="sum")
    assert total.equals(involvement[items].sum(axis=1, skipna=False).rename("governance_index"))
    np.testing.assert_allclose(governance_index(involvement, items), total / 5)
    assert raw_columns(total, "governance_index") == sorted(items)


def test_an_index_needs_items_that_vary(involvement):
    with pytest.raises(DataError, match="column 'visits': the column has fewer than two"):
        governance_index(involvement.assign(visits=1), ["design", "visits"], method="pca")
    with pytest.raises(DataError, match="at least two items"):
        governance_index(involvement, ["design"])


def test_types_are_the_panels_types():
    assert GOVERNANCE == ("arms_length", "network", "quasi_hierarchical", "hierarchical")


def test_a_firm_that_owns_its_buyer_is_hierarchical() -> None:
    """Forward integration (Humphrey 2001, figure 1); an unknown stake matters where the other is small."""
    stakes = [(0.0, 0.5), (0.5, 0.0), (0.49, 0.49), (0.0, np.nan), (0.5, np.nan), (np.nan, 1.0)]
    firms = pd.DataFrame(stakes, columns=["owned_by_buyer", "owns_buyer"])
    firms = firms.assign(**dict.fromkeys(["buyer_sets_design", "buyer_sets_process"], 0.0))
    firms = firms.assign(joint_design=0.0, specific_investment=0.0)
    both = classify_governance(firms, owns_buyer="owns_buyer")
    assert both["governance"].tolist() == [
        *("hierarchical", "hierarchical", "arms_length", "unclassified", "hierarchical", "hierarchical")
    ]
    assert both["governance_reason"][3] == "missing: owned_by_buyer or owns_buyer"
    assert both.attrs["lineage"]["governance"] == sorted(firms.columns)
    forward = classify_governance(firms, owned_by_buyer=None, owns_buyer="owns_buyer")
    assert forward["governance"].tolist() == [
        *("hierarchical", "arms_length", "arms_length", "unclassified", "unclassified", "hierarchical")
    ]
    # Owned by exactly the threshold is owned; without the new item nothing changes.
    assert classify_governance(firms)["governance"].tolist()[:3] == [
        "arms_length",
        "hierarchical",
        "arms_length",
    ]
