"""Does the road recover the truth of a simulated economy, hypothesis by hypothesis?

Economies of known effects are examined as panels are, with the estimator that each hypothesis declares. By design:

- `plain`: measured as it is, governance moved by nothing unseen; what is off here is off by the estimator.
- `nothing`: no effect at all; how often does a family of hypotheses find one?
- `endogenous`: buyers tie firms of little capability, which no survey asks for.
- `misreported`: a share of the answers to each buyer item is wrong.
- `leaving`: firms leave the survey, the sooner if they did not upgrade.

What a design does to an estimate is the difference from `plain`; where it is off, an estimator that is not
(`REMEDIES`) is run on the same economies. `recovery.csv` beside this file keeps the summary, from which the
report's chapter is made on every machine: `make validate` writes it, `--show` makes the chapter alone.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import gvcmetrics as gvc
from gvcmetrics.claims.claim import Claim, Construct
from gvcmetrics.claims.examine import examine_claim, row
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.verdict import CONTRADICTED, NEGLIGIBLE, NOT_ESTIMABLE, SUPPORTED, judged
from gvcmetrics.report import Study, frame_table
from gvcmetrics.simulate import Economy, Simulated

HERE = Path(__file__).parent
SUMMARY = HERE / "recovery.csv"
REPLICATIONS = 200
SIZE = Economy(firms=400, clusters=40, years=4, exporters=20, products=20, census=3.0)
COVERAGE = (0.93, 0.97)
LEVEL = 0.05
GOVERNED = ("H1", "H6", "H11", "H12", "H14", "H16", "H20")
UPGRADED = ("H1", "H5", "H6", "H8", "H16", "H20", "H22")
DESIGNS: dict[str, tuple[Economy, tuple[str, ...] | None]] = {
    "plain": (SIZE.without_frictions(), None),
    "nothing": (SIZE.without_frictions().without_effects(), None),
    "endogenous": (SIZE.without_frictions("endogeneity"), GOVERNED),
    "misreported": (SIZE.without_frictions("misreporting"), GOVERNED),
    "leaving": (SIZE.without_frictions("attrition", "selectivity"), UPGRADED),
}
"""Parameters, and the hypotheses that a friction can touch; all where there is none."""
NUMBERS = tuple(f"H{number}" for number in range(1, 23))


@dataclass(frozen=True)
class Remedy:
    """An estimator that recovers what the declared one does not.

    Attributes
    ----------
    design, hypotheses : where the declared one is off. name : as printed. change : the claim and the frame that
        it works on.
    """

    design: str
    hypotheses: tuple[str, ...]
    name: str
    change: Callable[[Claim, Simulated], tuple[Claim, pd.DataFrame]]


def with_capability(claim: Claim, made: Simulated) -> tuple[Claim, pd.DataFrame]:
    """The declared equations with the firm's capability among the controls."""
    frame = made.firms.assign(capability=made.world.of(made.world.firms.capability))
    equations = tuple(
        each.model_copy(update={"controls": (*each.controls, "capability")}) for each in claim.equations
    )
    return claim.model_copy(update={"equations": equations}), frame


def with_census(claim: Claim, made: Simulated) -> tuple[Claim, pd.DataFrame]:
    """The declared equation with the dispersion of all firms of the cluster, not of those surveyed."""
    known = made.clusters[["cluster_id", "year", "cluster_size_dispersion"]]
    frame = made.firms.merge(known, on=["cluster_id", "year"], how="left")
    column = Construct(measure="column", of="cluster_size_dispersion")
    return claim.model_copy(update={"constructs": {**claim.constructs, "size_dispersion": column}}), frame


REMEDIES = (
    Remedy("endogenous", GOVERNED, "capability held fixed", with_capability),
    Remedy("plain", ("H9",), "dispersion of all firms of the cluster", with_census),
)


def claims() -> dict[str, Claim]:
    """H1–H22 as the project declares them."""
    return {each.id: each for each in read_claims(HERE.parent / "hypotheses.yaml") if each.id in NUMBERS}


