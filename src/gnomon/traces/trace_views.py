"""What one trace shows: waterfall, journey, details of a span, comparison."""

from dataclasses import dataclass

from gnomon.model.timestamps import UnixNanoseconds


@dataclass(frozen=True, slots=True)
class TraceWarning:
    """Tell what is not as it should be.

    `missing_root`, `missing_parent`, `clock_skew`, `late_spans`, `duplicate_span`, `cycle`, `replaced_time` or
    `too_large`; `spans` counts the spans concerned.
    """

    kind: str
    message: str
    spans: int


@dataclass(frozen=True, slots=True)
class CriticalSegment:
    """Tell which span the trace waited for from one moment to the next, in nanoseconds from the trace's start."""

    span_id: str
    service: str
    name: str
    start_offset_ns: int
    duration_ns: int


@dataclass(frozen=True, slots=True)
class JourneyStep:
    """Describe one span of a journey; offsets are nanoseconds from the trace's start, corrected for clock skew.

    `self_ns` is the time in which no child was running, `critical_ns` how much of the critical path ran through the
    span. `parent_span_id` is empty for a root. `kind` and `status` are OpenTelemetry's names in lower case.
    """

    span_id: str
    parent_span_id: str
    depth: int
    service: str
    name: str
    kind: str
    start_ns: UnixNanoseconds
    start_offset_ns: int
    duration_ns: int
    self_ns: int
    critical_ns: int
    status: str
    status_message: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Sum up a service's part in a trace: its spans, errors and own time."""

    service: str
    spans: int
    errors: int
    self_ns: int


@dataclass(frozen=True, slots=True)
class Journey:
    """Tell what happened in a trace: its steps in order of start, parents first, and what it waited for.

    `status` is `error` if any root (or span without a parent here) failed, else `ok`. `complete` is false where spans
    are missing: see `warnings`. `omitted_steps` counts the steps beyond the limit.
    """

    trace_id: str
    root_service: str
    root_name: str
    start_ns: UnixNanoseconds
    duration_ns: int
    status: str
    complete: bool
    spans: int
    errors: int
    services: tuple[ServiceTime, ...]
    warnings: tuple[TraceWarning, ...]
    critical_path: tuple[CriticalSegment, ...]
    steps: tuple[JourneyStep, ...]
    omitted_steps: int


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Hold the spans of a waterfall in parallel lists, parents before children, siblings by start (depth-first).

    `parent` is an index into these lists, -1 without one. The children of span i lie in i+1 … i+`descendants`[i].
    `service` and `name` are indexes into the waterfall's tables. `start_ns` counts from the trace's start and is
    corrected for clock skew. `kind` is OpenTelemetry's number (0 unspecified, 1 internal, 2 server, 3 client, 4
    producer, 5 consumer), `status` too (0 unset, 1 ok, 2 error). `failed_descendants` counts errors below. `flags` adds
    up: 1 parent missing, 2 moved for clock skew, 4 arrived late, 8 has events, 16 has links, 32 secrets masked, 64
    start time replaced, 128 has an exception.
    """

    span_id: tuple[str, ...]
    parent: tuple[int, ...]
    depth: tuple[int, ...]
    descendants: tuple[int, ...]
    failed_descendants: tuple[int, ...]
    service: tuple[int, ...]
    name: tuple[int, ...]
    kind: tuple[int, ...]
    status: tuple[int, ...]
    flags: tuple[int, ...]
    start_ns: tuple[int, ...]
    duration_ns: tuple[int, ...]
    self_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CriticalPathColumns:
    """Hold the critical path in parallel lists, in order of time.

    Index of the span, start and end from the trace's start.
    """

    span: tuple[int, ...]
    start_ns: tuple[int, ...]
    end_ns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Hold every span of a trace, compactly.

    `spans_total` counts the stored ones, of which the first by start are here if there are too many.
    """

    trace_id: str
    root_service: str
    root_name: str
    start_ns: UnixNanoseconds
    duration_ns: int
    complete: bool
    spans_total: int
    errors: int
    services: tuple[str, ...]
    names: tuple[str, ...]
    service_times: tuple[ServiceTime, ...]
    warnings: tuple[TraceWarning, ...]
    spans: SpanColumns
    critical_path: CriticalPathColumns


@dataclass(frozen=True, slots=True)
class Attribute:
    """Show one attribute: `type` is `string`, `bool`, `int`, `double`, `array`, `map`, `bytes` or `empty`.

    Arrays and maps are JSON text.
    """

    key: str
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Show an event of a span; the offset is from the span's start and may be negative."""

    name: str
    time_ns: UnixNanoseconds
    offset_ns: int
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class SpanLink:
    """Show a link to a span, often of another trace."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class SpanDetails:
    """Show all that is known of one span.

    `reported_start_ns` is the start as sent where storage had to replace it, else null.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start_ns: UnixNanoseconds
    duration_ns: int
    status: str
    status_message: str
    trace_state: str
    flags: int
    attributes: tuple[Attribute, ...]
    resource: tuple[Attribute, ...]
    scope_name: str
    scope_version: str
    scope_attributes: tuple[Attribute, ...]
    events: tuple[SpanEvent, ...]
    links: tuple[SpanLink, ...]
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    received_ns: UnixNanoseconds
    reported_start_ns: UnixNanoseconds | None
    masked_secrets: int


@dataclass(frozen=True, slots=True)
class MatchingSpans:
    """List the spans of one trace that meet a query."""

    span_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparedSpans:
    """Sum up the spans of one side at one place of the tree: those with the same service, name and ancestors."""

    spans: int
    errors: int
    duration_ns: int
    self_ns: int
    start_offset_ns: int
    first_span_id: str


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """Set one place of the tree side by side; a side without such spans is null. `change_ns` is right minus left."""

    depth: int
    service: str
    name: str
    left: ComparedSpans | None
    right: ComparedSpans | None
    change_ns: int


@dataclass(frozen=True, slots=True)
class ComparedTrace:
    """Sum up one of two traces."""

    trace_id: str
    root_service: str
    root_name: str
    start_ns: UnixNanoseconds
    duration_ns: int
    spans: int
    errors: int


@dataclass(frozen=True, slots=True)
class TraceComparison:
    """Align two traces by service, name and ancestors, parents first."""

    left: ComparedTrace
    right: ComparedTrace
    steps: tuple[ComparedStep, ...]
