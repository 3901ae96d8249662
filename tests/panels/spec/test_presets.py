"""Layout presets on files in their true layout, and how presets are merged and refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.draft.write import write_draft
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.extends import preset_names
from gvcmetrics.panels.spec.panel import load_spec
from gvcmetrics.panels.store.stored import read_provenance
from gvcmetrics.panels.trial import check_panel

from ..survey_files import write_wbes

HEAD = "title: A panel\nlicence: none\ncitation: none\nsource: {file: raw/FILE}\n"


def build(project: Project, name: str, file: str, rest: str) -> pd.DataFrame:
    path = project.spec_file(name)
    path.write_text(HEAD.replace("FILE", file) + f"extends: {name}\n" + rest, encoding="utf-8")
    build_panel(path, project)
    return panel(name, project=project)


def test_baci(project: Project) -> None:
    lines = [
        "t,i,j,k,v,q",
        "2020,251,842,10121,1.5,0.25",
        "2020,699,757,870323,1234.567,       NA",
        "2020,490,579,10121,0.001,0.001",
    ]
    (project.raw / "BACI_HS17_Y2020.csv").write_text("\n".join(lines) + "\n")
    hs = "columns: {product_classification: {constant: HS17}}\n"
    built = build(project, "baci", "BACI_HS17_Y2020.csv", hs)
    # Numbers of BACI: 251 France, 842 United States, 699 India, 757 Switzerland, 490 Taiwan, 579 Norway.
    assert built[["exporter", "importer", "product"]].to_numpy().tolist() == [
        ["FRA", "USA", "010121"],
        ["IND", "CHE", "870323"],
        ["TWN", "NOR", "010121"],
    ]
    assert built["value_usd"].tolist() == pytest.approx([1500, 1234567, 1], rel=1e-12)
    assert built["quantity"].tolist()[::2] == [0.25, 0.001]
    assert set(built["quantity_unit"]) == {"tonne"}
    assert "Layout preset: baci." in built.attrs["provenance"]["notes"]
    with pytest.raises(SpecError, match=r"needs `columns\.product_classification`.*HS revision"):
        build(project, "baci", "BACI_HS17_Y2020.csv", "")


EUROSTAT = """\
contract: cluster
read: {delimiter: "\\t"}
missing: ["", ":"]
columns:
  country: {from: 'nace_r2,geo\\TIME_PERIOD', part: {by: ",", number: 2}, characters: [1, 2]}
  region: {from: 'nace_r2,geo\\TIME_PERIOD', part: {by: ",", number: 2}}
  industry: {from: 'nace_r2,geo\\TIME_PERIOD', part: {by: ",", number: 1}, characters: [2, 3]}
  year: {}
  cluster_employment: {from: "{year} ", part: {by: " ", number: 1}}
requires: {layout: "Write the years as `layout: {wide_to_long: {name: year, values: [2019, 2020]}}`"}
"""


def test_a_layout_is_one_yaml_file(project: Project) -> None:
    """Eurostat's TSV: the keys in one column, a column a year, flags after the numbers, `:` for none."""
    (project.specs / "presets").mkdir()
    (project.specs / "presets" / "eurostat.yaml").write_text(EUROSTAT)
    lines = ["nace_r2,geo\\TIME_PERIOD\t2019 \t2020 ", "C10,EL30\t1234 \t: ", "C13,DE21\t5 b\t6.5 ep"]
    (project.raw / "e.tsv").write_text("\n".join([*lines, "C14,AT11\t: c\t7 "]) + "\n")
    years = "layout: {wide_to_long: {name: year, values: [2019, 2020]}}\nomit_empty: true\n"
    built = build(project, "eurostat", "e.tsv", years)
    assert built.drop(columns="cluster_id").to_numpy().tolist() == [
        ["AUT", "AT11", "14", 2020, 7],
        ["DEU", "DE21", "13", 2019, 5],
        ["DEU", "DE21", "13", 2020, 6.5],
        ["GRC", "EL30", "10", 2019, 1234],
    ]
    assert built["cluster_id"].tolist()[0] == "AT11-14"
    (project.raw / "e.tsv").write_text("\n".join([*lines, "C14,AT11\tx c\t7 "]) + "\n")
    with pytest.raises(DataError, match=r"e.tsv, row 4, column '2019 ': 'x': not a number"):
        build(project, "eurostat", "e.tsv", years)
    with pytest.raises(SpecError, match=r"the preset 'eurostat' needs `layout`. Write the years"):
        build(project, "eurostat", "e.tsv", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('{constant: x, part: {by: ",", number: 1}}', "`part` has nothing to do with `constant`"),
        ('{from: a, part: {by: ",", number: 0}}', "key 'columns.region.part.number'"),
        ('{from: a, part: {by: ",,", number: 1}}', "key 'columns.region.part.by'"),
        ('{from: a, part: {bye: ",", number: 1}}', "unknown key. Did you mean 'by'"),
    ],
)
def test_a_part_that_cannot_be_is_refused(project: Project, words: str, message: str) -> None:
    path = project.spec_file("mine")
    columns = f"columns: {{country: {{constant: ECU}}, firm_id: {{from: a}}, year: {{}}, region: {words}}}\n"
    path.write_text(HEAD + "contract: firm\n" + columns)
    with pytest.raises(SpecError, match=message):
        load_spec(path)


