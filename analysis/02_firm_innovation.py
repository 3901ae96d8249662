"""Study 2. Does own research pay in patents, and do the research of others and size matter as well?

Patents are counts, firms differ in ways that nobody observes, and the effects of a firm are likely to be
correlated with its research: Poisson regressions with firm and year effects, after Hausman, Hall and
Griliches (1984), on two panels. The first (Cincer 1997) knows spillovers, the second (Aghion, Van Reenen and
Zingales 2013) knows size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.models import Results
from gvcmetrics.report import Study, coefficient_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANELS = ("patents_rd", "us_innovators")
LABELS = {
    "patents": "Patents",
    "patents_next": "Patents, next year",
    "log_rd": "Log R&D",
    "log_spillovers": "Log spillovers",
    "log_rd_stock": "Log R&D stock, million USD",
    "no_rd_stock": "No R&D stock (0/1)",
    "log_employment": "Log employment",
    "log_capital_intensity": "Log capital per employee",
    "institutional_share": "Institutional ownership, share",
    "competition": "Competition (inverse Lerner index)",
    "firm_id": "Firm",
    "year": "Year",
    "sector": "Sector",
    "sic": "Industry",
    "region": "Area",
    "L(log_rd)": "Log R&D, a year before",
    "L(log_spillovers)": "Log spillovers, a year before",
}


def run() -> None:
    """Tabulate and estimate; every step adds to the study's part of the report."""
    study = Study(
        "02_firm_innovation",
        title="Innovation of firms: research, spillovers and size",
        question="Do firms that do more research patent more, and do spillovers and size matter beside it?",
    )
    world, listed = (gvc.panel(name) for name in PANELS)
    listed = with_logs(listed)
    sources = [world.attrs["provenance"], listed.attrs["provenance"]]
    study.source(sources)
    study.sample("Firms of four areas, 1983–91", len(world), firms=world["firm_id"].nunique())
    study.sample("Listed firms, 1991–99", len(listed), firms=listed["firm_id"].nunique())

    # 1. Who patents.
    study.table(
        gvc.table(
            patenting(world),
            formats={
                "Patents per firm and year": ",.1f",
                "Share without a patent": ".2f",
                "HHI of patents": ".3f",
            },
            notes=[
                "Firms of the first panel. HHI: Herfindahl–Hirschman index of the firms' shares in all patents of "
                "the area, 1983–91.",
            ],
            provenance=sources[0],
        ),
        "patenting",
        caption="Patenting and its concentration, by area",
    )
    study.table(
        gvc.table(described(world, listed), labels=LABELS, digits=2, provenance=sources),
        "descriptives",
        caption="Firms in the two panels",
    )

    # 2. Research and spillovers: four areas, 1983–91.
    spillovers = spillover_models(world)
    study.table(
        gvc.table(
            spillovers,
            labels=LABELS,
            rows={"Firms of": ["All areas"] * 3 + ["United States"]},
            notes=[
                "Spillovers: the research of other firms, weighted by technological proximity (Cincer 1997)."
            ],
            provenance=sources[0],
        ),
        "spillovers",
        caption="Patent applications, own research and spillovers: Poisson",
    )

    # 3. Research and size: listed firms, 1991–99.
    size = size_models(listed)
    study.table(
        gvc.table(
            size,
            labels=LABELS,
            notes=[
                "Where the R&D stock is zero its log is set to zero, and an indicator says so; the indicator compares "
                "with a stock of one million USD.",
            ],
            provenance=sources[1],
        ),
        "size",
        caption="Patents, research, size and ownership of listed firms: Poisson",
    )
    study.text(in_words(spillovers, size))

    # 4. Both panels in one picture.
    study.figure(
        coefficient_plot(
            {
                "Four areas, firm and year effects": spillovers[1],
                "Listed firms, firm and year effects": size[2],
            },
            keep=["^log_rd$", "^log_rd_stock$", "^log_spillovers$", "^log_employment$"],
            labels=LABELS,
            estimate_title="Elasticity of patents, 95 % confidence interval",
        ),
        "elasticities",
        caption="Elasticities of patents within firms",
        notes=["Errors clustered by firm."],
    )
    study.not_estimated(
        "H6, the interaction of own research with governance",
        needs="who sets design and process in the firm's chain; neither panel asks",
        get="a firm panel with R&D and the buyer items of the firm contract",
    )
    study.write()


