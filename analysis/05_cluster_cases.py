"""Study 5. Does governance by a buyer go with blocked upgrading? Eighteen clusters of a founding text, as cases.

Humphrey (2001) argues from clusters that other studies had described. What he says of each is coded by the
rules of docs/coding_manual.md, and compared by methods for few cases: exact tests, penalised likelihood, sets.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2, fisher_exact, hypergeom

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.errors import DataError, MissingSourceError
from gvcmetrics.ground.numbers import fixed, minus
from gvcmetrics.models import Results
from gvcmetrics.report import Study, xy_plot

PANEL = "cluster_cases"
CODINGS = Path(__file__).parents[1] / "data" / "cases"
CODED = [
    "market",
    "governance",
    "integration",
    "completeness",
    "joint_action",
    "few_buyers",
    "several_markets",
    "upgrading_product",
    "upgrading_process",
    "upgrading_functional",
    "upgrading_chain",
    "main_buyer_share_leaders",
    "main_buyer_share_cluster",
]
KINDS = ["upgrade_product", "upgrade_process", "upgrade_functional", "upgrade_chain"]
# Outcome and condition of each exact test.
PAIRS = [
    ("upgrade_functional", "quasi_hierarchical"),
    ("upgrade_functional", "completeness"),
    ("upgrade_functional", "few_buyers"),
    ("upgrade_process", "quasi_hierarchical"),
    ("upgrade_product", "quasi_hierarchical"),
    ("joint_action", "few_buyers"),
]
# Who decides what is made and how (Humphrey 2001, fig. 1): the cluster, both, its buyer; of ownership, the owner.
CONTROL = {"arms_length": 0.0, "network": 0.33, "quasi_hierarchical": 1.0}
CONTROL_BY_OWNERSHIP = {"forward": 0.0, "inward": 0.67}
ANCHORS = (-1, 0, 2)  # kinds of upgrading, those that happened less those that were blocked
CONDITIONS = ["quasi_hierarchical", "completeness"]
EXPECTED = {"quasi_hierarchical": 0, "completeness": 1}  # what section 2 and section 3 lead one to expect
SUFFICIENT, NECESSARY = 0.8, 0.9
LABELS = {
    "upgrade_product": "Product upgrading",
    "upgrade_process": "Process upgrading",
    "upgrade_functional": "Functional upgrading",
    "upgrade_chain": "Chain upgrading",
    "quasi_hierarchical": "Quasi-hierarchical",
    "completeness": "Complete",
    "few_buyers": "Few buyers",
    "joint_action": "Joint action",
    "several_markets": "Several markets",
    "market": "Market",
    "governance": "Governance",
    "integration": "Ownership across the border",
    "main_buyer_share_leaders": "Main buyer's share, leaders",
    "main_buyer_share_cluster": "Main buyer's share, cluster",
    "free": "Free of outside control",
    "upgraded": "Upgraded",
}
LABELS |= {f"upgrading_{kind.removeprefix('upgrade_')}": LABELS[kind] for kind in KINDS}


def run() -> None:
    """Show the coding, and compare the cases."""
    study = Study(
        "05_cluster_cases",
        title="Governance and upgrading in the clusters of a founding text",
        question="Did functional upgrading fail where buyers set design and process, in the clusters that Humphrey "
        "(2001) describes?",
    )
    try:
        panel = gvc.panel(PANEL)
    except MissingSourceError as error:
        study.not_estimated("The clusters of Humphrey (2001)", needs=f"the panel {PANEL}", get=str(error))
        study.write()
        return
    provenance = panel.attrs["provenance"]
    study.source(provenance)
    cases = prepared(panel)
    study.sample("Clusters", len(cases), countries=cases["country"].nunique())

    # 1. What is coded, and how steadily.
    study.text(bears(cases))
    study.table(
        gvc.table(shown(cases), notes=["–: the document is silent."], provenance=provenance),
        "cases",
        caption="Clusters of Humphrey (2001)",
    )
    agreement = measures.coding_agreement(
        *(pd.read_csv(CODINGS / f"pass_{number}.csv") for number in (1, 2)), "case", CODED
    )
    known = pd.read_csv(CODINGS / "clusters.csv")[CODED].notna().sum()
    study.table(
        gvc.table(
            reliability(agreement, known),
            labels=LABELS,
            digits=2,
            notes=[
                "κ: Cohen's (1960), silence being a category of its own. Both passes by one coder on one day."
            ],
            provenance=provenance,
        ),
        "agreement",
        caption="Two passes of the coding",
    )
    settled = pd.read_csv(CODINGS / "settled.csv")
    study.table(
        gvc.table(settlements(settled, cases), provenance=provenance),
        "settled",
        caption="Cells on which the passes differ, and how they were settled",
    )
    study.text(reasons(settled, cases))
    study.text(steadiness(agreement))

    # 2. Exact tests and a penalised likelihood.
    tests = pd.DataFrame([exact(cases, *pair) for pair in PAIRS])
    study.table(
        gvc.table(
            tested(tests),
            formats={"p": ".3f", "Least p": ".3f"},
            notes=[
                "Clusters of which both are known. With, without: share of clusters with and without the condition in "
                "which the outcome happened. p: Fisher's exact test, two-sided; least p: the smallest that the margins "
                "allow; empty where a margin does not vary.",
            ],
            provenance=provenance,
        ),
        "exact",
        caption="Exact tests",
    )
    study.text(tests_in_words(tests))
    study.text(silence_in_words(filled(cases, *PAIRS[0]), *PAIRS[0]))
    pair = cases.dropna(subset=list(PAIRS[0]))
    firth = gvc.logit("upgrade_functional ~ quasi_hierarchical", pair, firth=True)
    study.table(
        gvc.table(
            firth,
            labels=LABELS,
            notes=["Firth's (1993) penalised likelihood, finite where groups are separated. Log odds."],
            provenance=provenance,
        ),
        "firth",
        caption="Functional upgrading: penalised logit",
    )
    held = gvc.logit(
        "upgrade_functional ~ quasi_hierarchical", pair, firth=True, fix={"quasi_hierarchical": 0}
    )
    line = firth.tidy().set_index("term").loc["quasi_hierarchical"]
    study.text(firth_in_words(line, len(pair), penalised_ratio(firth, held), float(tests["p"][0])))
    study.text(within_in_words(cases))

    # 3. The cases as sets.
    crisp = pair.dropna(subset=CONDITIONS).set_index("place")
    study.table(
        gvc.table(
            combinations(crisp),
            formats={"Consistency": ".2f"},
            notes=[
                "~: absent; *: and. "
                f"Goes with the outcome from a consistency of {SUFFICIENT}; –: not observed (logical remainder)."
            ],
            provenance=provenance,
        ),
        "truth_table",
        caption="Truth table of functional upgrading",
    )
    solutions = solved(crisp)
    study.table(
        gvc.table(
            solution_table(solutions),
            formats=".2f",
            notes=[
                "~: absent; *: and. Intermediate: completeness and the absence of quasi-hierarchy expected to help."
            ],
            provenance=provenance,
        ),
        "solutions",
        caption="Minimised solutions for functional upgrading",
    )
    study.text(solutions_in_words(solutions, len(crisp), left_out(crisp)))
    fuzzy = memberships(cases)
    both = fuzzy.dropna(subset=["free", "upgraded"])
    study.table(
        gvc.table(
            membership_table(both),
            digits=2,
            notes=[
                f"Outside control: {control_in_words()}. Kinds, net: kinds of upgrading that happened less those "
                f"blocked; upgraded: logistic membership with anchors {', '.join(map(str, ANCHORS))}. A kind on which "
                "the document is silent counts for nothing, so the score also measures how much it tells.",
            ],
            provenance=provenance,
        ),
        "memberships",
        caption="Calibrated memberships",
    )
    fit = pd.concat(
        {
            "Sufficient": measures.sufficiency(both, ["free", "~free"], "upgraded"),
            "Necessary": measures.necessity(both, ["free", "~free"], "upgraded"),
        }
    )
    study.table(
        gvc.table(fit_table(fit), digits=2, provenance=provenance),
        "fit",
        caption="Freedom from outside control as sufficient or necessary for upgrading",
    )
    study.text(fit_in_words(fit, len(both)))
    study.figure(
        xy_plot(
            fuzzy, x="free", y="upgraded", label="place", x_title=LABELS["free"], y_title=LABELS["upgraded"]
        ),
        "xy",
        caption="Freedom from outside control and upgrading",
        notes=["On or above the diagonal: as if sufficient; on or below: as if necessary."],
        provenance=provenance,
    )
    leave_open(study, cases)
    study.write()


def prepared(panel: pd.DataFrame) -> pd.DataFrame:
    """The cases with quasi-hierarchy as 0/1 where governance is known."""
    known = panel["governance"].notna()
    cases = panel.assign(
        quasi_hierarchical=panel["governance"].eq("quasi_hierarchical").astype(float).where(known),
        short=panel["cluster"].str.replace(" for supermarkets in the United Kingdom", ""),
        place=panel["region"].where(~panel["region"].duplicated(keep=False), panel["cluster"]),
    )
    measures.record(cases, "quasi_hierarchical", "governance")
    return cases


def bears(cases: pd.DataFrame) -> str:
    """What so few cases of one text can carry."""
    coded = [column for column in [*LABELS, *KINDS] if column in cases and column != "quasi_hierarchical"]
    filled_cells = cases[list(dict.fromkeys(coded))].notna().to_numpy().mean()
    pair = cases.dropna(subset=["governance", "upgrade_functional"])
    return f"""
        Read with care. The {len(cases)} clusters are those of one author's argument, not a sample: he chose those that
        show something, describes each by what it shows, and wrote with the hypothesis in mind. {filled_cells:.0%} of the
        cells are filled, and silence is not absence. Of {cases["governance"].notna().sum()} clusters the governance is
        known, of {cases["upgrade_functional"].notna().sum()} whether functional upgrading happened or was blocked, of
        {len(pair)} both. So few cases can contradict a claim that something always holds, and show which combinations
        the argument rests on. They cannot say how often a thing happens, nor that governance is its cause, and what is
        found in them is the text's coherence as much as the world's.

        Each cell of `data/cases/clusters.csv` names its section, and `docs/coding_manual.md` the rule behind it.
        """


def shown(cases: pd.DataFrame) -> pd.DataFrame:
    """One row a cluster in words."""
    words = {1.0: "yes", 0.0: "no"}
    kinds = {1.0: "happened", 0.0: "blocked"}
    table = pd.DataFrame(
        {
            "Governance": cases["governance"].str.replace("_", "-"),
            "Market": cases["market"],
            "Complete": cases["completeness"].map(words),
            **{LABELS[kind].removesuffix(" upgrading"): cases[kind].map(kinds) for kind in KINDS},
        }
    )
    table.index = pd.Index(cases["short"], name="Cluster")
    return table.astype(object).where(table.notna(), "–")


def reliability(agreement: pd.DataFrame, known: pd.Series) -> pd.DataFrame:
    """Filled cells, differences and κ of each coded column."""
    table = agreement.assign(filled=known)[["filled", "differ", "agreement", "kappa"]]
    return table.rename(
        columns={"filled": "Filled", "differ": "Differ", "agreement": "Agreement", "kappa": "κ"}
    )


def settlements(settled: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The differing cells in words."""
    names = cases.set_index("cluster_id")["short"]
    table = settled.fillna("–").assign(
        case=settled["case"].map(names), column=settled["column"].map(LABELS).fillna(settled["column"])
    )
    for column in ("pass_1", "pass_2", "settled"):
        table[column] = table[column].astype(str).replace({"1": "yes", "1.0": "yes", "0": "no"})
    table = table.drop(columns=["where", "why"]).set_index(["case", "column"])
    table.index.names = ["Cluster", "Column"]
    return table.rename(columns={"pass_1": "First", "pass_2": "Second", "settled": "Settled"})


