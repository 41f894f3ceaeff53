"""Read values of somebody else's JSON, of which nothing is certain."""

import math
from collections.abc import Mapping
from typing import Any


def mapping(value: object) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list; nothing when it is none."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return `value` if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return `value` as a finite number, also where it is written as text; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        read = float(value)
    except ValueError:
        return None
    return read if math.isfinite(read) else None
