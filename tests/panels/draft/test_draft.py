"""`panel new`: drafts of known files propose what the files hold, and pass the check once filled in."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from gvcmetrics.errors import DataError, GvcError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.crosswalks.code_lists import codes_of
from gvcmetrics.panels.draft.write import Draft, write_draft
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.spec.panel import load_spec
from gvcmetrics.panels.trial import check_panel

from ..survey_files import WBES_COLUMNS, WBES_LABELS, write_wbes

ECUADOR = Path(os.environ.get("GVCMETRICS_MIRROR", "/none")) / "enai_ecuador_2012_2014.dta"
FILLED = {
    "title": "Firms",
    "licence": "unknown",
    "citation": "unknown",
    "currency": "PEN",
    "rates": "pen.csv",
}


def decide(draft: Draft, project: Project) -> None:
    """Take the mark off each guess, once the check has said that it is one."""
    blank = {line.key for line in draft.unsure.values() if "???" in line.text}
    marked = {line.key for line in draft.unsure.values()}
    problems = check_panel(draft.path, project).problems
    said = {
        found[1] for text in problems if (found := re.search(r"key '([^']+)': a guess of the draft", text))
    }
    assert said == marked - blank or blank
    draft.path.write_text(draft.path.read_text(encoding="utf-8").replace("#?", "#"), encoding="utf-8")


def fill_in(draft: Draft, project: Project) -> None:
    """Replace each `???` by an answer and decide each guess, and touch no other line."""
    (project.data / "pen.csv").write_text("currency,year,per_usd\nPEN,2017,3.26\n")
    text = draft.path.read_text(encoding="utf-8")
    text = re.sub(r"(\w+): \?\?\?", lambda found: f"{found[1]}: {FILLED[found[1]]}", text)
    draft.path.write_text(text, encoding="utf-8")
    decide(draft, project)


@pytest.mark.skipif(not ECUADOR.exists(), reason="needs GVCMETRICS_MIRROR with enai_ecuador_2012_2014.dta")
def test_ecuador(project: Project) -> None:
    """No codebook, no labels: sales and employment are known by the means that were made from them."""
    draft = write_draft(ECUADOR, "ECU", project)
    made_by_hand = load_spec(Path(__file__).parents[3] / "data" / "panels" / "ecuador_innovation.yaml")
    true = {
        column.name: column.raw
        for column in made_by_hand.columns
        if column.name in made_by_hand.contract.columns
    }
    # No column of the file holds the country, and the cluster is made; the year stands in the names.
    true = {name: raw for name, raw in true.items() if name not in ("country", "cluster_id")}
    true["year"] = "the years in the names"
    right = [name for name, raw in true.items() if draft.proposed.get(name) == raw]
    assert len(true) == 10
    assert sorted(set(true) - set(right)) == ["upgrade_process", "upgrade_product"]
    assert len(right) / len(true) >= 0.8
    assert draft.proposed["exports_usd"] == "ii_9_b_{year}"
    assert sorted(line.key for line in draft.unsure.values()) == [
        "export_share",
        "foreign_share",
        "money",
    ]
    decide(draft, project)
    assert check_panel(draft.path, project).problems == []


def test_enterprise_survey_is_recognised_by_its_layout(project: Project, tmp_path: Path) -> None:
    draft = write_draft(write_wbes(tmp_path / "peru_2017.dta"), "Peru", project)
    assert draft.preset == "wbes"
    assert {name: draft.proposed.get(name) for name in WBES_COLUMNS} == WBES_COLUMNS
    assert draft.copied == project.raw / "peru_2017.dta"
    fill_in(draft, project)
    assert check_panel(draft.path, project).problems == []
    build_panel(draft.path, project)
    frame = panel("peru_2017", project=project)
    raw = pyreadstat.read_dta(str(project.raw / "peru_2017.dta"))[0].set_index("idstd")["d2"]
    raw = raw.where(raw >= 0) / 3.26
    np.testing.assert_allclose(frame.set_index("firm_id")["sales_usd"].to_numpy(), raw.to_numpy(), rtol=1e-12)


def test_enterprise_survey_is_read_by_its_labels_alone(project: Project, tmp_path: Path) -> None:
    names = {name: f"v{index:02}" for index, name in enumerate(WBES_LABELS)}
    draft = write_draft(write_wbes(tmp_path / "firms_2017.dta", names), "PER", project)
    assert draft.preset is None
    right = [name for name, raw in WBES_COLUMNS.items() if draft.proposed.get(name) == names[raw]]
    assert len(right) / len(WBES_COLUMNS) >= 0.8
    assert sorted(set(WBES_COLUMNS) - set(right)) == []
    fill_in(draft, project)
    assert check_panel(draft.path, project).problems == []
    text = draft.path.read_text(encoding="utf-8")
    assert 'missing: ["", "NA", "-8", "-9"]' in text
    assert re.search(r"industry: .*# .*an older revision", text)


SPANISH = (
    "num_ruc;año;Provincia;CIIU4;Total Empleados;Ventas netas;Exportaciones directas (%);Factor de expansión;"
    "Innovación de producto;Capital extranjero %\n"
)


def spanish(path: Path) -> Path:
    rng = np.random.default_rng(2)
    rows = []
    for firm in range(30):
        place, code, new = ("Loja", "C1010", "Sí") if firm % 2 else ("Azuay", "G4711", "No")
        for year in (2018, 2019):
            sales, weight = f"{firm + 1}.{100 + 7 * firm},5", f"{rng.uniform(1, 9):.3f}".replace(".", ",")
            cells = [1790000 + firm, year, place, code, 9 * firm + 12, sales]
            cells += [(0, 15, 60, 80, 100)[firm % 5], weight, new, (0, 51, 100)[firm % 3]]
            rows.append(";".join(map(str, cells)))
    path.write_text(SPANISH + "\n".join(rows) + "\n", encoding="cp1252")
    return path


def test_spanish_text_with_decimal_commas_in_an_old_encoding(project: Project) -> None:
    draft = write_draft(spanish(project.raw / "firmas.csv"), "Ecuador", project)
    assert draft.copied is None
    assert draft.sample.read == {"encoding": "cp1252", "delimiter": ";", "decimal": ",", "thousands": "."}
    assert draft.proposed == {
        "firm_id": "num_ruc",
        "year": "año",
        "region": "Provincia",
        "industry": "CIIU4",
        "weight": "Factor de expansión",
        "employment": "Total Empleados",
        "sales_usd": "Ventas netas",
        "export_share": "Exportaciones directas (%)",
        "foreign_share": "Capital extranjero %",
        "upgrade_product": "Innovación de producto",
        "country": "--country",
        "cluster_id": "region × industry",
    }


def test_every_format_gives_the_same_proposals(project: Project, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "firm_id": [f"f{n}" for n in range(30)],
            "year": [2019] * 30,
            "province": ["north", "south"] * 15,
            "sales": np.arange(30) * 10.5 + 1,
        }
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.tsv.gz", index=False, sep="\t")
    frame.to_parquet(tmp_path / "c.parquet")
    pyreadstat.write_sav(frame, str(tmp_path / "d.sav"))
    pyreadstat.write_dta(frame, str(tmp_path / "e.dta"))
    found = [write_draft(file, "CHL", project) for file in sorted(tmp_path.glob("?.*")) if file.is_file()]
    assert len(found) == 5
    expected = {
        "firm_id": "firm_id",
        "year": "year",
        "region": "province",
        "sales_usd": "sales",
        "country": "--country",
    }
    assert all(draft.proposed == expected for draft in found)


def test_trade_file(project: Project) -> None:
    flows = [("Peru", "030490", 5), ("Peru", "740311", 7), ("Bolivia", "740311", 9), ("Brazil", "030490", 4)]
    lines = [f"{y},CHL,{partner},{code},{v * y}" for y in (2019, 2020) for partner, code, v in flows]
    file = project.raw / "chile.csv"
    file.write_text("year,reporter,partner,hs6,fob_value_usd\n" + "\n".join(lines) + "\n")
    draft = write_draft(file, "CHL", project)
    assert draft.proposed == {
        "exporter": "reporter",
        "importer": "partner",
        "product": "hs6",
        "year": "year",
        "value_usd": "fob_value_usd",
    }
    assert "contract: trade" in draft.path.read_text(encoding="utf-8")
    assert not any(line.key == "money" for line in draft.unsure.values())


def test_the_same_file_gives_the_same_draft(project: Project) -> None:
    file = spanish(project.raw / "firmas.csv")
    first = write_draft(file, "ECU", project).path
    text = first.read_bytes()
    first.unlink()
    assert write_draft(file, "ECU", project).path.read_bytes() == text


def test_values_overrule_names(project: Project) -> None:
    """`sales` of one value, a `firm` that repeats, and shares beyond 100 are not what they are called."""
    file = project.raw / "odd.csv"
    rows = "".join(f"{n % 2},{n},2019,100,{150 + n},{n * 3}\n" for n in range(200))
    file.write_text("firm,plant,year,total_sales,export_share,workers\n" + rows)
    draft = write_draft(file, "ECU", project)
    assert draft.proposed == {"year": "year", "employment": "workers", "country": "--country"}
    assert "firm_id: {from: ???}" in draft.path.read_text(encoding="utf-8")


def test_a_draft_does_not_load_before_it_is_filled_in(project: Project) -> None:
    draft = write_draft(spanish(project.raw / "firmas.csv"), "ECU", project)
    with pytest.raises(SpecError, match=r"firmas.yaml, line 5, key 'title': still to be filled in"):
        build_panel(draft.path, project)
    problems = check_panel(draft.path, project).problems
    assert [re.search(r"key '(\w+)'", text)[1] for text in problems] == ["title", "licence", "citation"]


def test_refuses(project: Project, tmp_path: Path) -> None:
    file = spanish(project.raw / "firmas.csv")
    with pytest.raises(
        DataError, match=r"--country: there is no country 'Ecudor'. Did you mean Ecuador \(ECU\)"
    ):
        write_draft(file, "Ecudor", project)
    with pytest.raises(SpecError, match=r"there is no preset 'wbs'. Did you mean 'wbes'"):
        write_draft(file, "ECU", project, "wbs")
    write_draft(file, "ECU", project)
    with pytest.raises(DataError, match=r"firmas.yaml: the spec is there already"):
        write_draft(file, "ECU", project)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "exports.csv").write_text("id,year\na,2019\n")
    project.spec_file("exports").unlink()
    with pytest.raises(DataError, match="another file of this name is in data/raw"):
        write_draft(tmp_path / "other" / "exports.csv", "ECU", project)
    assert not project.spec_file("exports").exists()
    for name, content, said in (
        ("gone.csv", None, "no such file"),
        ("empty.csv", "", "the file is empty"),
        ("head.csv", "id,year\n", "a header and no rows"),
        ("note.pdf", "x", "no format that a panel is built from"),
        ("cut.dta", "x", "damaged, cut off"),
    ):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(DataError, match=said):
            write_draft(tmp_path / name, "ECU", project)


def test_parquet_with_lists_or_a_damaged_note_of_pandas(project: Project) -> None:
    file = project.raw / "p.parquet"
    pd.DataFrame({"firm_id": ["a", "b"], "year": [2019, 2019], "tags": [[1], [2, 3]]}).to_parquet(file)
    draft = write_draft(file, "ECU", project)
    assert [column.name for column in draft.sample.columns] == ["firm_id", "year"]
    draft.path.unlink()
    whole = file.read_bytes()
    assert whole.count(b'"pandas_type"')
    file.write_bytes(whole.replace(b'"pandas_type"', b'"pandas_typ\xff"'))
    assert write_draft(file, "ECU", project).proposed == draft.proposed


@pytest.mark.fuzz
def test_spoilt_files_are_refused_in_words(project: Project, tmp_path: Path) -> None:
    """Cut or overwritten bytes give a draft or an error of our own, and never another exception."""
    rng = np.random.default_rng(9)
    good = write_wbes(tmp_path / "a.dta")
    frame = pyreadstat.read_dta(str(good))[0]
    frame.to_csv(tmp_path / "b.csv", index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    pyreadstat.write_sav(frame, str(tmp_path / "d.sav"))
    outcomes = set()
    for _ in range(400):
        for source in (good, *(tmp_path / name for name in ("b.csv", "c.parquet", "d.sav"))):
            content = bytearray(source.read_bytes())
            if rng.random() < 0.4:
                content = content[: rng.integers(len(content))]
            for at in rng.integers(len(content) + 1, size=rng.integers(1, 20)):
                content[at : at + 1] = bytes([rng.integers(256)])
            (project.raw / source.name).write_bytes(content)
            project.spec_file(source.stem).unlink(missing_ok=True)
            try:
                write_draft(project.raw / source.name, "ECU", project)
                outcomes.add("drafted")
            except GvcError:
                outcomes.add("refused")
                assert not project.spec_file(source.stem).exists()
    assert outcomes == {"drafted", "refused"}


def test_customs_records_in_spanish(project: Project, tmp_path: Path) -> None:
    """Semicolons, decimal commas, Latin-1 and Spanish country names; pesos are money, not a weight."""
    head = (
        "FECHA;NIT;RAZON_SOCIAL;PAIS_DESTINO;SUBPARTIDA;PESO_NETO_KG;CANTIDAD;VALOR_FOB_USD;VALOR_FOB_PESOS"
    )
    countries, products = ("ESTADOS UNIDOS", "PERÚ", "JAPÓN", "ALEMANIA"), ("0901119000", "0603199010")
    rows = [
        f"2019{1 + n % 12:02};{800 + n};EXPORTADORA ÑANDÚ {n};{countries[n % 4]};{products[n // 4 % 2]};"
        f"{n * 13},5;{n};{n * 101},75;{n * 330000}"
        for n in range(1, 9)
    ]
    file = tmp_path / "exportaciones_2019.csv"
    file.write_bytes("\r\n".join([head, *rows]).encode("latin-1"))
    draft = write_draft(file, "COL", project)
    assert draft.proposed["importer"] == "PAIS_DESTINO"
    assert draft.proposed["product"] == "SUBPARTIDA"
    assert draft.proposed["value_usd"] == "VALOR_FOB_USD"
    assert draft.proposed["quantity"] == "CANTIDAD"
    text = draft.path.read_text(encoding="utf-8")
    text = text.replace("{constant: ???}", "{constant: HS17}").replace("???", "unknown").replace("#?", "#")
    draft.path.write_text(text, encoding="utf-8")
    assert check_panel(draft.path, project).problems == []
    build_panel(draft.path, project)
    frame = panel("exportaciones_2019", project=project)
    assert set(frame["importer"]) == {"USA", "PER", "JPN", "DEU"}
    assert frame["value_usd"].sum() == sum(n * 101 + 0.75 for n in range(1, 9))
    assert set(frame["exporter"]) == {"COL"}


def test_a_label_that_looks_like_a_mark_makes_no_line_doubtful(project: Project, tmp_path: Path) -> None:
    frame = pd.DataFrame({"firm_id": [f"f{n}" for n in range(40)], "year": 2020, "employees": range(5, 45)})
    labels = ["Firm", "Year", "Number of employees #? full time"]
    pyreadstat.write_dta(frame, str(tmp_path / "firms.dta"), column_labels=labels)
    draft = write_draft(tmp_path / "firms.dta", "ECU", project)
    assert "#? full time" in draft.path.read_text()
    assert sorted(line.key for line in draft.unsure.values()) == ["citation", "licence", "title"]


def _drafted(
    project: Project, frame: pd.DataFrame, labels: dict[str, str] | None = None, **values: dict
) -> Draft:
    file = project.raw / "tried.sav"
    pyreadstat.write_sav(frame, str(file), column_labels=labels or {}, variable_value_labels=values)
    project.spec_file("tried").unlink(missing_ok=True)
    return write_draft(file, "PER", project)


def _unmarked(draft: Draft) -> dict[str, str]:
    marked = {line.key for line in draft.unsure.values()}
    return {name: raw for name, raw in draft.proposed.items() if name not in {*marked, "country"}}


N = 60
IDS = {"firm_id": [f"f{n}" for n in range(N)], "year": [2019] * N}


@pytest.mark.parametrize(
    ("name", "label", "values", "wrong"),
    [
        ("q1", "Are you in this region? (yes 1, no 2)", [1, 2], "region"),
        ("q2", "Obstacle to direct exports: customs", [0, 1, 2, 3, 4], "export_share"),
        ("q3", "Foreign ownership as an obstacle", [1, 2, 3, 4, 5], "foreign_share"),
        ("distcap", "Distance between capitals", [120, 3000, 4100, 900, 77, 5000], "capital_usd"),
        ("export_stage", "", [1, 2, 3, 4, 5], "exports_usd"),
        ("sales_tax", "", [1200.5, 30.1, 99.0, 12.0, 7.5, 800.0], "sales_usd"),
        ("ventas_growth", "", [12.5, 30.1, 99.0, 12.0, 7.5, 80.0], "sales_usd"),
        ("num_firms", "", list(range(N)), "firm_id"),
        ("estado", "Estado de la encuesta", ["COMPLETA", "PARCIAL", "RECHAZO"], "region"),
        ("q4", "Number of employees, class", [1, 2, 3, 4, 5, 6], "employment"),
        ("q5", "Sales of the firm, size class", [1, 2, 3, 4, 5, 6], "sales_usd"),
        ("q6", "Years of experience of the manager", [5, 12, 20, 31, 8], "year"),
    ],
)
def test_what_a_column_is_not_is_never_unmarked(
    project: Project, name: str, label: str, values: list, wrong: str
) -> None:
    frame = pd.DataFrame({**IDS, name: (values * N)[:N]})
    assert _unmarked(_drafted(project, frame, {name: label})).get(wrong) != name


FIRM_VALUES = {
    "text": ["a", "b", "c", "d", "e", "f"],
    "number": [1.5, 20.5, 33.0, 47.25, 51.0, 68.5],
    "integer": [1, 2, 3, 4, 5, 1],
    "binary": [0, 1, 0, 1, 1, 0],
    "share": [0.1, 0.25, 0.5, 0.77, 0.9, 0.05],
    "persons": [5, 17, 40, 122, 8, 950],
}


@pytest.mark.parametrize(
    "name", [name for name in CONTRACTS["firm"].columns if name not in ("country", *IDS)]
)
def test_a_column_of_the_contracts_own_name_is_that_column(project: Project, name: str) -> None:
    column = CONTRACTS["firm"].columns[name]
    values = FIRM_VALUES.get(column.unit, FIRM_VALUES.get(column.type))
    if column.name == "industry":
        values = ["01", "10", "13", "24", "46", "62"]
    elif column.allowed:
        values = list(column.allowed[:2])
    frame = pd.DataFrame({**IDS, name: (values * N)[:N], "sales": [1000.5 + n for n in range(N)]})
    assert _drafted(project, frame).proposed.get(name) == name


def test_nothing_that_rests_on_a_label_is_unmarked(project: Project, tmp_path: Path) -> None:
    names = {name: f"v{index:02}" for index, name in enumerate(WBES_LABELS)}
    draft = write_draft(write_wbes(tmp_path / "firms_2017.dta", names), "PER", project)
    assert set(_unmarked(draft)) == {"cluster_id"}


def test_a_key_that_repeats_is_marked(project: Project) -> None:
    frame = pd.DataFrame({"firm_id": [f"f{n % 55}" for n in range(N)], "year": [2019] * N})
    draft = _drafted(project, frame)
    said = {line.key: line.why for line in draft.unsure.values()}
    assert "5 of 60 rows repeat" in said["firm_id"]


def test_years_of_two_digits_are_offered_as_such(project: Project) -> None:
    frame = pd.DataFrame({"firm_id": [f"f{n}" for n in range(N)], "year": [97, 98, 99, 0, 1, 2] * 10})
    line = next(line for line in _drafted(project, frame).unsure.values() if line.key == "year")
    assert '"97": "1997"' in line.text
    assert '"2": "2002"' in line.text


def test_products_say_their_revision_by_their_codes(project: Project) -> None:
    """Codes that only the revision of 2017 has: it is HS5, and is called so."""
    new = sorted(codes_of("HS5") - codes_of("HS4") - codes_of("HS6"))
    codes = [code for code in new if len(code) == 6][:6]
    assert codes
    lines = "".join(f"2019,CHL,PER,{code},{100 * n + 5}\n" for n, code in enumerate(codes))
    (project.raw / "flows.csv").write_text("year,reporter,partner,hs6,fob_value_usd\n" + lines)
    draft = write_draft(project.raw / "flows.csv", "CHL", project)
    line = next(line for line in draft.unsure.values() if line.key == "product_classification")
    assert "{constant: HS5}" in line.text
    assert "HS5 (2017)" in line.why


def test_a_small_row_group_is_no_end_of_a_file(project: Project) -> None:
    file = project.raw / "groups.parquet"
    pd.DataFrame({"firm_id": [f"f{n}" for n in range(90)], "year": 2019}).to_parquet(file, row_group_size=7)
    assert write_draft(file, "ECU", project).sample.rows == 90


LABELLED = {
    "DPTO": ("Departamento donde se ubica la empresa", [1, 2, 3, 4]),
    "P2_PERS": ("Personal ocupado total al 31 de diciembre", [12, 80, 7, 31]),
    "P3_VTAS": ("Ventas totales en miles de lempiras", [810.5, 55.25, 1400.0, 233.0]),
    "P3_PCT_EXPORT": ("Porcentaje de las ventas que exporta directamente", [0.0, 12.5, 100.0, 55.0]),
    "P6_3": ("¿Diseñan el producto en conjunto con el cliente?", [1, 2, 2, 1]),
    "P6_4": ("¿Invirtió en equipo específico para el cliente?", [2, 2, 1, 1]),
    "P6_5": ("¿La empresa pertenece al cliente?", [1, 2, 2, 1]),
    "P9_3": ("¿Asumió nuevas funciones (diseño, marca, mercadeo)?", [1, 1, 2, 2]),
}


def test_a_labelled_survey_in_spanish_gives_all_buyer_items(project: Project, tmp_path: Path) -> None:
    """Regions, buyer items and new functions were not found; a percentage was proposed as exports in USD."""
    data = pd.DataFrame({name: values * 30 for name, (_, values) in LABELLED.items()})
    data["DPTO"] = data["DPTO"].astype("int8")
    data["P2_PERS"] += np.arange(len(data))
    data["P3_VTAS"] *= np.linspace(1, 9, len(data))
    data.insert(0, "IDENT", range(1, len(data) + 1))
    data.to_stata(
        tmp_path / "encuesta_2019.dta",
        write_index=False,
        version=118,
        variable_labels={name: label for name, (label, _) in LABELLED.items()},
        value_labels={"DPTO": {1: "Cortés", 2: "Yoro", 3: "Colón", 4: "Copán"}},
    )
    draft = write_draft(tmp_path / "encuesta_2019.dta", "HND", project)
    found = {
        "region": "DPTO",
        "employment": "P2_PERS",
        "sales_usd": "P3_VTAS",
        "export_share": "P3_PCT_EXPORT",
        "joint_design": "P6_3",
        "specific_investment": "P6_4",
        "owned_by_buyer": "P6_5",
        "upgrade_functional": "P9_3",
    }
    assert {name: draft.proposed.get(name) for name in found} == found
    assert "exports_usd" not in draft.proposed
    text = draft.path.read_text("utf-8")
    assert re.search(
        r"sales_usd: \{from: P3_VTAS, scale: 1000\} +#\? .*counted in 1,000, so its words say", text
    )


def test_a_trade_file_needs_no_country_and_a_firm_file_does(project: Project, tmp_path: Path) -> None:
    flows = pd.DataFrame(
        {
            "PAIS_EXP": ["Honduras", "México"] * 30,
            "PAIS_IMP": ["Canadá", "España", "Japón"] * 20,
            "SAC8": ["09011100", "61091000", "08039011"] * 20,
            "ANIO": [2019, 2020] * 30,
            "FOB_MILES": np.linspace(1.5, 900.25, 60),
        }
    )
    flows.to_csv(tmp_path / "comercio.csv", index=False)
    draft = write_draft(tmp_path / "comercio.csv", None, project)
    assert {"exporter", "importer", "product", "year", "value_usd"} <= set(draft.proposed)
    with pytest.raises(DataError, match="--country: it is not said which country's firms"):
        write_draft(spanish(project.raw / "firmas.csv"), None, project)
    assert not project.spec_file("firmas").exists()