def reasons(settled: pd.DataFrame, cases: pd.DataFrame) -> str:
    """Why each differing cell was settled as it was."""
    names = cases.set_index("cluster_id")["short"]
    return "\n\n".join(
        f"*{names[row.case]}, {LABELS[row.column].lower()}*: {row.why}" for row in settled.itertuples()
    )


def steadiness(agreement: pd.DataFrame) -> str:
    """How far the two passes agree, and of what kind of reliability that is."""
    kappa = agreement["kappa"].dropna()
    full = int((kappa > 1 - 1e-9).sum())
    lowest = kappa.idxmin()
    beyond = (
        "κ is 1 in all of them"
        if full == len(kappa)
        else f"κ is 1 in {full} of them and lowest for {LABELS[lowest].lower()}, {kappa[lowest]:.2f}"
    )
    return (
        f"The passes differ in {int(agreement['differ'].sum())} of {int(agreement['cases'].sum())} cells; κ is defined "
        f"for {len(kappa)} columns, and {beyond}. One coder made both passes on one day, so κ says how stable the "
        "coding is and not that another reader would code the same."
    )


def exact(cases: pd.DataFrame, outcome: str, condition: str) -> dict[str, object]:
    """Fisher's exact test of two dichotomies, and the smallest p that their margins allow."""
    known = cases.dropna(subset=[outcome, condition])
    y, x = known[outcome].to_numpy() == 1, known[condition].to_numpy() == 1
    with_both, with_x, with_y = int((x & y).sum()), int(x.sum()), int(y.sum())
    n = len(known)
    varies = 0 < with_x < n and 0 < with_y < n
    p = least = np.nan
    if varies:
        counts = [[with_both, with_x - with_both], [with_y - with_both, n - with_x - with_y + with_both]]
        p = float(fisher_exact(counts).pvalue)
        chances = hypergeom(n, with_y, with_x).pmf(
            range(max(0, with_x + with_y - n), min(with_x, with_y) + 1)
        )
        rarest = chances.min()
        least = float(chances[chances <= rarest * (1 + 1e-9)].sum())
    return {
        "outcome": outcome,
        "condition": condition,
        "n": n,
        "with_x": with_x,
        "happened_with": with_both,
        "happened_without": with_y - with_both,
        "p": p,
        "least": least,
    }


