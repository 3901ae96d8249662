"""Study 12. Are Italian districts more resilient, and does it matter who ties them to the outside?

De Marchi, Lee and Nadvi ask which local systems come through shocks, and whether that goes with their
specialisation or with the way in which they are linked to the world. ISTAT's local labour systems specialised
in made in Italy stand for districts, the ownership of a region's firms for the mode of linkage, and the years
2019–20 and 2020–23 for a shock and the recovery from it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.claims.vocabulary import SECTORAL_PATTERNS
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results, holm
from gvcmetrics.report import Study, coefficient_plot
from gvcmetrics.report.findings import p_in_words

STUDY = "12_italian_local_systems"
TITLE = "Districts, owners and resilience: local systems of Italy"
PANELS = (
    "italy_local_systems",
    "italy_municipalities",
    "italy_provinces",
    "italy_ownership",
    "italy_ownership_regions",
)
MANUFACTURING, INDUSTRY = "05-33", "05-43"
BEFORE, SHOCK, RECOVERY = (2017, 2019), (2019, 2020), (2020, 2023)
OUTCOMES = {
    "employees_shock": "Employees, 2019–20",
    "employees_recovery": "Employees, 2020–23",
    "value_added_shock": "Value added, 2019–20",
    "value_added_recovery": "Value added, 2020–23",
}
MODE_NAMES = {
    "foreign_multinational": "foreign multinationals",
    "italian_multinational": "Italian multinationals",
    "domestic_group": "domestic groups",
}
MODES = list(MODE_NAMES)
KINDS = ["sales_outpace", "jobs_outpace", "wage_outpaces"]
PAIRS = [
    ("sales_outpace", "jobs_outpace"),
    ("sales_outpace", "wage_outpaces"),
    ("jobs_outpace", "wage_outpaces"),
]
DRAWS, PERMUTATIONS = 999, 4999
LABELS = {
    **OUTCOMES,
    "district_share": "Share of industry in districts",
    "log_employment_2019": "Log jobs in manufacturing, 2019",
    "growth_before": "Growth of employees 2017–19, relative to the country",
    "foreign_multinational": "Foreign multinationals",
    "italian_multinational": "Italian multinationals",
    "domestic_group": "Domestic groups",
    "multinational": "Multinational (× traditional)",
    "multinational_natural_resource": "Multinational × natural resources",
    "multinational_complex_products": "Multinational × complex products",
    "multinational_mixed": "Multinational × mixed",
    "log_productivity": "Log value added a job",
    "sales_outpace": "Sales",
    "jobs_outpace": "Jobs",
    "wage_outpaces": "Pay",
    "larger_region": "Region",
    "region": "Region",
    "cell": "Region × industry",
}


def run() -> None:
    """Tabulate, estimate and test; without the mirror, say what is lacking."""
    study = Study(
        STUDY,
        title=TITLE,
        question="Did provinces whose industry lies in districts lose less in 2019–20 and regain more in 2020–23, does "
        "the ownership of their region's firms go with it, and do productivity, pay and jobs move together?",
    )
    try:
        systems, towns, provinces, owners, regions = (gvc.panel(name) for name in PANELS)
    except MissingSourceError as error:
        study.not_estimated(
            "Districts, linkage and resilience in Italy (H18, H16, H22)",
            needs=f"the panels {', '.join(PANELS)}",
            get=str(error),
        )
        study.write()
        return
    sources = [panel.attrs["provenance"] for panel in (systems, towns, provinces, owners, regions)]
    study.source(sources)
    places = prepared(systems, towns, provinces, regions)
    study.sample("Local labour systems", systems["region"].nunique())
    study.sample("Provinces", len(places), regions=places["larger_region"].nunique())

    # 1. What the data can bear.
    study.text(caution(places))
    study.table(
        gvc.table(
            described(systems),
            digits=1,
            formats={"Systems": "d", "Jobs, thousand": ",.0f"},
            notes=["Made in Italy: ISTAT's class A, here called districts. Money in thousand USD of 2023."],
            provenance=sources[0],
        ),
        "classes",
        caption="Local labour systems by ISTAT's class of specialisation, 2023",
    )

    # 2. Districts, and then owners, in shock and recovery.
    inner = [resilience(places, outcome, []) for outcome in OUTCOMES]
    outer = [resilience(places, outcome, MODES) for outcome in OUTCOMES]
    districts = [bootstrapped(result, "district_share") for result in inner]
    modes = [bootstrapped(result, MODES) for result in outer]
    note = (
        "Provinces, unweighted. Outcomes: growth of manufacturing and mining relative to the country's, 100 ((1 + g)/(1 + g_n) "
        "− 1), in per cent; currency and inflation common to all drop out. "
        f"Errors by region (CRV3); bootstrap: wild cluster, {DRAWS} Webb draws, null imposed."
    )
    study.table(
        gvc.table(
            inner,
            labels=LABELS,
            digits=2,
            rows={"Bootstrap p, districts": [f"{p:.3f}" for p in districts]},
            notes=[note],
            provenance=sources[:3],
        ),
        "districts",
        caption="Districts in shock and recovery",
    )
    study.table(
        gvc.table(
            outer,
            labels=LABELS,
            digits=2,
            rows={"Bootstrap p, three modes": [f"{p:.3f}" for p in modes]},
            notes=[
                note,
                "Ownership: shares in the jobs of the region's industry, 2023; the rest are independents.",
            ],
            provenance=[*sources[:3], sources[4]],
        ),
        "modes",
        caption="Ownership of the region's firms in shock and recovery",
    )
    study.text(resilience_in_words(inner, districts, outer, modes))
    study.figure(
        coefficient_plot(
            dict(zip(OUTCOMES.values(), outer, strict=True)),
            keep=["^district_share$", *(f"^{mode}$" for mode in MODES)],
            labels=LABELS,
            estimate_title="Per cent of growth for a share of one against none, 95 % confidence interval",
        ),
        "forest",
        caption="Districts, ownership and growth relative to the country",
        notes=["Errors clustered by region, leaving each out in turn."],
    )

    # 3. Are neighbours alike in what is left?
    near = {"Share a local labour system": neighbours(towns, places), "In one region": of_one_region(places)}
    left = spatial(outer, places, near)
    study.table(
        gvc.table(
            left,
            digits=3,
            notes=[
                f"Moran's I of the residuals of the table before, rows of the weights adding to one; p from {PERMUTATIONS:,} "
                "permutations, one-sided. No coordinates are in the sources: provinces count as neighbours that "
                "have municipalities in one local labour system, or that lie in one region.",
            ],
            provenance=sources[:3],
        ),
        "spatial",
        caption="Spatial dependence of what is left",
    )
    study.text(spatial_in_words(left))

    # 4. What an owner from outside adds, by sectoral pattern (H16).
    cells = ownership(owners)
    slopes = [
        fit_owners(cells, ["multinational", "domestic_group"]),
        fit_owners(cells, ["multinational", *PATTERNS, "domestic_group"]),
    ]
    differ = gvc.wild_bootstrap(slopes[1], PATTERNS, "region", draws=DRAWS, weights="webb", interval=False)
    study.sample("Region × industry × ownership, manufacturing", slopes[0].nobs)
    study.table(
        gvc.table(
            slopes,
            labels=LABELS,
            rows={"Bootstrap p, equal slopes": ["", f"{differ.pvalue:.3f}"]},
            notes=[
                "Against independents of the same region and industry. Patterns: traditional 13–15, natural resources "
                "10–12, complex products 29–30; mixed are groups whose divisions differ in pattern or have none.",
            ],
            provenance=sources[3],
        ),
        "ownership",
        caption="Productivity by ownership and sectoral pattern, 2023",
    )
    study.text(owners_in_words(slopes, float(differ.pvalue)))

    # 5. Sales, jobs and pay together (H22).
    moving = outpacing(provinces)
    together = {
        f"{LABELS[first]}, {LABELS[second].lower()}": gvc.joint_probit(
            f"{first} + {second} ~ 1", moving, vcov={"CRV1": "larger_region"}
        )
        for first, second in PAIRS
    }
    study.sample("Province × section × change", len(moving))
    study.table(
        gvc.table(
            together,
            labels=LABELS,
            notes=[
                "Correlation of two latent indices. 1 where a province's section grew more than the median of all in the same span (2017–18, 2018–19, 2019–20, "
                "2020–23). Pay: wages by employee.",
            ],
            provenance=sources[2],
        ),
        "together",
        caption="Do sales, jobs and pay outpace together? Bivariate probits",
    )
    study.text(together_in_words(together))
    study.not_estimated(
        "H18, local labour systems over the shock and the mode of linkage before it",
        needs="local labour systems and ownership in more than one year; the sources have 2023 alone",
        get="ISTAT's Frame territoriale of earlier years by local labour system and by ownership",
    )
    study.write()


def caution(places: pd.DataFrame) -> str:
    """What the sources allow and what not."""
    lost = int(places["value_added_shock"].isna().sum())
    return f"""
        Read with care. Local labour systems are seen in 2023 only, so their fortunes over 2019–23 are those of
        {len(places)} provinces, described by the share of their industrial jobs that lies in municipalities of districts.
        That share, the class (2021) and the ownership (2023) are measured after the shock; a district that declined
        counts the less as one. Ownership is known by region, {places["larger_region"].nunique()} of them, and says who
        owns, not who buys. Employees on short time stay employees, so the fall of 2020 shows in value added more than in
        jobs; 2021 and 2022 are not in the source, and value added is at current prices.

        In {lost} {"province" if lost == 1 else "provinces"} value added was not positive in some year and has no rate of
        growth; those rows are missing, and where refineries weigh much in a province value added moves with the price of oil.
        """


def prepared(
    systems: pd.DataFrame, towns: pd.DataFrame, provinces: pd.DataFrame, regions: pd.DataFrame
) -> pd.DataFrame:
    """One row a province: growth relative to the country's, districts, owners of its region, size."""
    district = systems.drop_duplicates("local_system").set_index("local_system")["district"]
    industry = towns[(towns["industry"] == INDUSTRY) & towns["cluster_employment"].notna()]
    inside = industry["cluster_employment"] * industry["local_system"].map(district)
    share = inside.groupby(industry["larger_region"]).sum()
    share = share / industry.groupby("larger_region")["cluster_employment"].sum()

    made = provinces[provinces["industry"] == MANUFACTURING]
    known = made.groupby("region")["cluster_value_added_usd"].transform("min") > 0
    jobs, added = gaps(made, "cluster_employees"), gaps(made[known], "cluster_value_added_usd")
    base = made[made["year"] == SHOCK[0]].set_index("region")
    owned = regions[regions["industry"] == INDUSTRY].pivot(
        index="larger_region", columns="ownership", values="cluster_employment"
    )
    owned = owned.div(owned.sum(axis=1), axis=0)
    places = pd.DataFrame(
        {
            "larger_region": base["larger_region"],
            "district_share": share.reindex(base.index),
            "log_employment_2019": np.log(base["cluster_employment"]),
            "growth_before": jobs["before"],
            "employees_shock": jobs["shock"],
            "employees_recovery": jobs["recovery"],
            "value_added_shock": added["shock"],
            "value_added_recovery": added["recovery"],
        }
    )
    return (
        places.join(owned[MODES], on="larger_region").reset_index().sort_values("region", ignore_index=True)
    )


