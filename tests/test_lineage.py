"""Lineage resolves to raw columns and survives copies, chains and Parquet."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError, EstimationWarning, ModelError
from gvcmetrics.lineage import raw_columns, record, with_lineage, with_measures
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


@pytest.fixture
def workers() -> pd.DataFrame:
    """Firms whose measure, workers per firm and sales, is assigned as one writes it."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"firm_id": range(900), "employment": rng.integers(1, 500, 900).astype(float)})
    frame = frame.assign(sales_usd=rng.lognormal(8, 1, 900), certified=[0.0, 1.0] * 450)
    frame["labour_productivity"] = measures.labour_productivity(frame, output="sales_usd")
    return frame


@pytest.mark.parametrize(
    "derived",
    [
        lambda f: f,
        lambda f: f[f["certified"] == 1],
        lambda f: f.sample(frac=0.05, random_state=0).reset_index(drop=True),
        lambda f: f.merge(pd.DataFrame({"firm_id": range(900), "z": 1.0}), on="firm_id"),
        lambda f: pd.concat([f.iloc[:400], f.iloc[400:]], ignore_index=True),
        lambda f: f.assign(labour_productivity=f["labour_productivity"].clip(upper=200).fillna(0)),
        lambda f: f.set_index("firm_id").sort_values("sales_usd"),
        lambda f: f.assign(employment=f["employment"].mask(f.index % 7 == 0)),
    ],
)
def test_a_model_knows_an_assigned_measure_in_whatever_is_made_of_the_frame(workers, derived):
    frame = derived(workers)
    with pytest.raises(ModelError, match=r"'employment' and outcome 'labour_productivity' .*rename 'labour"):
        ols("log(labour_productivity + 1) ~ log(employment)", frame)
    assert ols("log(labour_productivity + 1) ~ certified", frame).nobs > 0
    renamed = frame.rename(columns={"labour_productivity": "mine"})
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        assert ols("log(mine + 1) ~ log(employment)", renamed).nobs > 0


def test_a_measure_under_another_name_is_told_and_the_helper_carries_it(workers):
    """A merge drops the attrs of both sides; what the helper names stands in attrs and follows pandas."""
    made = measures.labour_productivity(workers, output="sales_usd")
    own = workers.drop(columns="labour_productivity").assign(output_per_head=made)
    merged = own.merge(pd.DataFrame({"firm_id": range(900), "z": 1.0}), on="firm_id")
    for frame in (own, merged):
        with pytest.warns(EstimationWarning, match=r"'output_per_head' holds the measure 'labour_prod"):
            assert raw_columns(frame, "output_per_head") == ["output_per_head"]
    carried = with_measures(own.drop(columns="output_per_head"), output_per_head=made)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert raw_columns(carried.sort_values("sales_usd"), "output_per_head") == ["employment", "sales_usd"]
        assert raw_columns(workers, "certified", "sales_usd") == ["certified", "sales_usd"]


def test_a_column_of_ones_own_is_not_taken_for_a_measure_of_its_name(workers):
    own = workers.assign(labour_productivity=np.random.default_rng(6).lognormal(size=900))
    assert raw_columns(own, "labour_productivity") == ["labour_productivity"]
    assert ols("log(labour_productivity) ~ log(employment)", own).nobs == 900
    twice = workers.assign(labour_productivity=2 * workers["labour_productivity"])
    assert raw_columns(twice, "labour_productivity") == ["labour_productivity"]


def test_large_measures_are_sketched_and_small_columns_of_their_name_are_not_theirs():
    rng = np.random.default_rng(8)
    flows = pd.DataFrame({"value_usd": rng.lognormal(size=300_000), "quantity": rng.lognormal(size=300_000)})
    flows["unit_value_usd"] = measures.unit_value(flows)
    assert raw_columns(flows.sample(200, random_state=0), "unit_value_usd") == ["quantity", "value_usd"]
    own = pd.DataFrame({"unit_value_usd": [1.0, 2.0, 3.0]})
    assert raw_columns(own, "unit_value_usd") == ["unit_value_usd"]