def tested(tests: pd.DataFrame) -> pd.DataFrame:
    """The exact tests as a table."""

    def part(happened: int, of: int) -> str:
        return f"{happened} of {of}"

    return pd.DataFrame(
        {
            "Clusters": tests["n"].to_numpy(),
            "With": [part(row.happened_with, row.with_x) for row in tests.itertuples()],
            "Without": [part(row.happened_without, row.n - row.with_x) for row in tests.itertuples()],
            "p": tests["p"].to_numpy(),
            "Least p": tests["least"].to_numpy(),
        },
        index=pd.MultiIndex.from_arrays(
            [tests["outcome"].map(LABELS), tests["condition"].map(LABELS)], names=["Outcome", "Condition"]
        ),
    )


def tests_in_words(tests: pd.DataFrame) -> str:
    """What the exact tests say, and which of them could have said anything."""
    said = [one_test(row) for _, row in tests.iterrows() if np.isfinite(row["p"])]
    mute = [
        f"{LABELS[row['outcome']].lower()} by {LABELS[row['condition']].lower()}"
        for _, row in tests.iterrows()
        if not np.isfinite(row["p"])
    ]
    able = int((tests["least"] < 0.05).sum())
    power = (
        "None of these tests could have come out below 0.05, whatever the clusters had been like within these margins."
        if able == 0
        else f"{able} of {len(said)} tests could have come out below 0.05 with these margins."
    )
    rest = f" Nothing varies, or too little is told, for {'; '.join(mute)}." if mute else ""
    return f"{' '.join(said)} {power}{rest}"