def gaps(made: pd.DataFrame, value: str) -> pd.DataFrame:
    """Growth relative to the country's, 100 ((1 + g) / (1 + g_n) − 1): currency and common inflation drop out."""
    later = measures.resilience(made, value=value, shock=SHOCK, recovery=RECOVERY).set_index("region")
    early = measures.resilience(made, value=value, shock=BEFORE, recovery=SHOCK).set_index("region")
    total = made.groupby("year")[value].sum()
    own = {
        "before": (early["growth_shock"], BEFORE),
        "shock": (later["growth_shock"], SHOCK),
        "recovery": (later["growth_recovery"], RECOVERY),
    }
    return pd.DataFrame(
        {
            name: 100 * ((1 + growth) * total[first] / total[last] - 1)
            for name, (growth, (first, last)) in own.items()
        }
    )


def described(systems: pd.DataFrame) -> pd.DataFrame:
    """Local labour systems by class: how many, how large, what they earn."""
    names = {
        "A": "Made in Italy",
        "B": "Heavy manufacturing",
        "C": "Not manufacturing",
        "D": "Not specialised",
    }
    by = systems.groupby("specialisation")
    industry = systems[systems["industry"] == INDUSTRY].groupby("specialisation")
    total = by["cluster_employment"].sum()
    return pd.DataFrame(
        {
            "Systems": by["region"].nunique(),
            "Jobs, thousand": total / 1e3,
            "Industry, % of jobs": 100 * industry["cluster_employment"].sum() / total,
            "Jobs a unit, industry": industry["cluster_employment"].sum() / industry["cluster_n_firms"].sum(),
            "Value added a job, industry": industry["cluster_value_added_usd"].sum()
            / industry["cluster_employment"].sum()
            / 1e3,
            "Pay an employee, industry": industry["cluster_wages_usd"].sum()
            / industry["cluster_employees"].sum()
            / 1e3,
        }
    ).rename(index=names).rename_axis("Class")  # fmt: skip


