"""Study 13. Local industries of the United States: import shock, the whole chain at home, links near and far.

Three claims on places: how a local system is tied to the outside goes with how it comes through shocks (De
Marchi, Lee and Nadvi), here the rise of imports from China with the instrument of Autor, Dorn and Hanson
(2013); having every stage at home does not make a cluster richer, its functions held (Humphrey 2001); and a
cluster moves up by local and by global links that weigh alike (Zhu 2007).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.claims.beside import coefficients, share_in_region, value_chain
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study
from gvcmetrics.report.findings import p_in_words

STUDY = "13_us_local_industries"
TITLE = "Local industries of the United States: imports, completeness, links near and far"
TABLE = "wiod"
PANELS = ("us_commuting_zones", "us_zone_industries", "us_state_industries", "us_state_branches")
CONTROLS = [
    "manufacturing_share",
    "college_share",
    "foreign_born_share",
    "women_employed_share",
    "routine_share",
    "offshorability",
]
EFFECTS = "division + year"
X, Z = "import_exposure", "import_exposure_elsewhere"
INNER = ["manufacturing_share", "related_variety", "unrelated_variety"]
# Each window lies within one edition of NAICS (1997, 2002, 2007).
WINDOWS = ((2000, 2002), (2003, 2007), (2008, 2011))
FUNCTIONS = ("69-75", "70")
LINKS = ["specialisation", "related_variety", "participation", "position"]
BOUND, DRAWS = 0.1, 999
PUBLISHED = -0.596  # Autor, Dorn and Hanson (2013), table 3, column 6
STRONG = 23.1  # Montiel Olea and Pflueger (2013): worst bias above a tenth rejected at five per cent, one instrument
FIT = {"r2": "R²", "r2_within": "Within R²"}
LABELS = {
    "manufacturing_change": "Change of manufacturing jobs",
    "other_change": "Change of other jobs",
    X: "Rise of imports a worker",
    Z: "Rise of imports elsewhere, a worker",
    "manufacturing_share": "Share of manufacturing at the start",
    "related_variety": "Related variety",
    "unrelated_variety": "Unrelated variety",
    "log_pay": "Log pay a job",
    "completeness": "Completeness",
    "functions": "Functions",
    "specialisation": "Specialisation",
    "participation": "Participation",
    "position": "Position",
    "specialisation:participation": "Specialisation × participation",
    "growth": "Growth of pay a job, % a year",
    "larger_region": "State",
    "region": "State",
    "industry": "Industry",
    "division": "Census division",
    "window": "Window",
    "year": "Year",
    "cell": "State × industry",
}


def run() -> None:
    """Tabulate and estimate; without the mirror, say what is lacking."""
    study = Study(
        STUDY,
        title=TITLE,
        question="Do zones that compete with imports lose more jobs, does the whole chain at home make a local industry "
        "richer, and do local and global links weigh alike in its upgrading?",
    )
    try:
        zones, shares, states, branches = (gvc.panel(name) for name in PANELS)
        cells = local_industries(states, branches)
    except MissingSourceError as error:
        study.not_estimated(
            "Imports, completeness and links of local industries (H18, H19, H23)",
            needs=f"the panels {', '.join(PANELS)} and {TABLE}",
            get=str(error),
        )
        study.write()
        return
    sources = [panel.attrs["provenance"] for panel in (zones, shares, states, branches)]
    table = gvc.panel(TABLE, columns=["year"], where="year = 2000").attrs["provenance"]
    study.source([*sources, table])
    study.sample("Commuting zone × period", len(zones), zones=zones["region"].nunique())
    study.sample(
        "State × industry × window, manufacturing", len(cells), industries=cells["industry"].nunique()
    )
    study.text(caution(states, cells))

    # 1. Imports as the tie to the outside, by an instrument (H18).
    shocks = instrumented(zones)
    study.table(
        gvc.table(
            shocks,
            formats={"Zones × periods": ",d", "First-stage F": ".1f"},
            notes=[
                "Percentage points of the working-age population over ten years, for a thousand dollars more imports a worker. "
                "Weighted by population; errors by state. The one instrument is the rise of the imports of eight other rich "
                "countries; F is robust, so it is the effective one. AR: Anderson and Rubin's 95 % set.",
            ],
            provenance=sources[0],
        ),
        "imports",
        caption="Imports from China and jobs in commuting zones: least squares and the instrument",
    )
    inner = against_inner(zones, shares)
    study.table(
        gvc.table(
            inner,
            labels=LABELS,
            statistics=FIT,
            notes=[
                "Reduced forms in (unweighted) standard deviations, weighted by population; the controls of the table before are in. Variety: "
                "entropy of 4-digit industries of manufacturing within 2-digit ones (related) and between them (unrelated), at "
                "the start of the period.",
            ],
            keep=[f"^{Z}$", *(f"^{name}$" for name in INNER)],
            provenance=sources[:2],
        ),
        "inner",
        caption="The tie to the outside and inner features, in standard deviations",
    )
    study.text(shocks_in_words(shocks))
    study.text(inner_in_words(inner[0]))

    # 2. The whole chain at home (H19).
    rich = [income(cells, "industry + year"), income(cells, "cell + year")]
    study.table(
        gvc.table(
            rich,
            labels=LABELS,
            statistics=FIT,
            rows={
                f"p of an effect beyond ±{BOUND}": [
                    f"{beyond(result, 'completeness'):.3f}" for result in rich
                ]
            },
            notes=[
                "All in standard deviations. Completeness: Σ a min(1, LQ) / Σ a over input industries, purchases of an industry "
                "from itself left out, with location quotients of establishments and the coefficients of the United States "
                "in the input-output table. Functions: share of head offices and professional services in establishments.",
            ],
            provenance=[sources[2], table],
        ),
        "income",
        caption="Completeness and pay, functions held",
    )
    study.text(income_in_words(rich))

    # 3. Links near and far (H23).
    moving = [
        upgrading(cells, "cell + window"),
        upgrading(cells, "industry + region + window"),
        upgrading(cells, "cell + window", crossed=True),
    ]
    equal = [bootstrap(result, "specialisation = participation") for result in moving]
    each = {name: bootstrap(moving[0], name) for name in LINKS}
    study.table(
        gvc.table(
            moving,
            labels=LABELS,
            rows={
                "Specialisation = participation, bootstrap p": [f"{p:.3f}" for p in equal],
            },
            notes=[
                "Regressors at the start of the window (2000–02, 2003–07, 2008–11), in standard deviations. Specialisation: location "
                "quotient of establishments; related variety: entropy of 4-digit within 3-digit branches of the state's "
                "manufacturing; participation and position: of the industry of the United States. Errors by industry "
                f"(CRV3); bootstrap: wild cluster by industry, {DRAWS} Webb draws.",
            ],
            provenance=[*sources[2:], table],
        ),
        "links",
        caption="Local and global links and the growth of pay",
    )
    study.text(links_in_words(moving[0], each, equal[0]))
    study.not_estimated(
        "H23 with participation of the place itself",
        needs="exports and imported inputs by state and industry; here an industry's participation is that of the country",
        get="multi-regional input-output tables, or customs records by place",
    )
    study.write()


def caution(states: pd.DataFrame, cells: pd.DataFrame) -> str:
    """What the sources allow and what not."""
    made = states[states["industry"].isin(cells["industry"])]
    return f"""
        Read with care. Commuting zones have jobs and imports but no pay or owners: the tie that is seen is competition, not
        governance, and it holds for the United States in 1990–2007. States are large clusters, and
        {made["cluster_employment"].isna().mean():.0%} of their manufacturing cells are withheld, the small ones; nothing is put
        in their place. Pay a job stands for income and, in growth, for upgrading; it also moves with who is employed.
        Location quotients and variety are of establishments, which are never withheld and share no number with pay. Participation
        is that of the country's industry, the same in all states, so it varies over {cells["industry"].nunique()} industries
        and {len(WINDOWS)} years; what stands at the start of a window is correlated with what follows, not shown to cause it.
        """


def jobs(
    zones: pd.DataFrame, outcome: str, regressor: str, controls: list[str], instrument: str | None = None
) -> Results:
    """One regression of the zones; with controls also within census divisions."""
    absorbed = EFFECTS if controls else "year"
    options = {"weights": "weight", "vcov": {"CRV1": "larger_region"}}
    if instrument is None:
        return gvc.ols(f"{outcome} ~ {' + '.join([regressor, *controls])} | {absorbed}", zones, **options)
    exogenous = " + ".join(controls) or "1"
    return gvc.iv(f"{outcome} ~ {exogenous} | {absorbed} | {regressor} ~ {instrument}", zones, **options)


def instrumented(zones: pd.DataFrame) -> pd.DataFrame:
    """Least squares and two-stage least squares, with the set that does not ask how strong the instrument is."""
    rows = {}
    for label, outcome, controls in (
        ("Manufacturing, no controls", "manufacturing_change", []),
        ("Manufacturing", "manufacturing_change", CONTROLS),
        ("Other jobs", "other_change", CONTROLS),
    ):
        plain = jobs(zones, outcome, X, controls)
        made = jobs(zones, outcome, X, controls, instrument=Z)
        robust = gvc.anderson_rubin(made)
        # A set without ends, or in two pieces, has no ends to tell a sign by.
        low, high = robust.intervals[0] if robust.kind == "interval" else (-np.inf, np.inf)
        rows[label] = {
            "Least squares": plain.params[X],
            "Error": plain.std_errors[X],
            "Instrument": made.params[X],
            "Error ": made.std_errors[X],
            "AR low": low,
            "AR high": high,
            "First-stage F": made.statistics["effective_f"],
            "Zones × periods": plain.nobs,
        }
    return pd.DataFrame(rows).T.rename_axis("Outcome").astype({"Zones × periods": int})


def scaled(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Columns over their standard deviations."""
    return frame.assign(**{name: (frame[name] - frame[name].mean()) / frame[name].std() for name in names})


