"""Find traces, and what tells some of them from the others."""

from dataclasses import dataclass
from enum import StrEnum


class Sort(StrEnum):
    """Order of results."""

    NEWEST = "newest"
    SLOWEST = "slowest"


@dataclass(frozen=True, slots=True)
class Brush:
    """Select traces by start (Unix nanoseconds, end exclusive) and duration (nanoseconds, both inclusive)."""

    start_ns: int
    end_ns: int
    min_duration_ns: int
    max_duration_ns: int
