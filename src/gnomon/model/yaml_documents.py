"""YAML as configuration files of Go programs hold it: scalars as written, each with its line."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from gnomon.model.errors import InvalidInputError

Path = tuple[str | int, ...]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "<<"


class YamlError(InvalidInputError):
    """Tell what is wrong with a YAML document, in which line."""

    def __init__(self, message: str, *, line: int) -> None:
        """Keep the line, counted from 1."""
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A document's content: mappings, lists and text. Every scalar is text, as written; null is None.

    `lines` tells where each key and list item stands, by its path; a key's path ends with the key.
    """

    content: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """Return the line of a path, or that of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(text: str) -> YamlDocument:
    """Return a document; raises YamlError for what is no YAML, holds a key twice or a key that is no text."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"this is no YAML: {error.problem}", line=mark.line + 1 if mark else 1) from error
    except yaml.YAMLError as error:
        raise YamlError(f"this is no YAML: {error}", line=1) from error
    lines: dict[Path, int] = {}
    return YamlDocument(None if node is None else _convert(node, (), lines), lines)


def _convert(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            return _convert_mapping(node, path, lines)
        case yaml.SequenceNode():
            return [_convert(item, (*path, number), lines) for number, item in enumerate(node.value)]
        case yaml.ScalarNode():
            return None if node.style is None and node.value in _NULLS else str(node.value)
        case _:
            raise YamlError(f"nothing is known of {node.tag}", line=node.start_mark.line + 1)


def _convert_mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not isinstance(key.value, Hashable):
            raise YamlError("a key must be text", line=line)
        name = str(key.value)
        if name == _MERGE and key.style is None:
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in sources:
                if not isinstance(source, yaml.MappingNode):
                    raise YamlError("<< merges mappings only", line=line)
                merged = _convert_mapping(source, path, lines) | merged
            continue
        if name in content:
            raise YamlError(f"the key {name!r} is there twice", line=line)
        lines[*path, name] = line
        content[name] = _convert(value, (*path, name), lines)
    return merged | content
