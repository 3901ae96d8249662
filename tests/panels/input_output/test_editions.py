"""Every edition's preset reads a made-up file in its true layout into the same matrices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.input_output.store import read_labels, read_table
from gvcmetrics.panels.project import Project

HEAD = "title: Tables\ncontract: input_output\nlicence: none (simulated)\ncitation: none\n"
DRAW = np.random.default_rng(11)
Z = DRAW.integers(1, 9, (6, 6)).astype(float)
Y = DRAW.integers(20, 60, (6, 6)).astype(float)  # three countries, two uses
Y[0, 1] = -4.0
X = Z.sum(axis=1) + Y.sum(axis=1)
VALUE_ADDED = X - Z.sum(axis=0)


def labels(countries: tuple[str, ...], parts: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(country, part) for country in countries for part in parts]


def figaro(project: Project) -> str:
    rows = [f"{c}_{i}" for c, i in labels(("EL", "FIGW1", "US"), ("A01", "C31_32"))]
    uses = [f"{c}_{u}" for c, u in labels(("EL", "FIGW1", "US"), ("P3_S14", "P5M"))]
    frame = pd.DataFrame(np.hstack([Z, Y]), rows, [*rows, *uses])
    frame.loc["W2_D21X31"] = np.append(np.full(6, 1.0), np.full(6, 2.5))
    frame.loc["W2_B2A3G"] = np.append(VALUE_ADDED - 1.0, np.zeros(6))
    frame.rename_axis("rowLabels").to_csv(project.raw / "matrix_eu-ic-io_ind-by-ind_25ed_2019_v2.csv")
    return "files: raw/matrix_*.csv"


def wiod_longrun(project: Project) -> str:
    countries, industries, uses = ("GRC", "xROW", "USA"), ("AtB", "D30t33"), ("xCONS_h", "xINV")
    rows, columns = labels(countries, industries), labels(countries, (*industries, *uses))
    place = {label: k for k, label in enumerate(rows)}
    final = {label: k for k, label in enumerate(labels(countries, uses))}
    lines = []
    for i, (country, industry) in enumerate(rows):
        for buyer in columns:
            value = Z[i, place[buyer]] if buyer in place else Y[i, final[buyer]]
            lines.append((2019, country, i, industry, *buyer, value))
        lines += [
            (2019, country, i, industry, "xTOT", "xX", 1.0),
            (2019, country, i, industry, "xTOT", "xGO", X[i]),
        ]
    lines += [(2019, "xTOT", 900, "xVA", *label, VALUE_ADDED[place[label]]) for label in rows]
    names = ["year", "row_country", "row_id", "row_isic3", "col_country", "col_isic3", "value"]
    frame = pd.DataFrame(lines, columns=names).assign(col_id=1)
    both = pd.concat([frame, frame.assign(year=2018, value=frame["value"] * 2)])
    both.to_csv(project.raw / "lr_wiod_wiot_final_filled.csv", index=False)
    return "file: raw/lr_wiod_wiot_final_filled.csv"


def workbook(project: Project, countries: tuple[str, ...], uses: tuple[str, ...], name: str, row: str) -> str:
    pytest.importorskip("openpyxl", reason="writes the workbook")
    total = {"c62": "TOT", "Total": "ToT"}[row]
    rows = labels(countries, ("c1", "c2"))
    heads = [*rows, *labels(countries, uses)]
    lines: list[list[object]] = [[None] * 17 for _ in range(3)]
    lines += [[None] * 4 + ["name"] * 12 + [None]]
    lines += [[None] * 4 + [c for c, _ in heads] + [total], [None] * 4 + [u for _, u in heads] + [row]]
    letter = "r" if total == "TOT" else "c"
    for (country, number), values in zip(rows, np.hstack([Z, Y, X[:, None]]), strict=True):
        lines.append([None, "Industry", country, f"{letter}{number[1:]}", *values])
    lines.append([None, "Total intermediate", total, "r60", *Z.sum(axis=0), *Y.sum(axis=0), None])
    lines.append([None, "GO", total, "r69", *X, *[None] * 7])
    pd.DataFrame(lines).to_excel(project.raw / name, header=False, index=False)
    return f"file: '{f'raw/{name}'}'"


def wiod_2016(project: Project) -> str:
    return workbook(project, ("GRC", "RoW", "USA"), ("c57", "c61"), "WIOT2019_Nov16_ROW.xlsx", "c62")


def adb_mrio(project: Project) -> str:
    return workbook(project, ("SPA", "RoW", "SWI"), ("F1", "F5"), "ADB-MRIO-2019-August 2025.xlsx", "Total")


def eora26(project: Project) -> str:
    folder = project.raw / "eora"
    folder.mkdir()
    countries = (("Greece", "GRC"), ("Former USSR", "USR"), ("Sudan", "SUD"))
    uses = ("Household final consumption P.3h", "Changes in inventories P.52")
    for name, kind, parts in (("T", "Industries", ("Agriculture", "Fishing")), ("FD", "Final Demand", uses)):
        lines = [f"{long}\t{code}\t{kind}\t{part}\t" for long, code in countries for part in parts]
        (folder / f"labels_{name}.txt").write_text("\n".join(lines) + "\n")
    for name, block in (("T", Z), ("FD", Y), ("VA", np.vstack([VALUE_ADDED - 2, np.full(6, 2.0)]))):
        np.savetxt(folder / f"Eora26_2019_bp_{name}.txt", block, delimiter="\t")
    return "files: raw/eora/*.txt"


EDITIONS: dict[str, tuple[Callable[[Project], str], tuple[str, ...], tuple[str, ...]]] = {
    "figaro": (figaro, ("GRC", "ROW", "USA"), ("A01", "C31_32")),
    "wiod_longrun": (wiod_longrun, ("GRC", "ROW", "USA"), ("AtB", "D30t33")),
    "wiod_2016": (wiod_2016, ("GRC", "ROW", "USA"), ("c1", "c2")),
    "adb_mrio": (adb_mrio, ("ESP", "ROW", "CHE"), ("c1", "c2")),
    "eora26": (eora26, ("GRC", "SUN", "SDN"), ("Agriculture", "Fishing")),
}


def built(project: Project, preset: str, source: str) -> None:
    spec = f"{HEAD}extends: {preset}\nsource: {{{source}}}\n"
    (project.specs / "tables.yaml").write_text(spec)
    build_panel(project.spec_file("tables"), project)


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_edition_is_read_as_it_is_published(project: Project, edition: str) -> None:
    write, countries, industries = EDITIONS[edition]
    built(project, edition, write(project))
    table = read_table("tables", 2019, project)
    assert list(table.rows) == labels(countries, industries)
    np.testing.assert_allclose(table.Z, Z)
    np.testing.assert_allclose(table.Y.reshape(6, -1), Y)
    np.testing.assert_allclose(table.x, X)
    stored = read_labels(project.panel_file("tables"))
    assert stored.inventories == table.uses[1]
    assert set(table.uses) <= set(stored.uses)
    if edition == "wiod_longrun":
        np.testing.assert_allclose(read_table("tables", 2018, project).Z, 2 * Z)


def test_an_edition_that_does_not_add_up_is_refused(project: Project) -> None:
    figaro(project)
    path = next(project.raw.glob("matrix_*.csv"))
    frame = pd.read_csv(path, index_col=0)
    frame.loc["W2_B2A3G", "US_A01"] += 40
    frame.to_csv(path)
    with pytest.raises(DataError, match="does not balance: column sums miss"):
        built(project, "figaro", "files: raw/matrix_*.csv")


def test_what_is_wrong_with_an_edition_is_said(project: Project) -> None:
    eora26(project)
    (project.raw / "eora" / "Eora26_2019_bp_FD.txt").unlink()
    with pytest.raises(DataError, match=r"Eora26_2019_bp_FD.txt: the block is absent. Unpack the whole"):
        built(project, "eora26", "files: raw/eora/*.txt")
    (project.raw / "eora" / "labels_T.txt").write_text("Greece\tGRC\tIndustries\tFishing\n")
    np.savetxt(project.raw / "eora" / "Eora26_2019_bp_FD.txt", Y, delimiter="\t")
    with pytest.raises(DataError, match=r"labels_T.txt: 1 labels of 4 parts for 6 rows"):
        built(project, "eora26", "files: raw/eora/*.txt")
    wiod_longrun(project)
    path = project.raw / "lr_wiod_wiot_final_filled.csv"
    frame = pd.read_csv(path)
    pd.concat([frame, frame[frame["col_isic3"] == "AtB"].iloc[:1]]).to_csv(path, index=False)
    with pytest.raises(DataError, match="is there twice in 201"):
        built(project, "wiod_longrun", f"file: raw/{path.name}")
    frame.drop(columns="row_isic3").to_csv(path, index=False)
    with pytest.raises(DataError, match="Its columns are year, row_country"):
        built(project, "wiod_longrun", f"file: raw/{path.name}")


CELLS = "{year: anio, country: origen, industry: sector, use_country: destino, use: uso, value: valor}"


def own_long(project: Project, suffix: str = ".csv") -> pd.DataFrame:
    """A row a cell in columns of nobody else, with value added among the rows."""
    rows, uses = labels(("GRC", "ROW", "USA"), ("A01", "C31")), labels(("GRC", "ROW", "USA"), ("HFCE", "INV"))
    lines = [
        (2019, *seller, *buyer, value)
        for block, buyers in ((Z, rows), (Y, uses))
        for i, seller in enumerate(rows)
        for value, buyer in zip(block[i], buyers, strict=True)
    ]
    lines += [(2019, "W2", "VA", *rows[j], VALUE_ADDED[j]) for j in range(6)]
    names = ["anio", "origen", "sector", "destino", "uso", "valor"]
    frame = pd.DataFrame(lines, columns=names).sample(frac=1, random_state=3).assign(nota="x")
    if suffix == ".csv":
        frame.to_csv(project.raw / "mip.csv", index=False)
    else:
        frame.to_parquet(project.raw / "mip.parquet", index=False)
    return frame


def long_spec(project: Project, suffix: str, cells: str = CELLS) -> str:
    words = f"layout: long\ncells: {cells}\nignore: [VA]\nunit: million USD\ninventories: INV\n"
    path = project.spec_file("mip")
    path.write_text(f"{HEAD}{words}source: {{file: raw/mip{suffix}}}\n", encoding="utf-8")
    build_panel(path, project)
    return "mip"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_ones_own_columns_needs_a_spec_alone(project: Project, suffix: str) -> None:
    own_long(project, suffix)
    table = read_table(long_spec(project, suffix), 2019, project)
    at = [list(table.rows).index(label) for label in labels(("GRC", "ROW", "USA"), ("A01", "C31"))]
    np.testing.assert_allclose(table.Z[np.ix_(at, at)], Z)
    np.testing.assert_allclose(table.x[at], X)
    np.testing.assert_allclose(table.Y.sum(axis=(1, 2))[at], Y.sum(axis=1))


def test_what_is_wrong_with_a_table_of_ones_own_is_said(project: Project) -> None:
    frame = own_long(project)
    with pytest.raises(SpecError, match=r"cells\.use.*needs the name of this column"):
        long_spec(project, ".csv", CELLS.replace(", use: uso", ""))
    with pytest.raises(DataError, match="Its columns are anio, origen, sector, destino, uso, precio"):
        long_spec(project, ".csv", CELLS.replace("valor", "precio"))
    frame.assign(valor=frame["valor"].where(frame["uso"] != "INV")).to_csv(
        project.raw / "mip.csv", index=False
    )
    with pytest.raises(DataError, match=r"mip\.csv, row \d+, column 'valor': the cell has no value"):
        long_spec(project, ".csv")
