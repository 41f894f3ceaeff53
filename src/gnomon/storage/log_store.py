"""Log lines in the engine: find, count by time, look around, follow."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import And, Comparison, Filter, Not, Or, Text
from gnomon.model.log_records import Arrivals, Level, LevelHistogram, LogPage, LogRecord, Origin, Surroundings
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine, Result, Row
from gnomon.storage.errors import StorageError
from gnomon.storage.filter_sql import LOG_FIELDS, Condition, compile_filter
from gnomon.storage.journal import Journal
from gnomon.storage.log_rows import (
    LINE_COLUMNS,
    LINE_HASH,
    NS_PER_MINUTE,
    Position,
    read_line_id,
    read_origins,
    read_position,
    read_records,
    time_bounds,
)

STREAMS = ("otlp_logs", "loki_push", "jsonl")
"""The streams that bring log lines."""

_WINDOWS_NS = (5 * NS_PER_MINUTE, 120 * NS_PER_MINUTE)
_LOOK_AROUND_NS = 60 * 24 * 60 * NS_PER_MINUTE
_MAX_BUCKETS = 100_000
_FEW_LINES = 32
_BAD_REGEX = 427
_REGEX_ERROR = re.compile(r"error: (.+?)\. Look at")
_PROJECTED = frozenset({"service", "service.name", "level", "severity"})

LEVELS = (Level.UNKNOWN, Level.TRACE, Level.DEBUG, Level.INFO, Level.WARN, Level.ERROR, Level.FATAL)
LEVEL_NUMBER = "intDiv(severity + 3, 4)"
"""A severity's level as an index into LEVELS."""


