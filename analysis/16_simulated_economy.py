"""Study 16. What a full survey would give: every table and figure of the field on a simulated economy.

No survey that asks for buyers, governance, knowledge and upgrading at once is open. This study makes one up: an
economy of known effects (`gvc.simulate.economy`) is written as the raw files of an enterprise survey, an
innovation survey, customs and regional statistics, and walks the road of any other data. All of it is marked as
simulated; nothing here says anything about a country.
"""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import gvcmetrics as gvc
from gvcmetrics import measures
from gvcmetrics.claims.examine import examine_claim, row
from gvcmetrics.claims.reader import read_claims
from gvcmetrics.claims.run import COLUMNS
from gvcmetrics.claims.verdict import judged
from gvcmetrics.errors import EstimationWarning
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.report import Study, coefficient_plot, new_figure, scatter_plot
from gvcmetrics.report.portraits import firm as portrait
from gvcmetrics.report.portraits import trade as trade_portrait
from gvcmetrics.simulate import Economy

ECONOMY = Economy(firms=400, clusters=40, years=5, shock_year=2, exporters=16, products=10, census=3.0)
SEED = 2001
WANTED = tuple(f"H{number}" for number in range(1, 23))
KINDS = ("upgrade_product", "upgrade_process", "upgrade_functional", "upgrade_chain")
CONTROLS = "log_employment + foreign_owned + exporting"
ERRORS = {"CRV1": "cluster_id"}
# A sectoral pattern has some ten clusters.
FEW = {"CRV3": "cluster_id"}
DRIVERS = ("buyer_knowledge", "delivery_risk", "product_differentiation", "standards_bind", "new_supplier")
GRID = tuple(np.round(np.arange(0.1, 1.0, 0.2), 2))
MODES = {
    "arms_length": "Arm's length", "network": "Network", "quasi_hierarchical": "Quasi-hierarchical",
    "hierarchical": "Hierarchical",
}  # fmt: skip
LABELS = {
    "quasi_hierarchical": "Quasi-hierarchical tie", "log_employment": "Log employment",
    "foreign_owned": "Foreign owners", "exporting": "Exports", "buyer_hhi": "Buyer HHI",
    "diversification": "Diversification", "single_knowledge_source": "One source of knowledge",
    "cluster_top_buyer_share": "First buyer's share of the cluster", "log_capital": "Log capital",
    "certified_before": "Certified before", "input_tariff": "Input tariff", "log_days": "Log days at the border",
    "linkage": "Mode of linkage", "location_quotient": "Location quotient", "participation_before": "Participation before",
    "position_before": "Position before", "governance": "Governance", "firm_id": "Firm", "year": "Year",
    "unit": "Exporter × product", "cluster_id": "Cluster", "exporter": "Exporter", "upgrade_product": "Product",
    "upgrade_process": "Process", "upgrade_functional": "Functional", "upgrade_chain": "Chain", "own_rd": "Own R&D",
    "at_risk": "At risk", "events": "Ends", "survival": "Share", "std_error": "Standard error", "country": "Left out",
    "without": "Estimate without it", "moved": "Moved, standard errors",
}  # fmt: skip


def run() -> None:
    """Make the economy, build its panels, and show what a survey of it shows."""
    study = Study(
        "16_simulated_economy",
        title="A simulated economy: what a full survey would give",
        question="What would the field's tables and figures be, if a survey asked all that they need?",
    )
    with tempfile.TemporaryDirectory() as folder:
        panels = built(Path(folder))
    firms, clusters, trade = (panels[name] for name in ("firms", "clusters", "trade"))
    told = [frame.attrs["provenance"] for frame in panels.values()]
    study.source(told)
    study.sample(
        "Simulated firm-years",
        len(firms),
        firms=firms["firm_id"].nunique(),
        clusters=firms["cluster_id"].nunique(),
    )
    study.text(
        f"""
        **Simulated data: no firm, cluster or customs record here exists.** {ECONOMY.firms} firms in {ECONOMY.clusters}
        clusters are followed over {ECONOMY.years} years. The effects that the field claims are there by construction, at
        sizes that are assumed, among them that buyers tie the less capable firms, that some answers are wrong and that
        firms leave. Whether the declared estimators recover the effects is shown in the chapter on recovery.
        """
    )
    firms = prepared(firms)
    _descriptives(study, told, panels, firms)
    effects = _firm_models(study, told, firms)
    _other_models(study, told, firms, clusters, trade)
    scores = scorecard(firms, clusters, trade)
    _scores(study, told, scores)
    _robustness(study, told, firms)
    _figures(study, firms, clusters, trade, effects)
    study.write()


