"""Study 15, exploratory and proposed here. Which governance would an industry have, and who moves up under it?

Gereffi, Humphrey and Sturgeon (2005) derive the type of governance from how complex a transaction is, how well it
can be written down, and what suppliers can do. Nobody observes governance for countries and industries; the three
inputs have proxies. This study assigns the type that they predict, and asks whether exports fared otherwise after
it: a shadow, on industries, of what Humphrey (2001) says of firms. It assigns governance, it does not observe it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.claims.beside import differentiated, rival_share
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.panels.crosswalks.links import crosswalk
from gvcmetrics.panels.crosswalks.rauch import differentiated_share
from gvcmetrics.report import Study, coefficient_plot, scatter_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

TABLE = "wiod"
PANELS = ("input_specificity", "world_trade_sitc4", "consumer_goods")
INDUSTRIES = tuple(f"c{number}" for number in range(3, 17))
START, END, LATER = 2000, 2007, 2011
LEAST_EXPORTS = 10.0  # million USD; the table is rounded to whole millions
TYPES = ("market", "modular", "relational", "captive", "hierarchy")
OUTCOMES = ("share_growth", "kept_change")
INPUTS = ["complexity", "codifiability", "capability"]
RIVAL = "CHN"
DRAWS = 999
FIT = {"r2": "R²", "r2_within": "Within R²"}
LABELS = {
    "share_growth": f"Growth of the export share {START}–{END}",
    "kept_change": f"Change of domestic content {START}–{END}",
    "share_growth_later": f"Growth of the export share {START}–{LATER}",
    "kept_change_later": f"Change of domestic content {START}–{LATER}",
    "complexity": "Complexity",
    "codifiability": "Codifiability",
    "capability": "Capability",
    "complexity:capability": "Complexity × capability",
    "codifiability:capability": "Codifiability × capability",
    **{f"predicted[T.{name}]": f"Predicted {name}" for name in TYPES},
    "log_share": "Log share of the market",
    "shock": "China's share elsewhere",
    "shock:tacitness": "China's share elsewhere × tacitness",
    "country": "Country",
    "industry": "Industry",
    "flow": "Exporter × importer × industry",
    "exporter^year": "Exporter × year",
    "importer^year": "Importer × year",
    "year": "Year",
}


def run() -> None:
    """Tabulate and estimate; without the mirror, say what is lacking."""
    study = Study(
        "15_predicted_governance",
        title="Predicted governance by industry (exploratory, proposed here)",
        question="Did exports fare otherwise where complexity, codifiability and capability predict another governance, "
        "and did goods of much tacit skill keep their market when China entered?",
    )
    try:
        inputs, trade, goods = (gvc.panel(name) for name in PANELS)
        industries = of_industries(inputs)
        cells = assigned(industries, trade)
        markets = entered(goods)
        table = gvc.panel(TABLE, columns=["year"], where=f"year = {START}").attrs["provenance"]
    except MissingSourceError as error:
        study.not_estimated(
            "Governance predicted by industry, and H1's and H15's shadows on industries",
            needs=f"the panels {', '.join(PANELS)} and {TABLE}, and the crosswalk tables",
            get=str(error),
        )
        study.write()
        return
    sources = [inputs.attrs["provenance"], trade.attrs["provenance"], table]
    study.source([*sources, goods.attrs["provenance"]])
    known = cells.dropna(subset=["share_growth"])
    study.sample("Country × manufacturing industry", len(known), countries=known["country"].nunique())
    study.text(caution(industries))
    study.table(
        gvc.table(industry_table(industries), digits=2, provenance=sources[:1]),
        "industries",
        caption="Complexity and codifiability of industries",
    )
    study.figure(
        scatter_plot(
            industries.reset_index(),
            x="complexity",
            y="codifiability",
            label="name",
            x_title="Complexity: relationship-specific share of inputs",
            y_title="Codifiability: one less the differentiated share of products",
        ),
        "inputs",
        caption="Complexity and codifiability of industries, before they are crossed",
        provenance=sources[:1],
    )
    study.table(
        gvc.table(type_table(known), digits=2, provenance=sources),
        "types",
        caption="What the three inputs predict, and what happened to exports after",
    )
    kinds = [by_type(known, name) for name in OUTCOMES]
    study.table(
        gvc.table(
            [
                *kinds,
                *(by_input(cells, name) for name in (*OUTCOMES, "share_growth_later", "kept_change_later")),
            ],
            labels=LABELS,
            statistics=FIT,
            notes=[
                "Outcomes and inputs in standard deviations. Columns 1 and 2: base is the predicted market, cells of no type are "
                "left out. Errors by industry (CRV3). Capability: log revealed "
                "advantage in 1998–2000 from customs records; outcomes are from input-output tables. Types are predicted, not seen."
            ],
            provenance=sources,
        ),
        "upgrading",
        caption="What happened to exports, by predicted governance and by its inputs",
    )
    study.figure(
        coefficient_plot(
            {LABELS[name]: result for name, result in zip(OUTCOMES, kinds, strict=True)},
            keep="^predicted",
            labels=LABELS,
            estimate_title="Standard deviations against the predicted market, 95 % confidence interval",
        ),
        "effects",
        caption="Predicted governance and what happened to exports",
        provenance=sources,
    )
    study.text(inputs_in_words(industries))
    study.text(shadow_in_words(kinds[0], kinds[1], *differs(known)))
    prices = [
        tacit(markets, absorbed) for absorbed in ("flow + year", "flow + exporter^year + importer^year")
    ]
    chance = bootstrap(prices[0])
    study.table(
        gvc.table(
            prices,
            labels=LABELS,
            statistics=FIT,
            rows={"Interaction, bootstrap p": [f"{chance:.3f}", ""]},
            notes=[
                "Log share of the exporter in what households of the importer buy of the industry. China's share: in the "
                "industry's exports to all other countries. Tacitness: Rauch's differentiated share, which is one less "
                "codifiability; both in standard deviations. Without China and without sales at home. Errors by industry (CRV3)."
            ],
            provenance=[goods.attrs["provenance"], table],
        ),
        "tacitness",
        caption="Shares of markets as China enters others, by the tacitness of the goods",
    )
    study.text(tacit_in_words(*prices, chance))
    study.not_estimated(
        "Prices as cheaper producers enter (H15 itself)",
        needs="unit values by exporter, product and year",
        get="a trade panel with quantities (preset baci)",
    )
    study.write()


def of_industries(inputs: pd.DataFrame) -> pd.DataFrame:
    """Complexity and codifiability of each manufacturing industry of the table, and which are high."""
    links = crosswalk("ISIC2", "WIOD2013").links.dropna(subset="target")
    shares = inputs.set_index("product")["specific_share"]
    links = links.assign(specific=links["source"].map(shares)).dropna(subset="specific")
    weighted = (links["specific"] * links["weight"]).groupby(links["target"]).sum()
    made = pd.DataFrame(
        {
            "complexity": weighted / links.groupby("target")["weight"].sum(),
            "codifiability": 1 - differentiated_share("WIOD2013"),
        }
    ).reindex(pd.Index(INDUSTRIES, name="industry"))
    made["name"] = [SHORT[each] for each in made.index]
    for name in ("complexity", "codifiability"):
        made[f"{name}_high"] = (made[name] > made[name].median()).astype(float)
    return made


SHORT = {
    "c3": "food", "c4": "textiles", "c5": "leather", "c6": "wood", "c7": "paper", "c8": "fuel", "c9": "chemicals",
    "c10": "rubber", "c11": "minerals", "c12": "metals", "c13": "machinery", "c14": "electrical", "c15": "transport",
    "c16": "other",
}  # fmt: skip


def assigned(industries: pd.DataFrame, trade: pd.DataFrame) -> pd.DataFrame:
    """Country × industry with the type that its inputs predict, and what happened to its exports after."""
    sold = gvc.convert(trade, "product", "SITC2", "WIOD2013", ["value_usd"])
    sold = sold.dropna(subset="product").groupby(["exporter", "product"], as_index=False)["value_usd"].sum()
    sold["rca"] = measures.rca(sold.assign(year=START)).to_numpy()
    sold = sold.rename(columns={"exporter": "country", "product": "industry"})
    cells = after().merge(sold[["country", "industry", "rca"]], on=["country", "industry"])
    cells = cells.merge(industries.drop(columns="name").reset_index(), on="industry")
    cells["capability"] = np.log(cells["rca"].where(cells["rca"] > 0))
    high = pd.DataFrame(
        {
            "complexity": cells["complexity_high"],
            "codifiability": cells["codifiability_high"],
            "capability": (cells["rca"] >= 1).astype(float),
        }
    )
    predicted = measures.classify_governance_ghs(high)["governance_ghs"].astype(str)
    return cells.assign(predicted=pd.Categorical(predicted.where(predicted.isin(TYPES)), categories=TYPES))


def after() -> pd.DataFrame:
    """Growth of the share in the industry's world exports and change of its domestic content, of each cell."""
    found = {}
    for year in (START, END, LATER):
        made = measures.gvc_participation(gvc.input_output(TABLE, year), by=("exporter", "industry"))
        made = made.rename_axis(["country", "industry"])[["gross_exports", "backward_share"]]
        made = made[made["gross_exports"] > LEAST_EXPORTS]
        world = made["gross_exports"].groupby("industry").transform("sum")
        found[year] = pd.DataFrame(
            {"share": np.log(made["gross_exports"] / world), "kept": 1 - made["backward_share"]}
        )
    first, end, later = (found[year] for year in (START, END, LATER))
    made = pd.DataFrame(
        {
            "share_growth": end["share"] - first["share"],
            "kept_change": end["kept"] - first["kept"],
            "share_growth_later": later["share"] - first["share"],
            "kept_change_later": later["kept"] - first["kept"],
        }
    ).reset_index()
    return made[(made["country"] != "ROW") & made["industry"].isin(INDUSTRIES)].reset_index(drop=True)


