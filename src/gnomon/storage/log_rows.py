"""Log lines as rows: which columns a question selects, how a row becomes a record, and how a line is found again.

Lines have no number of their own. They are ordered by time, then by time of observation, then by a hash of what they
say; lines that are equal in all of these are copies of each other, and a position counts them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gnomon.model.any_values import ARRAY, BYTES, JSON, KEY_VALUES, JsonValue, decode_attribute
from gnomon.model.errors import InvalidInputError
from gnomon.model.log_records import LogRecord, Origin
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine, Row

NS_PER_MINUTE = 60_000_000_000

LINE_HASH = (
    "cityHash64(service, severity, body, origin_id, trace_id, span_id, mapKeys(attributes), mapValues(attributes))"
)

LINE_COLUMNS = f"""
    toUnixTimestamp64Nano(ts) AS line_ts_ns,
    toUnixTimestamp64Nano(observed_ts) AS line_observed_ns,
    {LINE_HASH} AS line_hash,
    replaced_ts,
    lower(hex(trace_id)) AS line_trace_id,
    lower(hex(span_id)) AS line_span_id,
    severity,
    toValidUTF8(severity_text) AS line_severity_text,
    toValidUTF8(service) AS line_service,
    if(body_type IN (5, 6, 7), hex(body), toValidUTF8(body)) AS line_body,
    body_type,
    toValidUTF8(event_name) AS line_event_name,
    origin_id,
    arrayMap(key -> toValidUTF8(key), mapKeys(attributes)) AS attribute_keys,
    shown_values(attributes, attribute_types) AS attribute_values,
    attribute_types,
    dropped_attributes,
    redacted"""

_NESTED = frozenset({ARRAY, KEY_VALUES, BYTES, JSON})
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16

_ORIGINS = """
SELECT
    id,
    toValidUTF8(any(service)) AS origin_service,
    any((arrayMap(k -> toValidUTF8(k), mapKeys(resource)), shown_values(resource, resource_types), resource_types))
        AS resource_attributes,
    toValidUTF8(any(scope_name)) AS origin_scope_name,
    toValidUTF8(any(scope_version)) AS origin_scope_version,
    any((
        arrayMap(k -> toValidUTF8(k), mapKeys(scope_attributes)),
        shown_values(scope_attributes, scope_types),
        scope_types
    )) AS origin_scope_attributes
