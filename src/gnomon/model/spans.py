"""Spans and traces as storage gives them.

Ids are lower-case hexadecimal, empty where there is none; times Unix nanoseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
"""OpenTelemetry's kinds of spans, by number."""

STATUSES = ("unset", "ok", "error")
"""OpenTelemetry's status codes, by number."""

ERROR = 2


class TypedAttribute(NamedTuple):
    """One attribute; `type_number` and `text` are as in gnomon.model.any_values.

    A large trace has half a million of them, and a tuple is made in a quarter of the time of a frozen class.
    """

    key: str
    type_number: int
    text: str


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """Sum up one trace: when to look for its spans, and what a search shows."""

    trace_id: str
    start_ns: int
    end_ns: int
    spans: int
    errors: int
    root_service: str
    root_name: str
    services: tuple[str, ...]

    @property
    def duration_ns(self) -> int:
        """Return the time from the first start to the last end."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class SpanTable:
    """Hold the spans of one trace in parallel lists, by start.

    `delay_ms` is how long after its end a span was received. `status_message` is empty throughout unless asked for.
    """

    span_id: Sequence[str]
    parent_id: Sequence[str]
    service: Sequence[str]
    name: Sequence[str]
    kind: Sequence[int]
    status: Sequence[int]
    start_ns: Sequence[int]
    duration_ns: Sequence[int]
    delay_ms: Sequence[int]
    events: Sequence[int]
    links: Sequence[int]
    exceptions: Sequence[int]
    redacted: Sequence[int]
    replaced: Sequence[int]
    status_message: Sequence[str]

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.span_id)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment of a span."""

    time_ns: int
    name: str
    attributes: tuple[TypedAttribute, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference from a span to one that is not its parent."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: tuple[TypedAttribute, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sent a span: a resource and an instrumentation scope."""

    resource: tuple[TypedAttribute, ...] = ()
    scope_name: str = ""
    scope_version: str = ""
    scope_attributes: tuple[TypedAttribute, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Hold all that is stored of one span; `sent_start_ns` is set where the start as sent was absurd."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: int
    start_ns: int
    duration_ns: int
    status: int
    status_message: str
    trace_state: str
    flags: int
    attributes: tuple[TypedAttribute, ...]
    events: tuple[Event, ...]
    links: tuple[Link, ...]
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    received_ns: int
    sent_start_ns: int | None
    redacted: int
    origin: Origin