def resilience(places: pd.DataFrame, outcome: str, modes: list[str]) -> Results:
    """Growth relative to the country on districts, size, earlier growth and, perhaps, ownership."""
    terms = ["district_share", *modes, "log_employment_2019", "growth_before"]
    return gvc.ols(f"{outcome} ~ {' + '.join(terms)}", places, vcov={"CRV3": "larger_region"})


def bootstrapped(result: Results, terms: str | list[str]) -> float:
    """The p-value that few regions allow."""
    test = gvc.wild_bootstrap(result, terms, "larger_region", draws=DRAWS, weights="webb", interval=False)
    return float(test.pvalue)


def neighbours(towns: pd.DataFrame, places: pd.DataFrame) -> np.ndarray:
    """1 for two provinces that have municipalities in one local labour system."""
    both = pd.crosstab(towns["larger_region"], towns["local_system"]) > 0
    near = both.reindex(places["region"]).to_numpy(dtype=float)
    shared = (near @ near.T > 0).astype(float)
    np.fill_diagonal(shared, 0.0)
    return shared


def of_one_region(places: pd.DataFrame) -> np.ndarray:
    """1 for two provinces of one region."""
    code = places["larger_region"].to_numpy()
    same = (code[:, None] == code[None, :]).astype(float)
    np.fill_diagonal(same, 0.0)
    return same


