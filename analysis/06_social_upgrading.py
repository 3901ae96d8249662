"""Study 6. Do firms that do better also do better by their workers? Spain 1983–90, Michigan 1987–89.

Economic and social upgrading are said to be different things that need not come together. The first panel has
output, employment and real wages of 738 firms over eight years; the second a measure of process upgrading, the
share of items that are scrapped, for 54 firms over three.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.models import Results
from gvcmetrics.report import Study
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANELS = ("spanish_firms", "training_firms")
Interval = tuple[float, float, float]
DETECTABLE = 2.8
"""Standard errors that a true effect must have to be found at five per cent four times in five."""
PAIRS = {
    "More jobs and higher wages": ("output_rises", "social"),
    "More jobs": ("output_rises", "jobs_rise"),
    "Higher wages": ("output_rises", "wage_rises"),
    "Jobs with wages": ("jobs_rise", "wage_rises"),
}
LABELS = {
    "output_growth": "Growth of output",
    "output_growth_before": "Growth of output, a year before",
    "employment_growth": "Growth of employment",
    "wage_growth": "Growth of wages",
    "log_scrap_rate": "Log scrap rate",
    "log_average_wage": "Log average wage",
    "log_employment": "Log employment",
    "grant": "Training grant",
    "grant_before": "Training grant, a year before",
    "firm_id": "Firm",
    "year": "Year",
}


def run() -> None:
    """Tabulate and estimate; every step adds to the study's part of the report."""
    study = Study(
        "06_social_upgrading",
        title="Economic and social upgrading: firms in Spain and Michigan",
        question="Where output grows, or a process gets better, are there more jobs and higher wages too?",
    )
    spain, michigan = (gvc.panel(name) for name in PANELS)
    sources = [spain.attrs["provenance"], michigan.attrs["provenance"]]
    study.source(sources)
    firms, plants = with_changes(spain), with_logs(michigan)
    changes = firms.dropna(subset=["output_growth"])
    scrapped = plants.dropna(subset=["log_scrap_rate"])
    study.sample("Changes of Spanish firms, 1984–90", len(changes), firms=changes["firm_id"].nunique())
    study.sample("Michigan firms with a scrap rate", len(scrapped), firms=scrapped["firm_id"].nunique())
    study.text(
        f"""
        Read with care. The Spanish firms are those that lived through all eight years, so workers who lost their
        jobs when a firm closed are not seen; industry, region, buyers and exports are not in the file. Output is
        sales of a kind, not upgrading as such. Wages are an average: where lower-paid workers leave, the average
        rises though nobody earns more, and an error in employment moves jobs and average wage in opposite
        directions. Output per worker is left out as an outcome, since it has employment in its denominator.

        The scrap rate is process upgrading proper, but {len(scrapped)} observations of
        {scrapped["firm_id"].nunique()} firms, all of which had applied for a training grant, can show large effects only.
        """
    )
    study.table(
        gvc.table(
            described(changes),
            digits=2,
            notes=["Shares of firm-years, by what output did in the year."],
            provenance=sources[0],
        ),
        "changes",
        caption="What happens to jobs and wages when output rises and when it does not, Spain",
    )
    joint = {name: together(pair, changes) for name, pair in PAIRS.items()}
    study.table(
        gvc.table(
            correlations(joint),
            digits=3,
            notes=[
                "Correlation of the errors of two probits on year dummies; intervals at 95 per cent, errors "
                "clustered by firm. The first three rows pair rising output with what stands in the row."
            ],
            provenance=sources[0],
        ),
        "together",
        caption="Do economic and social upgrading come together? Spain",
    )
    growth = growth_models(firms)
    study.table(
        gvc.table(growth, labels=LABELS, provenance=sources[0]),
        "growth",
        caption="Growth of jobs and wages on growth of output, within firms, Spain",
    )
    scrap = scrap_models(plants)
    study.table(
        gvc.table(
            scrap,
            labels=LABELS,
            notes=["No grant was given in 1987 or, by assumption, before; the lag is zero in 1987."],
            provenance=sources[1],
        ),
        "scrap",
        caption="Scrap rates, training grants, wages and jobs, within firms, Michigan",
    )
    study.text(
        " ".join(
            [
                together_in_words(
                    {name: interval(r, correlation(r)) for name, r in joint.items()}, len(changes)
                ),
                growth_in_words([interval(r, r.params.index[0]) for r in growth]),
                scrap_in_words(*(said_of_scrap(result) for result in scrap[1:])),
            ]
        )
    )
    study.not_estimated(
        "H22 by industry and by tie to buyers",
        needs="industry, buyers and exports of the Spanish firms; the file names none",
        get="an enterprise panel with wages, employment and the buyer items of the firm contract",
    )
    study.write()


