"""Input-output panels: every layout into the same matrices, checks, and the road to disk and back."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from gvcmetrics import measures
from gvcmetrics.errors import DataError, MissingSourceError, SpecError
from gvcmetrics.ground.input_output import InputOutput
from gvcmetrics.measures.input_output.close import balanced
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.input_output.store import read_labels, read_table, table_years
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show.codebook import write_codebook
from gvcmetrics.panels.show.describe import summarise_panel
from gvcmetrics.panels.store.listing import list_panels
from gvcmetrics.panels.store.read import panel
from gvcmetrics.panels.store.stored import read_provenance

MIRROR = os.environ.get("GVCMETRICS_MIRROR")
ROWS = [("DEU", "c10"), ("DEU", "c2"), ("ROM", "c10"), ("ROM", "c2"), ("RoW", "c10"), ("RoW", "c2")]
COUNTRIES = ("DEU", "ROM", "RoW")
HEAD = "title: Tables\ncontract: input_output\nlicence: none (simulated)\ncitation: none\n"


def flows(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulated whole-number Z (6 × 6), Y (6 × 6: three countries, two uses) and output; one sector idle."""
    draw = np.random.default_rng(seed)
    Z = draw.integers(0, 9, (6, 6)).astype(float)
    Y = draw.integers(10, 40, (6, 6)).astype(float)
    Y[0, 1] = -3.0  # stocks drawn down
    Z[5, :], Z[:, 5], Y[5, :] = 0, 0, 0
    return Z, Y, Z.sum(axis=1) + Y.sum(axis=1)


def flat(table: InputOutput) -> np.ndarray:
    """Final use as files have it: the uses of each country side by side."""
    return table.Y.reshape(len(table.x), -1)


def wide(seed: int = 1, **changed: object) -> pd.DataFrame:
    Z, Y, x = flows(seed)
    frame = pd.DataFrame(ROWS, columns=["country", "industry"])
    frame[[f"{country}_{industry}" for country, industry in ROWS]] = Z
    frame[[f"{country}_{use}" for country in COUNTRIES for use in ("f1", "f5")]] = Y
    return frame.assign(output=x, **changed)


def built(project: Project, spec: str) -> Project:
    (project.specs / "tables.yaml").write_text(HEAD + spec)
    build_panel(project.spec_file("tables"), project)
    return project


def wide_panel(project: Project, extra: str = "") -> Project:
    for year in (2001, 2000):
        wide(year).to_csv(project.raw / f"wiot_{year}.csv", index=False)
    return built(project, f"extends: wiod\nsource: {{files: 'raw/wiot_*.csv'}}\n{extra}")


def test_the_panel_holds_the_matrices_and_their_labels(project: Project) -> None:
    wide_panel(project)
    for year in (2000, 2001):
        Z, Y, x = flows(year)
        table = read_table("tables", year, project)
        np.testing.assert_array_equal(table.Z, Z)
        np.testing.assert_array_equal(flat(table), Y)
        np.testing.assert_array_equal(table.x, x)
    # Codes as ISO3, in the order of the source, not of the alphabet (c10 stands before c2).
    countries = {"ROM": "ROU", "RoW": "ROW"}
    named = [(countries.get(country, country), industry) for country, industry in ROWS]
    assert list(table.rows) == named
    assert (table.regions, table.uses) == (("DEU", "ROU", "ROW"), ("f1", "f5"))
    assert table.region_of_row.tolist() == [0, 0, 1, 1, 2, 2]
    assert (table.inventories, table.name) == ("f5", "tables")
    assert table_years("tables", project) == [2000, 2001]
    labels = read_labels(project.panel_file("tables"))
    assert labels.unit == "million USD"
    assert labels.inventories == "f5"
    assert labels.industries["c15"] == "Transport equipment (34, 35)"
    assert len(labels.balances) == 2
    assert "1 industries without output" in labels.balances[0]