def morans_i(values: np.ndarray, near: np.ndarray) -> tuple[float, float]:
    """Moran's I with rows of the weights adding to one, and its p by permutation, for alike neighbours."""
    linked = near.sum(axis=1) > 0
    weights = near[np.ix_(linked, linked)]
    weights = weights / weights.sum(axis=1, keepdims=True)
    z = values[linked] - values[linked].mean()
    rng = np.random.default_rng(1)

    def index(z: np.ndarray) -> float:
        return float(z @ weights @ z / (z @ z))

    observed = index(z)
    drawn = [index(rng.permutation(z)) for _ in range(PERMUTATIONS)]
    return observed, (1 + sum(each >= observed for each in drawn)) / (PERMUTATIONS + 1)


def spatial(results: list[Results], places: pd.DataFrame, near: dict[str, np.ndarray]) -> pd.DataFrame:
    """Moran's I of the residuals of each model, by kind of neighbour."""
    rows = {}
    for (outcome, label), result in zip(OUTCOMES.items(), results, strict=True):
        used = places[outcome].notna().to_numpy()
        left = result.residuals.to_numpy()
        row: dict[str, float] = {}
        for name, weights in near.items():
            found, p = morans_i(left, weights[np.ix_(used, used)])
            row |= {f"{name}: I": found, f"{name}: p": p}
        rows[label] = row
    return pd.DataFrame(rows).T.rename_axis("Residuals of")


