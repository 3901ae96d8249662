"""Study 14. Do industries and countries that take part in value chains grow richer?

The two forms in which the question is usually asked: value added of country-industries on the value added that they
take from abroad and pass on (Kummritz 2016), and productivity on shares of participation (Constantinescu, Mattoo and
Ruta 2019). Outcome and regressors come from one table, so part of what such regressions find is arithmetic. It is
taken apart first, then weakened by lags, and avoided by instruments that share no cell with the industry.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.models import Results
from gvcmetrics.report import Study, coefficient_plot, scatter_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

TABLE = "wiod"
PANEL = "penn_world_table"
FIRST, LAST, STEP = 1995, 2011, 2
YEARS = range(FIRST, LAST + 1, STEP)
LEAST_EXPORTS = 10.0  # million USD; the table is rounded to whole millions
LEAST_YEARS = 5
SHARES = ["backward", "forward", "upstreamness"]
FLOWS = ["log_backward", "log_forward"]
SHOCKS = ["supply_elsewhere", "demand_elsewhere"]
EFFECTS = "cell + country^year + industry^year"
BY_BOTH = {"CRV1": "country + industry"}
WEAK = 10.0  # Staiger and Stock (1997): an F below it marks instruments as weak
FIT = {"r2": "R²", "r2_within": "Within R²"}
GMM_FIT = {"ar1_p": "AR(1), p", "ar2_p": "AR(2), p", "hansen_p": "Hansen, p"}
LABELS = {
    "log_value_added": "Log value added",
    "log_output": "Log output",
    "log_share": "Log value added in output",
    "backward": "Backward share, ten points",
    "forward": "Forward share, ten points",
    "upstreamness": "Upstreamness",
    "L(backward)": "Backward share, ten points, 2 years before",
    "L(forward)": "Forward share, ten points, 2 years before",
    "L(upstreamness)": "Upstreamness, 2 years before",
    "log_backward": "Log value added taken from abroad",
    "log_forward": "Log value added passed on",
    "L(log_backward)": "Log value added taken from abroad, 2 years before",
    "L(log_forward)": "Log value added passed on, 2 years before",
    "supply_elsewhere": "Suppliers' sales elsewhere",
    "demand_elsewhere": "Buyers' exports elsewhere",
    "log_productivity": "Log GDP a person at work",
    "log_tfp": "Log TFP",
    "log_capital": "Log capital a person at work",
    "log_human_capital": "Log human capital",
    "left": "Log value added",
    "L(left)": "Log value added, 2 years before",
    "cell": "Country × industry",
    "country^year": "Country × year",
    "industry^year": "Industry × year",
    "country": "Country",
    "industry": "Industry",
    "year": "Year",
}


def run() -> None:
    """Tabulate and estimate; without the mirror, say what is lacking."""
    study = Study(
        "14_participation_growth",
        title="Participation and growth: country-industries and countries, 1995–2011",
        question="Does value added grow where more of it is taken from abroad or passed on, and how much of what a "
        "regression says of it is arithmetic?",
    )
    try:
        cells, shares = country_industries()
        countries = gvc.panel(PANEL)
        table = gvc.panel(TABLE, columns=["year"], where=f"year = {FIRST}").attrs["provenance"]
    except MissingSourceError as error:
        study.not_estimated(
            "Participation, value added and productivity",
            needs=f"the panels {TABLE} and {PANEL}",
            get=str(error),
        )
        study.write()
        return
    sources = [table, countries.attrs["provenance"]]
    study.source(sources)
    study.sample(
        "Country × industry × year, every second year",
        len(cells),
        countries=cells["country"].nunique(),
        industries=cells["industry"].nunique(),
    )
    study.text(caution(cells))
    parts = arithmetic(cells)
    study.table(
        gvc.table(
            parts,
            labels=LABELS,
            statistics=FIT,
            notes=[
                "Value added is output times value added in output, so column 1 is the sum of columns 2 and 3. "
                "A share of 0.1 is ten points. Errors by country and industry."
            ],
            provenance=table,
        ),
        "arithmetic",
        caption="Value added on participation in the same year, and its two parts",
    )
    later, flows = lagged(cells), elasticities(cells)
    dynamic = dynamics(cells)
    study.table(
        gvc.table(
            [later, dynamic],
            labels=LABELS,
            statistics=FIT | GMM_FIT,
            drop="^C\\(year\\)",
            notes=[
                "Column 2: difference GMM, two steps, values of four years before and earlier as instruments, one a lag; "
                "all variables less the means of their country × year and industry × year."
            ],
            provenance=table,
        ),
        "lags",
        caption="Value added on participation two years before",
    )
    study.table(
        gvc.table(
            flows,
            labels=LABELS,
            statistics=FIT,
            notes=[
                "The form of Kummritz (2016), who reports 0.11 for value added taken from abroad and 0.60 for value added "
                "passed on, by an instrument from trade costs of third countries and for other tables."
            ],
            provenance=table,
        ),
        "flows",
        caption="Value added on the value added taken from abroad and passed on, in logs",
    )
    reduced = instruments(cells)
    study.table(
        gvc.table(
            reduced,
            labels=LABELS,
            statistics=FIT,
            rows={"F of the two instruments": [f"{joint_f(result):.1f}" for result in reduced]},
            notes=[
                f"Reduced forms. Suppliers' sales elsewhere: log sales of intermediates by the foreign suppliers of {FIRST} to "
                "third countries, weighted by what the industry bought of each. Buyers' exports elsewhere: log exports of the "
                f"foreign buyers of {FIRST} to third countries, weighted by what each bought. Errors by country and industry."
            ],
            provenance=table,
        ),
        "instruments",
        caption="Participation and value added on what happened to partners elsewhere",
    )
    study.figure(
        coefficient_plot(
            {
                "Same year": same_name(parts[0]),
                "of it output": same_name(parts[1]),
                "of it value added in output": same_name(parts[2]),
                "2 years before": same_name(later),
            },
            keep=["^backward$", "^forward$"],
            labels=LABELS,
            estimate_title="Change of log value added, 95 % confidence interval",
        ),
        "estimates",
        caption="What ten points of participation go with, and how much of it is arithmetic",
        provenance=table,
    )
    study.text(arithmetic_in_words(parts))
    study.text(lags_in_words(later, dynamic))
    study.text(flows_in_words(*flows))
    study.text(instruments_in_words(*reduced))

    nations = whole_countries(shares, countries)
    models = country_models(nations)
    study.table(
        gvc.table(
            models,
            labels=LABELS,
            statistics=FIT,
            notes=["Income, work, capital and TFP: Penn World Table. Errors by country (CRV3)."],
            provenance=sources,
        ),
        "countries",
        caption="Productivity of countries on their participation",
    )
    study.figure(
        scatter_plot(
            since_first(nations),
            x="change",
            y="growth",
            label="country",
            x_title=f"Change of the backward share {FIRST}–{LAST}, points",
            y_title="Growth of GDP a person at work, % a year",
        ),
        "paths",
        caption="Countries by how their backward share moved and how their productivity grew",
        provenance=sources,
    )
    study.text(countries_in_words(models[1], models[2]))
    study.not_estimated(
        "Productivity of country-industries",
        needs="work and prices by country and industry",
        get="the Socio-Economic Accounts of WIOD, joined by country, industry and year",
    )
    study.write()


def country_industries() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Country × industry every second year, with value added, participation and instruments; shares of countries."""
    found, nations, start = [], [], None
    for year in YEARS:
        table = gvc.input_output(TABLE, year)
        start = start or table
        share = measures.gvc_participation(table, by=("exporter", "industry"))
        share = share.rename_axis(["country", "industry"])
        made = pd.DataFrame(
            {
                "output": table.x,
                "value_added": table.x - table.Z.sum(axis=0),
                **partners_elsewhere(table, start),
            },
            index=table.rows.set_names(["country", "industry"]),
        )
        made = made.join(share).join(measures.upstreamness(table))
        found.append(made.reset_index().assign(year=year))
        whole = measures.gvc_participation(table, by=("exporter",)).rename_axis("country")
        nations.append(whole[["backward_share", "forward_share"]].reset_index().assign(year=year))
    cells = pd.concat(found, ignore_index=True)
    known = (
        (cells["country"] != "ROW") & (cells["gross_exports"] > LEAST_EXPORTS) & (cells["value_added"] > 0)
    )
    known &= (cells["GVC_backward"] > 0) & (cells["GVC_forward"] > 0)
    cells = cells[known]
    cells = cells.assign(
        cell=cells["country"] + " " + cells["industry"],
        backward=10 * cells["backward_share"],
        forward=10 * cells["forward_share"],
        log_value_added=np.log(cells["value_added"]),
        log_output=np.log(cells["output"]),
        log_share=np.log(cells["value_added"] / cells["output"]),
        log_backward=np.log(cells["GVC_backward"]),
        log_forward=np.log(cells["GVC_forward"]),
    )
    long = cells.groupby("cell")["year"].transform("size") >= LEAST_YEARS
    return cells[long].reset_index(drop=True), pd.concat(nations, ignore_index=True)


