"""Study 10. Size dispersion, the innovation system, ownership and jobs: what Ecuador's survey says to five claims.

The survey of study 3 holds firms that innovate, with province, division, owners, partners, sales and jobs. It can
say something, each time less than a claim asks, to H8, H9, H16, H20 and H22.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.claims.vocabulary import SECTORAL_PATTERNS
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANEL = "ecuador_innovation"
KINDS = ["upgrade_product", "upgrade_process", "organisational_innovation", "marketing_innovation"]
LEAST_FIRMS = 5
CONTROLS = "exported_2012 + log_employment_2012"
LABELS = {
    "kinds": "Share of four kinds of upgrading",
    "size_dispersion": "Dispersion of log employment",
    "size_dispersion_squared": "The same, squared",
    "mean_size": "Mean log employment",
    "marketing_innovation": "Marketing",
    "upgrade_process": "Process",
    "cooperates": "Co-operates on innovation",
    "tie": "Group or foreign capital",
    "exported_2012": "Exported in 2012",
    "log_employment_2012": "Log employment 2012",
    "sales_grow": "Sales grew 2012–14",
    "jobs_grow": "Jobs grew 2012–14",
    "pattern": "Sectoral pattern",
    "region": "Province",
    "section": "Section",
}


def run() -> None:
    """Tabulate and estimate; without the survey, say what is lacking."""
    study = Study(
        "10_ecuador_claims",
        title="Size dispersion, partners, owners and jobs: firms of Ecuador",
        question="Do clusters of unlike firms upgrade more, does co-operation go with new marketing more than with new "
        "processes, do ties of ownership matter, and not in all sectors alike, and do jobs grow where sales do?",
    )
    try:
        survey = gvc.panel(PANEL)
    except MissingSourceError as error:
        study.not_estimated("Five claims on Ecuador's firms", needs=f"the panel {PANEL}", get=str(error))
        study.write()
        return
    provenance = survey.attrs["provenance"]
    study.source(provenance)
    firms = prepared(survey)
    cells = in_cells(firms)
    provinces = firms["region"].nunique()
    study.sample("Firms", len(firms), provinces=provinces)
    study.sample(f"Cells of {LEAST_FIRMS} firms or more", len(cells), firms=int(cells["firms"].sum()))
    study.text(
        f"""
        Read with care. Of the firms {upgrading(firms):.0%} (weighted) report at least one of four kinds of upgrading, so
        differences are between kinds of upgrading rather than between firms that upgrade and others. Buyers are not asked for: of ties, the survey knows those of ownership
        alone, the hierarchical ones. Co-operation is with anyone, not with universities or institutes only, and there are
        no wages, so that social upgrading is more jobs. Few provinces hold most firms, and {provinces} are few
        clusters: where cells or partners are compared, errors leave out each province in turn (CRV3) or p-values are
        those of the wild cluster bootstrap; ties of ownership differ from firm to firm, and their errors are clustered
        by province and division together.
        """
    )
    dispersion = dispersion_models(cells)
    study.table(
        gvc.table(
            dispersion,
            labels=LABELS,
            notes=[
                f"Cells are province × division with {LEAST_FIRMS} firms or more, weighted by their firms. H9 expects a "
                "positive slope that falls: + and −.",
            ],
            provenance=provenance,
        ),
        "dispersion",
        caption="Upgrading of clusters on the dispersion of size",
    )
    system = gvc.joint_probit(
        f"marketing_innovation + upgrade_process ~ cooperates + {CONTROLS}", firms, vcov={"CRV3": "region"}, weights="weight"
    )  # fmt: skip
    owners = [ownership_model(by_pattern, firms) for by_pattern in (False, True)]
    study.table(
        gvc.table(
            owners,
            labels=LABELS,
            notes=[
                "Weighted least squares. Patterns as grouped by Giuliani, Pietrobelli and Rabellotti (2005)."
            ],
            provenance=provenance,
        ),
        "owners",
        caption="Upgrading on ties of ownership, given exporting, and by sectoral pattern",
    )
    jobs = gvc.joint_probit("sales_grow + jobs_grow ~ 1", firms, vcov={"CRV3": "region"}, weights="weight")
    study.table(
        gvc.table(
            [system, jobs],
            headers=["H8", "H22"],
            labels=LABELS,
            notes=["Joint probits; index coefficients and the correlation of the errors."],
            provenance=provenance,
        ),
        "joint",
        caption="New marketing and processes on co-operation; growth of sales and of jobs",
    )
    study.text(
        " ".join(
            [
                dispersion_in_words(slope_at(dispersion[1], cells), bootstrap_p(dispersion[1]), len(cells)),
                system_in_words(difference(system), system.nobs),
                owners_in_words(interval(owners[0], "tie"), slopes_differ(owners[1]), owners[0].nobs),
                jobs_in_words(interval(jobs, "rho(jobs_grow, sales_grow)"), jobs.nobs),
            ]
        )
    )  # fmt: skip
    study.not_estimated(
        "H20 and H16 for ties to buyers, H22 with wages",
        needs="who sets design and process, and wages; the survey asks neither",
        get="a survey with the buyer items of the firm contract, wages and employment",
    )
    study.write()


def prepared(survey: pd.DataFrame) -> pd.DataFrame:
    """One row a firm: kinds of upgrading, ties of ownership, exporting and size of 2012, growth to 2014."""
    early = survey[survey["year"] == 2012].set_index("firm_id")
    late = survey[survey["year"] == 2014].set_index("firm_id")
    tied = (late["group_member"] == 1) | (late["foreign_share"] > 0)
    firms = late.assign(
        kinds=late[KINDS].mean(axis=1, skipna=False),
        tie=tied.astype(float).where(late["group_member"].notna() & late["foreign_share"].notna()),
        exported_2012=(early["exports_usd"] > 0).astype(float),
        log_employment_2012=np.log(early["employment"].where(early["employment"] > 0)),
        sales_grow=(late["sales_usd"] > early["sales_usd"]).astype(float),
        jobs_grow=(late["employment"] > early["employment"]).astype(float),
        pattern=late["industry"].map({d: name for name, found in SECTORAL_PATTERNS.items() for d in found}),
        section=late["industry"].astype(str).str[:1],
    ).reset_index()
    for column, sources in {
        "kinds": KINDS,
        "tie": ["group_member", "foreign_share"],
        "exported_2012": ["exports_usd"],
        "log_employment_2012": ["employment"],
        "sales_grow": ["sales_usd"],
        "jobs_grow": ["employment"],
    }.items():
        firms = measures.record(firms, column, *sources)
    return firms


def upgrading(firms: pd.DataFrame) -> float:
    """Weighted share of firms with at least one kind."""
    return float(np.average(firms["kinds"] > 0, weights=firms["weight"]))


def in_cells(firms: pd.DataFrame) -> pd.DataFrame:
    """Province × division: mean share of kinds, dispersion and mean of log employment, number of firms."""
    many = firms.groupby(["region", "industry"])["firm_id"].transform("size") >= LEAST_FIRMS
    known = firms[many].dropna(subset=["kinds", "log_employment_2012"])
    grouped = known.groupby(["region", "industry"])
    cells = grouped.agg(
        kinds=("kinds", "mean"),
        size_dispersion=("log_employment_2012", "std"),
        mean_size=("log_employment_2012", "mean"),
        firms=("kinds", "size"),
    ).reset_index()
    cells["size_dispersion_squared"] = cells["size_dispersion"] ** 2
    return cells.assign(weight=cells["firms"].astype(float))


def dispersion_models(cells: pd.DataFrame) -> list[Results]:
    """Upgrading of cells on dispersion: straight, bent, bent within divisions."""
    bent = "size_dispersion + size_dispersion_squared + mean_size"
    formulas = ["kinds ~ size_dispersion + mean_size", f"kinds ~ {bent}", f"kinds ~ {bent} | industry"]
    return [gvc.ols(formula, cells, vcov={"CRV3": "region"}, weights="weight") for formula in formulas]


def slope_at(result: Results, cells: pd.DataFrame) -> tuple[float, float, float]:
    """The slope of the bent line at the median dispersion, with its interval."""
    twice = 2 * float(cells["size_dispersion"].median())
    row = result.lincom(f"size_dispersion + {twice} * size_dispersion_squared").iloc[0]
    return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])


def bootstrap_p(result: Results) -> float:
    """The wild cluster bootstrap's p-value that line and bend of dispersion are both zero."""
    names = ["`size_dispersion`", "`size_dispersion_squared`"]
    test = gvc.wild_bootstrap(result, names, "region", draws=999, weights="webb", interval=False)
    return float(test.pvalue)


