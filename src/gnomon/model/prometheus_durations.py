"""Durations as Prometheus' files write them: `15s`, `1h30m`, `1d`; stricter than Gnomon's own."""

import re

from gnomon.model.errors import InvalidInputError

_UNITS_MS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_DURATION = re.compile("".join(rf"(?:(\d+){unit}(?![a-z]))?" for unit in _UNITS_MS))
_LARGEST_MS = (1 << 63) // 1_000_000


def parse_prometheus_duration_ms(text: str) -> int:
    """Return a duration in milliseconds; raises InvalidInputError in Prometheus' words."""
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        message = (
            f'not a valid duration string: "{text}". Write whole numbers with units from large to small '
            "(y, w, d, h, m, s, ms), such as 1m30s"
        )
        raise InvalidInputError(message)
    total = sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS_MS.values(), strict=True))
    if total > _LARGEST_MS:
        raise InvalidInputError(f'duration out of range: "{text}"')
    return total


def format_prometheus_duration(duration_ms: int) -> str:
    """Return a duration as Prometheus writes it: years and weeks only where nothing is left over."""
    if duration_ms == 0:
        return "0s"
    text, rest = "-" if duration_ms < 0 else "", abs(duration_ms)
    for unit, size in _UNITS_MS.items():
        if unit in {"y", "w"} and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return text