def built(folder: Path) -> dict[str, pd.DataFrame]:
    """The economy's raw files written, and their panels built from the specs."""
    project = Project(folder / "data")
    specs = gvc.simulate.economy(ECONOMY, seed=SEED).write(project.data)
    for spec in specs:
        build_panel(spec, project)
    return {spec.stem.removeprefix("simulated_"): gvc.panel(spec.stem, project=project) for spec in specs}


def prepared(firms: pd.DataFrame) -> pd.DataFrame:
    """The constructs that the models below share."""
    made = firms.sort_values(["firm_id", "year"], ignore_index=True)
    made["governance"] = measures.classify_governance(made)["governance"].astype(object)
    made["governance"] = made["governance"].where(made["governance"] != "unclassified")
    known = made["governance"].notna()
    made["quasi_hierarchical"] = (made["governance"] == "quasi_hierarchical").astype(float).where(known)
    made["log_employment"] = np.log(made["employment"])
    made["foreign_owned"] = (made["foreign_share"] > 0).astype(float).where(made["foreign_share"].notna())
    made["exporting"] = (made["export_share"] > 0).astype(float).where(made["export_share"].notna())
    made["own_rd"] = (made["rd_usd"] > 0).astype(float).where(made["rd_usd"].notna())
    chain = made["exporting"] * (made["import_input_share"] > 0).where(made["import_input_share"].notna())
    made["in_chain"] = chain
    grouped = made.groupby("firm_id")
    made["enters_chain"] = chain.where(grouped["in_chain"].shift() == 0)
    made["certified_before"] = grouped["certified"].shift()
    made["pattern"] = measures.sectoral_pattern(made)
    made["functional_breadth"] = measures.functional_breadth(
        made, ["own_design", "own_marketing", "own_brand"]
    )
    actions = ["cooperates_suppliers", "cooperates_buyers", "cooperates_rivals", "member_association"]
    made["joint_action"] = made[actions].mean(axis=1, skipna=False)
    made["log_value_added"] = np.log(made["value_added_usd"])
    made["log_capital"] = np.log(made["capital_usd"])
    return made


def shown(study: Study, told: list[Any], made: Any, name: str, caption: str, **options: Any) -> None:
    """A table marked as simulated."""
    printed = gvc.table(made, labels=LABELS, provenance=told, **options)
    study.table(replace(printed, simulated=True), name, caption=caption)


def _descriptives(
    study: Study, told: list[Any], panels: dict[str, pd.DataFrame], firms: pd.DataFrame
) -> None:
    rows = {
        f"Simulated {name}": {
            "Rows": len(frame), "Columns": frame.shape[1], "First year": frame["year"].min(),
            "Last year": frame["year"].max(),
            "Countries": frame["exporter" if "exporter" in frame else "country"].nunique(),
        }
        for name, frame in panels.items()
    }  # fmt: skip
    shown(
        study,
        told,
        pd.DataFrame(rows).T.astype(int).rename_axis("Panel"),
        "t1_coverage",
        "T1. Sources and coverage",
    )
    columns = panels["firms"].attrs["provenance"]["columns"]
    words = [
        {
            "Column": name,
            "Label": each["label"],
            "Unit": each["unit"],
            "Raw variables": ", ".join(each["raw"]),
        }
        for name, each in columns.items()
    ]
    shown(
        study,
        told,
        pd.DataFrame(words).set_index("Column"),
        "t2_variables",
        "T2. Variables of the survey and what they are made from",
    )
    described = portrait.by_governance(firms)
    assert isinstance(described, pd.DataFrame)
    shown(study, told, described, "t3_by_governance", "T3. Firms and their upgrading by governance", digits=2)
    places = firms.groupby("country")[[*KINDS, "joint_action", "lock_in", "cluster_top_buyer_share"]].mean()
    shown(
        study,
        told,
        places.rename_axis("Country"),
        "t3_by_country",
        "T3. Clusters by country: means of firm-years",
        digits=2,
    )
    chosen = ["quasi_hierarchical", *KINDS, "lock_in", "buyer_hhi", "diversification", "log_employment"]
    correlations = firms[chosen].corr().rename(columns=LABELS)
    shown(study, told, correlations.rename_axis(""), "t4_correlations", "T4. Correlations", digits=2)
    modes = firms["governance"].map(MODES)
    before = modes.groupby(firms["firm_id"]).shift()
    moves = pd.crosstab(before.rename("Before"), modes.rename("Now"), normalize="index")
    shown(
        study, told, moves, "t4_transitions", "T4. Governance from year to year: shares of each row", digits=2
    )