def partners_elsewhere(table: InputOutput, start: InputOutput) -> dict[str, np.ndarray]:
    """What the partners of the first year sell to third countries, weighted by what was traded with each then.

    Sales of intermediates by a foreign supplier to all countries but its own and this one, and exports of a foreign
    buyer to all but its own and this one: no cell of the industry's own country, but for the weights, which stay.
    """
    heads = [block.start for block in table.blocks]
    of_inputs = np.where(table.abroad, np.add.reduceat(table.Z, heads, axis=1), 0.0)
    of_all = np.where(table.abroad, np.add.reduceat(table.Z, heads, axis=1) + table.final_use, 0.0)
    traded = np.where(start.abroad[:, start.region_of_row], start.Z, 0.0)
    supply, demand = (np.empty(len(table.x)) for _ in range(2))
    for country, block in enumerate(table.blocks):
        to_others = [
            np.log(np.maximum(sold.sum(axis=1) - sold[:, country], 1.0)) for sold in (of_inputs, of_all)
        ]
        bought, sold = traded[:, block], traded[block]
        with np.errstate(invalid="ignore"):
            supply[block] = bought.T @ to_others[0] / bought.sum(axis=0)
            demand[block] = sold @ to_others[1] / sold.sum(axis=1)
    return dict(zip(SHOCKS, (supply, demand), strict=True))


