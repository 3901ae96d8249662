"""Gathers the site's pages and has mkdocs make it: `python docs/site/build.py OUT`.

Pages come from docs/*.md and docs/site/pages as they stand, with what their code shows below it; notebooks
are run; the reference and the gallery are made from the package. Nothing of this is committed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import blocks
import docstrings
import reference
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOTEBOOKS = ROOT / "analysis" / "notebooks"
OWN = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}


def gather(sources: Path) -> None:
    """Every page of the site in one folder."""
    for page in blocks.pages(ROOT / "docs"):
        _page(page.read_text("utf-8"), sources / page.name, page.name)
    for page in sorted((HERE / "pages").rglob("*.md")):
        name = page.relative_to(HERE / "pages").as_posix()
        _page(page.read_text("utf-8"), sources / name, name)
    for name, target in OWN.items():
        _page((ROOT / name).read_text("utf-8"), sources / target, "../" + name, run=False)
    for name in ("quadrants.png", "site/site.css", "site/iframe-worker.js"):
        shutil.copy(ROOT / "docs" / name, sources)
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        tutorial(notebook, sources / "tutorials")
    replications(sources)
    (sources / "reference").mkdir()
    for page in reference.PAGES:
        print(f"site     reference/{page}")
        reference.write(page, sources / "reference")


def _page(text: str, target: Path, name: str, run: bool = True) -> None:
    print(f"site     {name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if run:
        text = blocks.with_outputs(text, blocks.Pictures(target.parent, target.stem), name)
    text = re.sub(r"\]\((?:\.\./|docs/)?([\w./-]+\.md)(#[\w-]*)?\)", lambda found: _link(found, target), text)
    target.write_text(docstrings.with_formulas(text), "utf-8")


def _link(found: re.Match[str], target: Path) -> str:
    """Files of the project's own folder have another name on the site."""
    name = Path(found[1]).name
    return (
        f"]({OWN[name]}{found[2] or ''})"
        if name in OWN and target.parent.name != "how_to"
        else found[0].replace("(docs/", "(")
    )


def tutorial(notebook: Path, folder: Path) -> str:
    """A notebook, run, as a page; its title."""
    print(f"site     {notebook.name}")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "nbconvert", "--to", "markdown", "--execute", "--log-level=ERROR"]
    subprocess.run([*command, f"--output-dir={folder}", str(notebook)], check=True, cwd=ROOT)
    page = folder / f"{notebook.stem}.md"
    text = re.sub(r"<style.*?</style>\s*", "", page.read_text("utf-8"), flags=re.S)
    text = re.sub(r"<div>\s*(<table.*?</table>)\s*(?:<p>.*?</p>\s*)?</div>", _table, text, flags=re.S)
    text = re.sub(r"(?m)^(?: {4}.*\n(?:\n(?= {4}))?)+", _printed, text)
    page.write_text(text, "utf-8")
    return re.sub(r"^# ", "", text.splitlines()[0]) if text.startswith("# ") else notebook.stem


def _table(found: re.Match[str]) -> str:
    return f'<div class="output" tabindex="0">{blocks.one_line(found[1])}</div>\n'


def _printed(found: re.Match[str]) -> str:
    """What a cell printed, which nbconvert indents, as a fence of plain text."""
    lines = (line.removeprefix("    ") for line in found[0].rstrip().splitlines())
    return "```text\n" + "\n".join(lines) + "\n```\n"


def replications(sources: Path) -> None:
    """The notebooks that compute published numbers, and a page that lists them."""
    notebooks = sorted((NOTEBOOKS / "replications").glob("*.ipynb"))
    lines = []
    for notebook in notebooks:
        title = tutorial(notebook, sources / "replications")
        lines.append(f"- [{title}](replications/{notebook.stem}.md)")
    page = sources / "replications.md"
    page.write_text(page.read_text("utf-8") + "\n" + "\n".join(lines) + "\n", "utf-8")


def settings(sources: Path, site: Path) -> dict[str, Any]:
    """The settings of mkdocs with the generated pages in the navigation."""
    read = yaml.safe_load((HERE / "mkdocs.yml").read_text("utf-8"))
    read |= {"docs_dir": str(sources), "site_dir": str(site)}
    pages = [{title: f"reference/{page}.md"} for page, (title, _) in reference.PAGES.items()]
    notebooks = sorted((sources / "replications").glob("*.md"))
    for section in read["nav"]:
        if "Reference" in section:
            section["Reference"] = [{"Every public name": "reference/index.md"}, *pages]
        for entry in section.get("Guides", []):
            if "Replications" in entry:
                entry["Replications"] = [
                    "replications.md",
                    *(f"replications/{page.name}" for page in notebooks),
                ]
    return read


def index(sources: Path) -> None:
    """The first page of the reference: every name, by room."""
    lines = ["# Every public name\n"]
    for page, (title, _) in reference.PAGES.items():
        names = [e for e in reference.entries() if e.page == page]
        links = " · ".join(f"[`{e.called}`]({page}.md#{e.name})" for e in names)
        lines.append(f"## {title}\n\n{links}\n")
    (sources / "reference" / "index.md").write_text("\n".join(lines), "utf-8")


def main(out: Path) -> None:
    sources = out / "sources"
    shutil.rmtree(out, ignore_errors=True)
    sources.mkdir(parents=True)
    os.environ.setdefault("MPLBACKEND", "Agg")
    gather(sources)
    index(sources)
    (out / "mkdocs.yml").write_text(json.dumps(settings(sources, out / "html")), "utf-8")
    build(out / "mkdocs.yml")


def build(file: Path) -> None:
    """mkdocs, to which every warning is an error."""
    os.environ.setdefault("NO_MKDOCS_2_WARNING", "true")
    from mkdocs.commands.build import build as make
    from mkdocs.config import load_config

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    make(load_config(str(file), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
