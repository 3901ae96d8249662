"""Made-up files in the true layouts of surveys, for the tests of drafts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

YES_NO = {1: "Yes", 2: "No", -9: "Don't know (spontaneous)"}
# Names and the sense of the labels as in the standard questionnaire of the World Bank Enterprise Surveys.
WBES_LABELS = {
    "idstd": "Unique firm identifier",
    "a2": "Sampling region",
    "a4a": "Sampling sector",
    "a6a": "Sampling size",
    "strata": "Stratum",
    "wmedian": "Sampling weight, median eligibility",
    "b2b": "Per cent owned by private foreign individuals or companies",
    "b5": "In what year did this establishment begin operations?",
    "b7": "Years of experience of the top manager in this sector",
    "b8": "Has an internationally recognized quality certification",
    "c22b": "Has its own website",
    "d2": "In the last fiscal year, what were this establishment's total annual sales?",
    "d3b": "Per cent of sales: indirect exports",
    "d3c": "Per cent of sales: direct exports",
    "d12b": "Per cent of material inputs or supplies of foreign origin",
    "e6": "Uses technology licensed from a foreign-owned company",
    "h1": "In last 3 years, were new or improved products or services introduced?",
    "h5": "In last 3 years, was any new or improved process introduced?",
    "h8": "Spent on research and development",
    "l1": "Num. permanent, full-time employees at end of last fiscal year",
    "n2a": "Total annual cost of labor (incl. wages, salaries, bonuses)",
    "n2e": "Cost of raw materials and intermediate goods",
    "n7a": "Hypothetically, cost of replacing machinery, vehicles, equipment",
}
# What the contract has of the file, by panel column.
WBES_COLUMNS = {
    "firm_id": "idstd",
    "region": "a2",
    "weight": "wmedian",
    "stratum": "strata",
    "employment": "l1",
    "sales_usd": "d2",
    "capital_usd": "n7a",
    "materials_usd": "n2e",
    "wages_usd": "n2a",
    "export_share": "d3c",
    "indirect_export_share": "d3b",
    "import_input_share": "d12b",
    "foreign_share": "b2b",
    "certified": "b8",
    "licensed_technology": "e6",
    "upgrade_product": "h1",
    "upgrade_process": "h5",
}


def wbes_frame(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    sales = np.round(np.exp(rng.normal(13, 1.5, rows)))
    answer = {name: rng.choice([1, 2], rows) for name in ("b8", "c22b", "e6", "h1", "h5", "h8")}
    per_cent = {name: rng.choice([0, 0, 10, 25, 40, 100], rows) for name in ("b2b", "d3c", "d12b")}
    frame = pd.DataFrame(
        {
            "idstd": np.arange(700001, 700001 + rows),
            "a2": rng.choice([1, 2, 3], rows),
            "a4a": rng.choice([15, 17, 18, 52], rows),
            "a6a": rng.choice([1, 2, 3], rows),
            "strata": rng.choice([11, 12, 21, 22], rows),
            "wmedian": np.round(rng.uniform(1, 60, rows), 4),
            "b5": rng.integers(1950, 2015, rows),
            "b7": rng.integers(1, 45, rows),
            "d2": sales,
            "d3b": rng.choice([0, 0, 5, 20], rows),
            "l1": rng.integers(5, 900, rows),
            "n2a": np.round(sales * 0.2),
            "n2e": np.round(sales * 0.4),
            "n7a": np.round(sales * 0.7),
            **answer,
            **per_cent,
        }
    )[list(WBES_LABELS)].astype(float)
    frame.loc[[3, 17], "d2"] = -9
    frame.loc[[5], "h1"] = -9
    frame.loc[[9], "n7a"] = -8
    return frame


def write_wbes(path: Path, rename: dict[str, str] | None = None) -> Path:
    """An Enterprise Survey as a Stata file; with `rename`, under names that no preset knows."""
    names = rename or {}
    values = dict.fromkeys(("c22b", "e6", "h1", "h5", "h8"), YES_NO)
    values["b8"] = {1: "Yes", 2: "No", 3: "Still in process"}
    values["a2"] = {1: "North", 2: "Centre", 3: "South"}
    values["a4a"] = {15: "Food", 17: "Textiles", 18: "Garments", 52: "Retail"}
    values["a6a"] = {1: "Small", 2: "Medium", 3: "Large"}
    pyreadstat.write_dta(
        wbes_frame().rename(columns=names),
        str(path),
        column_labels={names.get(key, key): label for key, label in WBES_LABELS.items()},
        variable_value_labels={names.get(key, key): labels for key, labels in values.items()},
    )
    return path
