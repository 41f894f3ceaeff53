"""Open traces by id."""

import asyncio
import json

from gnomon.model.any_values import decode_attribute
from gnomon.model.errors import NotFoundError
from gnomon.model.filters import Filter
from gnomon.model.spans import KINDS, STATUSES, Span, TraceSummary, TypedAttribute
from gnomon.model.trace_ids import parse_span_id, parse_trace_id
from gnomon.storage.trace_store import TraceStore
from gnomon.traces.comparison import compare_traces
from gnomon.traces.journey import name_of, tell_journey
from gnomon.traces.span_tree import SpanTree, build_span_tree
from gnomon.traces.trace_views import (
    Attribute,
    Journey,
    MatchingSpans,
    SpanDetails,
    SpanEvent,
    SpanLink,
    TraceComparison,
    Waterfall,
)
from gnomon.traces.waterfall import lay_out_waterfall

_MAX_SPANS = 100_000
_TYPES = ("empty", "string", "bool", "int", "double", "array", "map", "bytes", "map")


class TraceReader:
    """Show single traces. Every method takes ids in any spelling and raises NotFoundError for what is not stored."""

    def __init__(self, store: TraceStore) -> None:
        """Read from `store`."""
        self._store = store

    async def journey(self, trace_id: str, limit: int) -> Journey:
        """Return a trace's story with at most `limit` steps."""
        trace, tree = await self._open(trace_id, messages=True)
        return await asyncio.to_thread(tell_journey, trace, tree, limit)

    async def waterfall(self, trace_id: str) -> Waterfall:
        """Return a trace's spans in the order of display."""
        trace, tree = await self._open(trace_id)
        return await asyncio.to_thread(lay_out_waterfall, trace, tree)

    async def span(self, trace_id: str, span_id: str) -> SpanDetails:
        """Return all of one span."""
        trace = await self._find(trace_id)
        span = await self._store.read_span(trace, parse_span_id(span_id))
        if span is None:
            message = f"Trace {trace.trace_id} has no span {span_id!r}."
            raise NotFoundError(message)
        return _show(span)

    async def matches(self, trace_id: str, tree: Filter) -> MatchingSpans:
        """Return the spans of a trace that a filter keeps."""
        trace = await self._find(trace_id)
        return MatchingSpans(tuple(await self._store.match(trace, tree)))

    async def compare(self, left: str, right: str) -> TraceComparison:
        """Return two traces aligned."""
        left_trace, left_tree = await self._open(left)
        right_trace, right_tree = await self._open(right)
        return compare_traces((left_trace, right_trace), (left_tree, right_tree))

    async def _open(self, trace_id: str, *, messages: bool = False) -> tuple[TraceSummary, SpanTree]:
        found = await self._store.open(parse_trace_id(trace_id), _MAX_SPANS, messages=messages)
        if found is None or not len(found[1]):
            raise _missing(trace_id)
        trace, table = found
        # A large trace takes a while; requests and ingest go on meanwhile.
        return trace, await asyncio.to_thread(build_span_tree, table)

    async def _find(self, trace_id: str) -> TraceSummary:
        trace = await self._store.find(parse_trace_id(trace_id))
        if trace is None:
            raise _missing(trace_id)
        return trace


def _missing(trace_id: str) -> NotFoundError:
    message = f"There is no trace {trace_id!r}. It was never received here, or it is past retention."
    return NotFoundError(message)


def _show(span: Span) -> SpanDetails:
    origin = span.origin
    return SpanDetails(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_id,
        service=span.service,
        name=span.name,
        kind=name_of(span.kind, KINDS),
        start_ns=span.start_ns,
        duration_ns=span.duration_ns,
        status=name_of(span.status, STATUSES),
        status_message=span.status_message,
        trace_state=span.trace_state,
        flags=span.flags,
        attributes=_attributes(span.attributes),
        resource=_attributes(origin.resource),
        scope_name=origin.scope_name,
        scope_version=origin.scope_version,
        scope_attributes=_attributes(origin.scope_attributes),
        events=tuple(
            SpanEvent(event.name, event.time_ns, event.time_ns - span.start_ns, _attributes(event.attributes))
            for event in span.events
        ),
        links=tuple(
            SpanLink(link.trace_id, link.span_id, link.trace_state, _attributes(link.attributes)) for link in span.links
        ),
        dropped_attributes=span.dropped_attributes,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
        received_ns=span.received_ns,
        reported_start_ns=span.sent_start_ns,
        masked_secrets=span.redacted,
    )


def _attributes(attributes: tuple[TypedAttribute, ...]) -> tuple[Attribute, ...]:
    return tuple(
        Attribute(found.key, name_of(found.type_number, _TYPES), show_value(found))
        for found in sorted(attributes, key=lambda attribute: attribute.key)
    )


def show_value(attribute: TypedAttribute) -> str:
    """Return an attribute's value as text: nested values as JSON, bytes in base64."""
    value = decode_attribute(attribute.text, attribute.type_number)
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else attribute.text