def one_test(row: pd.Series) -> str:
    """One exact test in a sentence."""
    without = row["n"] - row["with_x"]
    rates = row["happened_with"] / row["with_x"], row["happened_without"] / without
    direction = (
        "no more often" if rates[0] == rates[1] else "less often" if rates[0] < rates[1] else "more often"
    )
    verdict = "below 0.05" if row["p"] < 0.05 else "not told apart from chance"
    return (
        f"{LABELS[row['outcome']]} happened {direction} with the condition "
        f"“{LABELS[row['condition']].lower()}” than without: in {row['happened_with']} of {row['with_x']} clusters against "
        f"{row['happened_without']} of {without} (exact p = {row['p']:.3f}; {verdict}; the least p that the margins "
        f"allow is {row['least']:.3f})."
    )


def filled(cases: pd.DataFrame, outcome: str, condition: str) -> list[float]:
    """p of the exact test for every way to fill the condition where only the outcome is known."""
    silent = cases.index[cases[outcome].notna() & cases[condition].isna()]
    found = []
    for values in product((0.0, 1.0), repeat=len(silent)):
        guess = cases.copy()
        guess.loc[silent, condition] = values
        found.append(float(exact(guess, outcome, condition)["p"]))  # type: ignore[arg-type]
    return found


def silence_in_words(p_values: list[float], outcome: str, condition: str) -> str:
    """What the silent cells could change."""
    low, high = min(p_values), max(p_values)
    if len(p_values) == 1:
        return f"No cluster with known {LABELS[outcome].lower()} lacks the condition."
    verdict = (
        "on either side of 0.05: the silent cells decide"
        if low < 0.05 <= high
        else "below 0.05 throughout"
        if high < 0.05
        else "above 0.05 throughout"
    )
    return (
        f"Of some clusters it is told whether {LABELS[outcome].lower()} happened but not whether they are "
        f"{LABELS[condition].lower()}. Over the {len(p_values)} ways to fill these cells p runs from {low:.3f} to "
        f"{high:.3f}, {verdict}."
    )