def test_an_assigned_measure_is_known_to_measures_made_of_it(workers):
    assert "lineage" not in workers.attrs
    capped = measures.winsorise(workers, ["labour_productivity"])
    assert capped.attrs["lineage"]["labour_productivity"] == ["employment", "sales_usd"]
    joined = with_measures(workers, output_per_worker=workers["labour_productivity"])
    assert raw_columns(joined, "output_per_worker") == ["employment", "sales_usd"]
    made = measures.labour_productivity(workers, output="sales_usd")
    named = with_measures(workers.drop(columns="labour_productivity"), output_per_worker=made)
    assert named.attrs["lineage"] == {"output_per_worker": ["employment", "sales_usd"]}
    with pytest.raises(ModelError, match="'employment' and outcome 'output_per_worker'"):
        ols("log(output_per_worker) ~ log(employment)", named)


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


def test_a_measure_of_as_many_rows_in_another_order_is_refused() -> None:
    firms = pd.DataFrame({"sales_usd": [4.0, 9.0, 1.0]}, index=["a", "b", "c"])
    twice = record((2 * firms["sales_usd"]).rename("twice"), "twice", "sales_usd", like=firms)
    assert with_measures(firms, twice)["twice"].tolist() == [8.0, 18.0, 2.0]
    for other in (twice.iloc[[1, 0, 2]], twice.to_frame().iloc[::-1], twice.set_axis(["a", "b", "d"])):
        with pytest.raises(DataError, match="3 rows that are not the 3 of the panel"):
            with_measures(firms, other)


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


def small_table(name="input_output", year=2000):
    Z, Y = np.array([[2.0, 1.0], [3.0, 1.0]]), np.array([[5.0, 2.0], [1.0, 5.0]])
    return replace(measures.from_arrays(Z, Y, countries=["A", "B"], industries=["i"], year=year), name=name)


@pytest.mark.parametrize(
    "measure",
    [
        measures.gross_exports,
        measures.hummels_ishii_yi,
        measures.koopman_wang_wei,
        measures.wang_wei_zhu,
        measures.borin_mancini_source,
        measures.borin_mancini_sink,
        measures.oecd_content,
        measures.domestic_value_added_in_exports,
        measures.value_added_in_exports,
        measures.value_added_in_final_use,
        measures.gvc_participation,
        measures.participation_koopman,
        measures.positions,
        measures.country_position,
        measures.production_length,
        measures.smile_curve,
        lambda table: measures.standard_parts(measures.borin_mancini_source(table)),
        lambda table: measures.by_year([table, replace(table, year=2001)], measures.upstreamness),
    ],
)
def test_every_column_of_an_input_output_measure_names_the_table(measure):
    frame = measure(small_table("wiod"))
    assert frame.attrs["lineage"] == {name: ["wiod.value"] for name in frame.columns}


def test_functional_specialisation_names_the_table_and_the_income():
    labour = pd.DataFrame({"design": [0.5, 1.0]}, pd.MultiIndex.from_product([["A", "B"], ["i"]]))
    income = measures.income_in_exports(small_table(), labour)
    assert raw_columns(income, "income") == ["design", "input_output.value"]
    assert raw_columns(measures.functional_specialisation(income), "functional_specialisation") == [
        "design",
        "input_output.value",
    ]


def test_spells_classes_and_tables_record_all_their_columns():
    trade = pd.DataFrame({"exporter": "A", "importer": "B", "product": "1", "year": [1, 2, 4]})
    spells = measures.trade_spells(trade.assign(value_usd=1.0))
    keys = {"exporter", "importer", "product"}
    assert spells.attrs["lineage"] == {name: ["value_usd"] for name in set(spells) - keys}
    items = pd.DataFrame({name: [0, 1] * 20 for name in "abc"})
    classes = measures.latent_classes(items, list("abc"), 2, starts=2)
    assert raw_columns(classes.most_likely(), "class") == ["a", "b", "c"]
    firms = pd.DataFrame({"region": list("rs"), "industry": ["10", "11"], "employment": [1.0, 2.0]})
    table = measures.region_industry_table(firms.assign(weight=[1.0, 3.0]))
    assert set(table.attrs["lineage"]) == set(table.columns) - {"region", "industry"}
    assert (table.attrs["lineage"]["n_firms"], table.attrs["lineage"]["n_rows"]) == (["weight"], [])