def with_changes(spain: pd.DataFrame) -> pd.DataFrame:
    """Growth of output, employment and wages, and whether each rises, by firm and year."""
    firms = spain.sort_values(["firm_id", "year"])
    for name, level in {"output": "log_output", "employment": "log_employment", "wage": "log_wage"}.items():
        growth = firms.groupby("firm_id")[level].diff()
        firms[f"{name}_growth"] = growth
        rises = {"output": "output_rises", "employment": "jobs_rise", "wage": "wage_rises"}[name]
        firms[rises] = (growth > 0).astype(float).where(growth.notna())
        firms = measures.record(firms, f"{name}_growth", level)
        firms = measures.record(firms, rises, level)
    firms["social"] = firms["jobs_rise"] * firms["wage_rises"]
    firms["output_growth_before"] = firms.groupby("firm_id")["output_growth"].shift()
    firms = measures.record(firms, "social", "jobs_rise", "wage_rises")
    return measures.record(firms, "output_growth_before", "output_growth")


def with_logs(michigan: pd.DataFrame) -> pd.DataFrame:
    """Logs of scrap rate, average wage and employment, and the grant of the year before."""
    plants = michigan.sort_values(["firm_id", "year"])
    for column, source in {
        "log_scrap_rate": "scrap_rate",
        "log_average_wage": "average_wage_usd",
        "log_employment": "employment",
    }.items():
        plants[column] = np.log(plants[source].where(plants[source] > 0))
        plants = measures.record(plants, column, source)
    plants["grant_before"] = plants.groupby("firm_id")["grant"].shift().fillna(0.0)
    return measures.record(plants, "grant_before", "grant")


def described(changes: pd.DataFrame) -> pd.DataFrame:
    """Shares of firm-years with more jobs, higher wages, both and neither, by what output did."""
    jobs, wages = changes["jobs_rise"] == 1, changes["wage_rises"] == 1
    shares = pd.DataFrame(
        {
            "Both": jobs & wages,
            "More jobs only": jobs & ~wages,
            "Higher wages only": ~jobs & wages,
            "Neither": ~jobs & ~wages,
        }
    )
    output = changes["output_rises"].map({1.0: "Output rises", 0.0: "Output does not rise"})
    table = shares.groupby(output).mean()
    table.insert(0, "Firm-years", output.value_counts())
    return table.rename_axis("In the year")


def together(pair: tuple[str, str], changes: pd.DataFrame) -> Results:
    """Two probits with year dummies and correlated errors."""
    return gvc.joint_probit(f"{' + '.join(pair)} ~ C(year)", changes, vcov={"CRV1": "firm_id"})


def correlation(result: Results) -> str:
    """The name of the correlation among the parameters."""
    return next(name for name in result.params.index if name.startswith("rho("))


def interval(result: Results, name: str) -> Interval:
    """An estimate with its interval at 95 per cent."""
    low, high = result.conf_int().loc[name]
    return float(result.params[name]), float(low), float(high)


