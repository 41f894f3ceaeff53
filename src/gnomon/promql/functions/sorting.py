"""sort, sort_desc, sort_by_label and sort_by_label_desc: the order of an instant query's result."""

import re
from functools import cmp_to_key

import numpy as np

from gnomon.model.labels import Labels
from gnomon.promql.values import Vector

_CHUNK = re.compile(r"\d+|\D+", re.ASCII)


def sort_by_value(vector: Vector, *, descending: bool) -> Vector:
    """Return the rows by value, NaN last."""
    rows = np.flatnonzero(vector.present[:, 0])
    values = vector.values[rows, 0]
    return vector.take(rows[np.argsort(-values if descending else values, kind="stable")])


def sort_by_label(vector: Vector, names: tuple[str, ...], *, descending: bool) -> Vector:
    """Return the rows by some labels, numbers in them by size, and then by all labels."""

    def compare(one: int, two: int) -> int:
        return _compare(vector.labels[one], vector.labels[two], names)

    rows = sorted(range(len(vector)), key=cmp_to_key(compare), reverse=descending)
    return vector.take(rows)


def _compare(one: Labels, two: Labels, names: tuple[str, ...]) -> int:
    for name in names:
        left, right = one.get(name), two.get(name)
        if left != right:
            return -1 if _naturally_less(left, right) else 1
    return (one > two) - (one < two)


def _naturally_less(one: str, two: str) -> bool:
    """Tell whether a text comes first when numbers in it count as numbers."""
    left, right = _CHUNK.findall(one), _CHUNK.findall(two)
    for first, second in zip(left, right, strict=False):
        if first == second:
            continue
        if first.isdigit() and second.isdigit() and int(first) != int(second):
            return int(first) < int(second)
        return str(first) < str(second)
    return len(left) < len(right)