def test_the_file_is_one_row_a_cell_that_is_not_zero(project: Project) -> None:
    wide_panel(project)
    Z, Y, _ = flows(2000)
    frame = panel("tables", where="year = 2000", project=project)
    assert len(frame) == np.count_nonzero(Z) + np.count_nonzero(Y) + len(ROWS)
    assert not frame.duplicated(["year", "country", "industry", "use_country", "use"]).any()
    cell = frame.query("country == 'DEU' and industry == 'c10' and use_country == 'DEU' and use == 'f5'")
    assert cell["value"].tolist() == [-3.0]
    assert cell["kind"].tolist() == ["final"]
    assert pq.ParquetFile(project.panel_file("tables")).metadata.num_row_groups == 2
    found = read_provenance(project.panel_file("tables"))
    assert (found.coverage.first_year, found.coverage.last_year, found.coverage.countries) == (2000, 2001, 3)
    assert found.columns["value"].unit == "million USD"
    assert list_panels(project).loc["tables", "state"] == "built"


def test_the_same_files_give_the_same_bytes_and_a_codebook(project: Project) -> None:
    path = wide_panel(project).panel_file("tables")
    first = path.read_bytes()
    wide_panel(project)
    assert path.read_bytes() == first
    assert sorted(file.name for file in project.parquet.iterdir()) == [
        ".tables.inputs.json",
        "tables.parquet",
    ]
    lines = {line.name: line for line in summarise_panel(read_provenance(path), project)}
    frame = panel("tables", project=project)
    assert lines["country"].distinct == 3
    assert lines["value"].spread.startswith("-3 … ")
    assert lines["use"].spread.split(" (")[0] == frame["use"].value_counts().sort_index().idxmax()
    assert "<code>tables</code>" in write_codebook(project).read_text()


