"""Specs: what is read, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gvcmetrics.errors import SpecError
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.blanks import blanks
from gvcmetrics.panels.spec.panel import load_spec
from gvcmetrics.panels.spec.yaml_lines import read_yaml

SPEC = Path(__file__).parents[1].joinpath("exports.yaml").read_text(encoding="utf-8")


def load(folder: Path, text: str | bytes) -> object:
    path = folder / "exports.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_spec(path)


def refusal(folder: Path, text: str) -> str | None:
    """What the user is told, or None if the spec was read; any other exception fails the test."""
    try:
        load(folder, text)
    except SpecError as error:
        return str(error)
    return None


def test_a_good_spec_is_read(tmp_path: Path) -> None:
    spec = load(tmp_path, SPEC)
    assert spec.name == "exports"
    assert spec.keys == ("exporter", "importer", "product", "year")
    by_name = {column.name: column for column in spec.columns}
    assert by_name["value_usd"].meta.unit == "USD"
    assert by_name["value_usd"].lineage == ["value_k"]
    assert by_name["importer"].lineage == []
    assert by_name["share"].meta.maximum == 1


MISTAKES = {
    "unknown key": (SPEC.replace("licence:", "licens:"), ["line 4", "licens", "Did you mean 'licence'?"]),
    "unknown column key": (
        SPEC.replace("scale: 1000", "scal: 1000"),
        ["line 11", "columns.value_usd.scal", "Did you mean 'scale'?"],
    ),
    "unknown source key": (SPEC.replace("{file: ", "{fil: "), ["line 3", "source.fil", "'file'"]),
    "duplicate key": (SPEC + "title: again\n", ["line 14", "title", "first in line 1"]),
    "tab": (SPEC.replace("  quality:", "\tquality:"), ["line 12", "tab"]),
    "wrong type": (
        SPEC.replace("scale: 1000", "scale: many"),
        ["line 11", "columns.value_usd.scale", "many"],
    ),
    "wrong contract": (SPEC.replace("contract: trade", "contract: trad"), ["line 2", "contract", "'trade'"]),
    "missing key": (SPEC.replace("title: Exports of a few countries\n", ""), ["title", "absent"]),
    "missing key column": (SPEC.replace("  year:\n", ""), ["columns", "'year' is absent"]),
    "misspelt contract column": (
        SPEC.replace("  quality:\n", "  qualiti:\n"),
        ["line 12", "columns.qualiti", "Did you mean 'quality'?"],
    ),
    "unit of a contract column": (
        SPEC.replace("scale: 1000", "unit: EUR"),
        ["line 11", "columns.value_usd.unit", "fixes the unit"],
    ),
    "cell without layout": (SPEC.replace("from: value_k", "cell: value_k"), ["line 11", "long_to_wide"]),
    "two ways": (
        SPEC.replace("{constant: WLD}", "{constant: WLD, from: to}"),
        ["line 8", "from and constant"],
    ),
    "scaled text": (SPEC.replace("{from: code}", "{from: code, scale: 2}"), ["line 9", "only a number"]),
    "code as a number": (SPEC.replace("constant: WLD", "constant: 8703.10"), ["line 8", "quotes"]),
    "anchor": (SPEC.replace("quality:", "quality: &a {}"), ["line 12", "anchors"]),
    "alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", ["line 1", "anchors"]),
    "python tag": ("title: !!python/object/apply:os.system [ls]\n", ["line 1", "tags"]),
    "not a map": ("- a\n- b\n", ["not a map"]),
    "empty": ("", ["not a map"]),
    "not UTF-8": (SPEC.replace("few", "f\xe9w").encode("latin-1"), ["line 1", "UTF-8"]),
    "unclosed": ("title: [a\n", ["exports.yaml", "not valid YAML"]),
    "unknown in keys": (SPEC + "keys: [exporter, importer, product, yaer]\n", ["line 14", "keys", "'year'"]),
    "camel case": (SPEC.replace("  share:", "  Share:"), ["line 13", "snake_case"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_names_file_line_key_and_remedy(tmp_path: Path, name: str) -> None:
    text, expected = MISTAKES[name]
    with pytest.raises(SpecError) as error:
        load(tmp_path, text)
    for part in ["exports.yaml", *expected]:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("keys: firm_id", r"line 14, key 'keys': a list is needed.*Write `keys: \[firm_id\]`"),
        ("missing: [true]", r"key 'missing.0': a text is needed.*in quotes: \"true\""),
        ("missing: {a: b}", r"key 'missing': a list is needed"),
        ("omit_empty: yes", r"key 'omit_empty': true or false is needed"),
        ("max_reject_share: ten", r"a number is needed here \(found 'ten'\)"),
        ("read: {header_row: 1.5}", r"key 'read.header_row': a whole number is needed"),
        ("read: utf-8", r"key 'read': keys with values are needed.*Write `read: \{key: value\}`"),
        ("keep: {flow: []}", r"key 'keep.flow': at least one value must stand here"),
        ("money: {currency: eur}", r"key 'money.currency'.*three capital letters"),
        ("notes: {a: b}", r"key 'notes': a list is needed"),
        ("2020-01-01: x", r"line 14, key '2020-01-01': unknown key"),
        ("<<: {title: x}", r"line 14, key '<<': unknown key"),
        ("ñandú😀: x", r"line 14, key 'ñandú😀': unknown key"),
    ],
)
def test_a_value_of_another_kind_is_told_in_words(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load(tmp_path, SPEC + line + "\n")


def test_a_column_that_is_a_word_is_told_how_to_be_mapped(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"line 11, key 'columns.value_usd'.*Write `value_usd: \{from: v\}`"):
        load(tmp_path, SPEC.replace('{from: value_k, scale: 1000, missing: ["", "-9"]}', "v"))


def test_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        "a: NO\nb: true\nc: 0111\nd: 12\ne: 1.5\nf: 1e-3\ng: 2020-01-01\nh: '7'\ni:\nj: -0.5\nk: 0\n"
    )
    assert read_yaml(path).data == {
        "a": "NO",
        "b": True,
        "c": "0111",
        "d": 12,
        "e": 1.5,
        "f": 0.001,
        "g": "2020-01-01",
        "h": "7",
        "i": None,
        "j": -0.5,
        "k": 0,
    }


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_does_more_than_a_spec_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("spec")
    with pytest.raises(SpecError):
        load(folder, text.encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(
    position=st.integers(0, len(SPEC) - 1),
    put=st.sampled_from(["", "\t", ":", "{", "\n", "&a ", "x", '"', "- "]),
)
def test_a_spoilt_spec_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, position: int, put: str
) -> None:
    folder = tmp_path_factory.mktemp("spec")
    said = refusal(folder, SPEC[:position] + put + SPEC[position + 1 :])
    assert said is None or said.startswith("exports.yaml")


def test_blanks_are_told_in_the_order_of_their_lines(project: Project) -> None:
    path = project.spec_file("mine")
    lines = [
        "title: T",
        "source: {file: raw/x.csv}",
        *("#" for _ in range(8)),
        "licence: ???",
        "citation: ???",
    ]
    path.write_text("contract: ???\n" + "\n".join(lines) + "\n")
    assert [error.place.line for error in blanks(read_yaml(path))] == [1, 12, 13]
    assert str(blanks(read_yaml(path))[1].place) == "mine.yaml, line 12, key 'licence'"