def within(formula: str, cells: pd.DataFrame) -> Results:
    """A regression within country-industries, with what a year does to a country and to an industry taken out."""
    return gvc.ols(f"{formula} | {EFFECTS}", cells, unit="cell", time="year", step=STEP, vcov=BY_BOTH)


def arithmetic(cells: pd.DataFrame) -> list[Results]:
    """Log value added, and the logs of output and of value added in output that it is the sum of."""
    right = " + ".join(SHARES)
    return [within(f"{left} ~ {right}", cells) for left in ("log_value_added", "log_output", "log_share")]


def lagged(cells: pd.DataFrame) -> Results:
    """Log value added on the shares two years before."""
    return within("log_value_added ~ " + " + ".join(f"L({name})" for name in SHARES), cells)


def elasticities(cells: pd.DataFrame) -> list[Results]:
    """Log value added on the logs of what is taken from abroad and passed on, of the same year and before."""
    return [
        within("log_value_added ~ " + " + ".join(names), cells)
        for names in (FLOWS, [f"L({name})" for name in FLOWS])
    ]


def dynamics(cells: pd.DataFrame) -> Results:
    """Difference GMM of log value added on its own past and on participation two years before."""
    rest = cells[["cell", "year"]].copy()
    for name, source in (("left", "log_value_added"), *((each, each) for each in SHARES)):
        rest[name] = without_means(cells, source)
    right = " + ".join(f"L({name})" for name in ("left", *SHARES))
    return gvc.dynamic_gmm(
        f"left ~ {right}",
        rest,
        unit="cell",
        time="year",
        step=STEP,
        gmm=dict.fromkeys(("left", *SHARES), (2, None)),
        collapse=True,
    )


def without_means(cells: pd.DataFrame, name: str) -> pd.Series:
    """A column less the means of its country × year and industry × year."""
    left = cells[name].copy()
    for _ in range(50):
        for of in ("country", "industry"):
            left = left - left.groupby([cells[of], cells["year"]]).transform("mean")
    return left


def instruments(cells: pd.DataFrame) -> list[Results]:
    """The shares, value added and output on what happened to partners elsewhere."""
    outcomes = ("backward", "forward", "log_value_added", "log_output")
    return [within(f"{left} ~ {' + '.join(SHOCKS)}", cells) for left in outcomes]


def joint_f(result: Results) -> float:
    """The robust F test of both instruments."""
    return float(result.test(SHOCKS).statistic)


