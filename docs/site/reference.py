"""The reference: a page a room, an entry a public name, with signature, method, example and source."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blocks
import docstrings

import gvcmetrics as gvc
from gvcmetrics import measures, models, report
from gvcmetrics.simulate import examples as simulated

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# Page, its title, and the beginnings of the modules whose names it has; the first that fits is taken.
PAGES = {
    "panels": ("Panels", ("gvcmetrics.panels",)),
    "value_chain": ("Panels and measures joined", ("gvcmetrics.value_chain",)),
    "input_output": (
        "Measures: input-output",
        ("gvcmetrics.measures.input_output", "gvcmetrics.ground.input_output"),
    ),
    "trade": ("Measures: trade", ("gvcmetrics.measures.trade",)),
    "clusters": ("Measures: clusters", ("gvcmetrics.measures.clusters", "gvcmetrics.measures.items")),
    "governance": ("Measures: governance and lock-in", ("gvcmetrics.measures.governance",)),
    "firms": ("Measures: firms", ("gvcmetrics.measures.firms",)),
    "cases": ("Measures: small numbers of cases", ("gvcmetrics.measures.cases",)),
    "lineage": ("Lineage", ("gvcmetrics.lineage",)),
    "models": (
        "Models: outcomes",
        ("gvcmetrics.models.families", "gvcmetrics.models.gmm", "gvcmetrics.models.durations"),
    ),
    "results": ("Models: results and tests", ("gvcmetrics.models",)),
    "claims": ("Hypotheses", ("gvcmetrics.claims",)),
    "report": ("Tables, figures, report", ("gvcmetrics.report", "gvcmetrics.ground")),
    "simulate": ("Made-up data", ("gvcmetrics.simulate",)),
}


@dataclass(frozen=True)
class Entry:
    """A public name: how it is called, what it is, and its page."""

    name: str
    called: str
    value: Any
    page: str


def entries() -> list[Entry]:
    """Every public name once, by the shortest way to call it, in the order of the rooms."""
    found: dict[int, Entry] = {}
    for prefix, room in (("gvc", gvc), ("measures", measures), ("models", models), ("report", report)):
        for name in room.__all__:
            value = getattr(room, name)
            if name != "__version__":
                found.setdefault(
                    id(inspect.unwrap(value)), Entry(name, f"{prefix}.{name}", value, _page(value))
                )
    for name, value in vars(simulated).items():
        if name.startswith("example_"):
            found[id(value)] = Entry(name, f"simulate.examples.{name}", value, "simulate")
    return list(found.values())


def _page(value: Any) -> str:
    module = inspect.unwrap(value).__module__
    fitting = (page for page, (_, starts) in PAGES.items() if module.startswith(starts))
    return next(fitting, "results")


def examples(page: str) -> list[tuple[str, blocks.Block]]:
    """The cells of a page's script, by the names that stand after `# %%`."""
    script = HERE / "examples" / f"{page}.py"
    return blocks.of_script(script.read_text("utf-8")) if script.exists() else []


def names_of(title: str) -> tuple[list[str], str]:
    """The names that a cell is an example of, and what it needs: `a, b needs: c`."""
    names, _, needs = title.partition(" needs: ")
    return [name.strip() for name in names.split(",")], needs


def with_example() -> set[str]:
    """The names that have an example: a cell, or one in the docstring."""
    cells = {name for page in PAGES for title, _ in examples(page) for name in names_of(title)[0]}
    return cells | {entry.name for entry in entries() if ">>> " in (entry.value.__doc__ or "")}


def write(page: str, folder: Path) -> None:
    """One page of the reference, its examples run."""
    title = PAGES[page][0]
    listed = [entry for entry in entries() if entry.page == page]
    if title.startswith("Measures"):
        # The public list is alphabetical; kin stand together in their module.
        listed.sort(key=_order)
    shown = _run(page, folder)
    head = [f"# {title}\n", _index(listed)]
    if "data" in shown:
        head.append(
            "## Data of the examples\n\nThe examples on this page are run one after another, after this:\n\n"
            f"{shown['data']}\n"
        )
    (folder / f"{page}.md").write_text(
        "\n".join([*head, *(_entry(entry, shown) for entry in listed)]), "utf-8"
    )