def penalised_ratio(free: Results, held: Results) -> float:
    """p of the penalised likelihood ratio (Heinze and Schemper 2002)."""
    gap = free.statistics["penalised_loglik"] - held.statistics["penalised_loglik"]
    return float(chi2.sf(2 * gap, 1))


def firth_in_words(line: pd.Series, n: int, ratio: float, exact_p: float) -> str:
    """Sign and precision of the penalised estimate, and whether the exact test agrees."""
    low, high = line["conf_low"], line["conf_high"]
    zero = "holds zero" if low <= 0 <= high else "does not hold zero"
    sign = "negative" if line["estimate"] < 0 else "positive"
    agrees = (
        "on the same side of 0.05 as"
        if (ratio < 0.05) == (exact_p < 0.05)
        else "on the other side of 0.05 than"
    )
    return (
        f"The penalised log odds of functional upgrading on quasi-hierarchy are {sign}, "
        f"{minus(fixed(line['estimate'], 2))}; the interval of Wald, {minus(fixed(low, 2))} to {minus(fixed(high, 2))}, {zero}. The penalised "
        f"likelihood ratio has p = {ratio:.4f}, {agrees} the exact test ({exact_p:.3f}). Both approximations lean on "
        f"large samples, and there are {n} clusters: the exact test is the one to trust."
    )