def with_logs(listed: pd.DataFrame) -> pd.DataFrame:
    """Logs as the models take them; a zero R&D stock gets an indicator in place of a log."""
    stock = listed["rd_stock_usd"] / 1e6
    listed = listed.assign(
        log_rd_stock=np.log(stock.where(stock > 0, 1)),
        log_employment=np.log(listed["employment"]),
        log_capital_intensity=np.log(listed["capital_usd"] / listed["employment"]),
    )
    measures.record(listed, "log_rd_stock", "rd_stock_usd")
    measures.record(listed, "log_employment", "employment")
    return measures.record(listed, "log_capital_intensity", "capital_usd", "employment")


def patenting(world: pd.DataFrame) -> pd.DataFrame:
    """Firms, patents and their concentration by area."""
    by_area = world.groupby("region")
    totals = world.groupby(["region", "firm_id"])["patents"].sum()
    table = pd.DataFrame(
        {
            "Firms": by_area["firm_id"].nunique(),
            "Firm-years": by_area.size(),
            "Patents per firm and year": by_area["patents"].mean(),
            "Share without a patent": by_area["patents"].agg(lambda patents: (patents == 0).mean()),
            "HHI of patents": totals.groupby("region").agg(measures.hhi),
        }
    )
    names = {"eu": "European Union", "japan": "Japan", "usa": "United States", "rotw": "Rest of the world"}
    return table.rename(index=names).rename_axis("Area")


def described(world: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Moments of outcomes and regressors, panel by panel."""
    parts = {
        "Firms of four areas": world[["patents", "log_rd", "log_spillovers"]],
        "Listed firms": listed[
            ["patents", "log_rd_stock", "no_rd_stock", "log_employment", "institutional_share", "competition"]
        ],
    }
    columns = {"count": "N", "mean": "Mean", "std": "SD", "min": "Min", "50%": "Median", "max": "Max"}
    table = pd.concat({name: part.describe().T for name, part in parts.items()})[list(columns)]
    return table.astype({"count": int}).rename(columns=columns)


def spillover_models(world: pd.DataFrame) -> list[Results]:
    """Between firms, within firms, with lags, and within firms of the United States."""
    usa = world[world["region"] == "usa"]
    both = "patents ~ log_rd + log_spillovers"
    lagged = "patents ~ log_rd + L(log_rd) + log_spillovers + L(log_spillovers)"

    def fit(formula: str, firms: pd.DataFrame) -> Results:
        return gvc.poisson(formula, firms, unit="firm_id", time="year", vcov={"CRV1": "firm_id"})

    return [
        fit(f"{both} | sector + region + year", world),
        fit(f"{both} | firm_id + year", world),
        fit(f"{lagged} | firm_id + year", world),
        fit(f"{both} | firm_id + year", usa),
    ]


def size_models(listed: pd.DataFrame) -> list[Results]:
    """Between firms of an industry, then within firms."""
    research = "patents ~ log_rd_stock + no_rd_stock + log_employment"
    full = f"{research} + log_capital_intensity + institutional_share + competition"

    def fit(formula: str) -> Results:
        return gvc.poisson(formula, listed, vcov={"CRV1": "firm_id"})

    return [
        fit(f"{research} | sic + year"),
        fit(f"{full} | sic + year"),
        fit(f"{research} | firm_id + year"),
        fit(f"{full} | firm_id + year"),
    ]


def in_words(spillovers: list[Results], size: list[Results]) -> str:
    """What the two tables say about own research, spillovers and size."""

    def estimate(result: Results, term: str) -> str:
        low, high = result.conf_int().loc[term]
        told = pointing(low, high, "positive", "negative", "not told from zero")
        return f"{with_interval(result.params[term], low, high, 2)}, {told}"

    between, within = spillovers[:2]
    errors = [result.std_errors["log_spillovers"] for result in (between, within)]
    returns = size[2].test("log_rd_stock + log_employment = 1")
    return (
        f"Within firms, the elasticity of patents to own research is {estimate(within, 'log_rd')}, in the "
        f"first panel ({within.nobs:,} firm-years) and, for the stock, {estimate(size[2], 'log_rd_stock')}, in the "
        f"second ({size[2].nobs:,}). The elasticity to the research of others is {estimate(within, 'log_spillovers')}, "
        f"within firms, and {estimate(between, 'log_spillovers')}, between firms of a sector, area and year; its "
        f"standard error is {errors[1]:.2f} within and {errors[0]:.2f} between. The elasticity to employment is "
        f"{estimate(size[2], 'log_employment')}. That research and employment together have constant returns is "
        f"{'not ' if returns.pvalue >= 0.05 else ''}rejected ({p_in_words(returns.pvalue)}). Intervals are at 95 per "
        "cent, clustered by firm. Who governs the firms' chains is not known."
    )


if __name__ == "__main__":
    run()