def _firm_models(study: Study, told: list[Any], firms: pd.DataFrame) -> Any:
    mode = gvc.multinomial_logit(
        f"governance ~ {' + '.join(DRIVERS)} + log_employment + C(year)", firms, vcov=ERRORS
    ).margins([*DRIVERS], outcomes=["quasi_hierarchical", "network"])
    shown(
        study,
        told,
        mode,
        "t5_governance",
        "T5. What goes with governance: average effects on its probability",
    )
    kinds = list(KINDS[:3])
    joint = gvc.joint_probit(
        f"{' + '.join(kinds)} ~ quasi_hierarchical + {CONTROLS} + C(year)", firms, vcov=ERRORS
    )
    effects = joint.margins(
        ["quasi_hierarchical", "log_employment", "foreign_owned", "exporting"], outcomes=kinds
    )
    shown(
        study,
        told,
        effects,
        "t6_upgrading",
        "T6. Joint upgrading: average effects on the probability of each kind",
    )
    names = [name for name in joint.params.index if name.startswith("rho(")]
    errors = pd.DataFrame({"Correlation": joint.params[names], "Standard error": joint.std_errors[names]})
    shown(
        study,
        told,
        errors.rename_axis("Errors of"),
        "t6_correlations",
        "T6. Correlations of the errors of the kinds of upgrading",
    )
    locked = [
        gvc.ols(f"lock_in ~ {regressors} | firm_id + year", firms, vcov=ERRORS)
        for regressors in (
            "buyer_hhi",
            "diversification",
            "single_knowledge_source",
            "buyer_hhi + diversification + single_knowledge_source",
        )
    ]
    locked.append(gvc.ols("functional_breadth ~ buyer_hhi | firm_id + year", firms, vcov=ERRORS))
    shown(study, told, locked, "t7_lock_in", "T7. Lock-in and functional breadth, within firms")
    action = {
        str(name): gvc.ols(f"joint_action ~ cluster_top_buyer_share + {CONTROLS} + C(year)", rows, vcov=FEW)
        for name, rows in firms.groupby("pattern")
    }
    shown(study, told, list(action.values()), "t8_collective_efficiency", "T8. Joint action and the first buyer, by sectoral pattern",
          headers=[name.replace("_", " ").capitalize() for name in action], keep=["cluster_top_buyer_share"])  # fmt: skip
    output = [
        gvc.ols(
            "log_value_added ~ log_employment + log_capital + C(governance) + C(year)", firms, vcov=ERRORS
        ),
        gvc.ols(
            "log_value_added ~ log_employment + log_capital + C(governance) | firm_id + year",
            firms,
            vcov=ERRORS,
        ),
    ]
    shown(
        study,
        told,
        output,
        "t9_productivity",
        "T9. Value added, inputs and governance: pooled and within firms",
        drop=["C(year)"],
    )
    entry = [
        gvc.probit(f"enters_chain ~ {right} + C(year)", firms, vcov=ERRORS)
        for right in ("certified_before + foreign_owned", "certified_before * log_employment + foreign_owned")
    ]
    shown(
        study,
        told,
        entry,
        "t10_entry",
        "T10. Entry into value chains and certificates, probit",
        drop=["C(year)"],
    )
    return effects


def _other_models(
    study: Study, told: list[Any], firms: pd.DataFrame, clusters: pd.DataFrame, trade: pd.DataFrame
) -> None:
    goods = trade.assign(log_days=np.log(trade["border_days"]), unit=trade["exporter"] + trade["product"])
    quality = [
        gvc.ols(f"quality ~ {right} | unit + year", goods, vcov={"CRV3": "exporter"})
        for right in ("input_tariff", "log_days", "input_tariff + log_days")
    ]
    shown(study, told, quality, "t11_quality", "T11. Export quality, duties on inputs and days at the border")
    last = firms.dropna(subset=["backshored"])
    share = last["backshored"].mean()
    shown(
        study, told, pd.DataFrame({"Firms": [len(last)], "Brought back": [int(last["backshored"].sum())], "Share": [share]},
                            index=pd.Index(["Simulated firms"], name="")),
        "t12_backshoring", "T12. Production brought back",
    )  # fmt: skip
    shown(
        study,
        told,
        survival(firms)[["at_risk", "events", "survival", "std_error"]],
        "t12_spells",
        "T12. Spells of exporting that begin in the panel: share still exporting",
        digits=3,
    )
    whole = clusters.dropna(subset=["resilience"])
    resilience = [
        gvc.ols(f"resilience ~ {right}", whole, vcov="hetero")
        for right in (
            "linkage + location_quotient",
            "foreign_multinational_share + home_multinational_share + domestic_group_share",
        )
    ]
    shown(
        study,
        told,
        resilience,
        "t13_resilience",
        "T13. Resilience of clusters and the mode of external linkage",
    )
    moved = clusters.sort_values(["cluster_id", "year"])
    grouped = moved.groupby("cluster_id")
    moved["participation_before"], moved["position_before"] = (
        grouped["participation"].shift(),
        grouped["position"].shift(),
    )
    growth = gvc.ols(
        "upgrading ~ related_variety + participation_before + position_before | cluster_id + year",
        moved,
        vcov=ERRORS,
    )
    shown(
        study,
        told,
        [growth],
        "t14_growth",
        "T14. Upgrading of clusters, participation and position the year before",
    )


