"""What the specs of all panels have in common: how they are read, and what is checked of their source."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from gvcmetrics.errors import SpecError
from gvcmetrics.panels.spec.blanks import blanks
from gvcmetrics.panels.spec.extends import refuse_unmet, with_presets
from gvcmetrics.panels.spec.mistakes import explain
from gvcmetrics.panels.spec.words import FileSource, PanelWords
from gvcmetrics.panels.spec.yaml_lines import Document, read_yaml

Words = TypeVar("Words", bound=PanelWords)


def read_document(path: Path) -> Document:
    """The YAML of a panel, merged over the presets that it extends.

    Raises
    ------
    SpecError : it is no map, its name can be none of a panel, a `???` is left, or a preset lacks something.
    """
    own = read_yaml(path)
    if not isinstance(own.data, dict):
        raise SpecError("not a map of keys", own.place(()), "Start with `title:`, `contract:`, `source:`")
    if not path.stem.isidentifier() or path.suffix not in (".yaml", ".yml"):
        remedy = "Name it like `passenger_cars.yaml`: letters, digits and underscores"
        raise SpecError("the file's name cannot be a panel's name", own.place(()), remedy)
    for error in blanks(own)[:1]:
        raise error
    document = with_presets(own, path.parent)
    refuse_unmet(document)
    return document


def words_of(document: Document, words: type[Words]) -> Words:
    """The words of a document, typed, with one source of one kind.

    Raises
    ------
    SpecError : with file, line, key and what to write instead.
    """
    try:
        found = words.model_validate(document.data)
    except ValidationError as error:
        raise explain(error, document, words) from None
    source = found.source
    if isinstance(source, FileSource):
        if (source.file is None) == (source.files is None):
            remedy = "State one: `source: {file: raw/x.csv}`"
            raise SpecError("a source is a `file` or `files`", document.place(("source",)), remedy)
        if source.files is not None and source.sha256:
            raise SpecError("`sha256` is that of one file", document.place(("source", "sha256")), "Remove it")
    return found