def whole_countries(shares: pd.DataFrame, countries: pd.DataFrame) -> pd.DataFrame:
    """Countries of both sources, every second year, with participation two years before."""
    work = countries["employment"]
    known = countries[["country", "year"]].assign(
        log_productivity=np.log(countries["gdp_usd"] / work),
        log_tfp=np.log(countries["tfp"]),
        log_capital=np.log(countries["capital_usd"] / work),
        log_human_capital=np.log(countries["human_capital"]),
    )
    both = shares.merge(known, on=["country", "year"])
    return both.assign(backward=10 * both["backward_share"], forward=10 * both["forward_share"])


def country_models(nations: pd.DataFrame) -> list[Results]:
    """Productivity on participation of the same year, before, with capital; and TFP."""
    controls = "log_capital + log_human_capital"
    return [
        gvc.ols(
            f"{formula} | country + year",
            nations,
            unit="country",
            time="year",
            step=STEP,
            vcov={"CRV3": "country"},
        )
        for formula in (
            "log_productivity ~ backward + forward",
            "log_productivity ~ L(backward) + L(forward)",
            f"log_productivity ~ L(backward) + L(forward) + {controls}",
            "log_tfp ~ L(backward) + L(forward)",
        )
    ]


def since_first(nations: pd.DataFrame) -> pd.DataFrame:
    """Each country's change of the backward share and its yearly growth of productivity."""
    wide = nations[nations["year"].isin([FIRST, LAST])].pivot(index="country", columns="year")
    moved = wide["backward_share"][LAST] - wide["backward_share"][FIRST]
    grown = wide["log_productivity"][LAST] - wide["log_productivity"][FIRST]
    return (
        pd.DataFrame({"change": 100 * moved, "growth": 100 * grown / (LAST - FIRST)}).dropna().reset_index()
    )


def same_name(result: Results) -> pd.DataFrame:
    """Estimates under the names that they have without the lag."""
    tidy = result.tidy()
    return tidy.assign(term=tidy["term"].str.replace(r"^L\((\w+)\)$", r"\1", regex=True))


def interval(result: Results, name: str) -> tuple[float, float, float]:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def caution(cells: pd.DataFrame) -> str:
    """Where outcome and regressor are linked by arithmetic, and what the sources cannot say."""
    own = (cells["value_added"] / cells["output"] / (1 - cells["backward_share"])).clip(upper=1).median()
    return f"""
        Read with care: outcome and regressors are read off one table. The backward share is one less the domestic content
        of a unit of exports, and the industry's own value added in output is {own:.0%} of that content in the median cell; an
        industry that keeps less of its output has a higher backward share and a lower value added whatever else happens.
        In logs of flows, exports are in the regressors and in output, and so in value added. Both links are of the same
        year; what persists in them reaches through a lag of two years, so a lag weakens them and does not remove them. What
        changes in the instruments is in no cell of the industry's country, but demand for the same goods may move both.

        Values are in current dollars: prices and exchange rates are those of a country and year, which all estimates
        within industries take out, together with what a year does to an industry everywhere. There is no work and no
        price by industry, so productivity is that of countries. Cells that export less than {LEAST_EXPORTS:.0f} million dollars in a
        year are left out, since the table is rounded to millions: {len(cells):,} remain.
    """


def arithmetic_in_words(parts: list[Results]) -> str:
    """What ten points of a share go with in the same year, as the sum of output and of value added in output."""
    said = []
    for name in ("backward", "forward"):
        whole, output, share = (interval(result, name) for result in parts)
        told = pointing(*whole[1:], "more", "less", "neither more nor less")
        sold = pointing(*output[1:], "rises", "falls", "is not told to move")
        kept = pointing(*share[1:], "rises", "falls", "is not told to move")
        said.append(
            f"Ten points more of the {name} share go with {told} value added in the same year, {with_interval(*whole)} in "
            f"logs: output {sold}, {with_interval(*output)}, and value added in output {kept}, {with_interval(*share)}."
        )
    linked = (
        "is negative, as arithmetic alone would make it"
        if interval(parts[2], "backward")[2] < 0
        else "is not negative, although arithmetic alone would make it so"
    )
    return f"{' '.join(said)} The last part of the backward share {linked} (N = {parts[0].nobs:,})."