def icio(edition: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """A simulated table in the layout of the OECD's CSV; China's production is split in CN1 and CN2."""
    draw = np.random.default_rng(edition)
    regions, industries, uses = ("AUS", "CHN", "CN1", "CN2"), ("01T02", "10T12"), ("HFCE", "INVNT")
    rows = [f"{region}_{industry}" for region in regions for industry in industries]
    final = [f"{region}_{use}" for region in ("AUS", "CHN") for use in uses]
    Z = draw.integers(1, 9, (8, 8)).astype(float)
    Y = draw.integers(20, 60, (8, 4)).astype(float)
    Z[2:4], Z[:, 2:4], Y[2:4] = 0, 0, 0  # all of China's production is in CN1 and CN2
    x = Z.sum(axis=1) + Y.sum(axis=1)
    tax = np.round(Z.sum(axis=0) * 0.1)
    frame = pd.DataFrame(np.hstack([Z, Y]), index=rows, columns=[*rows, *final])
    blank = np.zeros(4)
    if edition == 2021:
        frame.loc["AUS_TAXSUB"] = np.append(tax, blank)
        frame.loc["CHN_TAXSUB"] = 0.0
        frame.loc["VALU"] = np.append(x - Z.sum(axis=0) - tax, blank)
        frame.loc["OUTPUT"] = np.append(x, blank)
        frame["TOTAL"] = frame.sum(axis=1)
    else:
        frame.loc["TLS"] = np.append(tax, blank)
        frame.loc["VA"] = np.append(x - Z.sum(axis=0) - tax, blank * np.nan)
        frame.loc["OUT"] = np.append(x, blank * np.nan)
        frame["OUT"] = pd.Series(x, rows)
    fold = np.zeros((4, 8))
    for k, region in enumerate(regions):
        for j in range(2):
            fold[j if region == "AUS" else 2 + j, 2 * k + j] = 1
    return frame.rename_axis("V1"), fold @ Z @ fold.T, fold @ Y


@pytest.mark.parametrize(("edition", "name"), [(2021, "ICIO2021_2018.csv"), (2023, "2018_SML.csv")])
def test_oecd_icio(project: Project, edition: int, name: str) -> None:
    frame, Z, Y = icio(edition)
    frame.to_csv(project.raw / name)
    built(project, f"extends: oecd_icio\nsource: {{file: raw/{name}}}\n")
    table = read_table("tables", 2018, project)
    assert list(table.rows) == [(c, i) for c in ("AUS", "CHN") for i in ("01T02", "10T12")]
    np.testing.assert_array_equal(table.Z, Z)
    np.testing.assert_array_equal(flat(table), Y)
    np.testing.assert_array_equal(table.x, Z.sum(axis=1) + Y.sum(axis=1))
    assert (table.regions, table.uses) == (("AUS", "CHN"), ("HFCE", "INVNT"))
    assert "column sums by 0.0e+00" in read_labels(project.panel_file("tables")).balances[0]


def test_rows_of_a_country_are_put_together(project: Project) -> None:
    """A published table may run through the countries of an industry; measures need regions as blocks."""
    wide_panel(project)
    expected = read_table("tables", 2000, project)
    frame = wide(2000)
    frame.iloc[[0, 2, 4, 1, 3, 5]].to_csv(project.raw / "wiot_2000.csv", index=False)
    build_panel(project.spec_file("tables"), project)
    found = read_table("tables", 2000, project)
    assert list(found.rows) == list(expected.rows)
    for name in ("Z", "Y", "x", "exports", "B"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_final_use_of_a_country_without_industries_is_refused(project: Project) -> None:
    """It used to be added to the last column of the table."""
    wide().assign(FRA_f1=7.0, output=wide()["output"] + 7).to_csv(project.raw / "wiot_2000.csv", index=False)
    with pytest.raises(
        DataError, match=r"wiot_2000.csv: FRA has final use \(f1\) and no industry. Recode it"
    ):
        built(project, "extends: wiod\nsource: {file: raw/wiot_2000.csv}\n")


def test_the_published_table_is_the_class_that_measures_take(project: Project) -> None:
    wide_panel(project)
    table = read_table("tables", 2000, project)
    assert type(table) is measures.InputOutput
    closed = balanced(table, "row_sums", negative_value_added="keep")
    assert measures.gross_exports(closed).attrs["lineage"]["gross_exports"] == ["tables.value"]


def test_icio_output_from_its_row_where_no_column_has_it(project: Project) -> None:
    frame, Z, Y = icio(2021)
    frame.drop(columns="TOTAL").to_csv(project.raw / "ICIO2021_1999.csv")
    built(project, "extends: oecd_icio\nsource: {file: raw/ICIO2021_1999.csv}\n")
    found = read_table("tables", 1999, project).x
    np.testing.assert_array_equal(found, Z.sum(axis=1) + Y.sum(axis=1))


def test_icio_that_does_not_add_up_by_column(project: Project) -> None:
    frame, _, _ = icio(2021)
    frame.loc["VALU", "AUS_01T02"] += 40
    frame.to_csv(project.raw / "ICIO2021_2018.csv")
    with pytest.raises(DataError, match=r"ICIO2021_2018.csv: the table does not balance: column sums miss"):
        built(project, "extends: oecd_icio\nsource: {file: raw/ICIO2021_2018.csv}\n")
    assert not project.panel_file("tables").exists()


def test_wiod_workbook(project: Project) -> None:
    pytest.importorskip("openpyxl", reason="writes the workbook")
    Z, Y, x = flows()
    rows = [(country, f"c{1 + number % 2}") for number, (country, _) in enumerate(ROWS)]
    heads = [*rows, *((country, use) for country in COUNTRIES for use in ("c37", "c41"))]
    lines: list[list[object]] = [["Intercountry Input-Output Table", *[None] * 16], [None] * 17]
    for part in (["code"] * 12, ["name"] * 12, [c for c, _ in heads], [u for _, u in heads]):
        lines.append(
            [None, None, None, None, *part, {"code": "", "name": "Total output"}.get(part[0], "TOT")]
        )
    lines[-1][-1] = "c60"
    for (country, number), values in zip(rows, np.hstack([Z, Y, x[:, None]]), strict=True):
        lines.append(["AtB", "Industry", country, f"r{number[1:]}", *values])
    lines.append(["", "Value added at basic prices", "TOT", "r64", *(x - Z.sum(axis=0)), *[0] * 6, 0])
    lines.append(["", "Output at basic prices", "TOT", "r65", *x, *[0] * 6, 0])
    path = project.raw / "wiot95_row_apr12.xlsx"
    pd.DataFrame(lines).to_excel(path, header=False, index=False)
    spec = "layout: wiod_workbook\nunit: million USD\ninventories: c41\nsource: {file: raw/%s}\n"
    with pytest.raises(DataError, match="neither a column nor the file's name says the year"):
        built(project, spec % path.name)
    path.rename(project.raw / "wiot_1995.xlsx")
    built(project, spec % "wiot_1995.xlsx")
    table = read_table("tables", 1995, project)
    np.testing.assert_array_equal(table.Z, Z)
    np.testing.assert_array_equal(flat(table), Y)
    np.testing.assert_array_equal(table.x, x)
    assert table.rows[2] == ("ROU", "c1")


def test_pymrio_system(project: Project) -> None:
    pymrio = pytest.importorskip("pymrio", reason="needs the extra `icio`")
    system = pymrio.load_test()
    system.calc_system()
    folder = project.raw / "mrio_2010"
    system.save(folder)
    regions = ", ".join(f"reg{number}: R0{number}" for number in range(1, 7))
    spec = "layout: pymrio\nunit: million EUR\nsource: {file: raw/mrio_2010/file_parameters.json}\n"
    with pytest.raises(DataError, match=r"'reg1' is no country\. Recode it under `regions`"):
        built(project, spec)
    built(project, f"{spec}regions: {{{regions}}}\ninventories: Changes in inventories\n")
    table, saved = read_table("tables", 2010, project), pymrio.load(folder)
    np.testing.assert_array_equal(table.Z, saved.Z)
    np.testing.assert_array_equal(flat(table), saved.Y)
    np.testing.assert_array_equal(table.x, saved.x["indout"])
    assert table.rows[8] == ("R02", "food")


def spoiled(change: str) -> pd.DataFrame:
    frame = wide()
    if change == "a missing cell":
        return frame.assign(DEU_c2=frame["DEU_c2"].where(frame["country"] != "ROM"))
    if change == "a text cell":
        return frame.assign(DEU_c2=frame["DEU_c2"].astype(object).where(frame.index != 3, "many"))
    if change == "an unknown country":
        return frame.replace({"DEU": "Atlantis"}).rename(columns=lambda name: name.replace("DEU", "Atlantis"))
    if change == "a lost column":
        return frame.drop(columns="ROM_c2")
    if change == "a total":
        return frame.assign(total=0.0)
    if change == "no output":
        return frame.drop(columns="output")
    if change == "imbalance":
        return frame.assign(output=frame["output"] + np.where(frame.index == 2, 50, 0))
    return frame.assign(**dict.fromkeys(frame.columns[2:], 0.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("a missing cell", r"wiot_2000.csv, column 'DEU_c2': the cell of row ROM_c10 is missing"),
        ("a text cell", r"wiot_2000.csv, column 'DEU_c2': 'many' is not a number"),
        ("an unknown country", r"'Atlantis' is no country"),
        ("a lost column", r"rows and columns of the table differ: ROU c2 is in one of them only"),
        ("a total", r"'total' does not name a country and a use.*List it under `ignore`"),
        ("no output", r"wiot_2000.csv, column 'output': the column is absent"),
        ("imbalance", r"row sums miss output by [0-9.]+%.*the largest gap of a row is 50, in ROU c10"),
        ("all zero", r"the table has no output"),
    ],
)
def test_bad_tables_are_refused_and_leave_the_earlier_panel(
    project: Project, change: str, message: str
) -> None:
    path = wide_panel(project).panel_file("tables")
    before = path.read_bytes()
    spoiled(change).to_csv(project.raw / "wiot_2000.csv", index=False)
    with pytest.raises(DataError, match=message):
        build_panel(project.spec_file("tables"), project)
    assert path.read_bytes() == before
    assert sorted(file.name for file in project.parquet.iterdir()) == [
        ".tables.inputs.json",
        "tables.parquet",
    ]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("layuot: wide\n", r"tables.yaml, line \d+, key 'layuot': unknown key\. Did you mean 'layout'"),
        ("layout: narrow\n", r"'narrow' is not valid here"),
        ("tolerance: 7\n", r"key 'tolerance'"),
        ("inventories: f9\n", r"no final use 'f9' to take as inventories\. Its final uses are f1, f5"),
        ("years: [1950]\n", r"no table of 1950 is in the files"),
    ],
)
def test_bad_specs_are_refused(project: Project, extra: str, message: str) -> None:
    with pytest.raises((SpecError, DataError), match=message):
        wide_panel(project, extra)


