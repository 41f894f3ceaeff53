"""Questions as Jaeger's query service takes them, answered in its JSON."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.model.filters import And, Comparison, Filter, Not, Operator, Or
from gnomon.model.spans import Span
from gnomon.model.time_ranges import TimeRange
from gnomon.model.trace_ids import parse_trace_id
from gnomon.storage.service_store import ServiceStore
from gnomon.storage.trace_search_store import TraceSearchStore
from gnomon.storage.trace_store import TraceStore
from gnomon.traces.jaeger_model import NO_SERVICE, Json, describe_trace, kind_name
from gnomon.traces.service_edges import ServiceEdges

_MAX_SPANS = 100_000
_STATUS = {"OK": "ok", "ERROR": "error", "UNSET": "unset"}


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """Ask for traces; texts are as they came, empty where they did not. `tags` are names and values."""

    service: str
    operation: str
    tags: Sequence[tuple[str, str]]
    time_range: TimeRange
    min_duration: str
    max_duration: str
    limit: int


class JaegerQuery:
    """Answer Jaeger's questions; every method returns what goes into `data`."""

    def __init__(
        self, traces: TraceStore, search: TraceSearchStore, services: ServiceStore, edges: ServiceEdges
    ) -> None:
        """Read from the stores."""
        self._traces = traces
        self._search = search
        self._services = services
        self._edges = edges

    async def services(self) -> list[str]:
        """Return the names of all services that are still known."""
        return [service or NO_SERVICE for service in await self._services.list_services()]

    async def operations(self, service: str, kind: str = "") -> list[Json]:
        """Return a service's operations with their kinds, of one kind if `kind` names one."""
        listed = await self._services.list_kinds("" if service == NO_SERVICE else service)
        found = sorted({(name, kind_name(number)) for name, number in listed})
        return [{"name": name, "spanKind": each} for name, each in found if kind in {"", each}]

    async def trace(self, trace_id: str) -> list[Json]:
        """Return one trace; raises NotFoundError where there is none."""
        found = await self.traces([trace_id])
        if not found:
            message = "trace not found"
            raise NotFoundError(message)
        return found

    async def traces(self, trace_ids: Sequence[str]) -> list[Json]:
        """Return those of some traces that there are."""
        ids = [parse_trace_id(trace_id) for trace_id in trace_ids]
        spans = await self._traces.read_spans(await self._traces.summarize(ids), _MAX_SPANS)
        return await asyncio.to_thread(_group, spans)

    async def find(self, query: TraceQuery) -> list[Json]:
        """Return the newest traces that have a span which meets all conditions."""
        found = await self._search.newest(query.time_range, filter_of(query), query.limit, None)
        spans = await self._traces.read_spans(found.traces, _MAX_SPANS)
        return await asyncio.to_thread(_group, spans)

    async def dependencies(self, time_range: TimeRange) -> list[Json]:
        """Return the calls between services."""
        edges = await self._edges.read(time_range)
        calls: dict[tuple[str, str], int] = {}
        for edge in edges:
            if edge.kind in {"call", "message"}:
                calls[edge.client, edge.server] = calls.get((edge.client, edge.server), 0) + edge.calls
        return [{"parent": parent, "child": child, "callCount": count} for (parent, child), count in calls.items()]


def parse_tags(tags: str, pairs: Sequence[str]) -> list[tuple[str, str]]:
    """Return the tags of `tags` (a JSON object) and of pairs written `name:value`; raises InvalidInputError."""
    found: list[tuple[str, str]] = []
    for pair in pairs:
        name, colon, value = pair.partition(":")
        if not colon:
            message = f"malformed 'tag' parameter, expecting key:value, received: {pair}"
            raise InvalidInputError(message)
        found.append((name, value))
    if tags:
        try:
            decoded = json.loads(tags)
        except ValueError as error:
            message = f"malformed 'tags' parameter, cannot unmarshal JSON: {error}"
            raise InvalidInputError(message) from error
        if not isinstance(decoded, dict):
            message = f"malformed 'tags' parameter, expecting a JSON object, received: {tags}"
            raise InvalidInputError(message)
        found += [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in decoded.items()]
    return found


def filter_of(query: TraceQuery) -> Filter:
    """Return the conditions of a query on one span; raises InvalidInputError for a wrong duration."""
    conditions: list[Filter] = []
    if query.service:
        service = "" if query.service == NO_SERVICE else query.service
        conditions.append(Comparison("service", Operator.EQUAL, service))
    if query.operation:
        conditions.append(Comparison("name", Operator.EQUAL, query.operation))
    for name, value, operator in (
        ("minDuration", query.min_duration, Operator.GREATER_OR_EQUAL),
        ("maxDuration", query.max_duration, Operator.LESS_OR_EQUAL),
    ):
        if value:
            conditions.append(Comparison("duration", operator, f"{_duration_ns(name, value)}ns"))
    conditions += [_tag_condition(name, value) for name, value in query.tags]
    return And(tuple(conditions))


def _tag_condition(name: str, value: str) -> Filter:
    """Return the condition that a span, one of its events or its resource bears a tag."""
    anywhere = tuple(
        Comparison(f"{place}{name}", Operator.EQUAL, value) for place in ("attributes.", "event.", "resource.")
    )
    match name:
        case "error" if value == "true":
            return Or((Comparison("status", Operator.EQUAL, "error"), *anywhere))
        case "error" if value == "false":
            return Or((Not(Comparison("status", Operator.EQUAL, "error")), *anywhere))
        case "span.kind" if value:
            return Or((Comparison("kind", Operator.MATCH, f"^{re.escape(value)}$"), *anywhere))
        case "otel.status_code" if value.upper() in _STATUS:
            return Or((Comparison("status", Operator.EQUAL, _STATUS[value.upper()]), *anywhere))
        case "otel.scope.name":
            return Or((Comparison("scope", Operator.EQUAL, value), *anywhere))
        case "otel.scope.version":
            return Or((Comparison("scope_version", Operator.EQUAL, value), *anywhere))
    return Or(anywhere)


def _duration_ns(name: str, text: str) -> int:
    try:
        return parse_duration_ns(text.strip().removeprefix("+").replace("μ", "µ"))
    except InvalidInputError as error:
        message = f"unable to parse param '{name}': time: invalid duration \"{text}\""
        raise InvalidInputError(message) from error


def _group(spans: Sequence[Span]) -> list[Json]:
    """Return traces in the order of their newest start, as Jaeger's UI sorts them itself."""
    traces: dict[str, list[Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, []).append(span)
    return [describe_trace(found) for found in reversed(traces.values())]