def lags_in_words(later: Results, dynamic: Results) -> str:
    """What participation two years before goes with, within industries and by GMM."""
    said = []
    for name in SHARES:
        estimate = interval(later, f"L({name})")
        other = interval(dynamic, f"L({name})")
        up = pointing(*estimate[1:], "more", "less", "neither more nor less")
        also = pointing(*other[1:], "more", "less", "neither more nor less")
        label = LABELS[name][0].lower() + LABELS[name][1:].replace(", ten points", "")
        said.append(
            f"{label}: {up} value added, {with_interval(*estimate)}, by GMM {also}, {with_interval(*other)}"
        )
    return (
        f"Two years before, within country-industries (N = {later.nobs:,} and {dynamic.nobs:,}; ten points of a share, one "
        f"stage of upstreamness): {'; '.join(said)}. {gmm_in_words(dynamic.statistics)}"
    )


def gmm_in_words(statistics: Mapping[str, float]) -> str:
    """Whether the tests leave the GMM estimates standing."""
    serial, over = statistics["ar2_p"], statistics["hansen_p"]
    doubts = [
        f"{name} is rejected ({p_in_words(p)})"
        for name, p in (
            ("that errors are free of second-order correlation", serial),
            ("that the instruments are valid", over),
        )
        if p < 0.05
    ]
    if doubts:
        return f"By its own tests GMM is not to be trusted here: {' and '.join(doubts)}."
    return (
        f"The tests do not speak against GMM (AR(2) {p_in_words(serial)}, Hansen {p_in_words(over)}), which is not to say "
        "that its instruments are valid."
    )


def flows_in_words(now: Results, before: Results) -> str:
    """Elasticities of value added, of the same year and of two years before."""
    said = []
    for name in FLOWS:
        first, second = interval(now, name), interval(before, f"L({name})")
        first_told = pointing(*first[1:], "positive", "negative", "not told from zero")
        told = pointing(*second[1:], "positive", "negative", "not told from zero")
        label = LABELS[name].removeprefix("Log ")
        said.append(
            f"{label}, {with_interval(*first, digits=4)} in the same year ({first_told}) and "
            f"{with_interval(*second, digits=4)} two years before ({told})"
        )
    return (
        f"In logs of flows the elasticities of value added are: {'; '.join(said)} (N = {now.nobs:,} and {before.nobs:,}). "
        "They say what goes with what, since nothing in them is varied from outside."
    )


def instruments_in_words(backward: Results, forward: Results, value_added: Results, output: Results) -> str:
    """Whether partners' luck elsewhere moves participation, and whether value added moves with it."""
    said = []
    for name, share, result in (
        ("supply_elsewhere", "the backward share", backward),
        ("demand_elsewhere", "the forward share", forward),
    ):
        first, second = interval(result, name), interval(value_added, name)
        moved = pointing(*first[1:], "raise", "lower", "are not told to move")
        follows = pointing(*second[1:], "rises", "falls", "is not told to move")
        said.append(
            f"{LABELS[name].lower()} {moved} {share} ({with_interval(*first)} of ten points) and value added {follows} "
            f"({with_interval(*second)})"
        )
    strengths = [joint_f(backward), joint_f(forward)]
    weak = [
        f"{share} (F = {f:.1f})"
        for share, f in zip(("backward", "forward"), strengths, strict=True)
        if f < WEAK
    ]
    verdict = (
        f"The instruments are weak for the {' and the '.join(weak)} share, below {WEAK:.0f}, so no effect is read off them"
        if weak
        else f"Neither F is below {WEAK:.0f}"
    )
    told = pointing(*interval(output, "supply_elsewhere")[1:], "rises", "falls", "is not told to move")
    return (
        f"Where partners sell more to third countries (N = {value_added.nobs:,}): {'; '.join(said)}. "
        f"Output {told} with {LABELS['supply_elsewhere'].lower()}. {verdict}."
    )


def countries_in_words(before: Results, held: Results) -> str:
    """Productivity of countries and participation two years before, with and without capital."""
    said = []
    for name in ("backward", "forward"):
        plain, rest = interval(before, f"L({name})"), interval(held, f"L({name})")
        told = pointing(*plain[1:], "higher", "lower", "neither higher nor lower")
        still = pointing(*rest[1:], "higher", "lower", "neither higher nor lower")
        said.append(
            f"ten points more of the {name} share go with {told} GDP a person at work ({with_interval(*plain)}), with "
            f"capital and schooling held {still} ({with_interval(*rest)})"
        )
    clusters = min(before.n_clusters.values())
    return (
        f"Between years within {clusters} countries, two years later: {'; '.join(said)} (N = {before.nobs}). Income and "
        "participation come from two sources here, both of which rest on the national accounts."
    )


if __name__ == "__main__":
    run()
