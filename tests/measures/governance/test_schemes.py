"""Crosswalk, agreement of schemes, and firms with several buyers."""

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.ground.vocabulary import GOVERNANCE_GHS
from gvcmetrics.measures.governance.schemes import (
    GHS_TO_FOUR,
    crosswalk_governance,
    governance_agreement,
    governance_shares,
)


def test_crosswalk_there_and_back():
    five = pd.Series([*GOVERNANCE_GHS, "unclassified", None], name="governance_ghs")
    four = crosswalk_governance(five, to="four")
    assert four["governance"].tolist() == [*GHS_TO_FOUR.values(), "unclassified", "unclassified"]
    codifiability = pd.Series([1, 1, 0, 1, 0, 0, 0])
    back = crosswalk_governance(four["governance"], to="five", codifiability=codifiability)
    assert back["governance_ghs"].tolist()[:5] == list(GOVERNANCE_GHS)
    alone = crosswalk_governance(four["governance"], to="five")
    assert alone["governance_ghs"].tolist()[1:3] == ["unclassified", "unclassified"]
    assert alone["governance_ghs_reason"].iloc[1].startswith("network is modular or relational")
    assert alone["governance_ghs_reason"].iloc[6] == "unclassified in the other scheme"


def test_crosswalk_refuses_the_wrong_scheme():
    with pytest.raises(DataError, match="column 'governance': 'network' is none of market"):
        crosswalk_governance(pd.Series(["network"], name="governance"), to="four")


def test_agreement_by_hand():
    frame = pd.DataFrame(
        {
            "governance": ["network", "network", "arms_length", "quasi_hierarchical", "unclassified"],
            "governance_ghs": ["modular", "captive", "market", "captive", "market"],
            "weight": [1.0, 1.0, 2.0, 1.0, 5.0],
        }
    )
    table = governance_agreement(frame)
    assert table.to_numpy().sum() == pytest.approx(1)
    assert table.loc["arms_length", "market"] == pytest.approx(0.2)
    assert table.loc["unclassified", "market"] == pytest.approx(0.5)
    assert table.attrs["agreement"] == pytest.approx(4 / 5)
    # Chance: network 2/5·1/5, arms_length 2/5·2/5, quasi_hierarchical 1/5·2/5.
    chance = (2 + 4 + 2) / 25
    assert table.attrs["kappa"] == pytest.approx((0.8 - chance) / (1 - chance))
    with pytest.raises(DataError, match="no weight"):
        governance_agreement(frame.assign(weight=np.nan))


def test_shares_of_a_firm_with_several_buyers():
    ties = pd.DataFrame(
        {
            "firm_id": ["a", "a", "a", "b", "c", "c", "d", "d"],
            "governance": [
                "quasi_hierarchical", "quasi_hierarchical", "arms_length", "network",
                "network", "arms_length", "network", None,
            ],
            "sales_share": [0.4, 0.3, 0.3, 0.9, 0.5, 0.5, 0.4, 0.6],
        }
    )  # fmt: skip
    out = governance_shares(ties).set_index("firm_id")
    assert out.loc["a", "share_quasi_hierarchical"] == pytest.approx(0.7)
    assert out["main_governance"].tolist() == [
        "quasi_hierarchical",
        "network",
        "unclassified",
        "unclassified",
    ]
    assert out.loc["b", "share_unknown"] == pytest.approx(0.1)
    assert out.loc["a", "governance_entropy"] == pytest.approx(-(0.7 * np.log(0.7) + 0.3 * np.log(0.3)))
    assert out.loc["b", "governance_entropy"] == pytest.approx(0)
    assert out.loc["d", "share_unclassified"] == pytest.approx(0.6)
    assert out.filter(like="share_").sum(axis=1).to_numpy() == pytest.approx(1)
    five = governance_shares(ties.assign(governance="captive", sales_share=0.1))
    assert five["share_captive"].iloc[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("share", "message"),
    [(60.0, "add up to"), (np.nan, "no share of sales"), (-0.1, "negative values")],
)
def test_bad_shares(share, message):
    ties = pd.DataFrame({"firm_id": "a", "governance": "network", "sales_share": [share, 0.1]})
    with pytest.raises(DataError, match=message):
        governance_shares(ties)
    with pytest.raises(DataError, match="'spot' is none of"):
        governance_shares(ties.assign(governance="spot", sales_share=0.1))
