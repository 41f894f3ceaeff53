"""Time ranges as people write them: `now-1h`, `2026-11-21T10:00:00Z`, Unix seconds."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import InvalidInputError

NANOSECONDS = 1_000_000_000

_RELATIVE = re.compile(r"now(?:(?P<sign>[+-])(?P<duration>[0-9a-zµ.]+))?")
_UNIX = re.compile(r"\d{1,19}(\.\d+)?")
# A bare number is seconds, milliseconds, microseconds or nanoseconds since 1970, by its size.
_UNIX_SCALES = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3))


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Span from `start_ns` (inclusive) to `end_ns` (exclusive), in Unix nanoseconds."""

    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Return the length in nanoseconds."""
        return self.end_ns - self.start_ns


def parse_time_ns(text: str, *, now_ns: int) -> int:
    """Return the Unix nanoseconds that `text` means.

    Raises InvalidInputError for anything else than `now`, `now±duration`, RFC 3339 or a Unix time.
    """
    text = text.strip()
    if relative := _RELATIVE.fullmatch(text):
        if not relative["duration"]:
            return now_ns
        offset_ns = parse_duration_ns(relative["duration"])
        return now_ns - offset_ns if relative["sign"] == "-" else now_ns + offset_ns
    if _UNIX.fullmatch(text):
        whole, _, fraction = text.partition(".")
        scale = next((scale for limit, scale in _UNIX_SCALES if int(whole) < limit), 1)
        return int(whole) * scale + int(float(f"0.{fraction or 0}") * scale)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"Invalid time: {text!r}. Write now-1h, an RFC 3339 time or Unix seconds."
        raise InvalidInputError(message) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * NANOSECONDS + moment.microsecond * 1000


def parse_time_range(start: str, end: str, *, now_ns: int) -> TimeRange:
    """Return the range between two times; raises InvalidInputError unless it has a positive length."""
    parsed = TimeRange(parse_time_ns(start, now_ns=now_ns), parse_time_ns(end, now_ns=now_ns))
    if parsed.duration_ns <= 0:
        message = f"Invalid time range: {start!r} is not before {end!r}."
        raise InvalidInputError(message)
    return parsed