def _order(entry: Entry) -> tuple[str, int]:
    return inspect.unwrap(entry.value).__module__, inspect.getsourcelines(inspect.unwrap(entry.value))[1]


def _run(page: str, folder: Path) -> dict[str, str]:
    names: dict[str, Any] = {"__name__": "page"}
    pictures, shown = blocks.Pictures(folder, page), {}
    for title, block in examples(page):
        for_names, needs = names_of(title)
        block = blocks.Block(block.code, block.line, needs)
        code = f"```python\n{block.code}```\n"
        if block.can_run():
            code += "\n" + blocks.shown(*blocks.run(block, names, f"examples/{page}.py"), pictures)
        shown |= dict.fromkeys(for_names, code)
    return shown


def _index(listed: list[Entry]) -> str:
    rows = [f"| [`{e.called}`](#{e.name}) | {_short(e)} |" for e in listed]
    return "\n".join(["| name | what it is |", "|---|---|", *rows, ""])


def _short(entry: Entry) -> str:
    return docstrings.summary(entry.value.__doc__ or "").replace("|", "\\|")


def _entry(entry: Entry, shown: dict[str, str]) -> str:
    value = inspect.unwrap(entry.value)
    parts = [
        f"## {entry.called} {{ #{entry.name} }}\n",
        f"```python\n{signature(entry.name, value)}\n```\n",
        docstrings.markdown(value.__doc__ or ""),
        _members(value) if inspect.isclass(value) else "",
        f"**Example**\n\n{shown[entry.name]}" if entry.name in shown else "",
        _source(value),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def signature(name: str, value: Any) -> str:
    """The call with every argument on its line, or on one line where that is short."""
    try:
        given = inspect.signature(value)
    except ValueError:
        return name
    parts = [str(parameter) for parameter in given.parameters.values() if parameter.name != "self"]
    parts = [_unquoted(part) for part in parts]
    kinds = [parameter.kind for parameter in given.parameters.values() if parameter.name != "self"]
    if inspect.Parameter.VAR_POSITIONAL not in kinds and inspect.Parameter.KEYWORD_ONLY in kinds:
        parts.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    back = (
        ""
        if given.return_annotation in (given.empty, None, "None")
        else f" -> {_unquoted(str(given.return_annotation))}"
    )
    line = f"{name}({', '.join(parts)}){back}"
    if len(line) <= 88:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){back}"


def _unquoted(text: str) -> str:
    """Annotations are text here; without the quotes that say so."""
    return re.sub(r"(: )['\"](.*?)['\"](?=$| = )", r"\1\2", text)


def _members(value: type) -> str:
    rows = []
    for name, member in _own(value):
        called = (
            f"`{name}`" if isinstance(member, property) else f"`{signature(name, member)}`".replace("\n", " ")
        )
        function = member.fget if isinstance(member, property) else member
        rows.append(f"- {re.sub(r' +', ' ', called)}: {docstrings.summary(function.__doc__ or '')}")
    return "**Members**\n\n" + "\n".join(rows) + "\n" if rows else ""


def _own(value: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(value).items():
        if (
            not name.startswith("_")
            and (isinstance(member, property) or inspect.isfunction(member))
            and _doc(member)
        ):
            yield name, member


def _doc(member: Any) -> str:
    return (member.fget if isinstance(member, property) else member).__doc__ or ""


def _source(value: Any) -> str:
    path = Path(inspect.getsourcefile(value) or "").resolve().relative_to(ROOT)
    lines, first = inspect.getsourcelines(value)
    code = textwrap.indent(f"```python\n{textwrap.dedent(''.join(lines)).rstrip()}\n```", "    ")
    title = f'??? quote "Source: `{path.as_posix()}`, line {first}"'
    return f"<div data-search-exclude markdown>\n\n{title}\n\n{code}\n\n</div>\n"