class LogStore:
    """Read lines; satisfies `gnomon.logs.search.LogReader` and `gnomon.logs.tail.ArrivalReader`.

    `settle_s` is 0 where this process alone writes: then what it has loaded is complete. Where others write to the same
    cluster, lines are handed to followers when they have been stored for so long.
    """

    def __init__(self, engine: Engine, journal: Journal, *, settle_s: float = 0.0) -> None:
        """Read from `engine` what `journal` has loaded into it."""
        self._engine = engine
        self._journal = journal
        self._settle_s = settle_s
        self._loaded_ms = time.time_ns() // 1_000_000
        self._loaded = asyncio.Event()
        journal.on_loaded(self._note_loaded)

    async def search(
        self, tree: Filter, time_range: TimeRange, *, limit: int, cursor: str = "", newest_first: bool = True
    ) -> LogPage:
        """Return up to `limit` lines after `cursor`; raises InvalidInputError for a cursor that it did not give out."""
        await self._journal.catch_up(*STREAMS)
        condition = await compile_log_filter(self._engine, tree)
        after = read_position(cursor) if cursor else None
        rows, more = await self._read(_Reading(condition, time_range, newest_first=newest_first, after=after), limit)
        records = read_records(rows)
        return LogPage(
            records=records,
            origins=await self._origins(records),
            cursor=_next_position(rows, after).write() if more else "",
        )

    async def histogram(self, tree: Filter, time_range: TimeRange, width_ns: int) -> LevelHistogram:
        """Return counts in buckets of `width_ns`, aligned to multiples of it, without gaps."""
        await self._journal.catch_up(*STREAMS)
        first, last = time_range.start_ns // width_ns, (time_range.end_ns - 1) // width_ns
        if last - first >= _MAX_BUCKETS:
            message = f"The histogram would have {last - first + 1} buckets, more than {_MAX_BUCKETS}. Ask for fewer."
            raise InvalidInputError(message)
        condition = await compile_log_filter(self._engine, tree)
        source, parameters = counted_lines(tree, condition, time_range, width_ns)
        found = await run_log_query(
            self._engine,
            f"""
            SELECT intDiv(line_ts_ns, {{width_ns:Int64}}) * 8 + {LEVEL_NUMBER} AS cell, sum(lines) AS cell_lines
            FROM ({source}) GROUP BY cell
            """,
            {**parameters, "width_ns": width_ns},
        )
        counts: dict[Level, list[int]] = {}
        for cell, lines in zip(found.column("cell"), found.column("cell_lines"), strict=True):
            bucket, level = divmod(int(cell), 8)
            counts.setdefault(LEVELS[level], [0] * (last - first + 1))[bucket - first] += int(lines)
        return LevelHistogram(
            starts_ns=[index * width_ns for index in range(first, last + 1)],
            width_ns=width_ns,
            counts={level: counts[level] for level in LEVELS if level in counts},
        )

    async def line(self, line_id: str) -> tuple[LogRecord, Origin] | None:
        """Return a line and its sender, or None when there is none; raises InvalidInputError for what is no id."""
        await self._journal.catch_up(*STREAMS)
        row = await self._line_row(line_id)
        if row is None:
            return None
        record = read_records([row])[0]
        origins = await self._origins([record])
        return record, origins.get(record.origin_id, Origin(record.origin_id, record.service, {}))

    async def around(self, line_id: str, *, before: int, after: int) -> Surroundings | None:
        """Return the neighbours of a line from the same service and resource, or None when there is no such line."""
        await self._journal.catch_up(*STREAMS)
        row = await self._line_row(line_id)
        if row is None:
            return None
        same_sender = Condition(
            "service = {sender_service:String} AND origin_id IN (SELECT id FROM origins WHERE resource IN "
            "(SELECT resource FROM origins WHERE id = {sender:UInt64}) UNION ALL SELECT {sender:UInt64})",
            {"sender_service": row["raw_service"], "sender": row["origin_id"]},
        )
        ts_ns = row["line_ts_ns"]
        past, future = TimeRange(max(0, ts_ns - _LOOK_AROUND_NS), ts_ns + 1), TimeRange(ts_ns, ts_ns + _LOOK_AROUND_NS)
        place = Position(ts_ns, row["line_observed_ns"], row["line_hash"], 1, await self._count(same_sender, ts_ns))
        older, more_before = await self._read(
            _Reading(same_sender, past, newest_first=True, after=place, strictly=True), before
        )
        newer, more_after = await self._read(_Reading(same_sender, future, newest_first=False, after=place), after)
        records = read_records([*reversed(older), row, *newer])
        return Surroundings(
            records=records,
            origins=await self._origins(records),
            position=len(older),
            more_before=more_before,
            more_after=more_after,
        )

    async def wait_for_arrivals(self, mark: str, timeout_s: float) -> None:
        """Return when lines may have been stored since `mark`, or after `timeout_s`."""
        if self._settle_s:
            await asyncio.sleep(timeout_s)
        elif self._loaded_ms < int(mark):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._loaded.wait(), timeout_s)

    async def arrivals(self, tree: Filter, mark: str, *, limit: int) -> Arrivals:
        """Return the newest `limit` lines stored since `mark`; for an empty mark nothing but a mark to begin at."""
        await self._journal.catch_up(*STREAMS)
        end_ms = self._complete_until_ms()
        condition = await compile_log_filter(self._engine, tree)
        start_ms = int(mark) if mark else end_ms
        if start_ms >= end_ms:
            return Arrivals((), {}, 0, str(start_ms))
        kept = (
            "received >= fromUnixTimestamp64Milli({start_ms:Int64}, 'UTC') AND "
            f"received < fromUnixTimestamp64Milli({{end_ms:Int64}}, 'UTC') AND ({condition.sql})"
        )
        parameters = {**condition.parameters, "start_ms": start_ms, "end_ms": end_ms, "limit": limit}
        statement = (
            f"SELECT {LINE_COLUMNS} FROM logs WHERE {kept} ORDER BY ts DESC, observed_ts DESC LIMIT {{limit:UInt64}}"
        )
        rows = (await run_log_query(self._engine, statement, parameters)).rows()
        skipped = 0
        if len(rows) == limit:
            total = (await run_log_query(self._engine, f"SELECT count() FROM logs WHERE {kept}", parameters)).value()
            skipped = total - len(rows)
        records = read_records(reversed(rows))
        return Arrivals(records, await self._origins(records), skipped, str(end_ms))

    def _complete_until_ms(self) -> int:
        """Return the time of receipt before which nothing more will appear.

        The clock is this machine's, as for everything that the engine in this process stores.
        """
        if self._settle_s:
            return int((time.time() - self._settle_s) * 1000)
        return self._journal.complete_until_ms

    def _note_loaded(self, _stream: str) -> None:
        self._loaded_ms = time.time_ns() // 1_000_000
        self._loaded.set()
        self._loaded = asyncio.Event()

    async def _line_row(self, text: str) -> Row | None:
        ts_ns, line_hash = read_line_id(text)
        bounds, parameters = time_bounds(TimeRange(ts_ns, ts_ns + 1))
        statement = f"""
            SELECT {LINE_COLUMNS}, service AS raw_service FROM logs
            WHERE {bounds} AND {LINE_HASH} = {{line_hash:UInt64}} LIMIT 1
        """
        rows = (await run_log_query(self._engine, statement, {**parameters, "line_hash": line_hash})).rows()
        return rows[0] if rows else None

    async def _count(self, condition: Condition, ts_ns: int) -> int:
        """Return how many lines that meet a condition have exactly this time."""
        bounds, parameters = time_bounds(TimeRange(ts_ns, ts_ns + 1))
        statement = f"SELECT count() FROM logs WHERE {bounds} AND ({condition.sql})"
        return int((await self._engine.query(statement, {**parameters, **condition.parameters})).value())

    async def _read(self, reading: "_Reading", limit: int) -> tuple[list[Row], bool]:
        """Return up to `limit` lines in order, and whether there are more.

        First comes how far in time they reach, from little data and in windows that grow, then the lines themselves.
        """
        wanted = limit + 1 + reading.passed_over
        times: list[int] = []
        for window in reading.windows():
            bounds, parameters = time_bounds(window)
            found = await run_log_query(
                self._engine,
                f"""
                SELECT toUnixTimestamp64Nano(ts) AS line_ts_ns FROM logs WHERE {bounds} AND ({reading.condition.sql})
                ORDER BY ts {reading.direction} LIMIT {{wanted:UInt64}}
                """,
                {**parameters, **reading.condition.parameters, "wanted": wanted},
            )
            times += found.column("line_ts_ns") if len(found) else ()
            wanted -= len(found)
            if not wanted:
                break
        if not times:
            return [], False
        bounds, parameters = time_bounds(reading.up_to(times[-1]))
        if len(times) <= _FEW_LINES:
            # Scattered lines are found again by their times, instead of by searching everything in between once more.
            moments = (f"fromUnixTimestamp64Nano({ts_ns}::Int64, 'UTC')" for ts_ns in sorted(set(times)))
            bounds += f" AND ts IN ({', '.join(moments)})"
        position, more = reading.position()
        statement = f"""
            SELECT {LINE_COLUMNS} FROM logs WHERE {bounds} AND ({reading.condition.sql}) AND {position}
            ORDER BY ts {reading.direction}, observed_ts {reading.direction}, line_hash {reading.direction}
            LIMIT {{limit:UInt64}} OFFSET {{copies:UInt64}}
        """
        rows = (
            await run_log_query(
                self._engine, statement, {**parameters, **reading.condition.parameters, **more, "limit": limit + 1}
            )
        ).rows()
        # Lines that arrive meanwhile may push others past the edge: then there are more, though fewer than asked for
        # were found.
        return rows[:limit], len(rows) > limit or (bool(rows) and not wanted)

    async def _origins(self, records: list[LogRecord]) -> Mapping[str, Origin]:
        return await read_origins(self._engine, (record.origin_id for record in records))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Lines in a range that meet a condition, in one of the two orders, from a position on."""

    condition: Condition
    time_range: TimeRange
    newest_first: bool
    after: Position | None = None
    strictly: bool = False

    @property
    def direction(self) -> str:
        return "DESC" if self.newest_first else "ASC"

    @property
    def passed_over(self) -> int:
        """Return how many lines with the position's time may come before it."""
        return self.after.at_ts if self.after else 0

    def windows(self) -> Iterator[TimeRange]:
        """Yield pieces of the range in the order of reading, small ones first: most readers want few lines."""
        start, end = self._rest()
        for width in (*_WINDOWS_NS, None):
            if start >= end:
                return
            if self.newest_first:
                middle = start if width is None else max(start, end - width)
                yield TimeRange(middle, end)
                end = middle
            else:
                middle = end if width is None else min(end, start + width)
                yield TimeRange(start, middle)
                start = middle

    def up_to(self, edge_ns: int) -> TimeRange:
        """Return the range from where reading begins to the last time that it needs, included."""
        start, end = self._rest()
        return TimeRange(edge_ns, end) if self.newest_first else TimeRange(start, edge_ns + 1)

    def position(self) -> tuple[str, dict[str, object]]:
        """Return a condition that keeps what comes at the position or after it, and how many copies to pass over."""
        if self.after is None:
            return "1", {"copies": 0}
        compare = ("<" if self.newest_first else ">") + ("" if self.strictly else "=")
        at = "fromUnixTimestamp64Nano({after_ns:Int64}, 'UTC')"
        observed = "fromUnixTimestamp64Nano({after_observed_ns:Int64}, 'UTC')"
        sql = f"(ts != {at} OR (observed_ts, {LINE_HASH}) {compare} ({observed}, {{after_hash:UInt64}}))"
        return sql, {
            "after_ns": self.after.ts_ns,
            "after_observed_ns": self.after.observed_ns,
            "after_hash": self.after.line_hash,
            "copies": 0 if self.strictly else self.after.copies,
        }

    def _rest(self) -> tuple[int, int]:
        start, end = self.time_range.start_ns, self.time_range.end_ns
        if self.after is None:
            return start, end
        return (start, min(end, self.after.ts_ns + 1)) if self.newest_first else (max(start, self.after.ts_ns), end)


