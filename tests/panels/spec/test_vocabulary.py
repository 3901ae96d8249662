"""The page on specs names every word that a spec may use, as the schema does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gvcmetrics.panels.contracts import CONTRACTS
from gvcmetrics.panels.spec.extends import preset_names
from gvcmetrics.panels.spec.words import Spec, spec_schema

PAGE = (Path(__file__).parents[3] / "docs" / "specs.md").read_text(encoding="utf-8")
CODE = " ".join("".join(found) for found in re.findall(r"```yaml\n(.*?)```|`([^`]+)`", PAGE, flags=re.DOTALL))
DEFINED = {"": spec_schema(), **spec_schema()["$defs"]}


@pytest.mark.parametrize("model", DEFINED)
def test_every_word_is_explained(model: str) -> None:
    words = [word for word in DEFINED[model].get("properties", {}) if word != "columns"]
    lacking = [word for word in words if not re.search(rf"(?<![a-z_]){re.escape(word)}(?![a-z_])", CODE)]
    assert not lacking


def test_the_default_list_of_missing_codes_is_stated() -> None:
    listed = ", ".join(f'"{code}"' for code in Spec.model_fields["missing"].default)
    assert f"`[{listed}]`" in PAGE


def test_every_preset_is_named() -> None:
    """What a preset is for stands in the section that CONTRIBUTING.md points at."""
    section = PAGE.split("## Presets", 1)[1].split("\n## ", 1)[0]
    assert [name for name in preset_names(Path("nowhere")) if f"`{name}`" not in section] == []


@pytest.mark.parametrize("contract", [*CONTRACTS])
def test_every_contract_is_named(contract: str) -> None:
    assert re.search(rf"^contract: .*#.*\b{contract}\b", PAGE, flags=re.MULTILINE)