COMTRADE = (
    "typeCode,freqCode,refPeriodId,refYear,refMonth,period,reporterCode,reporterISO,reporterDesc,flowCode,"
    "flowDesc,partnerCode,partnerISO,partnerDesc,partner2Code,partner2ISO,partner2Desc,classificationCode,"
    "classificationSearchCode,isOriginalClassification,cmdCode,cmdDesc,aggrLevel,isLeaf,customsCode,"
    "customsDesc,mosCode,motCode,motDesc,qtyUnitCode,qtyUnitAbbr,qty,isQtyEstimated,altQtyUnitCode,"
    "altQtyUnitAbbr,altQty,isAltQtyEstimated,netWgt,isNetWgtEstimated,grossWgt,isGrossWgtEstimated,cifvalue,"
    "fobvalue,primaryValue,legacyEstimationFlag,isReported,isAggregate"
)


def comtrade_row(**cells: object) -> str:
    usual: dict[str, object] = {"freqCode": "A", "refYear": 2021, "reporterCode": 218, "flowCode": "X"}
    usual |= {"partnerCode": 842, "partner2Code": 0, "customsCode": "C00", "motCode": 0, "cmdCode": "080390"}
    usual |= {"classificationCode": "H5", "primaryValue": 1000.5, "qty": 10, "qtyUnitAbbr": "kg"}
    usual |= {"cmdDesc": '"Fruit, edible; bananas, other than plantains"'}
    return ",".join(str((usual | cells).get(name, "")) for name in COMTRADE.split(","))


def test_comtrade(project: Project) -> None:
    rows = [
        comtrade_row(),
        comtrade_row(partnerCode=0, primaryValue=5000),
        comtrade_row(flowCode="M", primaryValue=7),
        comtrade_row(motCode=2100, primaryValue=600),
        comtrade_row(partner2Code=276, primaryValue=3),
        comtrade_row(reporterCode=699, cmdCode="TOTAL", qty="", netWgt=12),
    ]
    (project.raw / "c.csv").write_text("\n".join([COMTRADE, *rows]) + "\n")
    built = build(project, "comtrade", "c.csv", "")
    assert built[["exporter", "importer", "product", "year"]].to_numpy().tolist() == [
        ["ECU", "USA", "080390", 2021],
        ["ECU", "WLD", "080390", 2021],
        ["IND", "USA", "TOTAL", 2021],
    ]
    assert built["value_usd"].tolist() == [1000.5, 5000, 1000.5]
    assert set(built["product_classification"]) == {"HS17"}
    assert any("3 other raw rows are left out" in note for note in built.attrs["provenance"]["notes"])


def wbes(path: Path) -> None:
    frame = pd.DataFrame(
        {
            "idstd": [501, 502, 503],
            "a1": [68, 68, 68],
            "a2": [1, 2, 1],
            "a4a": [15, 17, 15],
            "a6a": [1, 2, 3],
            "wmedian": [12.5, 3.25, 40.0],
            "b2b": [0, 100, -9],
            "b8": [1, 2, 3],
            "d2": [1000000.0, -9, 250000.0],
            "d3b": [0, 10, -7],
            "d3c": [25, 0, 100],
            "e6": [2, 1, -8],
            "h1": [1, 2, -9],
            "h5": [2, 2, 1],
            "l1": [10, 250, -9],
            "n2a": [50000.0, -9, -8],
        }
    )
    labels = {
        "a1": {68: "Ecuador"},
        "a2": {1: "Pichincha", 2: "Guayas"},
        "a4a": {15: "Food", 17: "Textiles"},
        "a6a": {1: "Small", 2: "Medium", 3: "Large"},
        "d2": {-9: "Don't know (spontaneous)"},
        "b8": {1: "Yes", 2: "No", 3: "Still in process"},
    }
    pyreadstat.write_dta(frame, str(path), variable_value_labels=labels)


