"""Claims on made-up firms with known signs, and what a panel lacks for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.claims.claim import Claim
from gvcmetrics.claims.construct import choose, constructed
from gvcmetrics.claims.match import match
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.run import COLUMNS, with_summaries
from gvcmetrics.claims.verdict import judged
from gvcmetrics.claims.vocabulary import VOCABULARY, Panel
from gvcmetrics.errors import SpecError

FIELD = Path(__file__).parents[2] / "analysis" / "hypotheses.yaml"
CLAIMS = {claim.id: claim for claim in read_claims(FIELD)}


def verdict(hypothesis: str, frame: pd.DataFrame) -> str:
    return gvc.examine(hypothesis, frame, path=FIELD).verdict


@pytest.fixture(scope="module")
def somewhere(firms: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return firms()


@pytest.fixture(scope="module")
def turned(firms: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return firms(-1.0)


@pytest.mark.parametrize("hypothesis", ["H1", "H2", "H6", "H14"])
def test_verdicts_turn_when_the_data_are_turned_round(
    hypothesis: str, somewhere: pd.DataFrame, turned: pd.DataFrame
) -> None:
    assert verdict(hypothesis, somewhere) == "supported"
    assert verdict(hypothesis, turned) == "contradicted"


@pytest.mark.parametrize("hypothesis", ["H16", "H20"])
def test_a_claim_that_something_matters_fails_where_it_does_not(
    hypothesis: str, somewhere: pd.DataFrame, firms: Callable[..., pd.DataFrame]
) -> None:
    assert verdict(hypothesis, somewhere) == "supported"
    assert verdict(hypothesis, firms(0.0, n=40_000, seed=3)) == "equivalent to zero"


def test_the_effect_is_that_of_the_model_fitted_by_hand(somewhere: pd.DataFrame) -> None:
    found = gvc.examine("H20", somewhere, path=FIELD).results.iloc[0]
    tied = pd.Series("arms_length", somewhere.index).mask(somewhere["owned_by_buyer"] == 1, "hierarchical")
    tied = tied.mask(
        (somewhere["buyer_sets_design"] == 1) & (somewhere["owned_by_buyer"] == 0), "quasi_hierarchical"
    )
    tied = tied.mask((somewhere["joint_design"] == 1) & (somewhere["owned_by_buyer"] == 0), "network")
    unclear = (somewhere["specific_investment"] == 1) & (tied == "arms_length")
    kinds = somewhere[["upgrade_product", "upgrade_process", "upgrade_functional"]].mean(axis=1)
    made = somewhere.assign(
        upgrading=kinds, tie=tied.mask(unclear), exporting=(somewhere["export_share"] > 0) * 1.0,
        log_employment=np.log(somewhere["employment"]),
    )  # fmt: skip
    by_hand = gvc.fractional_logit(
        "upgrading ~ tie + exporting + log_employment", made.dropna(), vcov={"CRV1": "cluster_id"}
    )
    terms = [f"`{name}`" for name in by_hand.params.index if name.startswith("tie[")]
    test = by_hand.margins("tie")
    joint = test.test([f"`{name}`" for name in test.terms])
    assert len(terms) == 3
    assert found["p_value"] == pytest.approx(joint.pvalue, rel=1e-6)
    assert found["n"] == by_hand.nobs
    assert found["rows"] == len(somewhere)


def test_results_say_how_and_on_what(somewhere: pd.DataFrame) -> None:
    answer = gvc.examine("H2", somewhere, path=FIELD)
    assert list(answer.results.columns) == list(COLUMNS)
    row = answer.results.iloc[0]
    assert "buyer_concentration: buyer_hhi of main_buyer_share, n_buyers" in row["measured_by"]
    assert row["errors"] == "clustered (CRV1) by cluster_id"
    assert row["clusters"] == 60
    assert "gvc.ols(" in row["call"]
    assert "→ supported" in str(answer)


def test_what_is_lacking_is_said(somewhere: pd.DataFrame) -> None:
    lacking = somewhere.drop(columns=["rd_usd"])
    found = gvc.examine("H6", lacking, path=FIELD)
    assert found.verdict == "not estimable"
    assert (
        found.results["reason"].iloc[0]
        == "not estimable on frame: lacks log_rd or own_rd or rd_of_innovators or rd_usd"
    )
    constant = gvc.examine("H20", somewhere.assign(export_share=0.3), path=FIELD)
    assert constant.verdict == "supported"
    unvaried = somewhere.assign(main_buyer_share=0.5, n_buyers=4)
    assert (
        "variation in buyer_concentration"
        in gvc.examine("H2", unvaried, path=FIELD).results["reason"].iloc[0]
    )


def test_few_rows_in_a_cell_few_events_and_few_clusters_are_lacking(somewhere: pd.DataFrame) -> None:
    never = somewhere.assign(upgrade_functional=somewhere["upgrade_functional"] * (somewhere.index < 12))
    assert "lacks cells:" in gvc.examine("H1", never, path=FIELD).results["reason"].iloc[0]
    assert "lacks events:" in gvc.examine("H20", somewhere.head(14), path=FIELD).results["reason"].iloc[0]
    few = somewhere.assign(cluster_id=[f"c{i % 4}" for i in somewhere.index]).drop(
        columns=["region", "industry"]
    )
    assert "4 of cluster_id, 5 needed" in gvc.examine("H20", few, path=FIELD).results["reason"].iloc[0]


@pytest.mark.parametrize(("clusters", "said"), [(30, "(CRV3)"), (8, "p by wild bootstrap")])
def test_errors_follow_the_number_of_clusters(somewhere: pd.DataFrame, clusters: int, said: str) -> None:
    frame = somewhere.head(600).assign(cluster_id=[f"c{i % clusters}" for i in range(600)])
    found = gvc.examine("H2", frame, path=FIELD).results.iloc[0]
    assert said in found["errors"]
    assert found["clusters"] == clusters


def test_the_bootstrap_gives_the_p_value_of_few_clusters(somewhere: pd.DataFrame) -> None:
    frame = somewhere.head(600).assign(cluster_id=[f"c{i % 8}" for i in range(600)])
    found = gvc.examine("H2", frame, path=FIELD).results.iloc[0]
    assert found["p_value"] in {round(k / 1000, 6) for k in range(1, 1001)} or found["p_value"] * 256 % 1 == 0


def test_a_rule_that_a_panel_need_not_answer_is_passed_over(somewhere: pd.DataFrame) -> None:
    found = match(CLAIMS["H14"], "firm", somewhere.columns)
    assert found.answers
    assert "buyer_knowledge" in found.wanted
    assert not match(CLAIMS["H14"], "firm", set(somewhere.columns) - {"joint_design"}).answers
    assert match(CLAIMS["H14"], "trade", somewhere.columns).lacks == ("a firm panel",)


def test_an_unknown_hypothesis_is_named(somewhere: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="there is no hypothesis 'H99'"):
        gvc.examine("H99", somewhere, path=FIELD)


def test_a_panel_uses_changes_within_firms() -> None:
    rng = np.random.default_rng(5)
    n, years = 2500, 4
    firm, year = np.repeat(np.arange(n), years), np.tile(np.arange(2001, 2001 + years), n)
    taste = rng.normal(size=n)[firm]
    # Firms of one taste both sell to few and do little themselves; within firms nothing is tied to anything.
    share = np.clip(0.5 + 0.15 * taste + 0.1 * rng.normal(size=n * years), 0.05, 1)
    frame = pd.DataFrame(
        {
            "firm_id": firm.astype(str), "year": year, "cluster_id": (firm % 50).astype(str),
            "buyer_hhi": share, "lock_in": taste + rng.normal(size=n * years),
            "functional_breadth": np.clip(0.5 - 0.2 * taste + 0.1 * rng.normal(size=n * years), 0, 1),
        }
    )  # fmt: skip
    found = gvc.examine("H2", frame, path=FIELD)
    assert found.verdict == "equivalent to zero"
    assert set(found.results["effects"]) == {"fixed"}
    pooled = gvc.examine("H2", frame[frame["year"] == 2001], path=FIELD)
    assert pooled.verdict == "supported"
    assert set(pooled.results["effects"]) == {"pooled"}


@pytest.mark.parametrize(
    ("bend", "said"), [(0.6, "supported"), (-0.6, "contradicted"), (0.0, "equivalent to zero")]
)
def test_the_square_of_concentration_has_its_own_verdict(bend: float, said: str) -> None:
    rng = np.random.default_rng(6)
    share = rng.normal(0.5, 0.1, 4000).clip(0.1, 1)
    z = (share - share.mean()) / share.std()
    lock_in = z + bend * z**2 + rng.normal(size=len(z))
    frame = pd.DataFrame({"firm_id": range(len(z)), "year": 1, "buyer_hhi": share, "lock_in": lock_in})
    frame["firm_id"] = frame["firm_id"].astype(str)
    found = gvc.examine("H2_squared", frame, path=FIELD)
    assert found.verdict == said
    both = np.column_stack([np.ones(len(z)), z, (z**2 - (z**2).mean()) / (z**2).std()])
    by_hand = np.linalg.lstsq(both, (lock_in - lock_in.mean()) / lock_in.std(), rcond=None)[0][2]
    assert found.results["estimate"].iloc[0] == pytest.approx(by_hand, abs=2e-3)


def test_what_moderates_may_be_constant_within_units() -> None:
    """An interaction with it is estimated within units; it was pooled, as if it were constant itself."""
    rng = np.random.default_rng(7)
    units, years = 60, 6
    goods, year = np.repeat(np.arange(units), years), np.tile(np.arange(2001, 2001 + years), units)
    tacit = rng.normal(size=units)[goods]
    # Goods of much skill are dear and are those that cheap rivals enter: pooled, the claim looks true.
    shock = 0.5 * tacit + rng.normal(size=len(goods))
    price = 2 * tacit * tacit - 0.5 * shock * tacit + 0.3 * rng.normal(size=len(goods))
    frame = pd.DataFrame(
        {
            "exporter": "DEU", "importer": "USA", "product": goods.astype(str), "year": year,
            "relative_unit_value": price, "cost_shock": shock, "tacitness": tacit,
        }
    )  # fmt: skip
    found = gvc.examine("H15", frame, path=FIELD).results.iloc[0]
    assert found["effects"] == "fixed"
    z = (frame[["relative_unit_value", "cost_shock", "tacitness"]] - frame.mean(numeric_only=True)).dropna(
        axis=1
    )
    z = z / frame[z.columns].std()
    terms = pd.DataFrame({"both": z["cost_shock"] * z["tacitness"], "shock": z["cost_shock"]})
    X = np.column_stack([terms, pd.get_dummies(frame[["product", "year"]].astype(str), dtype=float)])
    by_hand = np.linalg.lstsq(X, z["relative_unit_value"].to_numpy(), rcond=None)[0][0]
    assert found["estimate"] == pytest.approx(by_hand, rel=1e-5)
    assert found["claim_verdict"] == "contradicted"


def tiny(text: dict, contract: str = "firm") -> Claim:
    return Claim.model_validate(
        {
            "id": "T", "claim": "made for the tests", "document": "d", "contract": contract,
            "constructs": text,
            "equations": [
                {"name": "e", "model": "ols", "outcome": "y", "regressors": ["x"], "scale": "outcome"}
            ],
            "expect": [{"sign": "positive"}], "family": {"name": "f"}, "get": "here",
        }
    )  # fmt: skip


FRAME = pd.DataFrame(
    {
        "country": "SOM", "firm_id": ["a", "a", "a", "b", "b"], "year": [1, 2, 3, 1, 3],
        "cluster_id": ["k", "k", "k", "k", "l"], "x": [1.0, 2.0, 0.0, 4.0, np.nan],
        "d": [0.0, 1.0, 1.0, 1.0, 1.0],
        "e": [0.0, np.nan, 1.0, 0.0, np.nan], "g": ["u", "v", "u", None, "u"],
    }
)  # fmt: skip
NAN = np.nan


@pytest.mark.parametrize(
    ("construct", "expected"),
    [
        ({"measure": "column", "of": "x"}, [1, 2, 0, 4, NAN]),
        ({"measure": "log", "of": "x"}, [0, np.log(2), NAN, np.log(4), NAN]),
        ({"measure": "square", "of": "x"}, [1, 4, 0, 16, NAN]),
        ({"measure": "positive", "of": "x"}, [1, 1, 0, 1, NAN]),
        ({"measure": "less_than_one", "of": "x"}, [0, -1, 1, -3, NAN]),
        ({"measure": "equals", "of": "g", "value": "u"}, [1, 0, 1, NAN, 1]),
        ({"measure": "ratio", "of": ["d", "x"]}, [0, 0.5, NAN, 0.25, NAN]),
        ({"measure": "any_of", "of": ["d", "e", "absent"]}, [0, 1, 1, 1, 1]),
        ({"measure": "all_of", "of": ["d", "e"]}, [0, NAN, 1, 0, NAN]),
        ({"measure": "share_of", "of": ["d", "e"]}, [0, NAN, 1, 0.5, NAN]),
        ({"measure": "before", "of": "x"}, [NAN, 1, 2, NAN, 4]),
        ({"measure": "growth", "of": "x"}, [NAN, np.log(2), NAN, NAN, NAN]),
        ({"measure": "rises", "of": "x"}, [NAN, 1, 0, NAN, NAN]),
        ({"measure": "starts", "of": "d"}, [NAN, 1, NAN, NAN, NAN]),
        ({"measure": "years_in_a_row", "of": "d"}, [0, 1, 2, 1, 1]),
        ({"measure": "cluster_mean", "of": "d"}, [0.5, 1, 1, 0.5, 1]),
        ({"measure": "cluster_largest_share", "of": "x"}, [0.8, 1, NAN, 0.8, NAN]),
        (
            {"measure": "cluster_dispersion", "of": "x"},
            [np.log(4) / np.sqrt(2), NAN, NAN, np.log(4) / np.sqrt(2), NAN],
        ),
    ],
)
def test_measures_are_what_their_words_say(construct: dict, expected: list) -> None:
    claim = tiny({"made": construct})
    assert not choose(claim, "made", FRAME.columns).lacks
    shuffled = FRAME.sample(frac=1, random_state=1)
    for frame in (FRAME, shuffled.reset_index(drop=True)):
        made = constructed(claim, ["made"], frame).set_index(["firm_id", "year"])["made"]
        found = made.reindex(FRAME.set_index(["firm_id", "year"]).index)
        np.testing.assert_allclose(found.to_numpy(dtype=float), np.array(expected, dtype=float))


def test_every_word_is_described_and_makes_what_it_reads() -> None:
    for name, word in VOCABULARY.items():
        assert word.meaning, name
        assert word.least <= word.most, name
    assert Panel(FRAME, ("firm_id",)).before(FRAME["d"]).isna().sum() == 2


def test_sectoral_patterns_follow_the_division() -> None:
    frame = pd.DataFrame({"firm_id": ["a", "b", "c"], "year": 1, "industry": ["13", "10", "99"]})
    made = constructed(
        tiny({"pattern": {"measure": "sectoral_pattern", "of": "industry"}}), ["pattern"], frame
    )
    assert made["pattern"].tolist()[:2] == ["traditional", "natural_resource"]
    assert pd.isna(made["pattern"].iloc[2])


def test_panels_are_summed_up_where_they_measure_the_same() -> None:
    rule = "upgrading ← own_rd: positive"
    rows = pd.DataFrame(
        {
            "hypothesis": "H6", "panel": ["a", "b", "c"], "rule": rule,
            "outcome": "upgrading", "regressor": "own_rd",
            "required": True, "sign": "positive", "bound": 0.02,
            "scale": "probability", "family": "knowledge",
            "adjustment": "holm", "estimate": [0.1, 0.2, 0.15], "std_error": [0.02, 0.03, 0.02],
            "p_value": 0.001,
            "favours": True, "p_negligible": 1.0, "n": 100, "ways": ["own_rd 1", "own_rd 1", "own_rd 3"],
        }
    )  # fmt: skip
    found = with_summaries(judged(rows), list(CLAIMS.values()))
    summary = found[found["panel"] == "all panels"]
    assert summary["call"].tolist() == ["pool of a, b"]
    assert summary["n"].tolist() == [200]
    assert 0.1 < summary["estimate"].iloc[0] < 0.2