def correlations(joint: dict[str, Results]) -> pd.DataFrame:
    """Each correlation with its interval and sample."""
    rows = {
        name: {
            **dict(zip(("Correlation", "Low", "High"), interval(result, correlation(result)), strict=True)),
            "N": result.nobs,
            "Firms": result.n_clusters["firm_id"],
        }
        for name, result in joint.items()
    }
    return pd.DataFrame(rows).T.astype({"N": int, "Firms": int})


def growth_models(firms: pd.DataFrame) -> list[Results]:
    """Jobs and wages on output of the same year and of the year before, within firms."""
    formulas = [
        f"{outcome} ~ {regressor} | firm_id + year"
        for outcome in ("employment_growth", "wage_growth")
        for regressor in ("output_growth", "output_growth_before")
    ]
    return [gvc.ols(formula, firms, vcov={"CRV1": "firm_id"}) for formula in formulas]


def scrap_models(plants: pd.DataFrame) -> list[Results]:
    """What a grant does to the scrap rate, and the scrap rate to wages and jobs, within firms."""
    formulas = [
        "log_scrap_rate ~ grant + grant_before | firm_id + year",
        "log_average_wage ~ log_scrap_rate | firm_id + year",
        "log_employment ~ log_scrap_rate | firm_id + year",
    ]
    return [gvc.ols(formula, plants, vcov={"CRV1": "firm_id"}) for formula in formulas]


def said_of_scrap(result: Results) -> tuple[Interval, float, float, int]:
    """Elasticity with interval, its error and p-value, and the observations."""
    name = "log_scrap_rate"
    return interval(result, name), float(result.std_errors[name]), float(result.pvalues[name]), result.nobs


def together_in_words(found: dict[str, Interval], n: int) -> str:
    """Whether rising output comes with both, with jobs, with wages; and jobs with wages."""
    both, jobs, wages, rivals = (found[name] for name in PAIRS)
    come = pointing(
        *both[1:], "are positively correlated", "are negatively correlated", "are not told from uncorrelated"
    )
    conflict = pointing(
        *rivals[1:],
        "Jobs and wages themselves rise together",
        "Jobs and wages themselves pull apart",
        "Jobs and wages themselves are not told to move together or apart",
    )
    return (
        f"In Spain (N = {n:,}) rising output and the pair of more jobs and higher wages {come}: the correlation of "
        f"the errors is {with_interval(*both)}; with more jobs alone {with_interval(*jobs)}, with higher wages "
        f"alone {with_interval(*wages)}. {conflict} ({with_interval(*rivals)}), part of which errors in employment "
        f"would bring about by themselves."
    )


def growth_in_words(found: list[Interval]) -> str:
    """Elasticities within firms: same year and the year before, of jobs and of wages."""
    jobs, jobs_later, wages, wages_later = found
    later = {
        name: pointing(*each[1:], "higher", "lower", "neither higher nor lower for sure")
        for name, each in (("employment", jobs_later), ("wages", wages_later))
    }
    return (
        f"Within firms the elasticity to output of the same year is {with_interval(*jobs)} for employment and "
        f"{with_interval(*wages)} for wages. The year after, growth of employment is {later['employment']} "
        f"({with_interval(*jobs_later)}) and growth of wages is {later['wages']} ({with_interval(*wages_later)})."
    )


def scrap_in_words(
    wages: tuple[Interval, float, float, int], jobs: tuple[Interval, float, float, int]
) -> str:
    """What wages and jobs do when less is scrapped, and how large an effect the sample would have shown."""

    def said(name: str, found: tuple[Interval, float, float, int]) -> str:
        estimate, error, p_value, n = found
        way = pointing(*estimate[1:], "fall", "rise", "are not told to move")
        return (
            f"{name} {way} when less is scrapped (elasticity to the scrap rate {with_interval(*estimate)}, "
            f"{p_in_words(p_value)}, N = {n:,}; an elasticity below {DETECTABLE * error:.3f} in size would be missed "
            f"more often than once in five times)"
        )

    return f"In Michigan {said('wages', wages)}, and {said('jobs', jobs)}."


if __name__ == "__main__":
    run()