def test_what_a_model_lets_pass():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"id": np.repeat(range(20), 3), "year": [1, 2, 3] * 20, "w": rng.uniform(1, 2, 60)})
    data = data.assign(y=rng.normal(size=60), x=rng.normal(size=60), z=rng.normal(size=60))
    data.attrs["lineage"] = {
        "y": ["s.a", "s.w", "s.t"],
        "x": ["mid", "s.t"],
        "mid": ["s.w"],
        "z": ["mid", "s.a"],
    }
    data.attrs["lineage"] |= {"w": ["s.w"], "year": ["s.t"]}
    with pytest.raises(ModelError, match=r"'x' and outcome 'y' .* 's\.t'"):
        ols("y ~ x", data, weights="w")
    assert ols("y ~ x", data, weights="w", unit="id", time="year").nobs == 60
    with pytest.raises(ModelError, match=r"'z' and outcome 'y' .* 's.a'.*pop\('z'\)"):
        ols("y ~ z", data, weights="w", unit="id", time="year")
    assert ols("y ~ L(z) + F(z)", data, unit="id", time="year").nobs == 20
    with pytest.raises(ModelError, match="'z' and outcome 'y'"):
        ols("y ~ D(z)", data, unit="id", time="year")
    # The same column on both sides is refused if it has a record, and is the user's own business if not.
    with pytest.raises(ModelError, match="regressor 'z' and outcome"):
        ols("I(y / z) ~ z", data)
    data.attrs["lineage"] = {"y": ["s.a"]}
    assert ols("I(y / z) ~ z", data).nobs == 60


def test_lineage_and_sources_come_back_after_merging_and_renaming(firms):
    record(firms, "productivity", "sales", "staff")
    firms.attrs["lineage"]["staff"] = ["w.l1"]
    firms.attrs["provenance"] = {"title": "Firms"}
    firms["id"] = [1, 2]
    regions = pd.DataFrame({"id": [1, 2], "density": [0.1, 0.2], "staff": [5.0, 6.0]})
    regions.attrs = {"provenance": {"title": "Regions"}, "lineage": {"density": ["r.d"], "staff": ["r.s"]}}
    merged = firms.rename(columns={"wages": "pay"}).merge(regions, on="id").assign(own=1.0)
    assert not merged.attrs
    before = merged.attrs.copy()
    names = {"staff_x": "staff", "staff_y": "staff", "pay": "wages"}
    got = with_lineage(merged, firms, regions, renamed=names)
    assert merged.attrs == before
    record_of = got.attrs["lineage"]
    assert record_of["density"] == ["r.d"]
    assert "own" not in record_of
    # Which of two namesakes a suffix means is not known: both are behind it.
    assert record_of["staff_x"] == record_of["staff_y"] == ["r.s", "w.l1"]
    assert got.attrs["provenance"] == [{"title": "Firms"}, {"title": "Regions"}]
    one = with_lineage(firms.rename(columns={"staff": "jobs"}), firms, renamed={"jobs": "staff"})
    assert raw_columns(one, "jobs") == ["w.l1"]
    assert one.attrs["provenance"] == {"title": "Firms"}
    for wrong, said in (
        ({"jobs": "staff"}, "'jobs' is not in the frame"),
        ({"pay": "x"}, "no parent has 'x'"),
    ):
        with pytest.raises(DataError, match=said):
            with_lineage(merged, firms, renamed=wrong)


def test_a_model_refuses_after_a_merge_what_it_refused_before(workers):
    """Output per worker on workers is arithmetic, whatever was merged in between."""
    merged = workers.merge(pd.DataFrame({"firm_id": range(900)}), on="firm_id")
    merged = merged.rename(columns={"employment": "jobs", "labour_productivity": "lp"})
    names = {"jobs": "employment", "lp": "labour_productivity"}
    with pytest.raises(ModelError, match="employment"):
        ols("lp ~ jobs", with_lineage(merged, workers, renamed=names))