def pattern_of(industry: str) -> str:
    """Sectoral pattern of a group of divisions, `mixed` where they differ or have none."""
    first, _, last = industry.partition("-")
    known = {division: name for name, found in SECTORAL_PATTERNS.items() for division in found}
    found = {known.get(f"{each:02}", "none") for each in range(int(first), int(last or first) + 1)}
    return found.pop() if len(found) == 1 and "none" not in found else "mixed"


PATTERNS = ["multinational_natural_resource", "multinational_complex_products", "multinational_mixed"]


def ownership(owners: pd.DataFrame) -> pd.DataFrame:
    """Manufacturing cells by ownership, with log productivity and dummies."""
    cells = owners[owners["industry"].between("10", "31-33")]
    cells = cells[(cells["cluster_value_added_usd"] > 0) & (cells["cluster_employment"] > 0)]
    multinational = cells["ownership"].isin(["foreign_multinational", "italian_multinational"]).astype(float)
    pattern = cells["industry"].map(pattern_of)
    cells = cells.assign(
        cell=cells["region"] + " " + cells["industry"],
        log_productivity=np.log(cells["cluster_value_added_usd"] / cells["cluster_employment"]),
        multinational=multinational,
        domestic_group=(cells["ownership"] == "domestic_group").astype(float),
        **{name: multinational * (pattern == name.removeprefix("multinational_")) for name in PATTERNS},
    )
    return measures.record(cells, "log_productivity", "cluster_value_added_usd", "cluster_employment")


def fit_owners(cells: pd.DataFrame, terms: list[str]) -> Results:
    """Log productivity on ownership within region × industry."""
    return gvc.ols(f"log_productivity ~ {' + '.join(terms)} | cell", cells, vcov={"CRV3": "region"})


def outpacing(provinces: pd.DataFrame) -> pd.DataFrame:
    """Changes of province × section: do sales, jobs and pay grow more than the median of the span?"""
    rows = provinces.sort_values(["region", "industry", "year"])
    levels = {
        "sales_outpace": rows["cluster_sales_usd"],
        "jobs_outpace": rows["cluster_employment"],
        "wage_outpaces": rows["cluster_wages_usd"] / rows["cluster_employees"],
    }
    made = rows[["region", "larger_region", "industry", "year"]].copy()
    for name, level in levels.items():
        log = np.log(level.where(level > 0))
        growth = log.groupby([rows["region"], rows["industry"]]).diff()
        typical = growth.groupby(rows["year"]).transform("median")
        made[name] = (growth > typical).astype(float).where(growth.notna())
    return made.dropna(subset=KINDS)


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, the minus a minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def resilience_in_words(
    inner: list[Results], districts: list[float], outer: list[Results], modes: list[float]
) -> str:
    """What districts and ownership go with, each outcome by itself."""
    said = []
    for label, result, p in zip(OUTCOMES.values(), inner, districts, strict=True):
        low, high = result.conf_int().loc["district_share"]
        found = "told apart from zero" if p < 0.05 else "not told apart from zero"
        said.append(
            f"{label.lower()}: {signed(result.params['district_share'])} per cent ({signed(low)} to {signed(high)}; "
            f"bootstrap {p_in_words(p)}, N = {result.nobs}; {found})"
        )
    signs = [
        result.params["district_share"] > 0 for result, p in zip(inner, districts, strict=True) if p < 0.05
    ]
    verdict = (
        "So on these data districts cannot be called more resilient, nor less."
        if not signs
        else f"So districts did better in {sum(signs)} and worse in {len(signs) - sum(signs)} of the "
        f"{len(inner)} outcomes."
    )
    joint = "; ".join(
        f"{label.lower()}: {p_in_words(p)} ({strongest(result)})"
        for label, result, p in zip(OUTCOMES.values(), outer, modes, strict=True)
    )
    told = [label.lower() for label, p in zip(OUTCOMES.values(), modes, strict=True) if p < 0.05]
    mode_verdict = (
        f"At five per cent the mode of ownership goes with {' and '.join(told)}, over and above districts and size"
        if told
        else "At five per cent the mode of ownership goes with none of the four, once districts and size are held"
    )
    left = int((np.asarray(holm([*districts, *modes])) < 0.05).sum())
    kept = (
        f"{left} of these {len(districts) + len(modes)} tests {'stays' if left == 1 else 'stay'} below 0.05"
    )
    return f"""
        A province with all its industry in districts, against one with none and of the same size and earlier growth —
        {"; ".join(said)}. {verdict}

        The three modes of ownership together, against independents and by the bootstrap — {joint}. {mode_verdict}; after
        Holm's adjustment {kept}.
        """


