"""Study 7. Certificates, research and innovation systems: service firms of Colombia, 2010–15.

Humphrey (2001) expects certificates to open the way into value chains, most of all for small firms, own research to
make firms upgrade, and the innovation system to matter more the further an upgrade leads. Three waves of a survey
ask for all of these, and for two of them the same firm can be found again two years later.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANELS = ("colombian_services", "colombian_services_2011")
KINDS = ["upgrade_product", "upgrade_process", "marketing_innovation"]
BEFORE = ("exporter", "certified", "rd_of_innovators", "system", "employment", *KINDS)
SMALL = 50
LABELS = {
    "exporter": "Exports in 2015",
    "certified_before": "Certificate obtained 2012–13",
    "log_employment_before": "Log employment 2013",
    "rd_of_innovators_before": "R&D of its own in 2013",
    "system_before": "Co-operates with the innovation system",
    "upgrade_product": "Product",
    "upgrade_process": "Process",
    "marketing_innovation": "Marketing",
    "upgraded_before": "The same in 2012–13",
    "industry": "Industry",
}


def run() -> None:
    """Tabulate and estimate; without the survey, say what is lacking."""
    study = Study(
        "07_colombian_services",
        title="Certificates, research and innovation systems: service firms of Colombia",
        question="Do certificates come before exports, and own research and co-operation with the innovation system "
        "before upgrading, two years later?",
    )
    try:
        late, early = (gvc.panel(name) for name in PANELS)
    except MissingSourceError as error:
        study.not_estimated(
            "Entry into exporting and upgrading of service firms in Colombia",
            needs=f"the panels {' and '.join(PANELS)}",
            get=str(error),
        )
        study.write()
        return
    sources = [late.attrs["provenance"], early.attrs["provenance"]]
    study.source(sources)
    firms, links = linked(late), linkage(late, early)
    others = firms[firms["exporter_before"] == 0]
    innovators = firms.dropna(subset=["rd_of_innovators_before"])
    study.sample("Firms in the waves of 2012–13 and 2014–15", len(firms))
    study.sample("Those that did not export in 2013", len(others), entered=int(others["exporter"].sum()))
    study.sample("Those that innovated or tried to in 2012–13", len(innovators))
    study.text(caution(links))
    study.table(
        gvc.table(
            links,
            digits=2,
            notes=[
                "Matched by the survey's order number. Entered: no exports in the first wave, exports in the second."
            ],
            provenance=sources,
        ),
        "links",
        caption="Which waves can be linked",
    )
    entry = entry_models(others)
    study.table(
        gvc.table(
            [result.margins(["certified_before", "log_employment_before"]) for result in entry],
            labels=LABELS,
            notes=[
                "Average marginal effects on the probability to export in 2015, from logits of firms that did not in 2013."
            ],
            provenance=sources[0],
        ),
        "entry",
        caption="Entry into exporting on certificates and size",
    )
    research = {kind: research_model(kind, innovators) for kind in KINDS}
    study.table(
        gvc.table(
            [result.margins() for result in research.values()],
            headers=[LABELS[kind] for kind in KINDS],
            labels=LABELS,
            notes=[
                "Average marginal effects, from logits, among firms that innovated or tried to in 2012–13."
            ],
            provenance=sources[0],
        ),
        "research",
        caption="Upgrading of 2014–15 on own research of 2013",
    )
    system = system_model(innovators)
    study.table(
        gvc.table(
            system.margins("system_before", outcomes=["marketing_innovation", "upgrade_process"]),
            labels=LABELS,
            notes=[
                "Average marginal effects from one joint probit, among firms that innovated or tried to in 2012–13."
            ],
            provenance=sources[0],
        ),
        "system",
        caption="New marketing and new processes of 2014–15 on co-operation with the innovation system",
    )
    study.text(
        " ".join(
            [
                entry_in_words(entry_rates(others), effect(entry[0], "certified_before"), small_less_large(entry[1])),
                research_in_words({LABELS[k]: effect(r, "rd_of_innovators_before") for k, r in research.items()},
                                  min(result.nobs for result in research.values())),
                system_in_words(difference(system), system.nobs),
            ]
        )
    )  # fmt: skip
    study.not_estimated(
        "H6's interaction of research with the tie to a buyer, H13 for chains rather than exports",
        needs="who the buyers are and what they set; the survey does not ask",
        get="a survey with the buyer items of the firm contract",
    )
    study.write()


def linked(late: pd.DataFrame) -> pd.DataFrame:
    """Firms of 2014–15 that were asked in 2012–13 too, with what they said then."""
    partners = late[["cooperates_universities", "cooperates_institutes"]]
    late = late.assign(system=partners.max(axis=1, skipna=False)).sort_values(["firm_id", "year"])
    for column in BEFORE:
        late[f"{column}_before"] = late.groupby("firm_id")[column].shift()
        late = measures.record(late, f"{column}_before", column)
    late = measures.record(late, "system", "cooperates_universities", "cooperates_institutes")
    late["log_employment_before"] = np.log(late["employment_before"].where(late["employment_before"] > 0))
    late = measures.record(late, "log_employment_before", "employment_before")
    return late[(late["year"] == 2015) & late["exporter_before"].notna()].copy()


def linkage(late: pd.DataFrame, early: pd.DataFrame) -> pd.DataFrame:
    """For each pair of waves: firms matched, how their sizes correlate, and how many began to export."""
    waves = {"2010–11": early, **{f"{y - 1}–{y % 100}": late[late["year"] == y] for y in (2013, 2015)}}
    names = list(waves)
    rows = {}
    for first, second in ((0, 1), (1, 2), (0, 2)):
        both = waves[names[first]].merge(waves[names[second]], on="firm_id", suffixes=("_0", "_1"))
        sized = both[(both["employment_0"] > 0) & (both["employment_1"] > 0)]
        idle = both[both["exporter_0"] == 0]
        rows[f"{names[first]} to {names[second]}"] = {
            "Firms matched": len(both),
            "Correlation of log employment": np.corrcoef(
                np.log(sized["employment_0"]), np.log(sized["employment_1"])
            )[0, 1],
            "Did not export": len(idle),
            "Entered": int(idle["exporter_1"].sum()),
        }
    whole = {"Firms matched": int, "Did not export": int, "Entered": int}
    return pd.DataFrame(rows).T.astype(whole).rename_axis("Waves")


def caution(links: pd.DataFrame) -> str:
    """What the data can and cannot bear, from the links."""
    r, entered = links["Correlation of log employment"], links["Entered"]
    chance = 1.96 / np.sqrt(links["Firms matched"].iloc[2])
    linked_too = "no more than" if abs(r.iloc[2]) <= chance else "more than"
    return f"""
    Read with care. The order number is to find the same firm again in neighbouring waves: over these, log employment
    correlates by {r.iloc[0]:.2f} and {r.iloc[1]:.2f}, over the first and the last by {r.iloc[2]:.2f}, {linked_too}
    chance gives (±{chance:.2f}).
    From 2010–11 to 2012–13 no more than {entered.iloc[0]} of {links["Did not export"].iloc[0]:,} firms entered exporting,
    too few for a model, so what follows is 2012–13 to 2014–15, with {entered.iloc[1]} of
    {links["Did not export"].iloc[1]:,}. A firm that is not matched may have closed, or was not asked.

    A certificate counts where it was obtained in the two years, not where a firm has had one for long, which takes the
    difference between the two groups towards zero. R&D and co-operation were asked of firms that innovate or tried to:
    what is said of them tells which upgrading goes with them, not whether firms upgrade. Region, owners, buyers and
    survey weights are not in the file, exporting stands for taking part in a chain, and nothing here is causal.
    """


def entry_models(others: pd.DataFrame) -> list[Results]:
    """Entry on the certificate of the wave before: with size, crossed with size, within industries."""
    both = "certified_before + log_employment_before"
    # An industry without any entry says nothing of what goes with entry.
    moving = others[others.groupby("industry")["exporter"].transform("max") == 1]
    return [
        gvc.logit(f"exporter ~ {both}", others, vcov="hetero"),
        gvc.logit("exporter ~ certified_before * log_employment_before", others, vcov="hetero"),
        gvc.logit(f"exporter ~ {both} + C(industry)", moving, vcov={"CRV3": "industry"}),
    ]


def entry_rates(others: pd.DataFrame) -> pd.DataFrame:
    """Entries and firms, without and with a certificate."""
    return others.groupby("certified_before")["exporter"].agg(["sum", "size"])


def effect(result: Results, variable: str) -> tuple[float, float, float]:
    """An average marginal effect and its interval at 95 per cent."""
    row = result.margins(variable).tidy().iloc[0]
    return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])


def small_less_large(result: Results) -> tuple[float, float, float, float]:
    """How much more the log odds of entry move with a certificate when log employment falls by one, and its p-value."""
    name = "certified_before:log_employment_before"
    low, high = result.conf_int().loc[name]
    return -float(result.params[name]), -float(high), -float(low), float(result.pvalues[name])


def research_model(kind: str, innovators: pd.DataFrame) -> Results:
    """One kind of upgrading on own research two years before, given the same upgrading then."""
    rows = innovators.assign(upgraded_before=innovators[f"{kind}_before"])
    return gvc.logit(
        f"{kind} ~ rd_of_innovators_before + log_employment_before + upgraded_before", rows, vcov="hetero"
    )


def system_model(innovators: pd.DataFrame) -> Results:
    """New marketing and new processes on co-operation with the innovation system two years before."""
    return gvc.joint_probit(
        "marketing_innovation + upgrade_process ~ system_before + log_employment_before",
        innovators,
        vcov="hetero",
    )


def difference(system: Results) -> tuple[float, float, float]:
    """The effect on new marketing less that on new processes, with its interval."""
    effects = system.margins("system_before", outcomes=["marketing_innovation", "upgrade_process"])
    place = {name: at for at, name in enumerate(effects.keys["outcome"])}
    marketing, process = place["marketing_innovation"], place["upgrade_process"]
    value = effects.values[marketing] - effects.values[process]
    V = effects.covariance
    variance = V[marketing, marketing] + V[process, process] - 2 * V[marketing, process]
    half = stats.norm.ppf(0.975) * np.sqrt(variance)
    return float(value), float(value - half), float(value + half)


def entry_in_words(
    rates: pd.DataFrame, certificate: tuple[float, float, float], smaller: tuple[float, float, float, float]
) -> str:
    """Whether firms with a certificate enter more often, and whether the smaller gain more."""
    without, with_one = (rates.loc[each, "sum"] / rates.loc[each, "size"] for each in (0.0, 1.0))
    counts = np.column_stack([rates["sum"], rates["size"] - rates["sum"]]).astype(int)
    p_exact = stats.fisher_exact(counts).pvalue
    told = pointing(*certificate[1:], "more often", "less often", "neither more nor less often for sure")
    gain = pointing(*smaller[1:3], "larger", "smaller", "not told to be larger")
    return (
        f"Of {rates['size'].sum():,} firms that did not export in 2013, {with_one:.1%} of those with a new "
        f"certificate and {without:.1%} of the others exported in 2015 (exact test {p_in_words(p_exact)}). Of equal "
        f"size, firms with a certificate enter {told}: the difference in the probability is "
        f"{with_interval(*certificate)}. The gain in log odds is {gain} in smaller firms "
        f"({with_interval(*smaller[:3], digits=2)} for a log point less of employment, {p_in_words(smaller[3])})."
    )


def research_in_words(found: dict[str, tuple[float, float, float]], n: int) -> str:
    """Which upgrading is more likely two years after own research."""
    said = [
        f"{name.lower()} upgrading {pointing(*each[1:], 'more', 'less', 'neither more nor less')} likely "
        f"({with_interval(*each)})"
        for name, each in found.items()
    ]
    return (
        f"Among firms that innovated or tried to in 2012–13 (N = {n:,}), those with R&D of their own find in 2014–15 "
        f"{', '.join(said)}, as differences in the probability, given size and the same upgrading before."
    )


def system_in_words(found: tuple[float, float, float], n: int) -> str:
    """Whether co-operation with the innovation system goes further for marketing than for processes."""
    more = pointing(*found[1:], "larger", "smaller", "neither larger nor smaller for sure")
    return (
        f"The effect of co-operation with universities and centres on new marketing is {more} than that on new "
        f"processes: the difference in the probability is {with_interval(*found)}, N = {n:,}; H8 expects it above zero."
    )


if __name__ == "__main__":
    run()
