"""The code of every page runs, from top to bottom in one session, and shows something."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from .conftest import ROOT

import blocks  # isort: skip

PAGES = [
    *blocks.pages(ROOT / "docs"),
    *sorted((ROOT / "docs" / "site" / "pages").rglob("*.md")),
    ROOT / "README.md",
]
WITH_CODE = [page for page in PAGES if blocks.of_page(page.read_text("utf-8"))]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page: Path) -> None:
    names = {"__name__": "page"}
    ran = 0
    for block in blocks.of_page(page.read_text("utf-8")):
        if block.can_run():
            blocks.run(block, names, str(page))
            ran += 1
    if not ran:
        pytest.skip("the data of this page is not on this machine")


def test_code_stands_in_fences_where_it_is_found() -> None:
    """Indented code would be shown and not be run."""
    for page in PAGES:
        lines = blocks.FENCE.sub("", page.read_text("utf-8")).splitlines()
        assert [line for line in lines if line.startswith(("    gvc.", "    import ", "    measures."))] == []


def test_a_block_that_fails_is_named_by_page_and_line() -> None:
    page = "# Title\n\n```python\na = 1\n```\n\n```python\na + b\n```\n"
    first, second = blocks.of_page(page)
    names: dict = {}
    blocks.run(first, names, "page.md")
    with pytest.raises(NameError) as caught:
        blocks.run(second, names, "page.md")
    last = traceback.extract_tb(caught.tb)[-1]
    assert (last.filename, last.lineno) == ("page.md", 8)


def test_an_error_that_a_page_shows_must_be_raised(tmp_path: Path) -> None:
    shown = blocks.of_page("<!-- raises: ZeroDivisionError -->\n```python\n1 / 0\n```\n")[0]
    assert blocks.run(shown, {}, "page.md") == ("ZeroDivisionError: division by zero\n", None)
    quiet = blocks.of_page("<!-- raises: ZeroDivisionError -->\n```python\n1 / 1\n```\n")[0]
    with pytest.raises(AssertionError, match=r"page\.md, line 3"):
        blocks.run(quiet, {}, "page.md")
    needy = "<!-- needs: nowhere_at_all -->\n```python\n1 / 0\n```\n"
    assert "This needs `nowhere_at_all`" in blocks.with_outputs(
        needy, blocks.Pictures(tmp_path, "x"), "page.md"
    )


def test_what_a_block_shows_stands_below_it(tmp_path: Path) -> None:
    page = (
        "```python\nimport pandas as pd\nprint('said')\npd.Series([1.5], name='one')\n```\n\nafter\n\n"
        "```python\nfrom gvcmetrics.report import new_figure\nnew_figure(2, 2)[0]\n```\n"
    )
    made = blocks.with_outputs(page, blocks.Pictures(tmp_path, "page"), "page.md")
    code, rest = made.split("```text\nsaid\n```")
    assert "print('said')" in code
    assert "<td>1.5</td>" in rest.split("after")[0]
    assert "![Figure made by the code above](page-1.png)" in rest
    assert (tmp_path / "page-1.png").read_bytes().startswith(b"\x89PNG")