def within_in_words(cases: pd.DataFrame) -> str:
    """Where both kinds are told of one cluster: did they part ways?"""
    both = cases.dropna(subset=["upgrade_process", "upgrade_functional"])
    parted = both[(both["upgrade_process"] == 1) & (both["upgrade_functional"] == 0)]
    names = ", ".join(
        f"{row.short} ({'governance unknown' if pd.isna(row.governance) else row.governance.replace('_', '-')})"
        for row in parted.itertuples()
    )
    told = (
        f"in {len(parted)} of them, {names}, the first happened while the second was blocked"
        if len(parted)
        else "in none of them the first happened while the second was blocked"
    )
    return (
        f"Process and functional upgrading are both told of {len(both)} clusters; {told}, the pattern that the "
        "hypothesis expects in quasi-hierarchical ones."
    )


def combinations(crisp: pd.DataFrame) -> pd.DataFrame:
    """The truth table in words."""
    table = measures.truth_table(crisp, CONDITIONS, "upgrade_functional", consistency=SUFFICIENT)
    told = table.assign(
        outcome=table["outcome"].map({1.0: "yes", 0.0: "no"}).fillna("–"),
        cases=table["cases"].replace("", "–"),
    )
    signed = [[name if row[name] else f"~{name}" for name in CONDITIONS] for _, row in table.iterrows()]
    told.index = pd.Index([written("*".join(names)) for names in signed], name="Combination")
    return told[["n", "outcome", "consistency", "cases"]].rename(
        columns={"outcome": "Outcome", "n": "Clusters", "consistency": "Consistency", "cases": "Which"}
    )


