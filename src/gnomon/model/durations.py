"""Durations as people write them: `250ms`, `1.5s`, `1h30m`, `7d`."""

import re

from gnomon.model.errors import InvalidInputError

UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
    "y": 31_536_000_000_000_000,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration_ns(text: str) -> int:
    """Return a duration in nanoseconds; raises InvalidInputError for anything that is not a number with a unit."""
    if not _DURATION.fullmatch(text):
        units = ", ".join(unit for unit in UNITS_NS if unit.isascii())
        message = f"Invalid duration: {text!r}. Write a number and a unit ({units}), such as 250ms or 1h30m."
        raise InvalidInputError(message)
    return sum(round(float(number) * UNITS_NS[unit]) for number, unit in _PART.findall(text))


def format_duration(duration_ns: float) -> str:
    """Return a duration with three significant digits in its natural unit: `86 ms`, `1.24 s`."""
    for unit in ("d", "h", "m", "s", "ms", "µs"):
        if abs(duration_ns) >= UNITS_NS[unit]:
            return f"{duration_ns / UNITS_NS[unit]:.3g} {unit}"
    return f"{duration_ns:.3g} ns"
