"""The codebook and the numbers in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from gvcmetrics.errors import MissingSourceError
from gvcmetrics.ground.numbers import short
from gvcmetrics.panels import panel
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show.codebook import write_codebook
from gvcmetrics.panels.show.describe import summarise_panel
from gvcmetrics.panels.store.stored import read_provenance


class Balanced(HTMLParser):
    """Counts open tags, so that a page that is not well formed is found."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells = 0

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.cells += tag == "td"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_self_contained_and_always_the_same(project: Project) -> None:
    build_panel(project.spec_file("exports"), project)
    path = write_codebook(project)
    first = path.read_bytes()
    assert write_codebook(project).read_bytes() == first
    text = first.decode()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    assert parser.cells == 7 + 7 * 8
    assert not re.search(r"<script|<link|src=|https?:", text)
    for said in ("value_usd", "value_k × 1,000", "constant of the spec", "made up for the tests", "25.0 %"):
        assert said in text
    assert str(project.data.parent) not in text


def test_text_of_a_spec_cannot_break_the_page(project: Project) -> None:
    spec = project.spec_file("exports")
    spec.write_text(spec.read_text(encoding="utf-8").replace("a few", "<b>few & far"), encoding="utf-8")
    build_panel(spec, project)
    assert "&lt;b&gt;few &amp; far" in write_codebook(project).read_text(encoding="utf-8")


def test_without_panels_it_says_what_to_run(project: Project) -> None:
    with pytest.raises(MissingSourceError, match="make all"):
        write_codebook(project)


def test_summaries_agree_with_pandas(project: Project) -> None:
    build_panel(project.spec_file("exports"), project)
    frame = panel("exports", project=project)
    provenance = read_provenance(project.panel_file("exports"))
    found = {line.name: line for line in summarise_panel(provenance, project)}
    value = frame["value_usd"]
    assert found["value_usd"].spread == " … ".join(short(v) for v in (value.min(), value.mean(), value.max()))
    assert found["value_usd"].missing_share == 0.25
    assert found["exporter"].spread == "DEU (2), CIV (1), KOR (1)"
    assert found["exporter"].distinct == 3
    assert found["year"].spread == "2000 … 2001"
    assert [line.missing_share for line in found.values()] == frame.isna().mean().tolist()
    assert [line.distinct for line in found.values()] == frame.nunique().tolist()


def test_a_column_without_a_value_and_a_folder_are_described(project: Project) -> None:
    spec, raw = project.spec_file("exports"), project.raw / "exports.csv"
    build_panel(spec, project)
    whole = summarise_panel(read_provenance(project.panel_file("exports")), project)
    spec.write_text(spec.read_text() + "partition_by: exporter\n", encoding="utf-8")
    parts = summarise_panel(build_panel(spec, project).provenance, project)
    assert parts == whole
    frame = pd.read_csv(raw, dtype=str).assign(quality="")
    frame.to_csv(raw, index=False)
    spec.write_text(spec.read_text().replace("quality:", "quality: {from: quality, optional: true}"))
    lines = {line.name: line for line in summarise_panel(build_panel(spec, project).provenance, project)}
    assert (lines["quality"].spread, lines["quality"].missing_share) == ("no value", 1.0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12345, "12,345"),
        (0.123456, "0.1235"),
        (1234.5, "1,234"),
        (2.5e9, "2.500e+09"),
        (1e-5, "1.000e-05"),
    ],
)
def test_numbers_for_reading(value: float, shown: str) -> None:
    assert short(float(value)) == shown
    assert float(short(float(pd.Series([value]).mean())).replace(",", "")) == pytest.approx(value, rel=1e-3)