def against_inner(zones: pd.DataFrame, shares: pd.DataFrame) -> list[Results]:
    """Reduced forms in standard deviations, with the zone's variety beside the shock."""
    variety = measures.related_variety(
        shares, industry="sic", employment="region_share", weights=None, by=["country", "year"], digits=2
    )
    made = zones.merge(variety, on=["country", "region", "year"], how="left")
    rest = [name for name in CONTROLS if name not in INNER]
    results = []
    for outcome in ("manufacturing_change", "other_change"):
        used = scaled(made.dropna(subset=INNER), [outcome, Z, *INNER])
        results.append(jobs(used, outcome, Z, [*INNER, *rest]))
    return results


def local_industries(states: pd.DataFrame, branches: pd.DataFrame) -> pd.DataFrame:
    """State × manufacturing industry at the start of each window, with pay then and its growth after."""
    starts = [first for first, _ in WINDOWS]
    rows = states[states["year"].isin(starts)].reset_index(drop=True)
    quotients = measures.location_quotient(rows, employment="cluster_n_firms", weights=None)
    keys = ["country", "year", "region", "industry"]
    rows = rows.merge(quotients[[*keys, "location_quotient"]], on=keys)
    rows["functions"] = share_in_region(rows["cluster_n_firms"], rows, FUNCTIONS)
    rows["completeness"] = np.nan
    for year in starts:
        inside = rows["year"] == year
        wanted = coefficients("USA", year, sorted(rows.loc[inside, "industry"].unique()), TABLE, None)
        assert wanted is not None
        made = measures.completeness(rows[inside], wanted, by=["country", "year"])
        found = rows.loc[inside, keys].merge(made[[*keys, "input_completeness"]], on=keys, how="left")
        rows.loc[inside, "completeness"] = found["input_completeness"].to_numpy()
    variety = measures.related_variety(
        branches[branches["year"].isin(starts)], industry="naics", employment="cluster_n_firms",
        weights=None, by=["country", "year"], digits=3,
    )  # fmt: skip
    rows = rows.merge(
        variety[["country", "year", "region", "related_variety"]], on=["country", "year", "region"]
    )
    rows["participation"] = value_chain(rows, "participation", TABLE, None)
    rows["position"] = value_chain(rows, "position_koopman", TABLE, None)

    pay = np.log(
        states["cluster_wages_usd"] / states["cluster_employment"].where(states["cluster_employment"] > 0)
    )
    pay = pay.replace([np.inf, -np.inf], np.nan)
    level = pay.set_axis(pd.MultiIndex.from_frame(states[["region", "industry", "year"]]))
    place = pd.MultiIndex.from_frame(rows[["region", "industry", "year"]])
    last = rows["year"].map(dict(WINDOWS))
    later = pd.MultiIndex.from_arrays([rows["region"], rows["industry"], last])
    rows["log_pay"] = level.reindex(place).to_numpy()
    rows["growth"] = 100 * (level.reindex(later).to_numpy() - rows["log_pay"]) / (last - rows["year"])
    rows = rows[rows["naics"].str.startswith("3")]
    return rows.assign(
        cell=rows["region"] + " " + rows["industry"],
        window=rows["year"].astype(str),
        specialisation=rows["location_quotient"],
    )[[*keys, "cell", "window", "log_pay", "growth", "completeness", "functions", *LINKS]].reset_index(
        drop=True
    )


