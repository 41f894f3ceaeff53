"""label_replace and label_join."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import compile_pattern
from gnomon.promql.errors import ExecutionError
from gnomon.promql.values import Vector

NO_LABELS = Labels()
_REFERENCE = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))", re.ASCII)


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Return a vector with a label set from another one, where that matches a whole pattern."""
    try:
        matcher = compile_pattern(pattern)
    except InvalidInputError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    _check_label(target, "destination", "label_replace")
    known: dict[str, str | None] = {}
    renamed = np.zeros(len(vector), dtype=np.bool_)
    labels = list(vector.labels)
    for row, own in enumerate(vector.labels):
        value = own.get(source)
        if value not in known:
            found = matcher.fullmatch(value)
            known[value] = None if found is None else _expand(replacement, found)
        new = known[value]
        if new is not None:
            labels[row] = own.replace({target: new})
            renamed[row] = True
    return _renamed(vector, labels, renamed, target)


def label_join(vector: Vector, target: str, separator: str, sources: tuple[str, ...]) -> Vector:
    """Return a vector with a label set from others, joined."""
    for source in sources:
        _check_label(source, "source", "label_join")
    _check_label(target, "destination", "label_join")
    labels = [own.replace({target: separator.join(own.get(source) for source in sources)}) for own in vector.labels]
    return _renamed(vector, labels, np.ones(len(vector), dtype=np.bool_), target)


def _renamed(vector: Vector, labels: list[Labels], rows: "np.ndarray[Any, Any]", target: str) -> Vector:
    dropped = vector.name_dropped
    if target == METRIC_NAME and dropped is not None:
        dropped = dropped & ~rows
    return replace(vector, labels=tuple(labels), name_dropped=dropped)


def _check_label(name: str, kind: str, function: str) -> None:
    try:
        valid = bool(name.encode())
    except UnicodeEncodeError:
        valid = False
    if not valid:
        raise ExecutionError(f"invalid {kind} label name in {function}(): {name.encode('utf-8', 'replace').decode()}")


def _expand(template: str, found: Any) -> str:
    """Fill in `$1`, `${1}` and `${name}`; what does not exist is empty, `$$` is a dollar."""

    def fill(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return found.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError):
            return ""

    return _REFERENCE.sub(fill, template)
