"""Study 3. Which upgrading goes with which tie? Firms of Ecuador's innovation survey, 2012–14.

Humphrey (2001) expects the form of a firm's ties to matter for the kind of upgrading. The survey has no
question on who sets design and process, so governance itself cannot be seen; it has group membership,
foreign ownership, exporting, co-operation, and the region and industry from which clustering is measured.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import MissingSourceError
from gvcmetrics.models import Results
from gvcmetrics.report import Study, coefficient_plot

PANEL = "ecuador_innovation"
OUTCOMES = ["upgrade_product", "upgrade_process", "organisational_innovation", "marketing_innovation"]
TIES = ["group_member", "foreign_owned", "exported_2012", "cooperates", "log_location_quotient"]
REGRESSORS = " + ".join([*TIES, "log_employment_2012"])
DRAWS = 9999
WAYS = {"romano_wolf": "Romano–Wolf", "holm": "Holm"}
FIT = {"pseudo_r2": "Pseudo R²", "loglik": "Log likelihood"}
LABELS = {
    "upgrade_product": "Product",
    "upgrade_process": "Process",
    "organisational_innovation": "Organisation",
    "marketing_innovation": "Marketing",
    "group_member": "Member of a group",
    "foreign_owned": "Foreign capital",
    "exported_2012": "Exported in 2012",
    "cooperates": "Co-operates",
    "log_location_quotient": "Log location quotient",
    "log_employment_2012": "Log employment 2012",
    "bundle": "Bundle",
    "types": "Types of upgrading",
    "region": "Province",
}


def run() -> None:
    """Tabulate and estimate; without the survey, say what is lacking."""
    study = Study(
        "03_ecuador_upgrading",
        title="Ties and kinds of upgrading: firms of Ecuador",
        question="Do group membership, foreign capital, exporting, co-operation and clustering go with product, "
        "process, organisational and marketing upgrading in the same way?",
    )
    try:
        survey = gvc.panel(PANEL)
    except MissingSourceError as error:
        study.not_estimated(
            "Ties and kinds of upgrading in Ecuador", needs=f"the panel {PANEL}", get=str(error)
        )
        study.write()
        return
    provenance = survey.attrs["provenance"]
    study.source(provenance)
    firms = prepared(survey)
    study.sample("Firms of the survey", len(firms), provinces=firms["region"].nunique())

    # 1. What the data can bear.
    study.text(
        f"""
        Read with care. The file holds firms that innovate: {share_upgrading(firms):.0%} of them (weighted) report at
        least one of the four kinds. It shows which upgrading goes with a tie, not whether firms upgrade, and among
        firms selected for innovating in some way the kinds are pushed apart: a firm without process innovation is
        the more likely to have product innovation, whatever the ties.

        Answers cover 2012–14 as a whole; exporting, employment and the location quotient are those of 2012, but
        co-operation, group and foreign capital are asked at the end, so nothing here is causal. There are
        {firms["region"].nunique()} provinces and a few hold most firms; p-values in the text and in the last table
        come from the wild cluster bootstrap.
        """
    )
    study.table(
        gvc.table(
            described(firms),
            labels=LABELS,
            digits=2,
            notes=["Weighted by the survey's expansion factor."],
            provenance=provenance,
        ),
        "descriptives",
        caption="Upgrading of firms in Ecuador, by tie",
    )

    # 2. Each kind of upgrading by itself.
    logits = [fit_logit(outcome, firms) for outcome in OUTCOMES]
    study.table(
        gvc.table(
            [result.margins() for result in logits],
            headers=[LABELS[outcome] for outcome in OUTCOMES],
            labels=LABELS,
            statistics=FIT,
            notes=["Average marginal effects on the probability, from weighted logits."],
            provenance=provenance,
        ),
        "logit",
        caption="Which ties go with which upgrading: marginal effects",
    )
    study.figure(
        coefficient_plot(
            {LABELS[outcome]: result.margins() for outcome, result in zip(OUTCOMES, logits, strict=True)},
            keep=[f"^{tie}$" for tie in TIES],
            labels=LABELS,
            estimate_title="Average marginal effect on the probability, 95 % confidence interval",
        ),
        "forest",
        caption="Ties and kinds of upgrading",
        notes=["Weighted logits; errors clustered by province."],
        provenance=provenance,
    )

    # 3. All kinds at once: joint probit, bundles, counts.
    joint = gvc.joint_probit(
        f"{' + '.join(OUTCOMES)} ~ {REGRESSORS}", firms, vcov={"CRV1": "region"}, weights="weight"
    )
    study.table(
        gvc.table(joint, headers=["All four"], labels=LABELS, provenance=provenance),
        "joint",
        caption="Four kinds of upgrading: joint probit",
    )
    study.table(
        gvc.table(
            joint.extra["Correlations of the errors"],
            labels=LABELS,
            digits=2,
            notes=["Of the errors of the joint probit; what is left after the ties and size."],
            provenance=provenance,
        ),
        "correlations",
        caption="Correlation of the kinds of upgrading",
    )
    bundles = gvc.multinomial_logit(
        f"bundle ~ {REGRESSORS}", firms, vcov={"CRV1": "region"}, weights="weight"
    )
    study.table(
        gvc.table(
            bundles.margins(),
            labels=LABELS,
            statistics=FIT,
            notes=[
                "Technological: product or process; other: organisation or marketing. Effects on the probability "
                "of each bundle; they add to zero.",
            ],
            provenance=provenance,
        ),
        "bundles",
        caption="Bundles of upgrading: multinomial logit",
    )
    count = gvc.ordered_logit(f"types ~ {REGRESSORS}", firms, vcov={"CRV1": "region"}, weights="weight")
    study.table(
        gvc.table(count, labels=LABELS, provenance=provenance),
        "types",
        caption="Number of kinds of upgrading, 0 to 4: ordered logit",
    )

    # 4. Twenty tests and 24 provinces.
    family = gvc.multiple_testing(logits, TIES, "region", draws=DRAWS)
    study.table(
        gvc.table(
            tested(family),
            labels=LABELS,
            formats=".3f",
            notes=[
                f"Wild cluster (score) bootstrap by province, {DRAWS:,} Rademacher draws, null imposed. Romano–Wolf and "
                "Holm: over all tests of the table.",
            ],
            provenance=provenance,
        ),
        "tests",
        caption="What survives few clusters and many tests",
    )
    study.text(in_words(family))
    study.not_estimated(
        "H1, governance and the kind of upgrading, on Ecuador's firms",
        needs="who sets design and process; the survey does not ask",
        get="a survey with the buyer items of the firm contract",
    )
    study.write()


def prepared(survey: pd.DataFrame) -> pd.DataFrame:
    """One row a firm: outcomes of 2012–14, ties, and exporting, size and clustering of 2012."""
    before = survey[survey["year"] == 2012]
    quotients = measures.location_quotient(before).set_index(["region", "industry"])["location_quotient"]
    firms = survey[survey["year"] == 2014].set_index("firm_id")
    early = before.set_index("firm_id")
    place = pd.MultiIndex.from_frame(firms[["region", "industry"]])
    quotient = pd.Series(quotients.reindex(place).to_numpy(), index=firms.index)
    firms = firms.assign(
        foreign_owned=(firms["foreign_share"] > 0).astype(int),
        exported_2012=(early["exports_usd"] > 0).astype(int),
        log_employment_2012=np.log(early["employment"].where(early["employment"] > 0)),
        log_location_quotient=np.log(quotient.where(quotient > 0)),
        types=firms[OUTCOMES].sum(axis=1, min_count=len(OUTCOMES)),
        bundle=bundle(firms),
    ).reset_index()
    for column, sources in {
        "foreign_owned": ["foreign_share"],
        "exported_2012": ["exports_usd"],
        "log_employment_2012": ["employment"],
        "log_location_quotient": ["employment", "region", "industry", "weight"],
        "types": OUTCOMES,
        "bundle": OUTCOMES,
    }.items():
        measures.record(firms, column, *sources)
    firms.attrs["labels"] = {**survey.attrs["labels"], **LABELS}
    return firms


def bundle(firms: pd.DataFrame) -> pd.Categorical:
    """None, technological only, other only, both."""
    technological = firms[["upgrade_product", "upgrade_process"]].max(axis=1)
    other = firms[["organisational_innovation", "marketing_innovation"]].max(axis=1)
    names = ["none", "technological", "other", "both"]
    code = (technological + 2 * other).where(technological.notna() & other.notna(), -1).astype(int)
    return pd.Categorical.from_codes(code, categories=names)


def share_upgrading(firms: pd.DataFrame) -> float:
    """Weighted share of firms with at least one kind."""
    return float(np.average(firms["types"] > 0, weights=firms["weight"]))


def described(firms: pd.DataFrame) -> pd.DataFrame:
    """Weighted shares of each kind among all firms and by tie."""
    groups = {"All": firms["weight"] > 0} | {
        LABELS[tie]: firms[tie] == 1 for tie in TIES if firms[tie].isin([0, 1]).all() or tie == "cooperates"
    }
    rows = {
        name: {
            "Firms": int(inside.sum()),
            **{
                LABELS[outcome]: np.average(firms.loc[inside, outcome], weights=firms.loc[inside, "weight"])
                for outcome in OUTCOMES
            },
        }
        for name, inside in groups.items()
    }
    return pd.DataFrame(rows).T.astype({"Firms": int})


def fit_logit(outcome: str, firms: pd.DataFrame) -> Results:
    """Weighted logit of one kind of upgrading on the ties."""
    return gvc.logit(f"{outcome} ~ {REGRESSORS}", firms, vcov={"CRV1": "region"}, weights="weight")


def tested(family: pd.DataFrame) -> pd.DataFrame:
    """Log odds with bootstrap, Holm and Romano–Wolf p-values; a block for each outcome."""
    table = family.assign(tie=family["hypothesis"].str.removesuffix(" = 0"))
    table = table.set_index([table["outcome"].map(LABELS), "tie"])
    names = {"estimate": "Log odds", "p_value": "p", "holm": "Holm", "romano_wolf": "Romano–Wolf"}
    return table[list(names)].rename(columns=names)


def in_words(family: pd.DataFrame) -> str:
    """Which tests survive at five per cent, by each way of taking them together."""

    def kept(by: str) -> str:
        rows = family[family[by] < 0.05]
        named = "; ".join(
            f"{LABELS[row.outcome].lower()} on {LABELS[row.hypothesis.removesuffix(' = 0')].lower()} "
            f"({'+' if row.estimate > 0 else '−'})"
            for row in rows.itertuples()
        )
        return f"{len(rows)} by {WAYS[by]}{f' ({named})' if named else ''}"

    alone = int((family["p_value"] < 0.05).sum())
    return (
        f"Of {len(family)} tests, {alone} {'has' if alone == 1 else 'have'} a bootstrap p-value below 0.05; taken "
        f"together, {kept('romano_wolf')} and {kept('holm')}."
    )


if __name__ == "__main__":
    run()
