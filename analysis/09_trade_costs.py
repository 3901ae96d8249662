"""Study 9. Do waiting at the border and other costs of trade hold back quality and trade?

Humphrey (2001) expects duties on inputs and delays to lower the quality of what is exported. Two sources that overlap
in two years allow a look at quality: the logistics index and the quality of exported cars. A third, trade of 69
countries over twenty years, shows what lower costs of trade do to its volume.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study, scatter_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANELS = ("passenger_cars", "logistics", "gravity")
EVERY_FOURTH = range(1986, 2007, 4)
BOUND = 0.1
"""Standard deviations of quality below which an effect of one standard deviation of the index does not matter."""
LABELS = {
    "quality": "Quality",
    "logistics_index": "Logistics index",
    "log_value": "Log exports of cars",
    "trade_value": "Trade, million USD",
    "rta": "Trade agreement",
    "rta_lag4": "Trade agreement, 4 years before",
    "rta_lag8": "Trade agreement, 8 years before",
    "rta_lag12": "Trade agreement, 12 years before",
    "exporter": "Exporter",
    "importer": "Importer",
    "year": "Year",
    "exporter^year": "Exporter × year",
    "importer^year": "Importer × year",
    "pair": "Pair",
}


def run() -> None:
    """Tabulate and estimate; without the mirror, say what is lacking."""
    study = Study(
        "09_trade_costs",
        title="Costs of trade, quality and volume: logistics, cars, agreements",
        question="Do countries whose goods wait less export better cars, and do lower costs of trade raise its volume?",
    )
    try:
        cars, logistics, gravity = (gvc.panel(name) for name in PANELS)
    except MissingSourceError as error:
        study.not_estimated(
            "Logistics and the quality of exports", needs=f"the panels {', '.join(PANELS)}", get=str(error)
        )
        study.write()
        return
    sources = [panel.attrs["provenance"] for panel in (cars, logistics, gravity)]
    study.source(sources)
    both = joined(cars, logistics)
    study.sample("Exporters of cars with a logistics index", len(both), countries=both["exporter"].nunique())
    study.text(
        f"""
        Read with care. The two sources on quality overlap in {" and ".join(map(str, sorted(both["year"].unique())))}
        only, so what a country's own change in logistics goes with is measured over two years. The index is an average
        of answers of freight forwarders, in which small changes are noise, and noise takes an effect within countries
        towards zero. Between countries the index goes with income, industry and much else. Passenger cars are one
        product, and duties on inputs are in none of the files.
        """
    )
    quality = quality_models(both)
    study.table(
        gvc.table(
            quality,
            labels=LABELS,
            notes=["Quality: 90th percentile of the year's exporters = 1. Index: 1 to 5."],
            provenance=sources[:2],
        ),
        "quality",
        caption="Quality of exported cars on the logistics index, between and within countries",
    )
    study.figure(
        scatter_plot(
            both[both["year"] == both["year"].max()],
            x="logistics_index",
            y="quality",
            label="exporter",
            x_title="Logistics index, 1–5",
            y_title="Quality of exported cars",
        ),
        "logistics",
        caption="Logistics index and quality of exported cars in the later year",
        provenance=sources[:2],
    )
    volume = volume_models(gravity[gravity["year"].isin(EVERY_FOURTH)])
    study.table(
        gvc.table(
            volume,
            labels=LABELS,
            notes=[
                "Every fourth year, domestic trade included; pairs are symmetric. The lags are those of the advanced guide "
                "of Yotov et al. (2016), whose estimates these are to compare with.",
            ],
            provenance=sources[2],
        ),
        "volume",
        caption="Trade on trade agreements: PPML with pair and country-year effects",
    )
    spread = both[["quality", "logistics_index"]].std()
    study.text(
        " ".join(
            [
                quality_in_words(
                    *(interval(result, "logistics_index") for result in (quality[0], quality[2])),
                    scale=float(spread["logistics_index"] / spread["quality"]),
                    observations=(quality[0].nobs, quality[2].nobs),
                ),
                volume_in_words(volume),
            ]
        )
    )
    study.not_estimated(
        "H10's duties on inputs",
        needs="tariffs on inputs by importer, product and year",
        get="UNCTAD TRAINS, joined to a trade panel with quality or quantities",
    )
    study.write()


def joined(cars: pd.DataFrame, logistics: pd.DataFrame) -> pd.DataFrame:
    """Cars and logistics of the country-years that both have."""
    index = logistics[["exporter", "year", "logistics_index"]]
    both = cars[["exporter", "year", "quality", "value_usd"]].merge(index, on=["exporter", "year"])
    both = both.dropna(subset=["quality", "logistics_index"])
    both["log_value"] = np.log(both["value_usd"].where(both["value_usd"] > 0))
    return measures.record(both, "log_value", "value_usd")


def quality_models(both: pd.DataFrame) -> list[Results]:
    """Between countries, at equal exports, and within countries."""
    formulas = [
        "quality ~ logistics_index | year",
        "quality ~ logistics_index + log_value | year",
        "quality ~ logistics_index | exporter + year",
    ]
    return [gvc.ols(formula, both, vcov={"CRV1": "exporter"}) for formula in formulas]


def volume_models(gravity: pd.DataFrame) -> list[Results]:
    """Trade on agreements of the same year, and on those that have stood for some time."""
    trade = gravity.assign(trade_value=gravity["value_usd"] / 1e6)
    trade = measures.record(trade, "trade_value", "value_usd")
    lags = "rta + rta_lag4 + rta_lag8 + rta_lag12"
    return [
        gvc.poisson(
            f"trade_value ~ {agreements} | exporter^year + importer^year + pair", trade, vcov={"CRV1": "pair"}
        )
        for agreements in ("rta", lags)
    ]


def interval(result: Results, name: str) -> tuple[float, float, float]:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def quality_in_words(
    between: tuple[float, float, float],
    within: tuple[float, float, float],
    scale: float,
    observations: tuple[int, int],
) -> str:
    """Whether better logistics go with better cars, between countries and over time, in standard deviations."""
    among, over = (tuple(value * scale for value in each) for each in (between, within))
    cross = pointing(
        *among[1:], "export better cars", "export worse cars", "export neither better nor worse cars"
    )
    small = f"an effect of ±{BOUND} or more is {'excluded' if max(map(abs, over[1:])) < BOUND else 'not excluded'}"
    time = pointing(*over[1:], "quality rises", "quality falls", "quality is not told to move")
    whole = (
        f"Countries with better logistics {cross}: {with_interval(*among, digits=2)} standard deviations of quality for "
        f"one of the index (N = {observations[0]:,}). Where a country's own index rises, {time} "
        f"({with_interval(*over, digits=2)}, N = {observations[1]:,}); {small}."
    )
    if pointing(*among[1:], True, True, False) and not pointing(*over[1:], True, True, False):
        whole += " So the difference between countries is not seen in their own short-run changes."
    return whole


def volume_in_words(models: list[Results]) -> str:
    """What agreements go with at once and in the long run, in per cent."""
    now, low, high = (100 * (np.exp(value) - 1) for value in interval(models[0], "rta"))
    lags = [name for name in models[1].params.index if name.startswith("rta")]
    total = models[1].lincom(" + ".join(lags)).iloc[0]
    whole, bottom, top = (100 * (np.exp(total[name]) - 1) for name in ("estimate", "conf_low", "conf_high"))
    more = pointing(low, high, "more", "less", "neither more nor less")
    p_value = float(models[0].pvalues["rta"])
    return (
        f"Pairs with a trade agreement trade {more} than they did without: {with_interval(now, low, high, digits=0)} per "
        f"cent ({p_in_words(p_value)}, N = {models[0].nobs:,}), and {with_interval(whole, bottom, top, digits=0)} per cent "
        f"when it has stood for twelve years."
    )


if __name__ == "__main__":
    run()
