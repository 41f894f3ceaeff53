"""What `/api/logs/…` answers with. Nanoseconds travel as strings: JavaScript's numbers cannot hold them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from gnomon.model.filter_language import format_filter
from gnomon.model.filter_text import Completion
from gnomon.model.filters import Comparison, Operator
from gnomon.model.log_records import (
    Facets,
    FieldInfo,
    LevelHistogram,
    LogPage,
    LogPatterns,
    LogRecord,
    Origin,
    Partial,
    Pattern,
    Surroundings,
    ValueCount,
)
from gnomon.model.time_ranges import TimeRange
from gnomon.web.content_access import hide_in_record, shows_field

LevelName = Literal["trace", "debug", "info", "warn", "error", "fatal", "unknown"]

_NS_PER_MS = 1_000_000
_SAFE_INTEGER = 2**53


class PartialResponse(BaseModel):
    """Say what an answer leaves out: `message` for people, `left_out` how many lines where that is known."""

    reason: str
    message: str
    left_out: int | None = None


class LogLineResponse(BaseModel):
    """Show one line.

    `id` opens it again; `resource_id` refers to `resources` beside the lines. `body` is text; `structured_body` is set
    where the sender gave a list or a mapping. Attributes keep their types; integers beyond 2^53 are strings.
    `sent_ts_ns` is set where the time that was sent is absurd and `ts_ns` is the time of receipt instead.
    """

    id: str
    ts_ns: str
    observed_ts_ns: str
    level: LevelName
    severity: int = Field(description="OpenTelemetry's severity number: 1 to 24, 0 unknown.")
    severity_text: str
    service: str
    body: str
    structured_body: Any = None
    event_name: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: dict[str, Any]
    resource_id: str
    sent_ts_ns: str | None = None
    dropped_attributes: int = 0
    redacted: int = Field(default=0, description="How many secrets were masked in this line.")


class LogResourceResponse(BaseModel):
    """Show who sent a line: resource attributes and instrumentation scope."""

    service: str
    attributes: dict[str, Any]
    scope_name: str
    scope_version: str
    scope_attributes: dict[str, Any]


class LogSearchResponse(BaseModel):
    """Show a page of lines in the order asked for.

    Ask for the next page with the same `from`, `to` (as answered here, so that time stands still), `q`, `order` and
    with `cursor` = `next_cursor`; null means that there is no more.
    """

    lines: list[LogLineResponse]
    resources: dict[str, LogResourceResponse]
    next_cursor: str | None
    partial: PartialResponse | None
    from_ns: str
    to_ns: str
    elapsed_ms: float


class LogHistogramResponse(BaseModel):
    """Count lines by time and level; `counts[level][i]` belongs to the bucket that starts at `starts_ms[i]`.

    Buckets are round and aligned, so the first and the last may reach over the range. Levels without lines are left
    out.
    """

    starts_ms: list[int]
    width_ms: int
    counts: dict[LevelName, list[int]]
    total: int
    from_ns: str
    to_ns: str
    elapsed_ms: float


class ValueCountResponse(BaseModel):
    """Count the lines with a value; `query` keeps only them, `exclude` all others, beside whatever else is searched."""

    value: str
    count: int
    query: str
    exclude: str


class FacetResponse(BaseModel):
    """List the most frequent values of a field; `other` counts lines with a value that is not listed."""

    field: str
    values: list[ValueCountResponse]
    other: int


class LogFacetsResponse(BaseModel):
    """List facets; counts are estimates for all lines where `partial` says that a sample was looked at."""

    facets: list[FacetResponse]
    lines: int = Field(description="How many lines were looked at.")
    partial: PartialResponse | None
    elapsed_ms: float


class FieldResponse(BaseModel):
    """Describe a field that can be searched; `count` says on how many looked-at lines it is, null if built in."""

    name: str
    kind: Literal["built_in", "attribute", "resource"]
    description: str
    count: int | None


class LogFieldsResponse(BaseModel):
    """List the fields that can be searched, built-in ones first, then by how often they occur."""

    fields: list[FieldResponse]


class FieldValuesResponse(BaseModel):
    """List values of a field, most frequent first."""

    field: str
    values: list[ValueCountResponse]


class LogLineDetailResponse(BaseModel):
    """Show one line and who sent it."""

    line: LogLineResponse
    resource: LogResourceResponse


class LogSurroundingsResponse(BaseModel):
    """Show a line amid its neighbours from the same sender, oldest first; the line itself is `lines[position]`."""

    lines: list[LogLineResponse]
    resources: dict[str, LogResourceResponse]
    position: int
    more_before: bool
    more_after: bool


class LogPatternResponse(BaseModel):
    """Show lines alike but for numbers, ids and the like.

    `trend[i]` counts lines in the bucket that starts at `starts_ms[i]`; `share` is of all looked-at lines; `query`
    finds about the same lines (every fixed word of the template).
    """

    template: str
    count: int
    share: float
    levels: dict[LevelName, int]
    services: list[str]
    trend: list[int]
    example: str
    example_ts_ns: str
    query: str


class LogPatternsResponse(BaseModel):
    """List patterns, most frequent first."""

    patterns: list[LogPatternResponse]
    starts_ms: list[int]
    width_ms: int
    lines: int = Field(description="How many lines were looked at.")
    matching: int = Field(description="How many lines the search finds.")
    partial: PartialResponse | None
    elapsed_ms: float


class LogTailBatch(BaseModel):
    """Carry new lines, oldest first: the data of a `lines` event of `/api/logs/tail`.

    `skipped` counts lines left out before these because they came faster than they could be sent; `skipped_total` since
    the start.
    """

    lines: list[LogLineResponse]
    resources: dict[str, LogResourceResponse]
    skipped: int
    skipped_total: int


class CompletionResponse(BaseModel):
    """Say what is being typed and what could stand there; a suggestion replaces `start` to `end` of the query."""

    kind: Literal["field", "operator", "value"]
    field: str | None
    prefix: str
    start: int
    end: int
    suggestions: list["SuggestionResponse"]


class SuggestionResponse(BaseModel):
    """Offer a text to insert; `detail` explains it in a few words."""

    text: str
    detail: str


class RefinedQueryResponse(BaseModel):
    """Show a query with a condition added, and without the one that contradicts it."""

    q: str


def show_line(record: LogRecord) -> LogLineResponse:
    """Return a line as it is answered."""
    record = hide_in_record(record)
    return LogLineResponse.model_construct(
        id=record.id,
        ts_ns=str(record.ts_ns),
        observed_ts_ns=str(record.observed_ts_ns),
        level=record.level.value,
        severity=record.severity,
        severity_text=record.severity_text,
        service=record.service,
        body=record.body,
        structured_body=_safe(record.structured_body),
        event_name=record.event_name or None,
        trace_id=record.trace_id or None,
        span_id=record.span_id or None,
        attributes=_safe(record.attributes),
        resource_id=record.origin_id,
        sent_ts_ns=None if record.sent_ts_ns is None else str(record.sent_ts_ns),
        dropped_attributes=record.dropped_attributes,
        redacted=record.redacted,
    )


def show_resource(origin: Origin) -> LogResourceResponse:
    """Return a sender as it is answered."""
    return LogResourceResponse(
        service=origin.service,
        attributes=_safe(origin.resource),
        scope_name=origin.scope_name,
        scope_version=origin.scope_version,
        scope_attributes=_safe(origin.scope_attributes),
    )


def show_page(page: LogPage, time_range: TimeRange, elapsed_ms: float) -> LogSearchResponse:
    """Return a page of lines as it is answered."""
    return LogSearchResponse(
        lines=[show_line(record) for record in page.records],
        resources={key: show_resource(origin) for key, origin in page.origins.items()},
        next_cursor=page.cursor or None,
        partial=show_partial(page.partial),
        from_ns=str(time_range.start_ns),
        to_ns=str(time_range.end_ns),
        elapsed_ms=elapsed_ms,
    )


def show_histogram(histogram: LevelHistogram, time_range: TimeRange, elapsed_ms: float) -> LogHistogramResponse:
    """Return a histogram as it is answered."""
    return LogHistogramResponse(
        starts_ms=[start // _NS_PER_MS for start in histogram.starts_ns],
        width_ms=histogram.width_ns // _NS_PER_MS,
        counts={level.value: list(counts) for level, counts in histogram.counts.items()},
        total=histogram.total,
        from_ns=str(time_range.start_ns),
        to_ns=str(time_range.end_ns),
        elapsed_ms=elapsed_ms,
    )


def show_facets(facets: Facets, elapsed_ms: float) -> LogFacetsResponse:
    """Return facets as they are answered."""
    return LogFacetsResponse(
        facets=[
            FacetResponse(field=facet.field, values=show_values(facet.field, facet.values), other=facet.other)
            for facet in facets.facets
            if shows_field(facet.field)
        ],
        lines=facets.lines,
        partial=show_partial(facets.partial),
        elapsed_ms=elapsed_ms,
    )


def show_values(field: str, values: Sequence[ValueCount]) -> list[ValueCountResponse]:
    """Return values with the conditions that keep and drop them."""
    return [
        ValueCountResponse(
            value=value.value,
            count=value.count,
            query=format_filter(Comparison(field, Operator.EQUAL, value.value)),
            exclude=format_filter(Comparison(field, Operator.NOT_EQUAL, value.value)),
        )
        for value in values
    ]


def show_field(field: FieldInfo) -> FieldResponse:
    """Return a field as it is answered."""
    return FieldResponse(name=field.name, kind=field.kind.value, description=field.description, count=field.count)


def show_surroundings(surroundings: Surroundings) -> LogSurroundingsResponse:
    """Return a line's surroundings as they are answered."""
    return LogSurroundingsResponse(
        lines=[show_line(record) for record in surroundings.records],
        resources={key: show_resource(origin) for key, origin in surroundings.origins.items()},
        position=surroundings.position,
        more_before=surroundings.more_before,
        more_after=surroundings.more_after,
    )


