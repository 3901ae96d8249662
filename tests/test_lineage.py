"""Lineage resolves to raw columns and survives copies, chains and Parquet."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError, ModelError
from gvcmetrics.lineage import raw_columns, record, with_measures
from gvcmetrics.models import ols
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project


@pytest.fixture
def firms() -> pd.DataFrame:
    return pd.DataFrame({"sales": [4.0, 9.0], "staff": [2.0, 3.0], "wages": [1.0, 2.0]})


def test_sources_are_resolved_through_constructed_columns(firms):
    record(firms, "productivity", "sales", "staff")
    record(firms, "gap", "productivity", "wages")
    assert firms.attrs["lineage"] == {"productivity": ["sales", "staff"], "gap": ["sales", "staff", "wages"]}


def test_hand_written_chain_and_cycle_are_followed_to_the_end(firms):
    firms.attrs["lineage"] = {"a": ["b"], "b": ["c", "sales"], "c": ["c", "a"]}
    assert raw_columns(firms, "a") == ["c", "sales"]


def test_column_rebuilt_from_itself_stays_its_own_source(firms):
    record(firms, "sales", "sales", "wages")
    assert record(firms, "ratio", "sales").attrs["lineage"]["ratio"] == ["sales", "wages"]


def test_like_reads_the_record_of_another_frame_and_leaves_it_alone(firms):
    record(firms, "productivity", "sales", "staff")
    record(firms, "unrelated", "wages")
    means = pd.DataFrame({"productivity": [2.5], "mean": [2.5]})
    record(means, "mean", "productivity", like=firms)
    assert means.attrs["lineage"] == {"productivity": ["sales", "staff"], "mean": ["sales", "staff"]}
    assert set(firms.attrs["lineage"]) == {"productivity", "unrelated"}


def test_a_copy_does_not_share_its_record(firms):
    record(firms, "a", "sales")
    copy = firms.assign(b=1.0)
    record(copy, "b", "a")
    assert firms.attrs["lineage"] == {"a": ["sales"]}
    assert copy.attrs["lineage"]["b"] == ["sales"]


def test_series_carry_a_record(firms):
    series = record(firms["sales"].rename("size"), "size", "sales")
    assert raw_columns(series, "size") == ["sales"]


def test_record_survives_parquet(firms, tmp_path):
    record(firms, "productivity", "sales", "staff").to_parquet(tmp_path / "firms.parquet")
    read = pd.read_parquet(tmp_path / "firms.parquet")
    assert read.attrs["lineage"] == {"productivity": ["sales", "staff"]}


def test_a_series_leaves_its_record_with_the_frame_it_is_assigned_to(firms):
    firms["productivity"] = record(
        (firms["sales"] / firms["staff"]).rename("productivity"), "productivity", "sales", "staff", like=firms
    )
    assert raw_columns(firms, "productivity") == ["sales", "staff"]
    # A column of that name which somebody else made keeps its own record.
    record(firms["wages"].rename("sales"), "sales", "wages", like=firms)
    assert raw_columns(firms, "sales") == ["sales"]


def test_measures_are_put_beside_a_panel_with_both_records(firms):
    firms.attrs = {"lineage": {"sales": ["census.s"]}, "labels": {"sales": "Sales"}}
    ratio = record(firms["sales"].div(firms["staff"]).rename("ratio"), "ratio", "sales", "staff", like=firms)
    types = record(pd.DataFrame({"type": ["a", "b"]}), "type", "wages", like=firms)
    panel = with_measures(firms, ratio, types)
    assert list(panel.columns) == ["sales", "staff", "wages", "ratio", "type"]
    assert panel["ratio"].tolist() == [2.0, 3.0]
    assert raw_columns(panel, "ratio", "type") == ["census.s", "staff", "wages"]
    assert panel.attrs["labels"] == {"sales": "Sales"}
    assert list(firms.columns) == ["sales", "staff", "wages"]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (pd.Series([1.0], name="x"), "1 rows that are not the 2 of the panel"),
        (pd.Series([1.0, 2.0]), "no name"),
        (pd.Series([1.0, 2.0], name="sales"), "has this column already"),
    ],
)
def test_measures_of_other_rows_or_names_are_refused(firms, made, message):
    with pytest.raises(DataError, match=message):
        with_measures(firms, made)


def test_a_panel_says_what_its_columns_are_made_from(tmp_path):
    """From a raw file over a panel and two measures to the refusal of a model."""
    folder = tmp_path / "data"
    (folder / "panels").mkdir(parents=True)
    (folder / "raw").mkdir()
    rng = np.random.default_rng(0)
    raw = pd.DataFrame({"id": range(40), "t": 2000, "reg": ["a", "b"] * 20, "isic": ["10", "11"] * 20})
    raw = raw.assign(
        d2=rng.uniform(1, 9, 40), l1=rng.integers(1, 99, 40), w=rng.uniform(1, 2, 40), h1=[0, 1] * 20
    )
    raw.to_csv(folder / "raw" / "firms.csv", index=False)
    (folder / "panels" / "firms.yaml").write_text(
        "title: T\ncontract: firm\nlicence: none (simulated)\ncitation: none\nsource: {file: raw/firms.csv}\n"
        "columns:\n  country: {constant: ECU}\n  firm_id: {from: id}\n  year: {from: t}\n"
        "  region: {from: reg}\n  industry: {from: isic}\n  sales_usd: {from: d2}\n  employment: {from: l1}\n"
        "  weight: {from: w}\n  upgrade_product: {from: h1}\nmoney: {currency: USD}\n"
    )
    project = Project(folder)
    build_panel(project.spec_file("firms"), project)
    panel_frame = panel("firms", project=project)
    source = panel_frame.attrs["provenance"]["source"]
    assert panel_frame.attrs["lineage"]["employment"] == [f"{source}.l1"]
    assert panel_frame.attrs["lineage"]["country"] == []
    assert not set(raw_columns(panel_frame, *panel_frame.columns)) & set(panel_frame.columns)

    panel_frame["labour_productivity"] = measures.labour_productivity(panel_frame, output="sales_usd")
    clusters = measures.location_quotient(panel_frame)
    assert clusters.attrs["lineage"]["location_quotient"] == [f"{source}.l1", f"{source}.w"]
    joined = measures.join_cluster_panel(
        panel_frame, clusters, on=["country", "year", "region", "industry"], columns=["location_quotient"]
    )
    joined.to_parquet(tmp_path / "joined.parquet")
    joined = pd.read_parquet(tmp_path / "joined.parquet")
    assert raw_columns(joined, "labour_productivity") == [f"{source}.d2", f"{source}.l1"]

    with pytest.raises(ModelError, match=f"'employment' and outcome 'labour_productivity' .* '{source}.l1'"):
        ols("log(labour_productivity) ~ log(employment)", joined)
    assert ols("log(labour_productivity) ~ upgrade_product", joined, weights="weight").nobs == 40
    joined.attrs["lineage"].pop("employment")
    assert ols("log(labour_productivity) ~ log(employment)", joined).nobs == 40
