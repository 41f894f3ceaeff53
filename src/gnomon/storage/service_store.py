"""Services and operations over time: rate, errors and duration by the minute, and when what was first seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.engine import Engine, Row
from gnomon.storage.span_sql import during, moment
from gnomon.storage.trace_store import STREAM, Freshness

_NEWEST_ERRORS = 20_000
_QUANTILES = "quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(durations)"


@dataclass(frozen=True, slots=True)
class Statistics:
    """Rate, errors and duration of what `service`, `name` and `kind` name, in one step of a range.

    `step` None stands for the whole range, an empty name for all of them together.
    """

    service: str
    name: str
    kind: int
    step: int | None
    spans: int
    errors: int
    total_ns: int
    max_ns: int
    p50_ns: float
    p95_ns: float
    p99_ns: float


@dataclass(frozen=True, slots=True)
class OperationTotals:
    """Count one operation's spans."""

    service: str
    name: str
    kind: int
    spans: int
    errors: int
    total_ns: int
    first_minute_ns: int


@dataclass(frozen=True, slots=True)
class Version:
    """Tell when a version of a service was first and last seen."""

    service: str
    version: str
    first_seen_ns: int
    last_seen_ns: int


@dataclass(frozen=True, slots=True)
class ErrorSpans:
    """Sum up alike errors; message, ids and time are those of the newest."""

    service: str
    name: str
    error_type: str
    message: str
    spans: int
    last_ns: int
    trace_id: str
    span_id: str


