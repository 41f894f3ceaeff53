"""Dead letters that were told of: in clusters of the same failure, and one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine
from gnomon.storage.span_sql import among_ids, moment
from gnomon.storage.task_sql import quoted
from gnomon.storage.task_store import STREAMS
from gnomon.storage.trace_store import Freshness

_ZEROS = "0" * 32
_NAME = "name = 'message.dead_lettered'"
_FINGERPRINT = (
    "failure_fingerprint(a['messaging.destination.name'], a['error.type'], a['error.message'], a['error.stack'])"
)


@dataclass(frozen=True, slots=True)
class StoredCluster:
    """Sum up dead letters that failed alike; `sample` is the latest one's id, `counts` are by step of the range."""

    fingerprint: str
    topic: str
    system: str
    error_type: str
    error_shape: str
    sample_message: str
    sample_id: str
    sample_trace_id: str
    letters: int
    open: int
    tasks: int
    services: tuple[str, ...]
    first_ns: int
    last_ns: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """Hold one dead letter as it was told; the attributes are those of the event."""

    id: str
    fingerprint: str
    time_ns: int
    times: int
    task_id: str
    trace_id: str
    span_id: str
    service: str
    attributes: dict[str, str]


class DeadLetterStore:
    """Read dead letters; times are Unix nanoseconds."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def clusters(self, time_range: TimeRange, closed: Sequence[str], step_ns: int) -> list[StoredCluster]:
        """Return clusters of a range, the latest failure first; `closed` are the ids of letters that are not open."""
        await self._journal.catch_up(*STREAMS)
        start, steps = time_range.start_ns, -(-time_range.duration_ns // step_ns)
        statement = f"""
            SELECT fingerprint, toValidUTF8(any(a['messaging.destination.name'])) AS topic,
                any(a['messaging.system']) AS system, toValidUTF8(any(a['error.type'])) AS kind,
                toValidUTF8(failure_shape(argMax(a['error.message'], at))) AS shape,
                toValidUTF8(argMax(a['error.message'], at)) AS message, toValidUTF8(argMax(id, at)) AS sample,
                lower(hex(argMax(trace_id, at))) AS trace, count() AS n,
                countIf(id NOT IN {{closed:Array(String)}}) AS still_open,
                uniqExactIf(task_id, task_id != '') AS task_count,
                arraySort(groupUniqArray(20)(toValidUTF8(service))) AS senders, min(at) AS first_ns, max(at) AS last_ns,
                countResample(0, {steps:d}, 1)(intDiv(at - {start:d}, {step_ns:d})) AS counts
            FROM ({_letters(_during(time_range))})
            GROUP BY fingerprint ORDER BY last_ns DESC LIMIT 1000
        """
        return [
            StoredCluster(
                fingerprint=row["fingerprint"],
                topic=row["topic"],
                system=row["system"],
                error_type=row["kind"],
                error_shape=row["shape"],
                sample_message=row["message"],
                sample_id=row["sample"],
                sample_trace_id=row["trace"].replace(_ZEROS, ""),
                letters=row["n"],
                open=row["still_open"],
                tasks=row["task_count"],
                services=tuple(row["senders"]),
                first_ns=row["first_ns"],
                last_ns=row["last_ns"],
                counts=tuple(row["counts"]),
            )
            for row in (await self._engine.query(statement, {"closed": list(closed)})).rows()
        ]

    async def letters(
        self, time_range: TimeRange, *, fingerprint: str = "", topic: str = "", limit: int = 100
    ) -> list[StoredLetter]:
        """Return the letters of a range, the latest first."""
        await self._journal.catch_up(*STREAMS)
        conditions = ["1"]
        if fingerprint:
            conditions.append(f"fingerprint = {quoted(fingerprint)}")
        if topic:
            conditions.append(f"a['messaging.destination.name'] = {quoted(topic)}")
        return await self._read(_letters(_during(time_range)), " AND ".join(conditions), limit)

    async def find(self, letter_ids: Sequence[str]) -> list[StoredLetter]:
        """Return those of some letters that there are, the latest first."""
        if not letter_ids:
            return []
        await self._journal.catch_up(*STREAMS)
        ids = ", ".join(map(quoted, letter_ids))
        return await self._read(_letters(f"letter_id IN ({ids})"), "1", len(letter_ids))

    async def of_traces(self, trace_ids: Sequence[str]) -> set[str]:
        """Return those of some traces in which a message was moved to a dead letter queue."""
        if not trace_ids:
            return set()
        await self._journal.catch_up(*STREAMS)
        statement = f"""
            SELECT DISTINCT lower(hex(trace_id)) AS trace FROM work_events WHERE {_NAME} AND {among_ids(trace_ids)}
        """
        return {row["trace"] for row in (await self._engine.query(statement)).rows()}

    async def processed(self, trace_ids: Sequence[str]) -> Mapping[str, bool]:
        """Return which of some traces have a span that consumed a message, and whether one of those failed."""
        if not trace_ids:
            return {}
        statement = f"""
            SELECT lower(hex(trace_id)) AS trace, countIf(status = 2) > 0 AS failed FROM spans
            WHERE {among_ids(trace_ids)} AND kind = 5 GROUP BY trace
        """
        return {row["trace"]: bool(row["failed"]) for row in (await self._engine.query(statement)).rows()}

    async def _read(self, letters: str, condition: str, limit: int) -> list[StoredLetter]:
        statement = f"""
            SELECT toValidUTF8(id) AS letter, fingerprint, at, n, toValidUTF8(task_id) AS task,
                lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span, toValidUTF8(service) AS sender,
                arrayMap(k -> toValidUTF8(k), mapKeys(a)) AS keys, arrayMap(v -> toValidUTF8(v), mapValues(a)) AS texts
            FROM ({letters}) WHERE {condition} ORDER BY at DESC, letter LIMIT {limit:d}
        """
        return [
            StoredLetter(
                id=row["letter"],
                fingerprint=row["fingerprint"],
                time_ns=row["at"],
                times=row["n"],
                task_id=row["task"],
                trace_id=row["trace"].replace(_ZEROS, ""),
                span_id=row["span"].replace(_ZEROS[:16], ""),
                service=row["sender"],
                attributes=dict(zip(row["keys"], row["texts"], strict=True)),
            )
            for row in (await self._engine.query(statement)).rows()
        ]


def _letters(condition: str) -> str:
    """Return a query for one row a letter: what was told of it last, and how often."""
    return f"""
        SELECT *, {_FINGERPRINT} AS fingerprint FROM (
            SELECT letter_id AS id, max(told.at) AS at, uniqExact(told.at) AS n, argMax(told.a, told.at) AS a,
                argMax(told.task_id, told.at) AS task_id, argMax(told.trace_id, told.at) AS trace_id,
                argMax(told.span_id, told.at) AS span_id, argMax(told.service, told.at) AS service
            FROM (
                SELECT toUnixTimestamp64Nano(ts) AS at, attributes AS a, task_id, trace_id, span_id,
                    service::String AS service,
                    if(attributes['dlq.id'] = '', toString(work_events.id), attributes['dlq.id']) AS letter_id
                FROM work_events WHERE {_NAME} AND {condition}
            ) AS told
            GROUP BY letter_id
        )
    """


def _during(time_range: TimeRange) -> str:
    return f"ts >= {moment(time_range.start_ns)} AND ts < {moment(time_range.end_ns)}"
