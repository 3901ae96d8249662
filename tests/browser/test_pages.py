"""The report and the codebook as a reader meets them: wide, narrow, light, dark, by keyboard, on paper.

`make test-browser` opens a made-up report, long in every direction, and the pages that are built here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gvcmetrics as gvc
from gvcmetrics.claims.verdict import CONTRADICTED, NEGLIGIBLE, SUPPORTED, UNCLEAR
from gvcmetrics.panels.build import build_panel
from gvcmetrics.panels.project import Project
from gvcmetrics.panels.show.codebook import write_codebook
from gvcmetrics.report import Study, build_report, new_figure
from gvcmetrics.report.pages.hypotheses import read_hypotheses

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "analysis" / "results"
WIDTHS = (1400, 420)
LEGIBLE = 4.5

UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"
# Whatever reaches over the right edge and is in no box that scrolls by itself.
BEYOND = """[...document.body.querySelectorAll('*')].filter(one => {
  if (one.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let at = one.parentElement; at; at = at.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(at).overflowX)) return false;
  return one.getClientRects().length > 0;
}).map(one => one.outerHTML.slice(0, 120))"""
BOXES = """[...document.querySelectorAll('*')].filter(
  one => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)
).map(one => ({
  tables: one.querySelectorAll('table').length, reach: one.tabIndex, role: one.getAttribute('role'),
  label: one.getAttribute('aria-label'), slides: one.scrollWidth > one.clientWidth}))"""
PICTURES = """[...document.images].filter(one => !one.complete || !one.naturalWidth || !one.alt)
  .map(one => one.alt)"""
LOST = """[...document.querySelectorAll('a[href^="#"]')].map(one => one.getAttribute('href').slice(1))
  .filter(name => !document.getElementById(decodeURIComponent(name)))"""
FILES = """[...document.querySelectorAll('a[href]')].map(one => one.getAttribute('href'))
  .filter(to => !/^(#|[a-z]+:)/.test(to))"""
REACHABLE = """[...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
  .filter(one => one.getClientRects().length).length"""
FOCUS = """(() => { const at = document.activeElement, style = getComputedStyle(at);
  at.dataset.met = 1 + Number(at.dataset.met ?? 0);
  return {tag: at.tagName, met: Number(at.dataset.met), ring: style.outlineStyle}; })()"""
# Contrast of every text with what lies under it, as WCAG 2.1 defines it.
PALE = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => parts(colour).slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const under = one => { for (let at = one; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if ((parts(colour)[3] ?? 1) > 0) return colour; } return 'rgb(255, 255, 255)'; };
  const found = {};
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !one.getClientRects().length) continue;
    const [ink, paper] = [getComputedStyle(one).color, under(one)];
    const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < LEAST) found[`${ink} on ${paper}: ${ratio.toFixed(2)}`] = one.outerHTML.slice(0, 80);
  }
  return found; })()"""
PAPER = "getComputedStyle(document.body).backgroundColor"


def long_report(folder: Path) -> Path:
    """Twelve studies and twenty panels, one table of twelve estimates, and answers of ten panels."""
    rng = np.random.default_rng(7)
    firms = pd.DataFrame(rng.normal(size=(40, 2)), columns=["log_sales", "log_research_and_development"])
    columns = [gvc.ols("log_sales ~ log_research_and_development", firms) for _ in range(12)]
    figure, axes = new_figure()
    axes.plot([0, 1], [0, 1])
    studies, pages = [], []
    for number in range(32):
        name = f"{number + 1:02}_study" if number < 12 else f"panel_made_up_{number}"
        study = Study(name, f"A question on chains, number {number}", "Who moved?", results=folder)
        study.text("A sentence with `a_long_name_of_some_function(with, its, arguments)` in **bold**.")
        if number in (0, 12):
            study.table(gvc.table(columns, title="Twelve columns"), "wide")
            study.figure(figure, "line", "One line")
        else:
            study.table(gvc.table(firms.head(3), title=f"Three firms, {number}"), "firms")
        (studies if number < 12 else pages).append(study.write())
    claims = [claim["id"] for claim in read_hypotheses(ROOT / "analysis" / "hypotheses.yaml")]
    verdicts = (SUPPORTED, CONTRADICTED, UNCLEAR, NEGLIGIBLE)
    told = [
        (claim, f"a_panel_with_a_long_name_{panel}", verdicts[(place + panel) % 4])
        for place, claim in enumerate(claims)
        for panel in range(10)
    ]
    answers = pd.DataFrame(told, columns=["hypothesis", "panel", "verdict"])
    answers.assign(claim_verdict=answers["verdict"]).to_parquet(folder / "answers.parquet")
    return build_report(
        studies,
        folder / "report.html",
        panels=pages,
        hypotheses=ROOT / "analysis" / "hypotheses.yaml",
        answers=folder / "answers.parquet",
        not_run={"validation": ("Do the estimators recover known parameters?", "Not run here.")},
    )


def small_codebook(folder: Path) -> Path:
    project = Project(folder / "data")
    for kind, suffix in (("panels", "yaml"), ("raw", "csv")):
        (folder / "data" / kind).mkdir(parents=True)
        file = ROOT / "tests" / "panels" / f"exports.{suffix}"
        (folder / "data" / kind / file.name).write_bytes(file.read_bytes())
    (folder / "analysis" / "results").mkdir(parents=True)
    build_panel(project.spec_file("exports"), project)
    return write_codebook(project)


@pytest.fixture(scope="module", params=["long report", "small codebook", "report", "codebook"])
def page(request, tmp_path_factory) -> Path:
    if request.param in ("report", "codebook"):
        built = BUILT / f"{request.param}.html"
        if not built.exists():
            pytest.skip(f"{built.name} is not built here: run `make all`")
        return built
    folder = tmp_path_factory.mktemp("pages")
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return (long_report if request.param == "long report" else small_codebook)(folder)
    finally:
        os.chdir(before)


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways_but_wide_tables_in_their_box(browser, page, width):
    browser.open(page, width)
    browser.ask(UNFOLD)
    assert browser.ask(BEYOND) == []
    assert browser.ask("document.documentElement.scrollWidth") <= width
    captions = (
        "[...document.querySelectorAll('caption, .note')].map(one => one.getBoundingClientRect().right)"
    )
    assert max(browser.ask(captions), default=0) <= width
    boxes = browser.ask(BOXES)
    assert boxes
    assert {box["tables"] for box in boxes} == {1}
    assert {(box["reach"], box["role"], bool(box["label"])) for box in boxes} == {(0, "region", True)}


def test_pictures_contents_and_files_are_there(browser, page):
    browser.open(page, 1400)
    assert browser.ask(PICTURES) == []
    assert browser.ask(LOST) == []
    assert [to for to in browser.ask(FILES) if not (page.parent / to).exists()] == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser, page):
    browser.open(page, 420)
    awaited = browser.ask(REACHABLE)
    seen = []
    # One more than there is: the last leaves the page or comes round to its beginning.
    for _ in range(awaited):
        browser.press("Tab", 9)
        seen.append(browser.ask(FOCUS))
    assert {at["met"] for at in seen} == {1}
    assert "BODY" not in {at["tag"] for at in seen}
    assert "none" not in {at["ring"] for at in seen}


def test_a_wide_table_slides_under_the_arrow_keys(browser, page):
    browser.open(page, 420)
    browser.ask(UNFOLD)
    wide = (
        "[...document.querySelectorAll('[role=region]')].find(one => one.scrollWidth > one.clientWidth + 40)"
    )
    browser.ask(f"window.wide = {wide}; wide.focus()")
    browser.press("ArrowRight", 39)
    slid = "new Promise(done => setTimeout(() => done(wide.scrollLeft), 400))"
    said = browser("Runtime.evaluate", expression=slid, awaitPromise=True, returnByValue=True)
    assert said["result"]["value"] > 0


def test_the_names_of_rows_stay_while_a_table_slides(browser, page):
    browser.open(page, 420)
    moved = browser.ask(
        """[...document.querySelectorAll('[role=region]')].filter(one => one.scrollWidth > one.clientWidth)
        .map(one => { one.scrollLeft = 60; const name = one.querySelector('tbody th[scope=row], tbody td');
        return name.getBoundingClientRect().left - one.getBoundingClientRect().left; })"""
    )
    assert moved
    assert all(abs(left) <= 1 for left in moved)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_legible(browser, page, scheme):
    browser.open(page, 1400, scheme)
    browser.ask(UNFOLD)
    assert browser.ask(PALE.replace("LEAST", str(LEGIBLE))) == {}
    dark = sum(map(int, re.findall(r"\d+", browser.ask(PAPER))[:3])) < 200
    assert dark == (scheme == "dark")


def test_figures_lie_on_white_in_the_dark(browser, page):
    browser.open(page, 1400, "dark")
    cards = browser.ask("[...document.images].map(one => getComputedStyle(one).backgroundColor)")
    assert set(cards) <= {"rgb(255, 255, 255)"}


def test_paper_is_white_whatever_the_screen(browser, page):
    browser.open(page, 1400, "dark", media="print")
    assert re.findall(r"\d+", browser.ask(PAPER))[:3] == ["255"] * 3
    assert browser.ask(PALE.replace("LEAST", str(LEGIBLE))) == {}
    # The room of a page of A4 between margins of a centimetre, in CSS pixels.
    browser.open(page, 718, media="print")
    assert browser.ask("document.documentElement.scrollWidth") <= 718
    assert browser.ask(BEYOND) == []
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF")
    assert re.search(rb"/Type\s*/Page\b", pdf)