def income(cells: pd.DataFrame, effects: str) -> Results:
    """Log pay on completeness, functions and specialisation, in standard deviations."""
    terms = ["completeness", "functions", "specialisation"]
    used = scaled(cells.dropna(subset=["log_pay", *terms]), ["log_pay", *terms])
    return gvc.ols(f"log_pay ~ {' + '.join(terms)} | {effects}", used, vcov={"CRV1": "region"})


def beyond(result: Results, term: str) -> float:
    """p of two one-sided tests that an effect lies outside the bound; small where it is equivalent to zero."""
    effect, error = result.params[term], result.std_errors[term]
    degrees = min(result.n_clusters.values()) - 1
    return float(
        max(stats.t.sf((effect + BOUND) / error, degrees), stats.t.cdf((effect - BOUND) / error, degrees))
    )


def upgrading(cells: pd.DataFrame, effects: str, crossed: bool = False) -> Results:
    """Growth of pay on local and global links, in standard deviations of the regressors."""
    used = scaled(cells.dropna(subset=["growth", *LINKS]), LINKS)
    right = [*LINKS, *(["specialisation:participation"] if crossed else [])]
    return gvc.ols(f"growth ~ {' + '.join(right)} | {effects}", used, vcov={"CRV3": "industry"})


def bootstrap(result: Results, hypothesis: str) -> float:
    """The p-value that few industries allow."""
    test = gvc.wild_bootstrap(result, hypothesis, "industry", draws=DRAWS, weights="webb", interval=False)
    return float(test.pvalue)


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, the minus a minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def shocks_in_words(shocks: pd.DataFrame) -> str:
    """What imports did to jobs, by the instrument, and whether the published figure comes out."""
    said = []
    for label in ("Manufacturing", "Other jobs"):
        row = shocks.loc[label]
        low, high = row["AR low"], row["AR high"]
        told = "fewer" if high < 0 else "more" if low > 0 else "neither fewer nor more"
        said.append(
            f"{label.lower()} — {told} jobs, {signed(row['Instrument'])} points (Anderson–Rubin {signed(low)} to "
            f"{signed(high)}), against {signed(row['Least squares'])} by least squares"
        )
    full = shocks.loc["Manufacturing"]
    weak = "weak" if full["First-stage F"] < STRONG else "not weak"
    same = "the published" if abs(full["Instrument"] - PUBLISHED) < 0.0005 else "not the published"
    larger = "larger" if abs(full["Instrument"]) > abs(full["Least squares"]) else "smaller"
    return (
        f"For a thousand dollars more imports a worker, over ten years and with controls (N = {int(full['Zones × periods']):,}): "
        f"{'; '.join(said)}. For manufacturing this is {same} {signed(PUBLISHED, 3)}, and {larger} in size than least squares. "
        f"The instrument is {weak} (effective F = {full['First-stage F']:.1f} against {STRONG}, Montiel Olea and Pflueger 2013)."
    )