def solved(crisp: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The three solutions; an empty one where nothing can be told apart."""
    found = {}
    for kind in ("conservative", "parsimonious", "intermediate"):
        expected = EXPECTED if kind == "intermediate" else None
        try:
            found[kind] = measures.set_solutions(
                crisp,
                CONDITIONS,
                "upgrade_functional",
                solution=kind,
                expectations=expected,
                consistency=SUFFICIENT,
            )
        except DataError:
            empty = pd.DataFrame()
            empty.attrs["formulas"] = []
            found[kind] = empty
    return found


def solution_table(solutions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Each whole solution with its fit."""
    rows = {
        (kind.capitalize(), written(formula)): {
            "Consistency": frame.loc[(model, "solution"), "consistency"],
            "Coverage": frame.loc[(model, "solution"), "coverage"],
            "Which": frame.loc[(model, "solution"), "cases"],
        }
        for kind, frame in solutions.items()
        for model, formula in enumerate(frame.attrs["formulas"], 1)
    }
    return pd.DataFrame(
        rows.values(), index=pd.MultiIndex.from_tuples(list(rows), names=["Solution", "Expression"])
    )


def written(formula: str) -> str:
    """An expression with the conditions' labels."""
    for condition in CONDITIONS:
        formula = formula.replace(condition, LABELS[condition].lower())
    return formula


def left_out(crisp: pd.DataFrame) -> tuple[int, int]:
    """In how many of the ways to leave one case out the parsimonious solution stays what it is."""
    whole = solved(crisp)["parsimonious"].attrs["formulas"]
    same = [solved(crisp.drop(index=case))["parsimonious"].attrs["formulas"] == whole for case in crisp.index]
    return sum(same), len(same)


def solutions_in_words(solutions: dict[str, pd.DataFrame], n: int, stays: tuple[int, int]) -> str:
    """What the solutions are, whether they agree, and what they rest on."""
    formulas = {kind: frame.attrs["formulas"] for kind, frame in solutions.items()}
    if not formulas["conservative"]:
        return f"No combination of the conditions goes with functional upgrading in the {n} clusters."
    told = {
        kind: " or ".join(f"`{written(formula)}`" for formula in found) or "nothing that can be told"
        for kind, found in formulas.items()
    }
    gap = (
        "All three are the same: no unobserved combination matters."
        if len(set(told.values())) == 1
        else "They are not the same, so that part of the answer rests on combinations that no cluster shows."
    )
    kept, tries = stays
    steady = (
        "whichever case is left out"
        if kept == tries
        else f"in {kept} of the {tries} ways to leave one case out"
    )
    return (
        f"In the {n} clusters of which both conditions and the outcome are known, functional upgrading goes with "
        f"{told['conservative']} (conservative), {told['intermediate']} (intermediate) and {told['parsimonious']} "
        f"(parsimonious solution). {gap} The parsimonious solution stays the same {steady}."
    )


def memberships(cases: pd.DataFrame) -> pd.DataFrame:
    """Fuzzy sets: free of outside control, upgraded."""
    control = cases["governance"].map(CONTROL).fillna(cases["integration"].map(CONTROL_BY_OWNERSHIP))
    # Ownership tells who decides only where it is what governs.
    control = control.where(cases["governance"].notna())
    score = (2 * cases[KINDS] - 1).sum(axis=1, min_count=1)
    return cases.assign(
        control=control, score=score, free=1 - control, upgraded=measures.calibrate(score, ANCHORS)
    )


def membership_table(both: pd.DataFrame) -> pd.DataFrame:
    """The calibrated cases."""
    table = both.astype({"score": int})[["control", "score", "free", "upgraded"]]
    table.index = pd.Index(both["short"], name="Cluster")
    return table.rename(columns={"control": "Outside control", "score": "Kinds, net", **LABELS})


def control_in_words() -> str:
    """The calibration of control."""
    parts = {name.replace("_", "-"): value for name, value in CONTROL.items()}
    parts |= {f"hierarchical, {name}": value for name, value in CONTROL_BY_OWNERSHIP.items()}
    return ", ".join(f"{name} {value:g}" for name, value in parts.items())


def fit_table(fit: pd.DataFrame) -> pd.DataFrame:
    """Consistency and coverage of both relations."""
    names = {"free": LABELS["free"], "~free": "Not free of it"}
    table = fit.rename(index=names, level=1)
    table.index.names = ["Relation", "Set"]
    return table.rename(
        columns={"consistency": "Consistency", "pri": "PRI", "coverage": "Coverage", "relevance": "Relevance"}
    )


def fit_in_words(fit: pd.DataFrame, n: int) -> str:
    """Whether freedom from control is sufficient or necessary by the usual thresholds."""
    sufficient = fit.loc[("Sufficient", "free"), "consistency"]
    necessary = fit.loc[("Necessary", "free"), "consistency"]
    opposite = fit.loc[("Sufficient", "~free"), "consistency"]
    passes = {True: "passes", False: "does not pass"}
    return (
        f"As fuzzy sets, over {n} clusters, freedom from outside control {passes[sufficient >= SUFFICIENT]} as "
        f"sufficient for upgrading (consistency {sufficient:.2f}, threshold {SUFFICIENT}) and "
        f"{passes[necessary >= NECESSARY]} as necessary (consistency {necessary:.2f}, threshold {NECESSARY}). Control "
        f"itself {passes[opposite >= SUFFICIENT]} as sufficient for upgrading ({opposite:.2f})."
    )


def leave_open(study: Study, cases: pd.DataFrame) -> None:
    """What the case base has too little of."""
    figures = int(cases["main_buyer_share_cluster"].notna().sum())
    study.not_estimated(
        "H3 on clusters, joint action where one buyer takes much of the output",
        needs=f"the main buyer's share in more clusters; the document has a figure for {figures}",
        get="code the studies behind the document by docs/coding_manual.md",
    )
    for kind in KINDS:
        values = cases[kind].dropna()
        if values.nunique() < 2:
            study.not_estimated(
                f"{LABELS[kind]} in the case base",
                needs="clusters in which it happened and clusters in which it was blocked; coded: "
                f"{int(values.sum())} and {int((1 - values).sum())}",
                get="code the studies behind the document by docs/coding_manual.md",
            )


if __name__ == "__main__":
    run()
