"""Every measure has a page of its own, and chapters link to those that they use."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gvcmetrics import measures
from gvcmetrics.report.indicators.page import write_indicators
from gvcmetrics.report.indicators.read import indicators, used_by, used_in

ANALYSIS = Path(__file__).parents[3] / "analysis"


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        self.links += [found["href"]] if found.get("href") else []
        self.open += [] if tag in ("meta", "br") else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("page") / "indicators.html"
    first = write_indicators(out, used_in(ANALYSIS.glob("[0-9]*.py"))).read_bytes()
    assert write_indicators(out, used_in(ANALYSIS.glob("[0-9]*.py"))).read_bytes() == first
    return first.decode("utf-8")


def test_every_measure_is_there_once_and_every_link_leads_somewhere(text: str) -> None:
    page = Page(text)
    functions = {name for name in measures.__all__ if callable(getattr(measures, name)) and name.islower()}
    assert {name.replace("_", "-") for name in functions} == set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not page.open
    for link in page.links:
        target, _, place = link.partition("#")
        assert (not target and place in page.ids) or target == "report.html"


def test_each_says_what_it_is_takes_and_gives() -> None:
    for each in indicators():
        assert each.definition, each.name
        doc = inspect.getdoc(getattr(measures, each.name)) or ""
        assert bool(each.steps) == ("Parameters\n---" in doc), each.name
        assert bool(each.gives) == ("Returns\n---" in doc), each.name
        assert "----" not in "".join((*each.definition, each.gives, each.errors, each.source)), each.name
    by_name = {each.name: each for each in indicators()}
    assert by_name["ellison_glaeser"].source.startswith("Ellison and Glaeser (1997)")
    assert "Source" not in by_name["ellison_glaeser"].errors
    assert any(".. math::" in part for part in by_name["ellison_glaeser"].definition)


def test_chapters_link_to_what_their_script_names(text: str) -> None:
    script = (ANALYSIS / "01_car_exporters.py").read_text("utf-8")
    assert {"quadrants", "market_share"} <= set(used_by(script))
    assert used_by("from gvcmetrics.measures import rca, (gini)\nmeasures.nothing(1)") == ["gini", "rca"]
    section = re.search(r'<section id="quadrants".*?</section>', text, re.DOTALL)
    assert section
    assert 'href="report.html#01-car-exporters"' in section.group(0)