def replicate(work: tuple[str, int]) -> pd.DataFrame:
    """One economy of a design: every rule's estimate, interval and verdict, beside the truth."""
    design, seed = work
    parameters, wanted = DESIGNS[design]
    made = gvc.simulate.economy(parameters, seed=seed)
    frames = {"firm": made.firms, "cluster": made.clusters, "trade": made.trade}
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        declared = {name: claim for name, claim in claims().items() if wanted is None or name in wanted}
        found.append(_examined(((claim, frames[claim.contract]) for claim in declared.values()), ""))
        for remedy in (each for each in REMEDIES if each.design == design):
            changed = [remedy.change(declared[name], made) for name in remedy.hypotheses]
            found.append(_examined(changed, remedy.name))
    rows = pd.concat(found, ignore_index=True).assign(design=design, seed=seed)
    return rows.merge(made.truth, on=["hypothesis", "effect"], how="left", validate="many_to_one")


def _examined(pairs: Iterable[tuple[Claim, pd.DataFrame]], remedy: str) -> pd.DataFrame:
    rows = []
    for claim, frame in pairs:
        matched, findings = examine_claim(claim, frame, claim.contract)
        rows += [row(claim, f"{claim.contract}s", matched, finding) for finding in findings]
    needed = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "favours", "p_negligible")
    table = pd.DataFrame(rows)
    results = judged(table.reindex(columns=list(dict.fromkeys([*table.columns, *needed]))))
    effects = results["rule"].str.rsplit(": ", n=1).str[0]
    kept = ["hypothesis", "panel", "family", "sign", "bound", *needed[:5], "p_adjusted", "verdict", "reason"]
    return results[kept].assign(effect=effects, estimator=remedy)


def allows(sign: str, bound: float, value: float, nothing: bool) -> bool:
    """Whether a claim of this sign is true of an effect of this size; one that is nothing is no claim's."""
    if sign == "differs":
        return not nothing
    return {
        "positive": value > 0, "negative": value < 0, "zero": abs(value) < bound, "not_negative": value > -bound,
        "not_positive": value < bound, "below": value < bound, "above": value > bound,
    }[sign]  # fmt: skip


def marked(draws: pd.DataFrame) -> pd.DataFrame:
    """Draws with `covered`, and whether the verdict is `right` or `wrong`; it may be neither."""
    true = [
        allows(*each)
        for each in zip(draws["sign"], draws["bound"], draws["value"], draws["nothing"], strict=True)
    ]
    small = draws["value"].abs().le(draws["bound"]).where(draws["value"].notna(), draws["nothing"])
    verdict = draws["verdict"]
    right = np.where(true, verdict == SUPPORTED, verdict == CONTRADICTED) | ((verdict == NEGLIGIBLE) & small)
    wrong = np.where(true, verdict == CONTRADICTED, verdict == SUPPORTED) | ((verdict == NEGLIGIBLE) & ~small)
    # An effect that is exactly nothing is on neither side, so every side that is taken is wrong.
    at_edge = draws["nothing"] & draws["sign"].isin(["positive", "negative", "differs"])
    right = np.where(at_edge, verdict == NEGLIGIBLE, right)
    wrong = np.where(at_edge, verdict.isin([SUPPORTED, CONTRADICTED]), wrong)
    covered = draws["value"].between(draws["conf_low"], draws["conf_high"]).where(draws["estimate"].notna())
    return draws.assign(
        covered=covered.astype("float64"),
        right=right.astype(float),
        wrong=wrong.astype(float),
        failed=(verdict == NOT_ESTIMABLE).astype(float),
    )


def summarise(draws: pd.DataFrame) -> pd.DataFrame:
    """One row a design, estimator and rule."""
    table = marked(draws).assign(off=draws["estimate"] - draws["value"])
    keys = ["design", "estimator", "hypothesis", "effect"]
    grouped = table.groupby(keys, sort=False)
    spread, count = grouped["off"].std(), grouped["off"].count()
    made = pd.DataFrame(
        {
            "truth": grouped["value"].mean(),
            "mean": grouped["estimate"].mean(),
            "bias": grouped["off"].mean(),
            "deviation": spread,
            "distance": grouped["off"].mean() / (spread / np.sqrt(count)),
            "error_ratio": grouped["std_error"].mean() / spread,
            "coverage": grouped["covered"].mean(),
            "right": grouped["right"].mean(),
            "wrong": grouped["wrong"].mean(),
            "failed": grouped["failed"].mean(),
            "replications": grouped["seed"].nunique(),
        }
    )
    return pd.concat([made.reset_index(), _families(table)], ignore_index=True)


