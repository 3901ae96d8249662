"""Country codes: names, ISO2, ISO 3166 and United Nations numbers to ISO3.

The table `countries.csv` beside this module holds one row a country: today's states, states of the
past with their first and last year (their ISO 3166-3 or customary three-letter code), and the groups
that trade files use (World, rest of the world, European Union). Its `variants` are the spellings of
the IMF, World Bank, United Nations and Correlates of War tables, and the usual Spanish names.

A name is looked up whole, after accents, case and punctuation are set aside; nothing is guessed. A
name that two states may claim ("Korea") is unknown, and the error suggests the nearest entries.

`aggregates.csv` holds the aggregates of the World Development Indicators: what is refused as a country can
be called by its name.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gvcmetrics.ground.names import nearest

UNKNOWN, AGGREGATE = "unknown country", "an aggregate of countries, and none itself"


@dataclass(frozen=True)
class Country:
    """One row of the country table."""

    iso3: str
    name: str
    kind: str  # country, historical or group
    first_year: int | None
    last_year: int | None
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Matched:
    """What `match_countries` found.

    Attributes
    ----------
    codes : value as it was spelled → ISO3.
    unknown : value as it was spelled → nearest entry of the table, or "" where nothing is near.
    """

    codes: dict[str, str]
    unknown: dict[str, str]


@cache
def countries() -> dict[str, Country]:
    """The country table by ISO3."""
    table: dict[str, Country] = {}
    text = files("gvcmetrics.panels").joinpath("countries.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        numbers = [row["numeric"], row["numeric"].lstrip("0"), *row["comtrade"].split("|")]
        spellings = [row["iso3"], row["iso2"], row["name"], *row["variants"].split("|"), *numbers]
        table[row["iso3"]] = Country(
            iso3=row["iso3"],
            name=row["name"],
            kind=row["kind"],
            first_year=int(row["first_year"]) if row["first_year"] else None,
            last_year=int(row["last_year"]) if row["last_year"] else None,
            spellings=tuple(dict.fromkeys(spelling for spelling in spellings if spelling)),
        )
    return table


# How UN Comtrade and others mark an area that is no more.
_UNTIL = re.compile(
    r"\(\s*(?:\.{2,3}|…|until|before|till|to|hasta|-|–)\s*(?:18|19|20)[0-9]{2}\s*\)\s*$", re.I
)


def plain(name: str) -> str:
    """A name without accents, case, punctuation and articles; "St." and "&" spelled out.

    The last year of an area, as in "Belgium-Luxembourg (...1998)", is no part of its name.
    """
    text = unicodedata.normalize("NFKD", _UNTIL.sub("", name))
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).casefold()
    text = re.sub(r"['’`.]", "", text.replace("&", " and "))
    words = re.sub(r"[^a-z0-9]+", " ", text).split()
    return " ".join("saint" if word == "st" else word for word in words if word != "the")


@cache
def _lookup() -> dict[str, str]:
    return {plain(spelling): c.iso3 for c in countries().values() for spelling in c.spellings}


@cache
def _suggestible() -> dict[str, str]:
    return {
        plain(spelling): f"{spelling} ({c.iso3})"
        for c in countries().values()
        for spelling in c.spellings
        if len(spelling) > 3 and not spelling.isdigit()
    }


# Numbers that a source gives to another area than M49 does: to UN Comtrade, and to BACI after it, Monaco is
# part of France (251), and its 492 is trade with a member of the EU that is not named.
AREAS: dict[str, dict[str, str]] = {"comtrade": {"492": "XEN"}}


def match_countries(values: Iterable[str], areas: str | None = None) -> Matched:
    """ISO3 codes of country names or codes (ISO2, ISO3, UN and UN Comtrade numbers).

    Areas that UN Comtrade does not specify have codes that begin with X, as XEF (Europe EFTA, nes).

    Parameters
    ----------
    values : distinct values as a raw file spells them.
    areas : the source whose numbers they are, as in AREAS; M49 where it has none of its own.

    Returns
    -------
    Matched : the codes found and the values that are unknown, each with the nearest entry.

    Source
    ------
    ISO 3166-1 and 3166-3; United Nations M49 and UN Comtrade reporter codes.
    """
    codes, unknown = {}, {}
    for value in values:
        code = AREAS.get(areas or "", {}).get(value) or _lookup().get(plain(value))
        if code is not None:
            codes[value] = code
        else:
            near = nearest(plain(value), _suggestible())
            unknown[value] = _suggestible()[near[0]] if near else ""
    return Matched(codes, unknown)


@cache
def _aggregates() -> dict[str, str]:
    text = files("gvcmetrics.panels").joinpath("aggregates.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    spelled = [(row, [row["code"], row["name"], *row["variants"].split("|")]) for row in rows]
    return {plain(each): row["name"] for row, spellings in spelled for each in spellings if each}


def no_country(value: str) -> str:
    """Why a value that `match_countries` does not know is none: an aggregate, or unknown.

    Source
    ------
    World Bank, World Development Indicators, country metadata.
    """
    name = _aggregates().get(plain(value))
    return UNKNOWN if name is None else f"{AGGREGATE} ({name})"


def existed(iso3: str, year: int) -> bool:
    """Was there such a state in the year? SUN in 1991 yes, in 1992 no.

    Today's states and groups count as there in every year: sources carry series of Russia or of the
    Czech Republic back before their first year, which only their documentation explains.

    Raises
    ------
    KeyError : no such code in the country table.

    Source
    ------
    ISO 3166-3, and the years of the Correlates of War state list.
    """
    state = countries()[iso3]
    begun = state.first_year is None or year >= state.first_year
    return begun and (state.last_year is None or year <= state.last_year)
