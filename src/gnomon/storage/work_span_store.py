"""Spans of tasks, agents, tools and calls of models, in the words of `work_spans`."""

from dataclasses import dataclass

from gnomon.model.spans import TypedAttribute
from gnomon.model.tasks import Task, WorkSpan
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.cost_store import counted_sql, span_of
from gnomon.storage.engine import Engine, Row
from gnomon.storage.span_sql import among_ids, fixed_id, moment
from gnomon.storage.task_sql import quoted
from gnomon.storage.task_store import STREAMS
from gnomon.storage.trace_store import Freshness

_COLUMNS = """
    lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, lower(hex(parent_span_id)) AS parent,
    toValidUTF8(service) AS sender, toValidUTF8(name) AS title, kind::String AS what,
    toUnixTimestamp64Nano(ts) AS start_ns, duration, failed, toValidUTF8(message) AS text, toValidUTF8(task_id) AS task,
    attempt, toValidUTF8(agent) AS who, operation::String AS op, provider::String AS source, model::String AS llm,
    toValidUTF8(tool) AS used, input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens,
    first_token, finish::String AS reason
"""
_NO_PARENT = "0" * 16


@dataclass(frozen=True, slots=True)
class SpanMessage:
    """Hold an event of a span that a log record tells: its name, body and attributes."""

    name: str
    body: TypedAttribute
    attributes: tuple[TypedAttribute, ...]


class WorkSpanStore:
    """Read spans of work."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def of_task(self, task: Task, limit: int) -> list[WorkSpan]:
        """Return the first `limit` spans of a task that tell of work: attempts, agents, tools, calls, steps."""
        if not task.trace_ids:
            return []
        where = f"{_during(span_of([task]))} AND {among_ids(task.trace_ids)}"
        # What nobody said the task of belongs to the one that the trace is of.
        own = f"kind != '' AND (task_id = {quoted(task.task_id)} OR NOT named)"
        return await self._read(f"{where} AND {own}", where, limit)

    async def find(self, trace_id: str, span_id: str) -> WorkSpan | None:
        """Return one span, or None where it tells of no work."""
        await self._journal.catch_up(*STREAMS)
        trace = f"trace_id = {fixed_id(trace_id)}"
        return next(iter(await self._read(f"{trace} AND span_id = {fixed_id(span_id)}", trace, 1)), None)

    async def messages(self, trace_id: str, span_id: str) -> list[SpanMessage]:
        """Return the messages that log records tell of a span, as earlier conventions have them, by time."""
        statement = f"""
            SELECT if(event_name = '', attributes['event.name'], event_name::String) AS event,
                body_type, attribute_types,
                if(body_type IN (5, 6, 7), hex(body), toValidUTF8(body)) AS text,
                arrayMap(k -> toValidUTF8(k), mapKeys(attributes)) AS keys,
                shown_values(attributes, attribute_types) AS texts
            FROM logs
            WHERE trace_id = {fixed_id(trace_id)} AND span_id = {fixed_id(span_id)}
                AND startsWith(event, 'gen_ai.')
            ORDER BY ts LIMIT 1000
        """
        return [
            SpanMessage(
                name=row["event"],
                body=TypedAttribute("", row["body_type"], row["text"]),
                attributes=tuple(map(TypedAttribute, row["keys"], row["attribute_types"], row["texts"])),
            )
            for row in (await self._engine.query(statement)).rows()
        ]

    async def _read(self, where: str, around: str, limit: int) -> list[WorkSpan]:
        statement = f"""
            SELECT {_COLUMNS},
                (trace_id, span_id) IN (SELECT trace_id, span_id FROM ({counted_sql(where, around)})) AS counted
            FROM work_spans FINAL WHERE {where} ORDER BY ts, span_id LIMIT {limit:d}
        """
        return [_span(row) for row in (await self._engine.query(statement)).rows()]


def _during(time_range: TimeRange) -> str:
    return f"ts >= {moment(time_range.start_ns - NANOSECONDS)} AND ts <= {moment(time_range.end_ns + NANOSECONDS)}"


def _span(row: Row) -> WorkSpan:
    return WorkSpan(
        trace_id=row["trace"],
        span_id=row["span"],
        parent_span_id="" if row["parent"] == _NO_PARENT else row["parent"],
        service=row["sender"],
        name=row["title"],
        kind=row["what"],
        start_ns=row["start_ns"],
        duration_ns=row["duration"],
        failed=bool(row["failed"]),
        message=row["text"],
        task_id=row["task"],
        attempt=row["attempt"],
        agent=row["who"],
        operation=row["op"],
        provider=row["source"],
        model=row["llm"],
        tool=row["used"],
        input_tokens=row["input_tokens"],
        cached_tokens=row["cached_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        output_tokens=row["output_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        first_token_ns=row["first_token"] or None,
        finish_reason=row["reason"],
        counted=bool(row["counted"]),
    )
