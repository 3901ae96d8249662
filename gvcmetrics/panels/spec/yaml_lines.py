"""A small, safe YAML reader that knows the line of every key.

Only maps, lists and plain scalars are read. Tags, anchors and aliases are refused, so no document
can build objects or blow up, and `NO` stays the code of Norway: `true` and `false` are the only
booleans, dates stay text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gvcmetrics.errors import Place, SpecError

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_BYTES = 1_000_000


# The keys and positions that lead to a value.
KeyPath = tuple[str | int, ...]


@dataclass
class Document:
    """A YAML file as plain Python values, with the line of every key path.

    Attributes
    ----------
    files : the file of a key path that does not stand in `file` itself but in a preset.
    """

    file: str
    data: Any
    lines: dict[KeyPath, int] = field(default_factory=dict)
    files: dict[KeyPath, str] = field(default_factory=dict)

    def line(self, path: KeyPath) -> int:
        """The line of a key path, or of its nearest parent that has one."""
        return self.lines.get(self._written(path), 1)

    def place(self, path: KeyPath) -> Place:
        """The place of a key path, or of its nearest parent that has a line."""
        file = self.files.get(self._written(path), self.file)
        return Place(file, key=".".join(str(part) for part in path) or None, line=self.line(path))

    def _written(self, path: KeyPath) -> KeyPath:
        while path and path not in self.lines:
            path = path[:-1]
        return path


def read_yaml(path: Path) -> Document:
    """Read one YAML file.

    Raises
    ------
    SpecError : not UTF-8, broken YAML (a tab, say), a duplicate key, a tag, an anchor or an alias,
        a file above a megabyte.
    """
    name = path.name
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise SpecError("the file is above a megabyte, which no spec is", Place(name))
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError("there is no such file", Place(str(path)), "Check the path") from None
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", Place(str(path))) from None
    except UnicodeDecodeError as error:
        broken = path.read_bytes()[: error.start].count(b"\n") + 1
        raise SpecError("not UTF-8 text", Place(name, line=broken), "Save it as UTF-8") from None
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            anchored = getattr(event, "anchor", None) is not None
            if anchored or getattr(event, "tag", None) not in (None, "!"):
                line = event.start_mark.line + 1 if event.start_mark else 1
                at = Place(name, line=line)
                raise SpecError("anchors, aliases and tags are not read", at, "Write the value out")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise _broken(name, text, error) from None
    document = Document(name, None)
    document.data = None if node is None else _value(node, (), document)
    return document


def _broken(name: str, text: str, error: Exception) -> SpecError:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        return SpecError(f"not valid YAML ({problem})", Place(name))
    number = error.problem_mark.line + 1
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return SpecError("a tab indents this line", Place(name, line=number), "Indent with spaces")
    remedy = "Check indentation, colons and quotes here and in the line above"
    return SpecError(f"not valid YAML ({error.problem})", Place(name, line=number), remedy)


def _value(node: yaml.Node, path: KeyPath, document: Document) -> Any:
    document.lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), document) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                at = Place(document.file, line=key_node.start_mark.line + 1)
                raise SpecError("a key is not a plain word", at, "Write `key: value`")
            line = key_node.start_mark.line + 1
            if key in mapping:
                first = document.lines[(*path, key)]
                at = Place(document.file, key=".".join(map(str, (*path, key))), line=line)
                raise SpecError(f"the key stands twice, first in line {first}", at, "Keep one of them")
            document.lines[(*path, key)] = line
            mapping[key] = _value(value_node, (*path, key), document)
        return mapping
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None:  # quoted or a block: always text
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text) and len(text) < 19:
        return int(text)
    written_as_real = _NUMBER.fullmatch(text) and not text.lstrip("+-").isdigit()
    return float(text) if written_as_real else text