def counted_lines(
    tree: Filter, condition: Condition, time_range: TimeRange, width_ns: int = NS_PER_MINUTE
) -> tuple[str, dict[str, object]]:
    """Return a selection of `line_ts_ns`, `service`, `severity` and `lines`, the number of lines that it stands for.

    Whole minutes come from the projection by minute where the filter looks at nothing else and `width_ns` is made of
    minutes.
    """
    start_ns, end_ns = time_range.start_ns, time_range.end_ns
    first, last = -(-start_ns // NS_PER_MINUTE) * NS_PER_MINUTE, end_ns // NS_PER_MINUTE * NS_PER_MINUTE
    by_line = "SELECT toUnixTimestamp64Nano(ts) AS line_ts_ns, service, severity, 1 AS lines FROM logs WHERE"
    if width_ns % NS_PER_MINUTE or first >= last or not field_names(tree) <= _PROJECTED:
        bounds, parameters = time_bounds(time_range)
        return f"{by_line} {bounds} AND ({condition.sql})", {**parameters, **condition.parameters}
    parts = [
        f"""
        SELECT toUnixTimestamp(toStartOfMinute(ts)) * 1000000000 AS line_ts_ns, service, severity, count() AS lines
        FROM logs
        WHERE toStartOfMinute(ts) >= toDateTime({first // 10**9}, 'UTC')
            AND toStartOfMinute(ts) < toDateTime({last // 10**9}, 'UTC')
            AND ({condition.sql}) GROUP BY toStartOfMinute(ts), service, severity
        """
    ]
    parameters = dict(condition.parameters)
    for name, edge in (("head", TimeRange(start_ns, first)), ("tail", TimeRange(last, end_ns))):
        if edge.duration_ns:
            bounds, more = time_bounds(edge, name)
            parts.append(f"{by_line} {bounds} AND ({condition.sql})")
            parameters |= more
    return " UNION ALL ".join(parts), parameters


async def compile_log_filter(engine: Engine, tree: Filter) -> Condition:
    """Return a filter over `logs` as SQL; raises InvalidInputError with a position."""
    if field_names(tree) <= LOG_FIELDS.columns.keys() | {""}:
        return compile_filter(tree, LOG_FIELDS)
    found = await engine.query("SELECT DISTINCT arrayJoin(mapKeys(resource)) AS key FROM origins")
    return compile_filter(tree, LOG_FIELDS, resource_keys=frozenset(found.column("key")) if len(found) else frozenset())


def field_names(tree: Filter) -> set[str]:
    """Return the fields that a filter looks at; free text counts as a field without a name."""
    match tree:
        case Comparison():
            return {tree.field}
        case Text():
            return {""}
        case Not(operand):
            return field_names(operand)
        case And(operands) | Or(operands):
            return {name for operand in operands for name in field_names(operand)}


async def run_log_query(engine: Engine, statement: str, parameters: Mapping[str, object]) -> Result:
    """Return what a statement selects; a regular expression that the engine cannot read raises InvalidInputError."""
    try:
        return await engine.query(statement, parameters)
    except StorageError as error:
        if error.code == _BAD_REGEX:
            reason = _REGEX_ERROR.search(str(error))
            message = f"Invalid regular expression: {reason[1] if reason else error}. The syntax is RE2's."
            raise InvalidInputError(message) from error
        raise


def _next_position(rows: list[Row], after: Position | None) -> Position:
    """Return the position behind the last of these rows."""
    last = rows[-1]
    key = (last["line_ts_ns"], last["line_observed_ns"], last["line_hash"])
    copies = sum((row["line_ts_ns"], row["line_observed_ns"], row["line_hash"]) == key for row in rows)
    at_ts = sum(row["line_ts_ns"] == key[0] for row in rows)
    if after is not None:
        copies += after.copies if (after.ts_ns, after.observed_ns, after.line_hash) == key else 0
        at_ts += after.at_ts if after.ts_ns == key[0] else 0
    return Position(*key, copies=copies, at_ts=at_ts)
