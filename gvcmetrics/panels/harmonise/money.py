"""Factors from the currency of a raw file, and the prices of each year, to USD of one year.

    rates only                            1 / per_usd(year)
    an index of the country's prices      index(base year) / index(year) / per_usd(base year)
    an index of the prices of the USA     index(base year) / index(year) / per_usd(year)

`per_usd` is units of the currency for one USD. Both tables are CSV files in the data folder. Amounts that
are deflated at home are converted at the rate of the base year, as in the constant dollars of the World
Development Indicators: the rates of other years hold the prices that the index has taken out already. Those
that are converted first, at the rates of their own years, are deflated by the prices of dollars; `prices:
USD` says that the index is of these.
"""

from __future__ import annotations

import csv
from pathlib import Path

from gvcmetrics.errors import DataError, Place
from gvcmetrics.panels.codes import match_countries, no_country
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.sources.raw_files import data_file
from gvcmetrics.panels.spec.panel import PanelSpec

ANY = ""  # the country of a table that holds for all


def money_factors(spec: PanelSpec, project: Project) -> dict[tuple[str, int], float]:
    """The factor of each country and year (country "" where a table has no country).

    Raises
    ------
    DataError : a table lacks a column, holds no positive number, a year twice, or not the base year.
    """
    money = spec.words.money
    if money is None:
        return {}
    place = spec.document.place(("money",))
    rates: dict[tuple[str, int], float] | None = None
    if money.currency != "USD" and money.rates is not None:
        rates = _rates(data_file(money.rates, project, place), money.currency)
    if money.deflator is None or money.base_year is None:
        return {key: 1 / rate for key, rate in (rates or {}).items()}
    if rates is not None and money.prices == "local" and (ANY, money.base_year) not in rates:
        problem = f"the base year {money.base_year} has no rate of {money.currency}"
        remedy = "Add it, or write `prices: USD` if the deflator is one of dollar prices"
        raise DataError(problem, Place(Path(money.rates or "").name, column="year"), remedy)
    path = data_file(money.deflator, project, place)
    index = _table(path, "index", country_column="country")
    factors = {}
    for (country, year), level in index.items():
        base = index.get((country, money.base_year))
        if base is None:
            problem = f"the base year {money.base_year} is absent" + (f" for {country}" if country else "")
            raise DataError(problem, Place(path.name, column="year"), "Add it, or state another `base_year`")
        at = year if money.prices == "USD" else money.base_year
        rate = 1.0 if rates is None else rates.get((ANY, at))
        if rate is not None:
            factors[country, year] = base / level / rate
    return factors


def _rates(path: Path, currency: str) -> dict[tuple[str, int], float]:
    found = _table(path, "per_usd", only=currency)
    if not found:
        remedy = f"Add rows such as {currency},2015,1.1"
        raise DataError(f"no rate of {currency}", Place(path.name, column="currency"), remedy)
    return found


def _table(
    path: Path, value: str, only: str | None = None, country_column: str | None = None
) -> dict[tuple[str, int], float]:
    found: dict[tuple[str, int], float] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("not UTF-8 text", Place(path.name), "Save it as UTF-8") from None
    reader = csv.DictReader(text.splitlines())
    names = [*(["currency"] if only else []), "year", value]
    for name in names:
        if name not in (reader.fieldnames or []):
            where = Place(path.name, row=1, column=name)
            raise DataError("the column is absent", where, f"The table needs {', '.join(names)}")
    for row in reader:
        if only is not None and row["currency"] != only:
            continue
        country = _country(row.get(country_column) or ANY, path, reader.line_num) if country_column else ANY
        try:
            year, number = int(row["year"]), float(row[value])
        except (ValueError, TypeError):
            year, number = 0, 0.0
        if not (year and 0 < number < float("inf")):
            where = Place(path.name, row=reader.line_num, column=value)
            raise DataError("no year with a positive number", where, "Correct the row")
        if (country, year) in found:
            raise DataError(f"{year} stands twice", Place(path.name, row=reader.line_num), "Keep one")
        found[country, year] = number
    return found


def _country(name: str, path: Path, row: int) -> str:
    if name == ANY:
        return ANY
    code = match_countries([name]).codes.get(name)
    if code is None:
        raise DataError(
            f"'{name}': {no_country(name)}", Place(path.name, row=row, column="country"), "Correct it"
        )
    return code