def test_a_source_outside_the_data_folder_is_refused(project: Project) -> None:
    with pytest.raises(SpecError, match="leaves the data folder"):
        built(project, "extends: wiod\nsource: {file: ../wiot_2000.csv}\n")
    with pytest.raises(SpecError, match="leaves the data folder"):
        built(project, "extends: wiod\nsource: {files: '../wiot_*.csv'}\n")


def test_reading_what_is_not_there(project: Project) -> None:
    with pytest.raises(MissingSourceError, match="there is no panel 'tables'"):
        read_table("tables", 2000, project)
    wide_panel(project)
    with pytest.raises(DataError, match=r"the panel has no table of 1999. Years: 2000–2001"):
        read_table("tables", 1999, project)
    build_panel(project.spec_file("exports"), project)
    with pytest.raises(DataError, match="the panel is no input-output table"):
        table_years("exports", project)


def test_two_tables_of_one_year_are_refused(project: Project) -> None:
    wide(1).to_csv(project.raw / "copy_2000.csv", index=False)
    wide(1).to_csv(project.raw / "wiot_2000.csv", index=False)
    with pytest.raises(DataError, match="two tables are of 2000"):
        built(project, "extends: wiod\nsource: {files: 'raw/*_2000.csv'}\n")


@pytest.mark.skipif(
    not MIRROR or not (Path(MIRROR) / "wiod2013").is_dir(), reason="needs WIOD 2013 (GVCMETRICS_MIRROR)"
)
def test_wiod_of_the_mirror(project: Project) -> None:
    spec = Path(__file__).parents[3] / "data" / "panels" / "wiod.yaml"
    (project.specs / "wiod.yaml").write_text(spec.read_text() + "\nyears: [1995, 2011]\n")
    build_panel(project.spec_file("wiod"), project)
    table = read_table("wiod", 2011, project)
    raw = pd.read_parquet(Path(MIRROR or "") / "wiod2013" / "wiot_2011.parquet")
    cells = np.hstack([table.Z, flat(table)])
    np.testing.assert_array_equal(cells, raw.iloc[:, 2:-1].to_numpy())
    np.testing.assert_array_equal(table.x, raw["output"])
    assert [table.regions[k] for k in (32, 40)] == ["ROU", "ROW"]
    assert (table.x == 0).sum() == 22


def test_without_the_mirror_wiod_says_what_it_lacks(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GVCMETRICS_MIRROR", raising=False)
    (project.specs / "wiod.yaml").write_text(
        "title: T\ncontract: input_output\nextends: wiod\nsource: wiod_2013\n"
    )
    with pytest.raises(MissingSourceError, match=r"Set GVCMETRICS_MIRROR to a folder that holds 'wiod2013'"):
        build_panel(project.spec_file("wiod"), project)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".xlsx"])
def test_damaged_files_are_said_to_be_so(project: Project, suffix: str) -> None:
    path = project.raw / f"wiot_2000{suffix}"
    if suffix == ".parquet":
        wide().to_parquet(path)
        path.write_bytes(path.read_bytes()[:900])
    else:
        path.write_bytes(b"" if suffix == ".csv" else b"no workbook")
    layout = "wiod_workbook" if suffix == ".xlsx" else "wide"
    with pytest.raises(DataError, match=rf"wiot_2000{suffix}: the (file|workbook) cannot be read"):
        built(project, f"layout: {layout}\nunit: million USD\nsource: {{file: raw/{path.name}}}\n")