def show_patterns(patterns: LogPatterns, elapsed_ms: float) -> LogPatternsResponse:
    """Return patterns as they are answered."""
    return LogPatternsResponse(
        patterns=[_show_pattern(pattern, patterns.lines) for pattern in patterns.patterns],
        starts_ms=[start // _NS_PER_MS for start in patterns.starts_ns],
        width_ms=patterns.width_ns // _NS_PER_MS,
        lines=patterns.lines,
        matching=patterns.matching,
        partial=show_partial(patterns.partial),
        elapsed_ms=elapsed_ms,
    )


def show_completion(completion: Completion, suggestions: Sequence[tuple[str, str]]) -> CompletionResponse:
    """Return what is being typed, with suggestions of text and detail."""
    return CompletionResponse(
        kind=completion.kind.value,
        field=completion.field or None,
        prefix=completion.prefix,
        start=completion.start,
        end=completion.end,
        suggestions=[SuggestionResponse(text=text, detail=detail) for text, detail in suggestions],
    )


def show_partial(partial: Partial | None) -> PartialResponse | None:
    """Return what is left out, if anything is."""
    if partial is None:
        return None
    return PartialResponse(reason=partial.reason, message=partial.message, left_out=partial.left_out)


def _show_pattern(pattern: Pattern, lines: int) -> LogPatternResponse:
    return LogPatternResponse(
        template=pattern.template,
        count=pattern.count,
        share=pattern.count / lines if lines else 0.0,
        levels={level.value: count for level, count in pattern.levels.items()},
        services=list(pattern.services),
        trend=list(pattern.trend),
        example=pattern.example,
        example_ts_ns=str(pattern.example_ts_ns),
        query=pattern.query,
    )


def _safe(value: Any) -> Any:
    """Return a JSON value that survives JavaScript: large integers and what is no number become strings."""
    if isinstance(value, Mapping):
        return {key: _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= _SAFE_INTEGER:
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