def scorecard(firms: pd.DataFrame, clusters: pd.DataFrame, trade: pd.DataFrame) -> pd.DataFrame:
    """H1–H22 on the simulated panels, judged by family and panel."""
    given = {
        "firm": firms.drop(columns=["governance", "functional_breadth", "joint_action"]),
        "cluster": clusters,
        "trade": trade,
    }
    rows: list[dict[str, Any]] = []
    for claim in read_claims(Path(__file__).parent / "hypotheses.yaml"):
        if claim.id not in WANTED:
            continue
        frame = given[claim.contract]
        with warnings.catch_warnings():
            # Few clusters are part of each verdict.
            warnings.simplefilter("ignore", EstimationWarning)
            matched, findings = examine_claim(claim, frame, claim.contract)
        rows += [row(claim, f"simulated {claim.contract}s", matched, finding) for finding in findings]
    return judged(pd.DataFrame(rows).reindex(columns=[name for name in COLUMNS if "verdict" not in name]))


def _scores(study: Study, told: list[Any], scores: pd.DataFrame) -> None:
    known = scores[scores["verdict"] != "not estimable"]
    table = known.set_index(["hypothesis", "rule"])[
        ["estimate", "conf_low", "conf_high", "p_adjusted", "verdict"]
    ]
    table.columns = ["Estimate", "Low", "High", "p, adjusted", "Verdict"]
    shown(study, told, table.rename_axis(["Hypothesis", "Rule"]), "t15_scorecard", "T15. Scorecard: the hypotheses on the simulated panels",
          formats={"p, adjusted": ".3f"})  # fmt: skip
    counts = known["verdict"].value_counts()
    study.text(
        f"Of {len(known)} rules that the simulated panels allow, {', '.join(f'{count} are {name}' if name != 'no clear answer' else f'{count} have no clear answer' for name, count in counts.items())}. "
        f"This says how much a survey of this size could tell, not what is true anywhere."
    )


def _robustness(study: Study, told: list[Any], firms: pd.DataFrame) -> None:
    preferred = gvc.ols(
        f"upgrade_functional ~ quasi_hierarchical + {CONTROLS} + own_rd + buyer_hhi + C(year)",
        firms,
        vcov=ERRORS,
    )
    without = gvc.leave_one_out(preferred, "quasi_hierarchical", "country")
    shown(
        study,
        told,
        without.table,
        "t16_leave_one_out",
        "T16. A quasi-hierarchical tie and functional upgrading, linear probability, a country left out at a time",
    )
    optional = [*CONTROLS.split(" + "), "own_rd", "buyer_hhi"]
    every = gvc.specification_curve(preferred, "quasi_hierarchical", controls=optional)
    study.text(f"Over what may be held fixed besides a tie: {every.said}")
    study.figure(
        every.plot(LABELS),
        "specification_curve",
        "Effect of a quasi-hierarchical tie on functional upgrading over every choice of controls (simulated data)",
    )


def survival(firms: pd.DataFrame) -> pd.DataFrame:
    """Kaplan and Meier's estimate over spells of exporting, by years since they began."""
    known = firms.dropna(subset=["exporting"])
    risk = gvc.spells(known, unit="firm_id", time="year", state="exporting")
    first = known.groupby("firm_id")["year"].min()
    begun = risk["year"] - risk["duration"] > risk["firm_id"].map(first)
    lasted = (
        risk[begun]
        .groupby(["firm_id", "spell"], as_index=False)
        .agg(duration=("duration", "max"), ended=("exit", "max"))
    )
    return measures.kaplan_meier(lasted).set_index("duration").rename_axis("Years")


