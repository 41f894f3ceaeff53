"""Single traces: when they were, their spans, and all of one span."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from gnomon.model.filters import Filter
from gnomon.model.spans import ERROR, Event, Link, Origin, Span, SpanTable, TraceSummary, TypedAttribute
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine, Result, Row
from gnomon.storage.filter_sql import SPAN_FIELDS, compile_filter
from gnomon.storage.span_sql import among_ids, bucket, during, during_any, fixed_id, moment

STREAM = "otlp_traces"

SUMMARY_COLUMNS = """
    lower(hex(trace_id)) AS id,
    toUnixTimestamp64Nano(min(trace_summaries.start)) AS start_ns,
    toUnixTimestamp64Nano(max(trace_summaries.end)) AS end_ns,
    sum(trace_summaries.spans) AS span_count,
    sum(trace_summaries.errors) AS error_count,
    toValidUTF8(max(trace_summaries.root_service)) AS service_of_root,
    toValidUTF8(max(trace_summaries.root_name)) AS name_of_root,
    arrayMap(s -> toValidUTF8(s), arraySort(groupUniqArrayArray(trace_summaries.services))) AS all_services
"""

_NO_PARENT = "0" * 16
# Making more than this into objects would hold up everybody else.
_MANY_SPANS = 1000
_MARKS = "length(events.name), length(links.span_id), has(events.name, 'exception'), redacted"
_KEYS = "arrayMap(k -> toValidUTF8(k), mapKeys({}))"


class Freshness(Protocol):
    """Bring what is accepted into the engine."""

    async def catch_up(self, *streams: str) -> None:
        """Make what was acknowledged half a second ago queryable; waits for up to a second."""


class TraceStore:
    """Read traces by id."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def summarize(self, trace_ids: Sequence[str], *, since_ns: int = 0) -> list[TraceSummary]:
        """Return summaries of those traces that there are; `since_ns` is a time before which none of them began."""
        if not trace_ids:
            return []
        await self._journal.catch_up(STREAM)
        since = f"AND day >= toDate({since_ns // 10**9}::UInt32, 'UTC') - 1" if since_ns else ""
        statement = (
            f"SELECT {SUMMARY_COLUMNS} FROM trace_summaries WHERE {among_ids(trace_ids)} {since} GROUP BY trace_id"
        )
        return [read_summary(row) for row in (await self._engine.query(statement)).rows()]

    async def find(self, trace_id: str) -> TraceSummary | None:
        """Return a trace's summary, or None where there is no such trace."""
        return next(iter(await self.summarize([trace_id])), None)

    async def open(self, trace_id: str, limit: int, *, messages: bool = False) -> tuple[TraceSummary, SpanTable] | None:
        """Return a trace with its first `limit` spans by start, without attributes; None where there is no such trace.

        Either `messages` or what is drawn beside a span in a waterfall (events, links, masked secrets) is read: every
        column takes its time.
        """
        await self._journal.catch_up(STREAM)
        # Pieces are put together here: for the engine to think about how to do that takes longer than reading them.
        found = await self._engine.query(
            "SELECT toUnixTimestamp64Nano(start), toUnixTimestamp64Nano(end), spans FROM trace_summaries "
            f"WHERE trace_id = {fixed_id(trace_id)}"
        )
        if not len(found):
            return None
        starts, ends, pieces = found.columns
        start_ns, end_ns, spans = min(starts), max(ends), sum(pieces)
        table = await self._read_table(trace_id, TimeRange(start_ns, end_ns), limit, messages=messages)
        if len(table) < spans:
            # Some are left out by the limit, or not there any more: the summary knows more than the spans do.
            trace = await self.find(trace_id)
            return None if trace is None else (trace, table)
        return _summarize(trace_id, TimeRange(start_ns, end_ns), table), table

    async def _read_table(self, trace_id: str, time_range: TimeRange, limit: int, *, messages: bool) -> SpanTable:
        beside = "toValidUTF8(status_message)" if messages else _MARKS
        # Few functions and no more conditions than needed: the engine thinks longer about this than it reads. The
        # bucket leads the table's key.
        statement = f"""
            SELECT
                span_id, parent_span_id, toValidUTF8(service), toValidUTF8(name), kind, status,
                toUnixTimestamp64Nano(ts), duration, toUnixTimestamp64Milli(received), replaced_ts, {beside}
            FROM spans
            PREWHERE trace_id = {fixed_id(trace_id)}
            WHERE ts BETWEEN {moment(time_range.start_ns)} AND {moment(time_range.end_ns)}
                AND toStartOfTenMinutes(ts) BETWEEN {bucket(time_range.start_ns)} AND {bucket(time_range.end_ns)}
            ORDER BY ts LIMIT {limit:d}
        """
        found = await self._engine.query(statement)
        if not len(found):
            return SpanTable(*([] for _ in range(15)))
        ids, parents, services, names, kinds, statuses, starts, durations, received_ms, replaced = found.columns[:10]
        none = [0] * len(ids)
        events, links, exceptions, redacted = (none,) * 4 if messages else found.columns[10:]
        ends_ms = ((start + duration) // 1_000_000 for start, duration in zip(starts, durations, strict=True))
        return SpanTable(
            span_id=[bytes(each).hex() for each in ids],
            parent_id=[bytes(each).hex() if any(each) else "" for each in parents],
            service=services,
            name=names,
            kind=kinds,
            status=statuses,
            start_ns=starts,
            duration_ns=durations,
            delay_ms=[max(0, at - end) for at, end in zip(received_ms, ends_ms, strict=True)],
            events=events,
            links=links,
            exceptions=exceptions,
            redacted=redacted,
            replaced=[int(each > 0) for each in replaced],
            status_message=found.columns[10] if messages else [""] * len(ids),
        )

    async def match(self, trace: TraceSummary, tree: Filter) -> list[str]:
        """Return the ids of a trace's spans that a filter keeps."""
        condition = compile_filter(tree, SPAN_FIELDS)
        statement = (
            f"SELECT lower(hex(span_id)) AS id FROM spans WHERE {self._of(trace)} AND ({condition.sql}) ORDER BY ts"
        )
        found = await self._engine.query(statement, condition.parameters)
        return list(found.column("id")) if len(found) else []

    async def read_span(self, trace: TraceSummary, span_id: str) -> Span | None:
        """Return all of one span, or None; of two with the same id, the one that came first."""
        where = f"{self._of(trace)} AND span_id = {fixed_id(span_id)}"
        return next(iter(await self._read_spans(where, 1)), None)

    async def read_spans(self, traces: Sequence[TraceSummary], limit: int) -> list[Span]:
        """Return all of the spans of some traces, by start, at most `limit`."""
        if not traces:
            return []
        ids = among_ids([trace.trace_id for trace in traces])
        when = during_any(TimeRange(trace.start_ns, trace.end_ns + 1) for trace in traces)
        return await self._read_spans(f"{ids} AND {when}", limit)

    @staticmethod
    def _of(trace: TraceSummary) -> str:
        return f"trace_id = {fixed_id(trace.trace_id)} AND {during(TimeRange(trace.start_ns, trace.end_ns + 1))}"

    async def _read_spans(self, where: str, limit: int) -> list[Span]:
        statement = f"""
            SELECT
                lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS id, lower(hex(parent_span_id)) AS parent,
                toValidUTF8(service) AS service_name, toValidUTF8(name) AS operation, kind, status,
                toUnixTimestamp64Nano(ts) AS start_ns, duration, toValidUTF8(status_message) AS message,
                toValidUTF8(trace_state) AS state, flags, dropped.1 AS dropped_attributes, dropped.2 AS dropped_events,
                dropped.3 AS dropped_links, toUnixTimestamp64Milli(received) * 1000000 AS received_ns,
                replaced_ts, redacted, origin_id,
                {_KEYS.format("attributes")} AS keys, attribute_types,
                shown_values(attributes, attribute_types) AS texts,
                arrayMap(t -> toUnixTimestamp64Nano(t), events.ts) AS event_times,
                arrayMap(n -> toValidUTF8(n), events.name) AS event_names,
                arrayMap(m -> {_KEYS.format("m")}, events.attributes) AS event_keys,
                events.types AS event_types,
                arrayMap((m, t) -> shown_values(m, t), events.attributes, events.types) AS event_texts,
                arrayMap(i -> lower(hex(i)), links.trace_id) AS link_traces,
                arrayMap(i -> lower(hex(i)), links.span_id) AS link_spans,
                arrayMap(s -> toValidUTF8(s), links.trace_state) AS link_states,
                arrayMap(m -> {_KEYS.format("m")}, links.attributes) AS link_keys,
                links.types AS link_types,
                arrayMap((m, t) -> shown_values(m, t), links.attributes, links.types) AS link_texts
            FROM spans WHERE {where} ORDER BY ts, received LIMIT {limit:d}
        """
        found = await self._engine.query(statement)
        origins = await self._read_origins(set(found.column("origin_id")))
        if len(found) > _MANY_SPANS:
            return await asyncio.to_thread(_read_all, found, origins)
        return _read_all(found, origins)

    async def _read_origins(self, ids: Iterable[int]) -> dict[int, Origin]:
        known = ", ".join(map(str, sorted(ids)))
        if not known:
            return {}
        statement = f"""
            SELECT
                id, toValidUTF8(any(scope_name)) AS scope, toValidUTF8(any(scope_version)) AS version,
                any(resource) AS r, any(resource_types) AS rt, any(scope_attributes) AS s, any(scope_types) AS st,
                {_KEYS.format("r")} AS resource_keys, rt AS resource_type_numbers,
                shown_values(r, rt) AS resource_texts,
                {_KEYS.format("s")} AS scope_keys, st AS scope_type_numbers, shown_values(s, st) AS scope_texts
            FROM origins WHERE id IN ({known}) GROUP BY id
        """
        columns = "id, scope, version, resource_keys, resource_type_numbers, resource_texts"
        columns += ", scope_keys, scope_type_numbers, scope_texts"
        return {
            row["id"]: Origin(
                resource=_attributes(row["resource_keys"], row["resource_type_numbers"], row["resource_texts"]),
                scope_name=row["scope"],
                scope_version=row["version"],
                scope_attributes=_attributes(row["scope_keys"], row["scope_type_numbers"], row["scope_texts"]),
            )
            for row in (await self._engine.query(f"SELECT {columns} FROM ({statement})")).rows()
        }


def _summarize(trace_id: str, time_range: TimeRange, table: SpanTable) -> TraceSummary:
    """Return the summary of a trace all of whose spans are in `table`, as the engine would have put it together."""
    roots = [index for index, parent in enumerate(table.parent_id) if not parent]
    return TraceSummary(
        trace_id=trace_id,
        start_ns=time_range.start_ns,
        end_ns=time_range.end_ns,
        spans=len(table),
        errors=sum(status == ERROR for status in table.status),
        root_service=max((table.service[root] for root in roots), default=""),
        root_name=max((table.name[root] for root in roots), default=""),
        services=tuple(sorted(set(table.service))),
    )


def read_summary(row: Row) -> TraceSummary:
    """Return what a row of SUMMARY_COLUMNS says."""
    return TraceSummary(
        trace_id=row["id"],
        start_ns=row["start_ns"],
        end_ns=row["end_ns"],
        spans=row["span_count"],
        errors=row["error_count"],
        root_service=row["service_of_root"],
        root_name=row["name_of_root"],
        services=tuple(row["all_services"]),
    )


def _read_all(found: Result, origins: Mapping[int, Origin]) -> list[Span]:
    unknown = Origin()
    return [_read_span(row, origins.get(row["origin_id"], unknown)) for row in found.rows()]


def _read_span(row: Row, origin: Origin) -> Span:
    events = zip(
        row["event_times"], row["event_names"], row["event_keys"], row["event_types"], row["event_texts"], strict=True
    )
    links = zip(
        row["link_traces"],
        row["link_spans"],
        row["link_states"],
        row["link_keys"],
        row["link_types"],
        row["link_texts"],
        strict=True,
    )
    return Span(
        trace_id=row["trace"],
        span_id=row["id"],
        parent_id="" if row["parent"] == _NO_PARENT else row["parent"],
        service=row["service_name"],
        name=row["operation"],
        kind=row["kind"],
        start_ns=row["start_ns"],
        duration_ns=row["duration"],
        status=row["status"],
        status_message=row["message"],
        trace_state=row["state"],
        flags=row["flags"],
        attributes=_attributes(row["keys"], row["attribute_types"], row["texts"]),
        events=tuple(Event(time, name, _attributes(*attributes)) for time, name, *attributes in events),
        links=tuple(Link(trace, span, state, _attributes(*attributes)) for trace, span, state, *attributes in links),
        dropped_attributes=row["dropped_attributes"],
        dropped_events=row["dropped_events"],
        dropped_links=row["dropped_links"],
        received_ns=row["received_ns"],
        sent_start_ns=row["replaced_ts"] or None,
        redacted=row["redacted"],
        origin=origin,
    )


def _attributes(keys: Sequence[str], types: Sequence[int], texts: Sequence[str]) -> tuple[TypedAttribute, ...]:
    return tuple(map(TypedAttribute, keys, types, texts))
