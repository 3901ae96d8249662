"""A panel is what its files were when it was built, and its bytes are those that were written."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from gvcmetrics.errors import DataError
from gvcmetrics.ground import inputs
from gvcmetrics.panels import list_panels, panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project

Build = Callable[..., pd.DataFrame]
SPEC = """\
title: t
contract: firm
source: {files: raw/f_*.csv}
licence: none
citation: none
money: {currency: EUR, rates: raw/rates.csv, deflator: raw/cpi.csv, base_year: 2019}
columns:
  country: {constant: PER}
  firm_id: {from: id}
  year: {file_name: year}
  sales_usd: {from: sales}
"""


@pytest.fixture
def built(project: Project) -> Project:
    (project.raw / "f_2019.csv").write_text("id,sales\n1,5\n")
    (project.raw / "rates.csv").write_text("currency,year,per_usd\nEUR,2019,1\nEUR,2020,1\n")
    (project.raw / "cpi.csv").write_text("year,index\n2019,1\n2020,1\n")
    project.spec_file("firms").write_text(SPEC)
    build_panel(project.spec_file("firms"), project)
    return project


def _state(project: Project) -> str:
    return list_panels(project).loc["firms", "state"]


def _for_make(project: Project) -> list[str]:
    run = [sys.executable, "-S", "-E", inputs.__file__, str(project.parquet)]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("name", ["f_2019.csv", "rates.csv", "cpi.csv", "f_2020.csv"])
@pytest.mark.parametrize("earlier", [False, True], ids=["new", "with an older time"])
def test_a_file_that_changes_makes_a_panel_stale(built: Project, name: str, earlier: bool) -> None:
    assert _state(built) == "built"
    assert _for_make(built) == []
    path = built.raw / name
    text = path.read_text() if path.exists() else "id,sales\n1,5\n"
    path.write_text(text.replace(",1\n", ",2\n").replace("1,5", "1,6"))
    if earlier:
        os.utime(path, (1, 1))
    assert _state(built) == "stale"
    assert _for_make(built) == [str(built.parquet / "firms.state")]
    with pytest.warns(UserWarning, match=rf"'firms' is older than {name}.*panel build"):
        panel("firms", project=built)
    build_panel(built.spec_file("firms"), built)
    assert _state(built) == "built"


def test_a_file_that_is_only_touched_does_not(built: Project) -> None:
    os.utime(built.raw / "f_2019.csv", (time.time() + 60,) * 2)
    assert _for_make(built) == []
    assert _state(built) == "built"
    (built.raw / "f_2019.csv").unlink()
    assert _state(built) == "built"


@pytest.mark.parametrize("by", ["", "partition_by: year\n"])
def test_a_flipped_bit_is_never_read_as_data(
    project: Project, firms: Build, firms_spec: str, by: str
) -> None:
    rows = "".join(f"{n},2019,{n * 7919 % 4001}.5\n" for n in range(400))
    (project.raw / "f.csv").write_text(f"id,year,workers\n{rows}")
    whole = firms(firms_spec, by, source="{file: raw/f.csv}")
    folder = project.panel_folder("firms")
    path: Path = next(folder.glob("*/*.parquet")) if by else project.panel_file("firms")
    good = path.read_bytes()
    places = _places(good)
    for place, bit in places:
        bad = bytearray(good)
        bad[place] ^= 1 << bit
        path.write_bytes(bad)
        try:
            read = panel("firms", project=project)
        except DataError as error:
            assert "damaged" in str(error) or "no panel" in str(error)  # noqa: PT017
        else:
            pd.testing.assert_frame_equal(read, whole)
            assert read.attrs["provenance"] == whole.attrs["provenance"]


def _places(good: bytes) -> list[tuple[int, int]]:
    """Bits over all the file, the heads of its pages among them, and most in the footer."""
    chance = random.Random(3)
    footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
    heads = [m.start() + 1 for m in re.finditer(rb"\x15\x00\x15", good[:footer])]
    spread = [chance.randrange(len(good)) for _ in range(40)]
    spread += [chance.randrange(footer, len(good)) for _ in range(60)]
    return [*((place, 0) for place in heads), *((place, chance.randrange(8)) for place in spread)]


def test_a_record_beside_its_parts_is_the_one_that_was_written(
    project: Project, firms: Build, firms_spec: str
) -> None:
    (project.raw / "f.csv").write_text("id,year,workers\n1,2019,3\n2,2020,4\n")
    firms(firms_spec, "partition_by: year\n", source="{file: raw/f.csv}")
    record = project.panel_folder("firms") / "_provenance.json"
    record.write_text(record.read_text().replace('"unit": "persons"', '"unit": "partons"'))
    with pytest.raises(DataError, match="damaged"):
        panel("firms", project=project)


def test_what_an_earlier_version_wrote_is_read(project: Project, firms: Build, firms_spec: str) -> None:
    (project.raw / "f.csv").write_text("id,year,workers\n1,2019,3\n")
    whole = firms(firms_spec, source="{file: raw/f.csv}")
    path = project.panel_file("firms")
    table = pq.read_table(path)
    for words, kept in (((b"gvcmetrics",), True), ((b"gvcmetrics", b"gvcmetrics_fokter"), False)):
        metadata = {word: (table.schema.metadata or {}).get(word, b"0" * 8) for word in words}
        pq.write_table(table.replace_schema_metadata(metadata), path)
        if kept:
            pd.testing.assert_frame_equal(panel("firms", project=project), whole)
        else:
            with pytest.raises(DataError, match="damaged"):
                panel("firms", project=project)


@pytest.mark.parametrize(
    "where",
    [
        *("year=2019 LIMIT 1", "year=2019 ORDER BY year", "year = 2019; DROP TABLE panel", "year", "1", ""),
        *("year IN (SELECT 2019)", "EXISTS (SELECT 1)", "(SELECT 1) = 1", "read_csv('x') = 1"),
        *("row_number() OVER () = 1", "year = 2019 UNION SELECT 1", "year = $1", "GETENV('HOME') = 'x'"),
        *("year = 2019 GROUP BY year", "year = 2019 -- and\nLIMIT 1", "COUNT(*) > 0", "*"),
    ],
)
def test_where_is_one_condition_on_columns(built: Project, where: str) -> None:
    with pytest.raises(DataError, match="`where` is no condition"):
        panel("firms", where=where, project=built)


@pytest.mark.parametrize(
    "where",
    [
        *("year = 2019", "year >= 2000 AND country IN ('PER', 'ECU')", "NOT sales_usd IS NULL", "TRUE"),
        *("country LIKE 'P%' OR year BETWEEN 1 AND 2", "LOWER(country) = 'per'", "sales_usd / 2 > -1"),
    ],
)
def test_conditions_still_choose(built: Project, where: str) -> None:
    assert len(panel("firms", where=where, project=built)) == 1
    assert len(panel("firms", where=f"NOT ({where})", project=built)) == 0