def _figures(
    study: Study, firms: pd.DataFrame, clusters: pd.DataFrame, trade: pd.DataFrame, effects: Any
) -> None:
    last = clusters[clusters["year"] == clusters["year"].max()].copy()
    last["log_income"] = np.log(last["value_added_per_worker"])
    study.figure(
        scatter_plot(last, x="participation", y="position", label="cluster_id", n_labels=8,
                     x_title="Participation in value chains, score", y_title="Position, score"),
        "participation_position", "Participation and position of clusters (simulated data)",
    )  # fmt: skip
    study.figure(
        scatter_plot(last, x="position", y="log_income", label="cluster_id", n_labels=8, degree=2,
                     x_title="Position in the chain, score", y_title="Log value added per worker"),
        "smile_curve", "Value added per worker over position: a smile curve (simulated data)",
    )  # fmt: skip
    moves = trade_portrait.quadrants(trade)
    assert isinstance(moves, Figure)
    study.figure(moves, "quadrants", "Relative unit values and market shares (simulated data)")
    ties = effects.tidy()
    study.figure(
        coefficient_plot({"Joint probit": ties}, labels=LABELS, estimate_title="Average effect, 95% interval"),
        "forest", "Effects on the probability of each kind of upgrading (simulated data)",
    )  # fmt: skip
    tied = firms.assign(tie=firms["quasi_hierarchical"].map({1.0: "Quasi-hierarchical", 0.0: "Other ties"}))
    over = gvc.probit(f"upgrade_functional ~ buyer_hhi * tie + {CONTROLS} + C(year)", tied, vcov=ERRORS)
    study.figure(
        gvc.plot_margins(
            over.margins(kind="predictions", at={"buyer_hhi": list(GRID), "tie": ["Other ties", "Quasi-hierarchical"]}),
            "buyer_hhi", labels=LABELS),
        "buyer_margins", "Functional upgrading over buyer concentration, with and without a quasi-hierarchical tie (simulated data)",
    )  # fmt: skip
    tiles = portrait.places(firms)
    assert isinstance(tiles, Figure)
    study.figure(tiles, "location_quotients", "Location quotients of regions and industries (simulated data)")
    study.figure(
        event_study(trade),
        "event_study",
        "Relative unit values around the cost shock, by tacitness (simulated data)",
    )
    study.figure(
        survival_curve(survival(firms)),
        "survival",
        "Spells of exporting: share still exporting (simulated data)",
    )


def event_study(trade: pd.DataFrame) -> Figure:
    """Exposed exporters against others by years from the shock, for tacit goods and others."""
    goods = trade.assign(unit=trade["exporter"] + trade["product"])
    exposed = goods.groupby("exporter")["cost_shock"].transform("max")
    shock = int(goods.loc[goods["cost_shock"] == 1, "year"].min())
    steps = [int(step) for step in sorted(goods["year"].unique() - shock) if step != -1]
    names = {step: f"step_{step}".replace("-", "before_") for step in steps}
    for step, name in names.items():
        goods[name] = exposed * (goods["year"] == shock + step)
    tacit = goods["tacitness"] > goods["tacitness"].median()
    figure, axes = new_figure()
    for place, (word, rows) in enumerate({"Tacit goods": goods[tacit], "Other goods": goods[~tacit]}.items()):
        result = gvc.ols(
            f"relative_unit_value ~ {' + '.join(names.values())} | unit + year",
            rows,
            vcov={"CRV3": "exporter"},
        )
        low, high = result.conf_int().loc[list(names.values())].to_numpy().T
        value = result.params[list(names.values())].to_numpy()
        at = np.array(steps) + 0.12 * (place - 0.5)
        axes.errorbar(at, value, yerr=[value - low, high - value], fmt="os"[place], ms=4, lw=1, label=word)
    axes.axhline(0, lw=0.6, color="#888888")
    axes.axvline(-0.5, lw=0.6, color="#888888", ls=":")
    axes.set_xlabel("Years from the shock (the year before is the base)")
    axes.set_ylabel("Log relative unit value, 95% interval")
    axes.legend(frameon=False, fontsize=7)
    return figure


def survival_curve(table: pd.DataFrame) -> Figure:
    """Steps of the share that still exports, with 95 % intervals."""
    figure, axes = new_figure()
    years = np.r_[0, table.index.to_numpy(dtype=float)]
    axes.step(years, np.r_[1.0, table["survival"]], where="post")
    low, high = (np.r_[1.0, table[name]] for name in ("lower", "upper"))
    axes.fill_between(years, low, high, step="post", alpha=0.2, lw=0)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("Years since exports began")
    axes.set_ylabel("Share still exporting")
    return figure


if __name__ == "__main__":
    run()