def ownership_model(by_pattern: bool, firms: pd.DataFrame) -> Results:
    """The share of kinds on ties of ownership given exporting, with one slope or one for each pattern."""
    tie = "tie * C(pattern)" if by_pattern else "tie"
    rows = firms.dropna(subset=["pattern"]) if by_pattern else firms
    return gvc.ols(f"kinds ~ {tie} + {CONTROLS}", rows, vcov={"CRV1": "cluster_id"}, weights="weight")


def slopes_differ(result: Results) -> tuple[float, int]:
    """The Wald test's p-value that the slopes of all patterns are one, and how many patterns there are."""
    crossed = [f"`{name}`" for name in result.params.index if name.startswith("tie:")]
    return float(result.test(crossed).pvalue), len(crossed) + 1


def interval(result: Results, name: str) -> tuple[float, float, float]:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def difference(system: Results) -> tuple[float, float, float]:
    """The effect of co-operation on new marketing less that on new processes, with its interval."""
    effects = system.margins("cooperates", outcomes=["marketing_innovation", "upgrade_process"])
    place = {name: at for at, name in enumerate(effects.keys["outcome"])}
    weights = np.zeros(len(effects.values))
    weights[[place["marketing_innovation"], place["upgrade_process"]]] = 1.0, -1.0
    value = float(weights @ effects.values)
    half = 1.959964 * float(np.sqrt(weights @ effects.covariance @ weights))
    return value, value - half, value + half