def inner_in_words(result: Results) -> str:
    """The shock against the strongest inner feature, in standard deviations and in size."""
    outside = result.params[Z]
    name = str(result.params[INNER].abs().idxmax())
    inside = result.params[name]
    sign = "+" if np.sign(outside) != np.sign(inside) else "-"
    p = float(result.test(f"{Z} {sign} {name} = 0").pvalue)
    larger = "more" if abs(outside) > abs(inside) else "less"
    verdict = "" if p < 0.05 else ", a difference not told apart from zero"
    return (
        f"In standard deviations, the reduced form on manufacturing jobs is {signed(outside)} for the imports of other countries "
        f"and {signed(inside)} for the strongest inner feature, {LABELS[name].lower()} (N = {result.nobs:,}): the tie to the outside "
        f"weighs {larger} in size{verdict} ({p_in_words(p)})."
    )


def income_in_words(rich: list[Results]) -> str:
    """Whether completeness goes with pay, and whether an effect of note is ruled out."""
    said = []
    for name, result in zip(("within industries", "within state × industry"), rich, strict=True):
        low, high = result.conf_int().loc["completeness"]
        p = beyond(result, "completeness")
        direction = "higher" if low > 0 else "lower" if high < 0 else "neither higher nor lower"
        bound = (
            "an effect beyond the bound is ruled out"
            if p < 0.05
            else "an effect beyond the bound is not ruled out"
        )
        said.append(
            f"{name}, {direction} pay: {signed(result.params['completeness'])} standard deviations ({signed(low)} to "
            f"{signed(high)}, N = {result.nobs:,}), {bound} (±{BOUND}, {p_in_words(p)})"
        )
    return (
        f"A more complete chain in the state, with functions and specialisation held, goes {'; '.join(said)}. Intervals "
        "are at 95 per cent, errors by state."
    )


def links_in_words(result: Results, each: dict[str, float], equal: float) -> str:
    """The own sign of each link, and whether the two kinds weigh alike."""
    said = []
    for name in LINKS:
        value = result.params[name]
        sign = ("positive" if value > 0 else "negative") if each[name] < 0.05 else "not told apart from zero"
        said.append(f"{LABELS[name].lower()} {signed(value)} ({p_in_words(each[name])}, {sign})")
    claim = (
        "every link is positive, as claimed"
        if all(result.params[name] > 0 and each[name] < 0.05 for name in LINKS)
        else "the claim that each has a positive sign of its own is not borne out"
    )
    weigh = "is rejected" if equal < 0.05 else "is not rejected, which is not to say that they do"
    return (
        f"Within state × industry, growth of pay in per cent a year for one standard deviation more at the start (N = {result.nobs:,}): "
        f"{'; '.join(said)}. So {claim}. That specialisation and participation weigh alike {weigh} (bootstrap {p_in_words(equal)})."
    )


if __name__ == "__main__":
    run()