class ServiceStore:
    """Read statistics of services and operations."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def services(self, time_range: TimeRange, step_s: int | None) -> list[Statistics]:
        """Return each service's statistics over the range, and by step if there is one.

        They are those of the spans that serve (server, consumer), or of all where a service serves nobody.
        """
        await self._journal.catch_up(STREAM)
        within = _within(time_range)
        serving = f"SELECT service FROM operation_stats WHERE {within} AND kind IN (2, 5)"
        where = f"{within} AND (kind IN (2, 5) OR service NOT IN ({serving}))"
        return await self._statistics(time_range, step_s, where, ("service",))

    async def operations(
        self, time_range: TimeRange, step_s: int | None, names: Sequence[tuple[str, str, int]]
    ) -> list[Statistics]:
        """Return the statistics of some operations (service, name, kind), in total and by step if there is one."""
        if not names:
            return []
        parameters: dict[str, object] = {
            "services": [service for service, _, _ in names],
            "names": [name for _, name, _ in names],
            "kinds": [kind for _, _, kind in names],
        }
        chosen = """has(arrayZip({services:Array(String)}, {names:Array(String)}, {kinds:Array(Int8)}),
            (service::String, name::String, kind))"""
        return await self._statistics(
            time_range, step_s, f"{_within(time_range)} AND {chosen}", ("service", "name", "kind"), parameters
        )

    async def whole(self, time_range: TimeRange, step_s: int, service: str, name: str) -> list[Statistics]:
        """Return the statistics of all spans of a service and operation (empty: of all), in total and by step."""
        where, parameters = _of(time_range, service, name)
        return await self._statistics(time_range, step_s, where, (), parameters)

    async def list_operations(self, time_range: TimeRange, service: str = "", name: str = "") -> list[OperationTotals]:
        """Return every operation of the range (of a service, a name) with its counts, that with most time first."""
        await self._journal.catch_up(STREAM)
        where, parameters = _of(time_range, service, name)
        statement = f"""
            SELECT toValidUTF8(service) AS s, toValidUTF8(name) AS n, kind, sum(spans) AS span_count,
                sum(errors) AS error_count, sum(duration_sum) AS total_ns, toUnixTimestamp(min(minute)) AS first
            FROM operation_stats WHERE {where} GROUP BY s, n, kind ORDER BY total_ns DESC LIMIT 20000
        """
        return [
            OperationTotals(
                service=row["s"],
                name=row["n"],
                kind=row["kind"],
                spans=row["span_count"],
                errors=row["error_count"],
                total_ns=row["total_ns"],
                first_minute_ns=row["first"] * NANOSECONDS,
            )
            for row in (await self._engine.query(statement, parameters)).rows()
        ]

    async def list_services(self) -> list[str]:
        """Return the names of all services that are in retention, in order."""
        await self._journal.catch_up(STREAM)
        found = await self._engine.query(
            "SELECT DISTINCT toValidUTF8(service) AS name FROM operation_stats ORDER BY name"
        )
        return list(found.column("name")) if len(found) else []

    async def list_kinds(self, service: str) -> list[tuple[str, int]]:
        """Return the names and kinds of a service's operations that are in retention."""
        await self._journal.catch_up(STREAM)
        statement = """
            SELECT DISTINCT toValidUTF8(name) AS operation, kind FROM operation_stats WHERE service = {service:String}
        """
        found = await self._engine.query(statement, {"service": service})
        return list(zip(*found.columns, strict=True)) if len(found) else []

    async def versions(self) -> list[Version]:
        """Return each service's versions (`service.version`) that are still in retention."""
        statement = """
            SELECT toValidUTF8(service) AS name, toValidUTF8(resource['service.version']) AS version,
                toUnixTimestamp(min(first_seen)) AS first, toUnixTimestamp(max(last_seen)) AS last
            FROM origins WHERE version != '' GROUP BY name, version ORDER BY first
        """
        return [
            Version(row["name"], row["version"], row["first"] * NANOSECONDS, row["last"] * NANOSECONDS)
            for row in (await self._engine.query(statement)).rows()
        ]

    async def errors(self, time_range: TimeRange, limit: int) -> list[ErrorSpans]:
        """Return the newest failed spans, alike ones together: same operation, type, and message but for numbers."""
        statement = f"""
            SELECT toValidUTF8(service) AS s, toValidUTF8(name) AS n, toValidUTF8(type) AS error_type, count() AS spans,
                max(ts) AS last, toUnixTimestamp64Nano(last) AS last_ns, toValidUTF8(argMax(text, ts)) AS message,
                lower(hex(argMax(trace_id, ts))) AS trace, lower(hex(argMax(span_id, ts))) AS span
            FROM (
                SELECT ts, service, name, trace_id, span_id,
                    indexOf(events.name, 'exception') AS i, arrayElement(events.attributes, i) AS exception,
                    multiIf(exception['exception.type'] != '', exception['exception.type'],
                            attributes['error.type']) AS type,
                    substring(if(status_message != '', status_message, exception['exception.message']), 1, 500) AS text
                FROM spans WHERE {during(time_range)} AND status = 2 ORDER BY ts DESC LIMIT {_NEWEST_ERRORS}
            )
            GROUP BY s, n, error_type, replaceRegexpAll(text, '[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*', '#')
            ORDER BY last_ns DESC LIMIT {limit:d}
        """
        return [
            ErrorSpans(
                service=row["s"],
                name=row["n"],
                error_type=row["error_type"],
                message=row["message"],
                spans=row["spans"],
                last_ns=row["last_ns"],
                trace_id=row["trace"],
                span_id=row["span"],
            )
            for row in (await self._engine.query(statement)).rows()
        ]

    async def _statistics(
        self,
        time_range: TimeRange,
        step_s: int | None,
        where: str,
        keys: tuple[str, ...],
        parameters: dict[str, object] | None = None,
    ) -> list[Statistics]:
        names = {"service": "toValidUTF8(service::String)", "name": "toValidUTF8(name::String)", "kind": "kind"}
        selected = ", ".join(f"{names[key]} AS key_{key}" for key in keys)
        by = ", ".join(f"key_{key}" for key in keys)
        first_s = first_step_s(time_range, step_s) if step_s else 0
        step = f"intDiv(toUnixTimestamp(minute) - {first_s:d}, {step_s:d})" if step_s else "0"
        sets = f"({by}{', ' if by else ''}step), ({by})" if step_s else f"({by}{', ' if by else ''}step)"
        statement = f"""
            SELECT {selected}{", " if selected else ""}{step} AS step, grouping(step) AS whole,
                sum(spans) AS span_count, sum(errors) AS error_count, sum(duration_sum) AS total_ns,
                max(duration_max) AS max_ns, {_QUANTILES} AS quantiles
            FROM operation_stats WHERE {where}
            GROUP BY GROUPING SETS ({sets})
        """
        rows = (await self._engine.query(statement, parameters)).rows()
        return [_read_statistics(row, in_steps=step_s is not None) for row in rows if row["span_count"]]


def first_step_s(time_range: TimeRange, step_s: int) -> int:
    """Return where the first step of a range begins, in Unix seconds: a multiple of the step."""
    return time_range.start_ns // NANOSECONDS // step_s * step_s


def _read_statistics(row: Row, *, in_steps: bool) -> Statistics:
    p50_ns, p95_ns, p99_ns = row["quantiles"]
    return Statistics(
        service=row.get("key_service", ""),
        name=row.get("key_name", ""),
        kind=row.get("key_kind", 0),
        step=row["step"] if in_steps and not row["whole"] else None,
        spans=row["span_count"],
        errors=row["error_count"],
        total_ns=row["total_ns"],
        max_ns=row["max_ns"],
        p50_ns=p50_ns,
        p95_ns=p95_ns,
        p99_ns=p99_ns,
    )


def _within(time_range: TimeRange) -> str:
    return f"(minute >= toStartOfMinute({moment(time_range.start_ns)}) AND minute < {moment(time_range.end_ns)})"


def _of(time_range: TimeRange, service: str, name: str) -> tuple[str, dict[str, object]]:
    where = _within(time_range)
    parameters: dict[str, object] = {}
    if service:
        where += " AND service = {service:String}"
        parameters["service"] = service
    if name:
        where += " AND name = {name:String}"
        parameters["name"] = name
    return where, parameters