def dispersion_in_words(slope: tuple[float, float, float], p_value: float, n: int) -> str:
    """Which way upgrading goes with dispersion, and whether anything is told from zero."""
    way = pointing(*slope[1:], "more", "fewer", "neither more nor fewer")
    told = "are" if p_value <= 0.05 else "are not"
    return (
        f"H9: at the median dispersion, clusters of unlike firms upgrade in {way} kinds ({with_interval(*slope)} as a "
        f"share of four for a log point, N = {n} cells); line and bend together {told} told from zero (bootstrap {p_in_words(p_value)})."
    )


def system_in_words(found: tuple[float, float, float], n: int) -> str:
    """Whether co-operation goes further for marketing than for processes."""
    more = pointing(*found[1:], "larger", "smaller", "neither larger nor smaller for sure")
    return (
        f"H8: the effect of co-operation on new marketing is {more} than that on new processes: the difference in the "
        f"probability is {with_interval(*found)}, N = {n:,}."
    )


def owners_in_words(tie: tuple[float, float, float], differ: tuple[float, int], n: int) -> str:
    """Whether owned firms upgrade in more kinds given exporting, and whether sectors differ."""
    more = pointing(*tie[1:], "more", "fewer", "neither more nor fewer")
    alike = "differ" if differ[0] <= 0.05 else "are not told to differ"
    return (
        f"H20, of ties of ownership alone: given exporting and size, firms in groups or with foreign capital upgrade in "
        f"{more} kinds ({with_interval(*tie)} as a share of four, N = {n:,}). H16: the slopes of {differ[1]} sectoral "
        f"patterns {alike} ({p_in_words(differ[0])})."
    )


def jobs_in_words(found: tuple[float, float, float], n: int) -> str:
    """Whether jobs grow where sales do."""
    come = pointing(*found[1:], "go with", "go against", "are not told to go with")
    return (
        f"H22, by jobs alone: growing sales {come} growing jobs (correlation of the errors {with_interval(*found)}, "
        f"N = {n:,})."
    )


if __name__ == "__main__":
    run()