def _families(table: pd.DataFrame) -> pd.DataFrame:
    """How often a family of one panel has any wrong verdict where there is nothing to find."""
    nothing = table[(table["design"] == "nothing") & (table["estimator"] == "")]
    if nothing.empty:
        return pd.DataFrame()
    any_wrong = nothing.groupby(["panel", "family", "seed"])["wrong"].max()
    shares = any_wrong.groupby(level=[0, 1]).agg(["mean", "size"]).reset_index()
    return pd.DataFrame(
        {
            "design": "family", "estimator": "", "hypothesis": shares["family"], "effect": shares["panel"],
            "wrong": shares["mean"], "replications": shares["size"],
        }
    )  # fmt: skip


def recover(replications: int, workers: int, loud: bool = True) -> pd.DataFrame:
    """Examine economies of every design; the summary."""
    work = [(design, seed) for design in DESIGNS for seed in range(replications)]
    started, draws = time.perf_counter(), []
    with ExitStack() as stack:
        # One worker needs no process of its own, and forking a process that has threads can hang.
        spread: Callable[..., Iterable[Any]] = map
        if workers > 1:
            spread = stack.enter_context(ProcessPoolExecutor(workers, initializer=one_thread)).map
        for number, found in enumerate(spread(replicate, work), 1):
            draws.append(found)
            if loud and (number % 20 == 0 or number == len(work)):
                print(f"{number:5d}/{len(work)}  {time.perf_counter() - started:6.0f} s", flush=True)
    return summarise(pd.concat(draws, ignore_index=True))


def one_thread() -> None:
    """A process a core, a thread a process."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"


def off(rows: pd.DataFrame) -> pd.Series:
    """Whether the mean lies beyond two simulation errors, by more than a tenth of the estimates' deviation.

    The second part keeps what two hundred replications would call a bias, and no one else, from being one.
    """
    return (rows["distance"].abs() > 2) & (rows["bias"].abs() > 0.1 * rows["deviation"])


REASONS = {
    "plain": {
        "H9": "attenuation: the dispersion of sizes is measured from the few firms of a cluster that are surveyed",
        "H12": "selection: firms that stay outside such ties the longest are those whom buyers want least",
        "": "the declared model is not the economy's, or its errors are too few clusters'",
    },
    "endogenous": {"": "governance is endogenous: buyers take the reins where capability is low"},
    "misreported": {"": "attenuation: some firms are taken for tied that are not, and the other way round"},
    "leaving": {"": "selection: firms that do not upgrade leave, and with them what went with it"},
}


def in_words(summary: pd.DataFrame) -> list[str]:
    """What each design does, from the numbers: one paragraph a design."""
    said = []
    for design, why in REASONS.items():
        rows = summary[(summary["design"] == design) & (summary["estimator"] == "") & summary["bias"].notna()]
        if rows.empty:
            continue
        far = rows[off(rows)]
        if far.empty:
            said.append(
                f"**{design.capitalize()}**: none of {len(rows)} effects is off by more than two simulation errors."
            )
            continue
        parts = []
        for each in far.itertuples():
            part = f"{each.hypothesis} ({each.effect}): {each.mean:.3f} for {each.truth:.3f}"
            parts.append(part + _remedied(summary, each))
        reasons = dict.fromkeys(why.get(each, why[""]) for each in far["hypothesis"])
        said.append(
            f"**{design.capitalize()}**: {len(far)} of {len(rows)} effects are off by more than two simulation "
            f"errors: {'; '.join(parts)}. Why: {'; '.join(reasons)}."
        )
    return said


def _remedied(summary: pd.DataFrame, found: Any) -> str:
    """What the remedy gives for the same effect."""
    same = summary[
        (summary["design"] == found.design)
        & (summary["estimator"] != "")
        & (summary["effect"] == found.effect)
        & (summary["hypothesis"] == found.hypothesis)
    ]
    if same.empty:
        return ""
    one = same.iloc[0]
    return f" (with {one['estimator']} {one['mean']:.3f}, coverage {one['coverage']:.0%})"


def table(summary: pd.DataFrame) -> pd.DataFrame:
    """The chapter's table: a row a rule, what it is in plain economies and what each friction adds."""
    rows = summary[summary["estimator"].eq("")].set_index(["hypothesis", "effect"])
    plain = rows[rows["design"] == "plain"]
    made = plain[["truth", "mean", "distance", "coverage", "right", "wrong"]].copy()
    null = rows[rows["design"] == "nothing"]
    made["null"] = null["wrong"].reindex(made.index)
    for design in ("endogenous", "misreported", "leaving"):
        made[design] = rows.loc[rows["design"] == design, "bias"].reindex(made.index)
    cured = summary[(summary["design"] == "endogenous") & summary["estimator"].ne("")]
    made["remedy"] = cured.set_index(["hypothesis", "effect"])["bias"].reindex(made.index)
    inside = ~off(plain) & (plain["coverage"].between(*COVERAGE) | plain["coverage"].isna())
    made["inside"] = np.where(inside, "yes", "no")
    return made