def scaled(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Columns over their standard deviations."""
    return frame.assign(**{name: (frame[name] - frame[name].mean()) / frame[name].std() for name in names})


def by_type(cells: pd.DataFrame, outcome: str) -> Results:
    """An outcome on predicted types, within countries."""
    used = scaled(cells.dropna(subset=[outcome, "predicted"]), [outcome])
    return gvc.ols(f"{outcome} ~ predicted | country", used, vcov={"CRV3": "industry"})


def by_input(cells: pd.DataFrame, outcome: str) -> Results:
    """An outcome on capability and what complexity and codifiability add to it, within countries and industries."""
    used = scaled(cells.dropna(subset=[outcome, *INPUTS]), [outcome, *INPUTS])
    right = "capability + complexity:capability + codifiability:capability"
    return gvc.ols(f"{outcome} ~ {right} | country + industry", used, vcov={"CRV3": "industry"})


def differs(cells: pd.DataFrame) -> tuple[tuple[float, float, float], float]:
    """How far predicted captive cells differ more in market share than in domestic content, and the bootstrap's p."""
    used = scaled(cells.dropna(subset=[*OUTCOMES, "predicted"]), list(OUTCOMES))
    gap = used.assign(gap=used[OUTCOMES[0]] - used[OUTCOMES[1]])
    result = gvc.ols("gap ~ predicted | country", gap, vcov={"CRV3": "industry"})
    test = gvc.wild_bootstrap(
        result, "`predicted[T.captive]`", "industry", draws=DRAWS, weights="webb", interval=False
    )
    return interval(result, "predicted[T.captive]"), float(test.pvalue)


def entered(goods: pd.DataFrame) -> pd.DataFrame:
    """Shares of markets of consumer goods, China's share elsewhere, and tacitness; not China, not at home."""
    market = goods.groupby(["importer", "product", "year"], observed=True)["value_usd"].transform("sum")
    made = goods.assign(
        log_share=np.log((goods["value_usd"] / market).where(goods["value_usd"] > 0)),
        shock=rival_share(goods, RIVAL, TABLE, None),
        tacitness=differentiated(goods),
    ).dropna(subset=["log_share", "shock", "tacitness"])
    made = scaled(made, ["shock", "tacitness"])
    flow = made["exporter"].astype(str) + made["importer"].astype(str) + made["product"].astype(str)
    return made.assign(flow=flow).reset_index(drop=True)


def tacit(markets: pd.DataFrame, absorbed: str) -> Results:
    """Log share of the market as China enters others, and by tacitness."""
    return gvc.ols(f"log_share ~ shock + shock:tacitness | {absorbed}", markets, vcov={"CRV3": "product"})


def bootstrap(result: Results) -> float:
    """The p-value of no interaction that few industries allow."""
    test = gvc.wild_bootstrap(
        result, "`shock:tacitness`", "product", draws=DRAWS, weights="webb", interval=False
    )
    return float(test.pvalue)


def interval(result: Results, name: str) -> tuple[float, float, float]:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def correlation(industries: pd.DataFrame) -> tuple[float, float, float]:
    """Correlation of complexity and codifiability with Fisher's interval at 95 per cent."""
    r = float(industries["complexity"].corr(industries["codifiability"]))
    half = stats.norm.ppf(0.975) / np.sqrt(len(industries) - 3)
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def industry_table(industries: pd.DataFrame) -> pd.DataFrame:
    """The two inputs of each industry, and which side of the median it is on."""
    side = {1.0: "high", 0.0: "low"}
    made = pd.DataFrame(
        {
            "Complexity": industries["complexity"],
            "Codifiability": industries["codifiability"],
            "Above the median": industries["complexity_high"].map(side)
            + ", "
            + industries["codifiability_high"].map(side),
        }
    )
    return made.set_axis(industries["name"]).rename_axis("Industry")


def type_table(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells of each predicted type, and the mean of what happened after."""
    named = cells["predicted"].astype(object).where(cells["predicted"].notna(), "no type")
    grouped = cells.groupby(named)
    made = pd.DataFrame(
        {
            "Cells": grouped.size(),
            "Industries": grouped["industry"].nunique(),
            "Growth of the export share, log points": 100 * grouped["share_growth"].mean(),
            "Change of domestic content, points": 100 * grouped["kept_change"].mean(),
        }
    )
    return (
        made.reindex([*TYPES, "no type"])
        .dropna()
        .rename_axis("Predicted")
        .astype({"Cells": int, "Industries": int})
    )


def caution(industries: pd.DataFrame) -> str:
    """What is assigned, from what, and what it cannot say."""
    cross = pd.crosstab(industries["complexity_high"], industries["codifiability_high"])
    both = int(cross.loc[1.0, 1.0])
    return f"""
        Exploratory, and proposed here. Governance below is **predicted, not observed**: a type is given to a country and industry
        because of what its industry buys (Nunn's relationship-specific inputs, technology of the United States in 1997), what it
        sells (one less Rauch's differentiated share) and whether the country had a revealed advantage in it in 1998–2000. Two of
        the three are the same in every country, so nothing here tells how any buyer and supplier deal with each other.

        The correlation of complexity with codifiability over {len(industries)} industries is
        {with_interval(*correlation(industries), digits=2)}. Before the two are crossed it is to be known that {both} industries
        are above the median of both: modular and captive governance can be predicted for these alone. Countries that the
        customs records of 1998–2000 do not name are left out.
    """


def inputs_in_words(industries: pd.DataFrame) -> str:
    """How the two inputs of industries go together, and how many industries the predicted types rest on."""
    r, low, high = correlation(industries)
    told = pointing(
        low, high, "the more complex are the more codifiable", "the more complex are the less codifiable",
        "complexity and codifiability are not told to go together",
    )  # fmt: skip
    sides = industries.groupby(["complexity_high", "codifiability_high"]).size()
    alone = int(sides.get((1.0, 1.0), 0))
    return (
        f"Among {len(industries)} industries {told}: {with_interval(r, low, high, digits=2)}. Predicted modular and captive "
        f"governance rest on {alone} of them, predicted market on {int(sides.get((0.0, 1.0), 0))}, predicted relational "
        f"governance and hierarchy on {int(sides.get((1.0, 0.0), 0))}; the other {int(sides.get((0.0, 0.0), 0))} belong to no type."
    )


def shadow_in_words(share: Results, kept: Results, gap: tuple[float, float, float], p_value: float) -> str:
    """H1's shadow on industries: predicted captive cells in market share and in domestic content."""
    first, second = (interval(result, "predicted[T.captive]") for result in (share, kept))
    grew = pointing(*first[1:], "grew more", "grew less", "grew neither more nor less")
    held = pointing(*second[1:], "rose more", "rose less", "rose neither more nor less")
    apart = (
        f"The two effects are told apart ({p_in_words(p_value)})"
        if p_value < 0.05
        else f"The two effects are not told apart ({p_in_words(p_value)})"
    )
    return (
        f"Against predicted markets, in standard deviations and within countries (N = {share.nobs}): export shares of cells "
        f"that are predicted captive {grew}, {with_interval(*first, digits=2)}, and their domestic content {held}, "
        f"{with_interval(*second, digits=2)}. {apart}: {with_interval(*gap, digits=2)} more in the share of exports, p by wild "
        f"bootstrap over {min(share.n_clusters.values())} industries. H1 speaks of firms and of ties that are seen; this is its shadow, "
        "with market share in the place of product upgrading and domestic content in the place of functional."
    )


def tacit_in_words(plain: Results, strict: Results, p_value: float) -> str:
    """H15's proxy: whether exporters of tacit goods kept more of their market as China entered others."""
    entry = interval(plain, "shock")
    first, second = interval(plain, "shock:tacitness"), interval(strict, "shock:tacitness")
    lost = pointing(*entry[1:], "rises", "falls", "is not told to move")
    kept = pointing(*first[1:], "more", "less", "neither more nor less")
    if (first[1] > 0 or first[2] < 0) and p_value >= 0.05:
        kept = f"{kept} by the interval, but not by the bootstrap,"
    still = pointing(*second[1:], "more", "less", "neither more nor less")
    return (
        f"As China's share of an industry's exports to other countries rises by a standard deviation, an exporter's share of a "
        f"market of consumer goods {lost} ({with_interval(*entry, digits=2)} in logs, N = {plain.nobs:,}). Where goods are a "
        f"standard deviation more differentiated, exporters keep {kept} of it ({with_interval(*first, digits=2)}, bootstrap "
        f"{p_in_words(p_value)}); with what a year does to an exporter and to an importer taken out, {still} "
        f"({with_interval(*second, digits=2)}). Shares of markets stand for prices, which the tables do not have."
    )


if __name__ == "__main__":
    run()