def test_wbes(project: Project) -> None:
    wbes(project.raw / "w.dta")
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nPEN,2017,4\n")
    said = "money: {currency: PEN, rates: raw/rates.csv}\n"
    said += 'columns: {country: {from: a1, by_label: true}, year: {constant: "2017"}}\n'
    built = build(project, "wbes", "w.dta", said).set_index("firm_id")
    none = float("nan")
    expected = pd.DataFrame(
        {
            "country": "ECU",
            "year": 2017,
            "region": ["Pichincha", "Guayas", "Pichincha"],
            "sector": ["Food", "Textiles", "Food"],
            "size_class": ["Small", "Medium", "Large"],
            "cluster_id": ["Pichincha-Food", "Guayas-Textiles", "Pichincha-Food"],
            "weight": [12.5, 3.25, 40],
            "employment": [10, 250, none],
            "sales_usd": [250000, none, 62500],
            "wages_usd": [12500, none, none],
            "export_share": [0.25, 0, 1],
            "indirect_export_share": [0, 0.1, none],
            "foreign_share": [0, 1, none],
            "certified": [1, 0, 0],
            "licensed_technology": [0, 1, none],
            "upgrade_product": [1, 0, none],
            "upgrade_process": [0, 0, 1],
        },
        index=pd.Index(["501", "502", "503"], name="firm_id"),
    )
    pd.testing.assert_frame_equal(built, expected, check_dtype=False, check_index_type=False)
    notes = read_provenance(project.panel_file("wbes")).notes
    assert any("materials_usd" in note and "website" in note for note in notes)
    with pytest.raises(SpecError, match=r"the preset 'wbes' needs `money`.*local currency"):
        build(project, "wbes", "w.dta", said.split("\n", 1)[1])


def test_cis(project: Project) -> None:
    frame = pd.DataFrame(
        {
            "id": ["p1", "p2", "p3", "p4"],
            "country": ["PT", "PT", "PT", "PT"],
            "nace_pro": ["C10", "C13", "G47", "C10"],
            "turn14": [100.0, 200.0, 300.0, 400.0],
            "emp14": [10, 20, 30, 40],
            "inpdgd": [1, 0, 0, None],
            "inpdsv": [0, 0, 1, 0],
            "inpspd": [0, 0, None, 1],
            "inpslg": [0, 0, None, 0],
            "inpssu": [1, 0, None, 0],
            "newmkt": [1, None, 0, None],
            "turnmar": [20, None, 0, None],
            "co": [1, 0, 0, 1],
        }
    )
    frame.to_csv(project.raw / "cis.csv", index=False)
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nEUR,2014,0.8\n")
    said = "money: {currency: EUR, rates: raw/rates.csv}\n"
    said += 'columns: {firm_id: {from: id}, year: {constant: "2014"}}\n'
    built = build(project, "cis", "cis.csv", said)
    assert built["country"].tolist() == ["PRT"] * 4
    assert built["sales_usd"].tolist() == pytest.approx([125, 250, 375, 500])
    assert built["upgrade_product"].tolist()[:3] == [1, 0, 1]
    assert built["upgrade_process"].dropna().tolist() == [1, 0, 1]
    assert built["upgrade_product"].isna().tolist() == [False, False, False, True]
    assert built["upgrade_process"].isna().tolist() == [False, False, True, False]
    assert built["new_product_sales_share"].dropna().tolist() == [0.2, 0]


def write_presets(project: Project, **texts: str) -> None:
    folder = project.specs / "presets"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)


def refusal(project: Project, text: str) -> str:
    path = project.spec_file("mine")
    path.write_text(text)
    with pytest.raises(GvcError) as error:
        load_spec(path)
    return str(error.value)


def test_presets_that_extend_one_another(project: Project) -> None:
    circle = {"one": "extends: two\n", "two": "extends: three\n", "three": "extends: one\n"}
    write_presets(project, own="extends: own\n", **circle)
    said = refusal(project, "extends: one\n")
    assert "three.yaml, line 1, key 'extends': presets extend one another in a circle" in said
    assert "one → two → three → one" in said
    assert "own → own" in refusal(project, "extends: own\n")
    assert "Did you mean 'baci'?" in refusal(project, "extends: bacci\n")
    assert "no preset '../baci'" in refusal(project, "extends: ../baci\n")
    assert "line 1, key 'extends'" in refusal(project, "extends: [baci]\n")
    write_presets(project, listed="- a\n")
    assert "listed.yaml: a preset must be a map" in refusal(project, "extends: listed\n")