FROM origins
WHERE id IN {ids:Array(UInt64)}
GROUP BY id
"""


@dataclass(frozen=True, slots=True)
class Position:
    """A place between lines: after the `copies`-th line with this time, observation and hash, in reading order.

    `at_ts` lines with this time come before it. With no copies it is right before the first of them.
    """

    ts_ns: int
    observed_ns: int
    line_hash: int
    copies: int
    at_ts: int = 0

    def write(self) -> str:
        """Return the position as a cursor."""
        return f"{self.ts_ns:x}.{self.observed_ns:x}.{self.line_hash:x}.{self.copies:x}.{self.at_ts:x}"


def read_position(cursor: str) -> Position:
    """Return what a cursor means; raises InvalidInputError for what is none."""
    try:
        numbers = [int(part, 16) for part in cursor.split(".")]
        position = Position(*numbers)
    except (ValueError, TypeError) as error:
        message = f"Invalid cursor: {cursor!r}. Take it from the page before, or leave it out."
        raise InvalidInputError(message) from error
    if not (
        0 <= position.ts_ns < 1 << 63 and 0 <= position.observed_ns < 1 << 63 and 0 <= position.line_hash < 1 << 64
    ):
        message = f"Invalid cursor: {cursor!r}. Take it from the page before, or leave it out."
        raise InvalidInputError(message)
    return position


def line_id(ts_ns: int, line_hash: int, copy: int = 0) -> str:
    """Return the id of a line; copies of a line have numbers of their own, as long as they are read together."""
    return f"{ts_ns:x}-{line_hash:016x}" + (f"-{copy}" if copy else "")


def read_line_id(text: str) -> tuple[int, int]:
    """Return time and hash of a line; raises InvalidInputError for what is no id."""
    parts = text.split("-")
    try:
        ts_ns, line_hash = int(parts[0], 16), int(parts[1], 16)
    except (ValueError, IndexError) as error:
        message = f"Invalid line id: {text!r}. Take it from a search."
        raise InvalidInputError(message) from error
    if not (0 <= ts_ns < 1 << 63 and 0 <= line_hash < 1 << 64):
        message = f"Invalid line id: {text!r}. Take it from a search."
        raise InvalidInputError(message)
    return ts_ns, line_hash


def time_bounds(time_range: TimeRange, name: str = "range") -> tuple[str, dict[str, object]]:
    """Return a condition that keeps a range; it names the primary key's first part, by which the engine finds the rows.

    `name` keeps the parameters of several ranges in one statement apart.
    """
    start = f"fromUnixTimestamp64Nano({{{name}_start_ns:Int64}}, 'UTC')"
    end = f"fromUnixTimestamp64Nano({{{name}_end_ns:Int64}}, 'UTC')"
    bucket = "toStartOfTenMinutes(ts)"
    sql = f"ts >= {start} AND ts < {end} AND {bucket} >= toStartOfTenMinutes({start}) AND {bucket} <= {end}"
    return sql, {f"{name}_start_ns": _clamp(time_range.start_ns), f"{name}_end_ns": _clamp(time_range.end_ns)}


def read_records(rows: Iterable[Row]) -> list[LogRecord]:
    """Return rows of LINE_COLUMNS as records, copies numbered."""
    records: list[LogRecord] = []
    copies: dict[tuple[int, int], int] = {}
    for row in rows:
        key = (row["line_ts_ns"], row["line_hash"])
        copy = copies.get(key, 0)
        copies[key] = copy + 1
        records.append(_read_record(row, copy))
    return records


async def read_origins(engine: Engine, ids: Iterable[str]) -> dict[str, Origin]:
    """Return the senders with these ids."""
    wanted = sorted({int(origin_id) for origin_id in ids})
    if not wanted:
        return {}
    found = await engine.query(_ORIGINS, {"ids": wanted})
    return {str(row["id"]): _read_origin(row) for row in found.rows()}


def _read_record(row: Row, copy: int) -> LogRecord:
    body_type = row["body_type"]
    structured = decode_attribute(row["line_body"], body_type) if body_type in _NESTED else None
    trace_id, span_id = row["line_trace_id"], row["line_span_id"]
    return LogRecord(
        id=line_id(row["line_ts_ns"], row["line_hash"], copy),
        ts_ns=row["line_ts_ns"],
        observed_ts_ns=row["line_observed_ns"],
        severity=row["severity"],
        severity_text=row["line_severity_text"],
        service=row["line_service"],
        body=row["line_body"] if structured is None else _show(structured),
        origin_id=str(row["origin_id"]),
        trace_id="" if trace_id == _NO_TRACE else trace_id,
        span_id="" if span_id == _NO_SPAN else span_id,
        event_name=row["line_event_name"],
        attributes=_read_attributes(row["attribute_keys"], row["attribute_values"], row["attribute_types"]),
        structured_body=structured if isinstance(structured, list | dict) else None,
        sent_ts_ns=row["replaced_ts"] or None,
        dropped_attributes=row["dropped_attributes"],
        redacted=row["redacted"],
    )


def _read_origin(row: Row) -> Origin:
    return Origin(
        id=str(row["id"]),
        service=row["origin_service"],
        resource=_read_attributes(*row["resource_attributes"]),
        scope_name=row["origin_scope_name"],
        scope_version=row["origin_scope_version"],
        scope_attributes=_read_attributes(*row["origin_scope_attributes"]),
    )


def _read_attributes(keys: Sequence[str], values: Sequence[str], types: Sequence[int]) -> Mapping[str, JsonValue]:
    return {key: decode_attribute(value, kind) for key, value, kind in zip(keys, values, types, strict=True)}


def _show(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _clamp(ns: int) -> int:
    """Return a time that the engine can hold: its nanoseconds end in 2262."""
    return max(0, min(ns, (1 << 63) - 1))
