"""Study 8. Does acting together go with better business? Small enterprises of Jordan, 2018.

Collective efficiency has two halves, economies that are external to the firm and joint action. The survey asks
small enterprises what they did together with others in three years, and how their revenue went in each of five.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study, coefficient_plot
from gvcmetrics.report.findings import p_in_words, pointing, with_interval

PANEL = "jordan_small_enterprises"
ITEMS = {
    "cooperates_inputs": "Buying inputs",
    "cooperates_training": "Training",
    "cooperates_certification": "Certification",
    "cooperates_transport": "Transport",
    "cooperates_marketing": "Marketing",
    "cooperates_information": "Information",
}
YEARS = {2013: "before", 2014: "before", 2016: "during", 2017: "during"}
USUAL_ALPHA = 0.7
LEAST_FIRMS = 50
LABELS = {
    "joint_action": "Joint action, share of six items",
    "member_association": "Member of an association or chamber",
    "contracts": "Signs contracts",
    "log_size": "Log of persons, owner included",
    "region": "Governorate",
    "section": "Section",
}


def run() -> None:
    """Tabulate and estimate; without the survey, say what is lacking."""
    study = Study(
        "08_collective_efficiency",
        title="Joint action and performance: small enterprises of Jordan",
        question="Do small enterprises that do more together with others see their revenue rise more often?",
    )
    try:
        survey = gvc.panel(PANEL)
    except MissingSourceError as error:
        study.not_estimated(
            "Joint action and performance in Jordan", needs=f"the panel {PANEL}", get=str(error)
        )
        study.write()
        return
    provenance = survey.attrs["provenance"]
    study.source(provenance)
    firms = prepared(survey)
    alpha = measures.cronbach_alpha(firms.dropna(subset=list(ITEMS)), list(ITEMS))
    places = firms["region"].nunique()
    study.sample("Enterprises with all items", int(firms["joint_action"].notna().sum()), governorates=places)
    study.text(caution(alpha, places, float(np.average(firms["employees"] == 0, weights=firms["weight"]))))
    study.table(
        gvc.table(
            scale(firms),
            digits=2,
            notes=[
                f"Cronbach's α of the six items is {alpha:.2f}. Shares are weighted; rest: the mean of the other five "
                f"items.",
            ],
            provenance=provenance,
        ),
        "items",
        caption="What small enterprises do together, and whether the items measure one thing",
    )
    models = {year: revenue_model(year, firms) for year in YEARS}
    study.table(
        gvc.table(
            [result.margins(["joint_action", "member_association", "contracts", "log_size"]) for result in models.values()],
            headers=[str(year) for year in models],
            labels=LABELS,
            notes=[
                "Average marginal effects on the probability that revenue rose in the year, from weighted logits with "
                "governorates and sections. Joint action is that of the three years before the interview, so 2013 and "
                f"2014 lie before it. Sections of fewer than {LEAST_FIRMS} enterprises are left out.",
            ],
            provenance=provenance,
        ),
        "revenue",
        caption="Rising revenue on joint action, before and during",
    )  # fmt: skip
    study.figure(
        coefficient_plot(
            {str(year): result.margins(["joint_action"]) for year, result in models.items()},
            labels=LABELS,
            estimate_title="Effect of joint action on the probability that revenue rose, 95 % confidence interval",
        ),
        "revenue_by_year",
        caption="Joint action and rising revenue, year by year",
        notes=["Weighted logits with governorates and sections; heteroskedastic errors."],
        provenance=provenance,
    )
    slopes = by_governorate(firms)
    study.table(
        gvc.table(
            slopes,
            digits=3,
            notes=[
                "Weighted least squares within the governorate, by sections, 2017. The exact test of the text changes the "
                "signs of these slopes in every way (Canay, Romano and Shaikh 2017).",
            ],
            provenance=provenance,
        ),
        "governorates",
        caption="Rising revenue on joint action in each governorate",
    )
    study.text(
        " ".join(
            [
                revenue_in_words(
                    {year: effect(result) for year, result in models.items()}, models[2017].nobs
                ),
                governorates_in_words(slopes["Slope"].to_numpy(), sign_change_p(slopes["Slope"].to_numpy())),
            ]
        )
    )
    leave_open(study, firms)
    study.write()


def prepared(survey: pd.DataFrame) -> pd.DataFrame:
    """The survey with the share of items that a firm did together with others, and its size with the owner."""
    firms = survey.assign(
        joint_action=survey[list(ITEMS)].mean(axis=1, skipna=False),
        log_size=np.log(survey["employees"] + 1),
    )
    firms = measures.record(firms, "joint_action", *ITEMS)
    return measures.record(firms, "log_size", "employees")


def caution(alpha: float, places: int, alone: float) -> str:
    """What the data can and cannot bear."""
    enough = "below" if alpha < USUAL_ALPHA else "at or above"
    return f"""
    Read with care. {alone:.0%} of the enterprises (weighted) employ nobody but the owner. The items on joint action have Cronbach's α of {alpha:.2f}, {enough} the {USUAL_ALPHA} that is
    usual for a scale: they ask for different things, so their mean is an index of how much is done together, no
    measure of one thing behind them. Revenue is a direction that is recalled up to five years later.

    There are {places} governorates, too few for errors clustered by them; errors within take the weights but not the
    sampling units, which have no number in the file, and are rather too small. So each governorate gives one slope, and
    the test over them is exact.
    """


def scale(firms: pd.DataFrame) -> pd.DataFrame:
    """Weighted share of each item, its correlation with the rest, and α without it."""
    whole = firms.dropna(subset=list(ITEMS))
    rows = {}
    for item, label in ITEMS.items():
        rest = [other for other in ITEMS if other != item]
        rows[label] = {
            "Share": np.average(whole[item], weights=whole["weight"]),
            "Correlation with the rest": np.corrcoef(whole[item], whole[rest].mean(axis=1))[0, 1],
            "α without it": measures.cronbach_alpha(whole, rest),
        }
    return pd.DataFrame(rows).T.rename_axis("Together in")


def revenue_model(year: int, firms: pd.DataFrame) -> Results:
    """Whether revenue rose in a year, on joint action, membership, contracts and size."""
    return gvc.logit(
        f"revenue_up_{year} ~ joint_action + member_association + contracts + log_size + C(region) + C(section)",
        firms[firms.groupby("section")["section"].transform("size") >= LEAST_FIRMS],
        vcov="hetero",
        weights="weight",
    )


def effect(result: Results) -> tuple[float, float, float]:
    """The average marginal effect of joint action and its interval at 95 per cent."""
    row = result.margins("joint_action").tidy().iloc[0]
    return float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"])


def by_governorate(firms: pd.DataFrame) -> pd.DataFrame:
    """The slope of rising revenue on joint action within each governorate, by sections."""
    rows = {}
    for place, inside in firms.groupby("region"):
        result = gvc.ols(
            "revenue_up_2017 ~ joint_action + member_association + contracts + log_size | section",
            inside,
            vcov="hetero",
            weights="weight",
        )
        rows[place] = {
            "Firms": result.nobs,
            "Slope": result.params["joint_action"],
            "Standard error": result.std_errors["joint_action"],
        }
    return pd.DataFrame(rows).T.astype({"Firms": int}).rename_axis("Governorate")


def sign_change_p(slopes: np.ndarray) -> float:
    """The share of all changes of signs under which the mean over its error is at least as large."""

    def statistic(values: np.ndarray) -> float:
        return abs(values.mean()) / (values.std(ddof=1) / np.sqrt(len(values)))

    changed = [statistic(slopes * signs) for signs in product((1.0, -1.0), repeat=len(slopes))]
    return float(np.mean(np.array(changed) >= statistic(slopes) * (1 - 1e-12)))


def revenue_in_words(found: dict[int, tuple[float, float, float]], n: int) -> str:
    """Whether revenue rises more often with joint action, in the years of it and in those before."""
    now = pointing(*found[2017][1:], "more often", "less often", "neither more nor less often for sure")
    before = [pointing(*found[year][1:], 1, -1, 0) for year, when in YEARS.items() if when == "before"]
    earlier = {
        (1, 1): "So it did in both years before, which joint action cannot have brought about",
        (-1, -1): "In both years before it rose less often",
        (0, 0): "In neither of the two years before is there a difference that can be told from zero",
    }.get((before[0], before[1]), "The two years before do not agree with each other")
    others = ", ".join(
        f"{year} {with_interval(*each)}" for year, each in found.items() if YEARS[year] == "before"
    )
    return (
        f"From none to all six items of joint action, revenue rose in 2017 {now}: the difference in the probability is "
        f"{with_interval(*found[2017])}, N = {n:,}. {earlier} ({others})."
    )


def governorates_in_words(slopes: np.ndarray, p_value: float) -> str:
    """How many governorates point up, and the exact test over them."""
    least = 2 / 2 ** len(slopes)
    told = "is told" if p_value <= 0.05 else "is not told"
    return (
        f"The slope is positive in {int((slopes > 0).sum())} of {len(slopes)} governorates, {slopes.mean():.3f} on "
        f"average, and {told} from zero by the exact test of changed signs ({p_in_words(p_value)}; with {len(slopes)} "
        f"governorates it cannot be below {least:.3f})."
    ).replace("-", "−")


def leave_open(study: Study, firms: pd.DataFrame) -> None:
    """What the survey cannot say, manufacturing by itself among it."""
    manufacturing = int((firms["section"] == "C").sum())
    study.not_estimated(
        "H3, buyer concentration and joint action; S1's external economies and upgrading",
        needs="the main buyer's share and what was upgraded; the survey asks neither, and has "
        f"{manufacturing} enterprises in manufacturing",
        get="a cluster survey that asks both who buys and what firms do together",
    )


if __name__ == "__main__":
    run()