def test_a_spec_has_the_last_word_and_errors_name_the_preset_file(project: Project) -> None:
    write_presets(
        project,
        base="contract: firm\nnotes: [from below]\ncolumns:\n  country: {constant: PER}\n"
        "  firm_id: {from: id, label: Firm number}\n  year:\n"
        "  employment: {from: e, scale: 10, optional: true}\n",
        middle="extends: base\ncolumns:\n  employment: {from: staff}\n",
    )
    path = project.spec_file("mine")
    start = "title: t\nsource: {file: raw/x.csv}\nlicence: l\ncitation: c\nextends: middle\nnotes: [own]\n"
    path.write_text(start + "columns:\n  country: {from: land}\n")
    spec = load_spec(path)
    by_name = {column.name: column for column in spec.columns}
    assert [column.name for column in spec.columns] == ["country", "firm_id", "year", "employment"]
    assert by_name["country"].spec.constant is None
    assert by_name["country"].raw == "land"
    assert by_name["employment"].raw == "staff"
    assert by_name["employment"].spec.scale == 10
    assert spec.words.notes == ["from below", "own"]
    digest = spec.sha256
    write_presets(project, middle="extends: base\ncolumns:\n  employment: {from: staff, scale: 5}\n")
    assert load_spec(path).sha256 != digest
    write_presets(project, middle="extends: base\ncolumns:\n  employment: {form: staff}\n")
    expected = "middle.yaml, line 3, key 'columns.employment.form': unknown key. Did you mean 'from'?"
    assert refusal(project, start) == expected


def test_presets_are_shipped(project: Project) -> None:
    assert {"baci", "cis", "comtrade", "wbes"} <= set(preset_names(project.specs))


def test_a_preset_on_the_wrong_file_names_the_column(project: Project) -> None:
    (project.raw / "x.csv").write_text("year,from,to,hs,usd\n2020,ECU,PER,010121,1\n")
    with pytest.raises(DataError, match=r"x.csv, row 1, column 'i': the column is absent"):
        build(project, "baci", "x.csv", "columns: {product_classification: {constant: HS17}}\n")


def test_names_are_the_same_in_capitals(project: Project) -> None:
    """Statistical offices write the variables of these surveys now in capitals, now not."""
    rows = [comtrade_row(), comtrade_row(flowCode="M", primaryValue=7)]
    header = ",".join(name[0].upper() + name[1:] for name in COMTRADE.split(","))
    (project.raw / "c.csv").write_text("\n".join([header, *rows]) + "\n")
    built = build(project, "comtrade", "c.csv", "")
    assert built[["exporter", "importer", "value_usd"]].to_numpy().tolist() == [["ECU", "USA", 1000.5]]
    assert built.attrs["provenance"]["columns"]["value_usd"]["raw"] == ["PrimaryValue"]
    frame = pd.DataFrame({"IDSTD": [1, 2], "A1": [68, 68], "L1": [10, 20], "H1": [1, 2]})
    pyreadstat.write_dta(frame, str(project.raw / "w.dta"), variable_value_labels={"A1": {68: "Ecuador"}})
    words = "money: {currency: USD}\n"
    words += 'columns: {country: {from: a1, by_label: true}, year: {constant: "2017"}}\n'
    built = build(project, "wbes", "w.dta", words)
    assert built["country"].tolist() == ["ECU", "ECU"]
    assert built["employment"].tolist() == [10, 20]
    assert built["upgrade_product"].tolist() == [1, 0]


def test_a_survey_without_value_labels_says_what_that_costs(project: Project, tmp_path: Path) -> None:
    """The same survey as CSV: its codes of region and sector have no labels, and each step says so."""
    write_wbes(tmp_path / "peru.dta")
    frame = pyreadstat.read_dta(str(tmp_path / "peru.dta"))[0]
    frame.to_csv(project.raw / "peru.csv", index=False)
    (project.data / "pen.csv").write_text("currency,year,per_usd\nPEN,2017,3.26\n")
    spec = project.spec_file("peru")
    text = (
        "extends: wbes\ntitle: t\nlicence: l\ncitation: c\nsource: {file: raw/peru.csv}\n"
        "money: {currency: PEN, rates: pen.csv}\n"
        'columns:\n  country: {constant: PER}\n  year: {constant: "2017"}\n'
    )
    spec.write_text(text)
    with pytest.warns(UserWarning, match="no value labels for region, sector.*, and hence cluster_id"):
        built = build_panel(spec, project)
    assert "region" not in built.provenance.columns
    assert any("no value labels for region" in note for note in built.provenance.notes)
    found = check_panel(spec, project)
    assert found.problems == []
    assert found.spec is not None
    assert found.spec.unlabelled == ("region", "sector", "size_class")
    spec.write_text(text + "  region: {optional: false}\n")
    with pytest.raises(DataError, match=r"column 'a2': the file has codes here and no value labels"):
        build_panel(spec, project)
    spec.write_text(text + "  region: {by_label: false}\n")
    with pytest.warns(UserWarning, match="no value labels for sector"):
        assert "region" in build_panel(spec, project).provenance.columns
    spec.unlink()
    draft = write_draft(project.raw / "peru.csv", "PER", project)
    marked = [line.text for line in draft.unsure.values() if line.key in ("region", "sector", "size_class")]
    assert len(marked) == 3
    assert all("#? codes: the file has no value labels" in line for line in marked)