def strongest(result: Results) -> str:
    """The mode with the largest t, with its sign for ten points more of the region's jobs."""
    mode = str(result.tstats[MODES].abs().idxmax())
    change = signed(result.params[mode] / 10)
    return f"N = {result.nobs}; largest t: {MODE_NAMES[mode]}, {change} per cent for a tenth of the jobs more"


def spatial_in_words(left: pd.DataFrame) -> str:
    """Which residuals are alike among neighbours."""
    tests = [
        (outcome, column.removesuffix(": p"), float(left.loc[outcome, column]))
        for outcome in left.index
        for column in left.columns
        if column.endswith(": p")
    ]
    alike = [f"{outcome.lower()} ({kind.lower()}, {p_in_words(p)})" for outcome, kind, p in tests if p < 0.05]
    if not alike:
        return (
            f"In none of {len(tests)} tests are the residuals of neighbours alike at five per cent; errors are clustered by "
            "region all the same."
        )
    return (
        f"Residuals of neighbours are alike in {len(alike)} of {len(tests)} tests: {'; '.join(alike)}. Clustering by region "
        "allows for likeness within regions, not across their borders."
    )


def owners_in_words(slopes: list[Results], p: float) -> str:
    """What multinationals add to productivity, and whether that depends on the pattern."""
    plain, crossed = slopes
    low, high = plain.conf_int().loc["multinational"]
    base = crossed.params["multinational"]
    each = ", ".join(
        [f"traditional {signed(base, 2)}"]
        + [
            f"{name.removeprefix('multinational_').replace('_', ' ')} {signed(base + crossed.params[name], 2)}"
            for name in PATTERNS
        ]
    )
    higher = "higher" if plain.params["multinational"] > 0 else "lower"
    higher = higher if low * high > 0 else f"not told apart, if anything {higher}"
    verdict = "depends on the pattern" if p < 0.05 else "is not shown to depend on the pattern"
    return (
        f"Value added a job in multinationals, against independents of the same region and industry, is {higher}: "
        f"by {signed(plain.params['multinational'], 2)} log points ({signed(low, 2)} to {signed(high, 2)}; N = {plain.nobs} "
        f"cells). By pattern, in log points: {each}; the gap {verdict} (bootstrap {p_in_words(p)}). Who owns is not drawn at "
        "random, suppressed cells are the small ones, and firms with headquarters in a region book value added there."
    )


def together_in_words(together: dict[str, Results]) -> str:
    """The three correlations, with what they do not say."""
    said = []
    for pair, result in together.items():
        rho = next(name for name in result.params.index if name.startswith("rho("))
        value, p = float(result.params[rho]), float(result.pvalues[rho])
        word = ("together" if value > 0 else "apart") if p < 0.05 else "neither together nor apart"
        said.append(
            f"{pair.lower().replace(', ', ' and ')} move {word} ({signed(value, 2)}, {p_in_words(p)})"
        )
    changes = next(iter(together.values())).nobs
    return (
        f"Of {changes:,} changes of a province's section: {'; '.join(said)}. Correlations of latent indices, errors by "
        "region. Demand moves sales and jobs of the same units, so this does not say which leads; mean pay falls where "
        "newcomers earn less, which works against the last pair."
    )


if __name__ == "__main__":
    run()
