"""Every public name has an entry in the reference, with a signature, an example that runs, and its source."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import gvcmetrics as gvc
from gvcmetrics import measures, models, report

from .conftest import ROOT

import blocks  # isort: skip
import docstrings  # isort: skip
import reference  # isort: skip

PAGES = [page for page in reference.PAGES if reference.examples(page)]


def test_every_public_name_has_one_entry() -> None:
    names = [entry.name for entry in reference.entries()]
    assert len(names) == len(set(names))
    public = {*gvc.__all__, *measures.__all__, *models.__all__, *report.__all__} - {"__version__"}
    simulated = {name for name in names if name.startswith("example_")}
    assert set(names) - simulated == public


def test_every_public_name_has_an_example() -> None:
    assert {entry.name for entry in reference.entries()} - reference.with_example() == set()


def test_no_example_is_of_a_name_that_is_not_there() -> None:
    names = {entry.name: entry.page for entry in reference.entries()}
    for page in PAGES:
        for title, _ in reference.examples(page):
            assert {names.get(name, "data") for name in reference.names_of(title)[0]} <= {page, "data"}, title


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_run_and_show_something(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict = {"__name__": "page"}
    for title, block in reference.examples(page):
        needs = reference.names_of(title)[1]
        if blocks.Block(block.code, block.line, needs).can_run():
            printed, value = blocks.run(block, names, f"{page}.py")
            assert printed or value is not None, title


def test_a_signature_is_explicit() -> None:
    for entry in reference.entries():
        value = inspect.unwrap(entry.value)
        shown = reference.signature(entry.name, value)
        assert shown.startswith(f"{entry.name}(")
        for name in inspect.signature(value).parameters:
            assert re.search(rf"[(\s*]{name}\b", shown), (entry.name, name)


def test_an_entry_has_signature_text_example_and_source(tmp_path: Path) -> None:
    reference.write("cases", tmp_path)
    text = (tmp_path / "cases.md").read_text("utf-8")
    entry = text.split("{ #cohen_kappa }")[1].split("\n## ")[0]
    assert "cohen_kappa(" in entry
    assert "**Parameters**" in entry
    assert 'measures.cohen_kappa(cases.assign(second=again["trust"]), "trust", "second")' in entry
    assert "Source: `gvcmetrics/measures/cases/agreement.py`" in entry
    assert "def cohen_kappa(" in entry


def test_docstrings_become_markdown() -> None:
    text = docstrings.markdown(
        """What it is, with :math:`x_1`.

        .. math:: y = \\frac{a}{b}

        ====  ==========
        kind  formula
        ====  ==========
        one   a | b
              and more
        ====  ==========

        Parameters
        ----------
        first, second : what they are,
            and on.

        Raises
        ------
        DataError
            When it is bad.

        Source: Somebody (2001).
        """
    )
    assert text.count("<math") == 2
    assert "| kind | formula |" in text
    assert "| one | a \\| b and more |" in text
    assert "- `first`, `second`: what they are, and on." in text
    assert "- `DataError` When it is bad." in text
    assert text.rstrip().endswith("*Source:* Somebody (2001).")


def test_every_docstring_has_formulas_that_can_be_read() -> None:
    for entry in reference.entries():
        text = docstrings.markdown(entry.value.__doc__ or "")
        assert ":math:" not in text, entry.name
        assert ".. math::" not in text, entry.name
        # What the converter does not know it leaves as a command.
        assert not [found for found in re.findall(r"<math.*?</math>", text) if "\\" in found], entry.name


def test_the_navigation_names_pages_that_are_there() -> None:
    text = (ROOT / "docs" / "site" / "mkdocs.yml").read_text("utf-8")
    made = {"changelog.md", "contributing.md"}
    made |= {f"tutorials/{path.stem}.md" for path in (ROOT / "analysis" / "notebooks").glob("*.ipynb")}
    named = set(re.findall(r"[\w/]+\.md\b", text))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    pages |= {
        p.relative_to(ROOT / "docs/site/pages").as_posix() for p in (ROOT / "docs/site/pages").rglob("*.md")
    }
    assert named - made == pages
    assert made <= named