LABELS = {
    "hypothesis": "Hypothesis", "effect": "Effect", "truth": "Truth", "mean": "Mean", "distance": "Distance",
    "coverage": "Coverage", "right": "Right", "wrong": "Wrong", "null": "Wrong, no effect",
    "endogenous": "Bias, endogenous", "misreported": "Bias, misreported", "leaving": "Bias, leaving",
    "remedy": "Bias, endogenous, capability fixed", "inside": "Inside", "family": "Family", "panel": "Panel",
    "replications": "Economies",
}  # fmt: skip


def write(summary: pd.DataFrame, results: Path | None = None) -> Path:
    """The chapter: words, the table of rules, the table of families."""
    study = Study(
        "recovery",
        title="Do the declared estimators recover the truth of a simulated economy?",
        question="For each hypothesis: is the estimate centred on the true effect, does the interval cover, is the "
        "verdict right, and how often is something found where there is nothing?",
        results=results,
    )
    count = int(summary.loc[summary["design"] == "plain", "replications"].max())
    study.text(
        f"Simulated data throughout: {count} economies of each design, of {SIZE.firms} firms in {SIZE.clusters} "
        f"clusters over {SIZE.years} years and {SIZE.exporters} exporters of {SIZE.products} products. The frictions "
        "are those of `Economy` (`gvc.simulate.Economy.table()`), one at a time."
    )
    for paragraph in in_words(summary):
        study.text(paragraph)
    notes = [
        "Distance: mean less truth in simulation standard errors. Right, wrong: share of verdicts, adjusted for the "
        "family; the others leave it open. Wrong, no effect: where every effect is zero. Biases are on the scale of the "
        "effect. Inside: the mean within two simulation errors, or a tenth of the estimates' deviation, of the truth, and "
        "a coverage of 93 to 97 %. Joint claims have no one effect, only verdicts."
    ]
    printed = frame_table(table(summary), labels=LABELS, notes=notes)
    study.table(
        replace(printed, simulated=True), "rules", caption="Estimates and verdicts against known effects"
    )
    families = summary[summary["design"] == "family"]
    if not families.empty:
        shown = families[["hypothesis", "effect", "wrong", "replications"]].rename(
            columns={"hypothesis": "family", "effect": "panel"}
        )
        above = shown[shown["wrong"] > LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / shown["replications"])]
        told = ", ".join(f"{each.family} of {each.panel} ({each.wrong:.1%})" for each in above.itertuples())
        study.text(
            f"With no effect anywhere, families of hypotheses find one in {shown['wrong'].min():.1%} to "
            f"{shown['wrong'].max():.1%} of the economies; the level is {LEVEL:.0%}. Beyond chance above it: "
            f"{told or 'none'}."
        )
        printed = frame_table(shown.set_index(["family", "panel"]), labels=LABELS)
        study.table(
            replace(printed, simulated=True),
            "families",
            caption="Family-wise errors where there is no effect",
        )
    return study.write()


def main() -> int:
    """Examine and write, or write the chapter from the summary that there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--show", action="store_true", help="make the chapter from recovery.csv alone")
    given = parser.parse_args()
    if not given.show:
        recover(given.replications, given.workers).to_csv(SUMMARY, index=False, float_format="%.6g")
    # Read as on every other machine, so that the chapter is the same.
    print(
        f"written  {write(pd.read_csv(SUMMARY, keep_default_na=False, na_values=['']).fillna({'estimator': ''}))}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
