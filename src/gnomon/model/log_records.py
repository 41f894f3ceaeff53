"""Log records, and the answers to questions about many of them; times are Unix nanoseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gnomon.model.any_values import JsonValue


class Level(StrEnum):
    """Name a range of OpenTelemetry's severity numbers."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"
    FATAL = "fatal"
    UNKNOWN = "unknown"

    @property
    def severities(self) -> range:
        """Return the severity numbers that bear this name (OpenTelemetry log data model, SeverityNumber)."""
        if self is Level.UNKNOWN:
            return range(1)
        first = 1 + 4 * _BY_SEVERITY.index(self)
        return range(first, first + 4)


_BY_SEVERITY = (Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)
_SEVERITIES_PER_LEVEL = 4


def level_of(severity: int) -> Level:
    """Return the level of a severity number; anything outside 1 to 24 is unknown."""
    index = (severity - 1) // _SEVERITIES_PER_LEVEL
    return _BY_SEVERITY[index] if severity > 0 and index < len(_BY_SEVERITY) else Level.UNKNOWN


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line.

    `id` finds it again. `body` is text fit for people; `structured_body` is set where the sender gave a list or a
    mapping. `sent_ts_ns` is set where the time that was sent is absurd and `ts_ns` is the time of receipt instead.
    `origin_id` refers to an Origin. Ids of trace and span are lower-case hexadecimal, empty where there is none.
    """

    id: str
    ts_ns: int
    observed_ts_ns: int
    severity: int
    severity_text: str
    service: str
    body: str
    origin_id: str
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""
    attributes: Mapping[str, JsonValue] = field(default_factory=dict)
    structured_body: JsonValue = None
    sent_ts_ns: int | None = None
    dropped_attributes: int = 0
    redacted: int = 0

    @property
    def level(self) -> Level:
        """Return the level's name."""
        return level_of(self.severity)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a record: a resource and an instrumentation scope."""

    id: str
    service: str
    resource: Mapping[str, JsonValue]
    scope_name: str = ""
    scope_version: str = ""
    scope_attributes: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Partial:
    """Tell what an answer leaves out, in one line for people; `left_out` counts it where that is known."""

    reason: str
    message: str
    left_out: int | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines in the order asked for; `cursor` continues after the last one and is empty at the end."""

    records: Sequence[LogRecord]
    origins: Mapping[str, Origin]
    cursor: str = ""
    partial: Partial | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Lines that were stored since a mark, oldest first; `skipped` counts those left out, `mark` is where to go on."""

    records: Sequence[LogRecord]
    origins: Mapping[str, Origin]
    skipped: int
    mark: str


@dataclass(frozen=True, slots=True)
class LevelHistogram:
    """Counts by time and level: `counts[level][i]` lines fall into the bucket that starts at `starts_ns[i]`."""

    starts_ns: Sequence[int]
    width_ns: int
    counts: Mapping[Level, Sequence[int]]

    @property
    def total(self) -> int:
        """Return the number of lines in all buckets."""
        return sum(sum(counts) for counts in self.counts.values())


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many lines have a value; an estimate where the answer is sampled."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a field, most frequent first; `other` counts lines with a value that is not listed."""

    field: str
    values: Sequence[ValueCount]
    other: int = 0


@dataclass(frozen=True, slots=True)
class Facets:
    """Facets of the lines that a search finds; `lines` is how many were looked at."""

    facets: Sequence[Facet]
    lines: int
    partial: Partial | None = None


class FieldKind(StrEnum):
    """Say where a field lives."""

    BUILT_IN = "built_in"
    ATTRIBUTE = "attribute"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field that can be searched; `count` says on how many of the looked-at lines it is, None if built in."""

    name: str
    kind: FieldKind
    description: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A line amid its neighbours from the same sender, oldest first; `position` is the line's index in `records`."""

    records: Sequence[LogRecord]
    origins: Mapping[str, Origin]
    position: int
    more_before: bool
    more_after: bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """Lines alike but for numbers, ids and the like, which the template shows as placeholders.

    `trend[i]` counts the lines in the bucket that starts at `LogPatterns.starts_ns[i]`; `example` is the newest line
    seen.
    """

    template: str
    count: int
    levels: Mapping[Level, int]
    services: Sequence[str]
    trend: Sequence[int]
    example: str
    example_ts_ns: int
    query: str


@dataclass(frozen=True, slots=True)
class LogPatterns:
    """Patterns, most frequent first; `lines` were looked at, `matching` are what the search finds."""

    patterns: Sequence[Pattern]
    starts_ns: Sequence[int]
    width_ns: int
    lines: int
    matching: int
    partial: Partial | None = None
