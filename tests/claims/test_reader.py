"""The schema of hypotheses: what is read, what is refused, and where the mistake is said to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest

from gvcmetrics.claims.claim import Measure, schema
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.vocabulary import VOCABULARY
from gvcmetrics.errors import SpecError

ROOT = Path(__file__).parents[2]
FIELD = ROOT / "analysis" / "hypotheses.yaml"
ENTRY = """\
- id: T1
  claim: A tie to a buyer raises upgrading.
  document: A document
  section: "2"
  contract: firm
  constructs:
    tie: {measure: equals, of: governance, value: quasi_hierarchical}
    size: {measure: log, of: employment}
  equations:
    - name: upgrading
      model: probit
      outcome: upgrade_product
      regressors: [tie, size]
      scale: probability
  expect:
    - {of: tie, sign: positive, bound: 0.05}
  family: {name: ties}
  get: a survey
"""


def reading(tmp_path: Path, text: str) -> str:
    (tmp_path / "h.yaml").write_text(text, "utf-8")
    with pytest.raises(SpecError) as error:
        read_claims(tmp_path / "h.yaml")
    return str(error.value)


def test_the_field_is_declared_whole() -> None:
    claims = read_claims(FIELD)
    # Two are asked of clusters as well as of firms, and one of a square.
    own = [claim.id for claim in claims if "_" not in claim.id]
    assert own == [f"H{number}" for number in range(1, 24)]
    more = [claim.id for claim in claims if claim.id not in own]
    assert more == ["H2_squared", "H16_clusters", "H22_clusters"]
    assert all(claim.document and claim.get for claim in claims)


def test_the_vocabulary_of_the_schema_is_that_of_the_constructs() -> None:
    assert set(get_args(Measure)) == set(VOCABULARY)


def test_the_json_schema_knows_every_key() -> None:
    text = json.dumps(schema())
    for key in ("constructs", "where_present", "crv3_below", "relative_unit_value", "not_negative"):
        assert f'"{key}"' in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  contract: firm\n", "  contract: firms\n", "line 5, key '0.contract': 'firms' is not valid"),
        ("measure: equals", "measure: equal", "line 7, key '0.constructs.tie.measure': 'equal' is not valid"),
        ("model: probit", "modell: probit", "line 11, key '0.equations.0.modell': unknown key. Did"),
        ("      model: probit\n", "", "line 10, key '0.equations.0.model': the key 'model' is absent"),
        ("sign: positive", "sign: upwards", "line 16, key '0.expect.0.sign': 'upwards' is not valid here"),
        ("bound: 0.05", "bound: small", "line 16, key '0.expect.0.bound'"),
        ("{of: tie,", "{of: ties,", "line 16, key '0.expect.0.of': 'ties' is no regressor"),
        ("{of: tie,", "{equation: upgrade, of: tie,", "line 16, key '0.expect.0.equation': there is no eq"),
        ("of: employment", "of: [employment, year]", "line 8, key '0.constructs.size.of': log is made of"),
        (", value: quasi_hierarchical", "", "line 7, key '0.constructs.tie.value': equals needs a value"),
        ("scale: probability", "scale: outcome", "line 14, key '0.equations.0.scale': probit has no effect"),
        ('section: "2"', "section: 2", "line 4, key '0.section': a text is needed here"),
        ("family: {name: ties}", "family: ties", "line 17, key '0.family': keys with values are needed"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_line_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    text = ENTRY.replace(old, new)
    said = reading(tmp_path, text)
    assert message in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sign: positive, bound: 0.05", "sign: differs", "no data could fail 'differs' without a bound"),
        ("sign: positive, bound: 0.05", "sign: zero", "no data could fail 'zero' without a bound"),
        ("sign: positive, bound: 0.05", "sign: not_negative", "no data could fail 'not_negative'"),
        ("sign: positive, bound: 0.05", "sign: zero, bound: 1.0", "can exceed 1, so no data could fail"),
        ("sign: positive, bound: 0.05", "sign: positive, bound: 2", "can exceed 1, so no data could fail"),
        ("bound: 0.05", "bound: 0", "a bound is a positive number"),
        ("of: tie, sign", "of: tie, less: {of: tie}, sign", "an effect less itself is zero in all data"),
        ("outcome: upgrade_product", "outcome: tie", "both made of 'governance', so no data could fail"),
        (
            "outcome: upgrade_product",
            "outcome: governance",
            "both made of 'governance', so no data could fail",
        ),
        ("of: tie, sign: positive", "of: [tie, size], sign: positive", "several effects at once"),
        ("sign: positive", "sign: below", "'below' is said of shares"),
    ],
)
def test_a_rule_that_no_data_could_fail_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ENTRY
    assert message in reading(tmp_path, ENTRY.replace(old, new))


SHARE = ENTRY.replace("model: probit", "model: share").replace("scale: probability", "scale: share")
SHARE = SHARE.replace("      regressors: [tie, size]\n", "").replace(
    "{of: tie, sign: positive, bound: 0.05}", "{RULE}"
)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("sign: positive", "a share is never positive, or always"),
        ("sign: below, bound: 1.0", "can exceed 1, so no data could fail"),
        ("sign: below", "no data could fail 'below' without a bound"),
    ],
)
def test_a_share_needs_a_bound_that_it_can_pass(tmp_path: Path, rule: str, message: str) -> None:
    assert message in reading(tmp_path, SHARE.replace("RULE", rule))


def test_a_correlation_of_one_column_with_itself_is_refused(tmp_path: Path) -> None:
    text = ENTRY.replace("model: probit", "model: joint_probit").replace(
        "scale: probability", "scale: correlation"
    )
    text = text.replace("      regressors: [tie, size]\n", "").replace("{of: tie, ", "{")
    text = text.replace("outcome: upgrade_product", "outcome: [tie, governance]")
    assert "both outcomes are made of 'governance'" in reading(tmp_path, text)


def test_entries_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    assert "the id comes twice" in reading(tmp_path, ENTRY + ENTRY)
    other = ENTRY.replace("id: T1", "id: T2").replace(
        "{name: ties}", "{name: ties, method: benjamini_hochberg}"
    )
    assert "the family 'ties' is adjusted by holm elsewhere" in reading(tmp_path, ENTRY + other)
    assert "no list of hypotheses" in reading(tmp_path, "id: T1\n")


def test_a_construct_may_be_made_of_another(tmp_path: Path) -> None:
    (tmp_path / "h.yaml").write_text(ENTRY.replace("of: governance,", "of: size,"), "utf-8")
    assert len(read_claims(tmp_path / "h.yaml")) == 1


def test_constructs_that_go_in_a_circle_are_refused(tmp_path: Path) -> None:
    text = ENTRY.replace("of: governance,", "of: kind,").replace(
        "    size:", "    kind: {measure: log, of: tie}\n    size:"
    )
    assert "made of itself" in reading(tmp_path, text)
