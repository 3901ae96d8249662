"""Presets of statistical agencies on made-up files in their true layouts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from gvcmetrics.errors import DataError, SpecError
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

HEAD = "title: Made up\nlicence: none\ncitation: made up for the tests\nsource: {file: raw/FILE}\n"


def build(project: Project, preset: str, file: str, rest: str) -> pd.DataFrame:
    path = project.spec_file("made_up")
    path.write_text(HEAD.replace("FILE", file) + f"extends: {preset}\n" + rest, encoding="utf-8")
    build_panel(path, project)
    return panel("made_up", project=project)


TSV = """\
freq,indic_sbs,nace_r2,geo\\TIME_PERIOD\t2019 \t2020 
A,EMP_NR,C10,EL30\t1234 \t: 
A,EMP_NR,C13,DE21\t5 b\t6.5 ep
A,EMP_NR,C14,AT11\t: c\t7 
A,EMP_NR,C101,AT11\t3 \t3 
A,EMP_NR,C10,DE2\t9 \t9 
A,EMP_NR,C,AT11\t9 \t9 
A,LU_NR,C13,DE21\t1 \t2 
"""
KEEP = 'keep: {indic_sbs: [EMP_NR], nace_r2: ["C##"], geo: ["####"]}\n'
REGIONS = [
    ["AUT", "AT11", "14", 2019, None, "c"],
    ["AUT", "AT11", "14", 2020, 7, None],
    ["DEU", "DE21", "13", 2019, 5, "b"],
    ["DEU", "DE21", "13", 2020, 6.5, "ep"],
    ["GRC", "EL30", "10", 2019, 1234, None],
]


def as_rows(frame: pd.DataFrame) -> list[list[object]]:
    plain = frame.astype(object)
    return [list(row) for row in plain.where(plain.notna(), None).to_numpy()]


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("file", ["e.tsv", "e.tsv.gz"])
def test_eurostat_tsv(project: Project, file: str, ends: str) -> None:
    content = TSV.replace("\n", ends).encode()
    (project.raw / file).write_bytes(gzip.compress(content) if file.endswith("gz") else content)
    built = build(project, "eurostat", file, KEEP)
    assert as_rows(built.drop(columns="cluster_id")) == REGIONS
    assert "8 other raw rows are left out" in " ".join(built.attrs["provenance"]["notes"])


def test_eurostat_sdmx_csv_gives_the_same(project: Project) -> None:
    header, *lines = TSV.splitlines()
    keys, *periods = header.split("\t")
    rows = ["DATAFLOW,LAST UPDATE," + keys.split("\\")[0] + ",TIME_PERIOD,OBS_VALUE,OBS_FLAG"]
    for line in lines:
        named, *cells = line.split("\t")
        for period, cell in zip(periods, cells, strict=True):
            value, _, flag = cell.partition(" ")
            rows.append(f"ESTAT:X(1.0),01/01/26,{named},{period.strip()},{value.replace(':', '')},{flag}")
    (project.raw / "e.csv").write_text("\n".join(rows) + "\n")
    assert as_rows(build(project, "eurostat", "e.csv", KEEP).drop(columns="cluster_id")) == REGIONS


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1234 \t", "12x4 \t", r"e.tsv, row 2, column 'OBS_VALUE': '12x4': not a number"),
        ("A,EMP_NR,C13,DE21", "A,C13,DE21", r"e.tsv, row 3: the line has more or fewer keys"),
        ("6.5 ep", "6.5 ep\t7", r"e.tsv, row 3: the line has more or fewer keys or values"),
    ],
)
def test_a_damaged_tsv_is_located(project: Project, old: str, new: str, said: str) -> None:
    (project.raw / "e.tsv").write_text(TSV.replace(old, new))
    with pytest.raises(DataError, match=said):
        build(project, "eurostat", "e.tsv", KEEP)


WDI = """\
Country Name,Country Code,Indicator Name,Indicator Code,2018,2019,2020{end}
Ecuador,ECU,GDP (current US$),NY.GDP.MKTP.CD,100,108000000000.5,{end}
Ecuador,ECU,GDP per capita (current US$),NY.GDP.PCAP.CD,10,6200.25,{end}
Ecuador,ECU,"Population, total",SP.POP.TOTL,1,17000000,17300000{end}
Ecuador,ECU,Exports,NE.EXP.GNFS.CD,,25000000000,{end}
Ecuador,ECU,"Manufacturing, value added (% of GDP)",NV.IND.MANF.ZS,,14.5,{end}
Ecuador,ECU,Exchange rate,PA.NUS.FCRF,1,1,1{end}
Ecuador,ECU,Access to electricity,EG.ELC.ACCS.ZS,99,99,99{end}
Arab World,ARB,GDP (current US$),NY.GDP.MKTP.CD,1,1,1{end}
"""


@pytest.mark.parametrize("end", ["", ","])
def test_wdi(project: Project, end: str) -> None:
    (project.raw / "w.csv").write_text(WDI.replace("{end}", end))
    years = "layout: {wide_to_long: {values: [2019, 2020]}}\n"
    built = build(project, "wdi", "w.csv", years)
    assert as_rows(built) == [
        ["ECU", 2019, 108000000000.5, 6200.25, 17000000, 25000000000, 0.145, 1],
        ["ECU", 2020, None, None, 17300000, None, None, 1],
    ]
    with pytest.raises(SpecError, match=r"needs `layout.wide_to_long.values`. State the years"):
        build(project, "wdi", "w.csv", "")
    with pytest.raises(DataError, match=r"w.csv, row 1, column '2021': the column is absent"):
        build(project, "wdi", "w.csv", "layout: {wide_to_long: {values: [2020, 2021]}}\n")
    (project.raw / "w.csv").write_text(WDI.replace("{end}", end).replace("17300000", "many"))
    with pytest.raises(DataError, match=r"w.csv, row 4, column '2020': 'many': not a number"):
        build(project, "wdi", "w.csv", years)


KEYS = "FREQ,REF_AREA,MEASURE,UNIT_MEASURE,TIME_PERIOD,OBS_VALUE,OBS_STATUS,UNIT_MULT"
OECD = "STRUCTURE,STRUCTURE_ID,ACTION," + KEYS
DATAFLOW = "DATAFLOW," + KEYS


@pytest.mark.parametrize("header", [OECD, DATAFLOW])
def test_oecd(project: Project, header: str) -> None:
    start = "DATAFLOW,OECD.X:DSD_Y@DF_Z(1.0),I," if header == OECD else "OECD.X:DSD_Y@DF_Z(1.0),"
    rows = [
        "A,CHL,B1GQ,USD_PPP,2020,450.5,A,6",
        "A,CHL,POP,PS,2020,19.4,A,6",
        "A,CHL,B1GQ,USD_PPP,2021,460,A,6",
        "A,CHL,POP,PS,2021,,M,6",
        "Q,CHL,B1GQ,USD_PPP,2021,120,A,6",
        "A,OECD,B1GQ,USD_PPP,2020,50000,A,6",
    ]
    (project.raw / "o.csv").write_text("\n".join([header, *(start + row for row in rows)]) + "\n")
    cells = "columns: {gdp_usd: {cell: B1GQ, scale: 1000000}, population: {cell: POP, scale: 1000000}}\n"
    built = build(project, "oecd", "o.csv", "keep: {FREQ: [A]}\n" + cells)
    assert as_rows(built) == [["CHL", 2020, 450.5e6, 19.4e6], ["CHL", 2021, 460e6, None]]
    with pytest.raises(SpecError, match=r"needs `keep`. Fix what else tells rows apart"):
        build(project, "oecd", "o.csv", cells)


def test_un(project: Project) -> None:
    header = "DATAFLOW,FREQ,REPORTING_TYPE,SERIES,REF_AREA,SEX,TIME_PERIOD,OBS_VALUE,UNIT_MULT,UNIT_MEASURE"
    rows = [
        "UN:DF(1.0),A,G,NV_IND_MANF,152,_T,2020,10.5,0,PT",
        "UN:DF(1.0),A,G,NV_IND_MANF,1,_T,2020,16,0,PT",
        "UN:DF(1.0),A,N,NV_IND_MANF,152,_T,2020,99,0,PT",
        "UN:DF(1.0),A,G,NV_IND_MANF,76,_T,2020,9.5,0,PT",
    ]
    (project.raw / "u.csv").write_text("\n".join([header, *rows]) + "\n")
    said = "keep: {REPORTING_TYPE: [G]}\ncolumns: {manufacturing_share: {cell: NV_IND_MANF, scale: 0.01}}\n"
    assert as_rows(build(project, "un", "u.csv", said)) == [["BRA", 2020, 0.095], ["CHL", 2020, 0.105]]


def ele(path: Path) -> None:
    """Made-up firms with the items of the codebook; no answer of any firm that there is."""
    frame = pd.DataFrame(
        {
            "ID": ["m1", "m2", "m3"],
            "A058": [0.0, 100.0, 25.0],
            "D009": [60.0, 35.5, None],
            "D010": [20.0, 10.0, None],
            "D011": [5.0, 0.0, None],
            "D136": [1.0, 2.0, None],
            "D137": [2.0, 1.0, None],
            "D139": [1.0, 3.0, None],
            "D157": [1.0, 2.0, None],
            "D191": [3.0, 12.0, None],
            "REMUN": [100.0, 200.0, 300.0],
        }
    )
    pyreadstat.write_sav(frame, str(path))


def test_ele(project: Project) -> None:
    ele(project.raw / "ele.sav")
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nCLP,2017,650\n")
    said = "money: {currency: CLP, rates: raw/rates.csv}\ncolumns:\n  firm_id: {from: ID}\n"
    said += '  year: {constant: "2017"}\n  wages_usd: {from: REMUN, scale: 1000}\n'
    said += '  owned_by_buyer: {from: D157, recode: {"1": "1", "2": "0"}}\n'
    built = build(project, "ele", "ele.sav", said)
    assert built["country"].tolist() == ["CHL"] * 3
    assert built["main_buyer_share"].fillna(-1).tolist() == [0.6, 0.355, -1]
    assert built["third_buyer_share"].fillna(-1).tolist() == pytest.approx([0.05, 0, -1])
    assert built["foreign_share"].tolist() == [0, 1, 0.25]
    assert built["exports_by_intermediary"].fillna("").tolist() == ["2", "1", ""]
    assert built["owned_by_buyer"].fillna(-1).tolist() == [1, 0, -1]
    assert built["border_days_1"].fillna(-1).tolist() == [3, 12, -1]
    assert built["wages_usd"].tolist() == pytest.approx([100e3 / 650, 200e3 / 650, 300e3 / 650])
    assert built.attrs["lineage"]["main_buyer_share"] == ["ele.sav.D009"]
    with pytest.raises(SpecError, match=r"the preset 'ele' needs `money`"):
        build(project, "ele", "ele.sav", said.split("\n", 1)[1])


def test_rows_are_dropped_and_counted(project: Project) -> None:
    (project.raw / "f.csv").write_text("id,kind,size\na,10,1\nb,1,2\nc,11,3\nd,a?,4\ne,abc,5\n")
    words = "contract: firm\ncolumns: {country: {constant: PER}, firm_id: {from: id}, "
    words += 'year: {constant: "2019"}, employment: {from: size}}\n'

    def kept(selected: str) -> list[str]:
        path = project.spec_file("made_up")
        path.write_text(HEAD.replace("FILE", "f.csv") + words + selected)
        build_panel(path, project)
        return panel("made_up", project=project)["firm_id"].tolist()

    assert kept("drop: {kind: [10, abc]}\n") == ["b", "c", "d"]
    assert kept('keep: {KIND: ["1#"]}\n') == ["a", "c"]
    assert kept('drop: {kind: ["##"]}\n') == ["b", "d", "e"]
    assert kept('keep: {kind: ["#", "#b#"]}\ndrop: {id: [b]}\n') == ["e"]
    with pytest.raises(DataError, match="keeps none of the rows, or `drop` leaves none"):
        kept('drop: {kind: ["#", "##", "###", "a?"]}\n')
