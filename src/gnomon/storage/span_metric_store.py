"""Count what spans came in, by operation and duration, for the metrics derived from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.storage.engine import Engine

_ROWS = 200_000
_LATEST_S = 86_400


@dataclass(frozen=True, slots=True)
class SpanCount:
    """Spans of one operation, status and bucket; ids, duration and time are those of the slowest of them.

    `bucket` is the position of the least upper bound that is not below the duration, their number when there is none.
    """

    service: str
    name: str
    kind: int
    status: int
    bucket: int
    spans: int
    total_ns: int
    trace_id: str
    span_id: str
    slowest_ns: int
    start_ms: int


class SpanMetricStore:
    """Read spans by when they came in, which is when they are counted; those that began a day before are left out."""

    def __init__(self, engine: Engine) -> None:
        """Read from `engine` what is loaded."""
        self._engine = engine

    async def read(self, from_ms: int, to_ms: int, bounds_ns: Sequence[int]) -> list[SpanCount]:
        """Return the counts of what came in from `from_ms` on and before `to_ms`, in Unix milliseconds."""
        # What is shown of an operation is made of its aggregate alone: made for each span, it took twice as long.
        bucket = " + ".join(f"(duration > {bound})" for bound in bounds_ns) or "0"
        statement = f"""
            SELECT toValidUTF8(service::String) AS service_name, toValidUTF8(name::String) AS span_name, kind, status,
                bucket, n, total_ns, lower(hex(slowest.1)) AS trace_id, lower(hex(slowest.2)) AS span_id,
                slowest.3 AS slowest_ns, toUnixTimestamp64Milli(slowest.4) AS start_ms
            FROM (
                SELECT service, name, kind, status, {bucket} AS bucket, count() AS n, sum(duration) AS total_ns,
                    argMax((trace_id, span_id, duration, ts), duration) AS slowest
                FROM spans
                WHERE received >= fromUnixTimestamp64Milli({{from_ms:Int64}}, 'UTC')
                    AND received < fromUnixTimestamp64Milli({{to_ms:Int64}}, 'UTC')
                    AND ts >= fromUnixTimestamp64Milli({{from_ms:Int64}}, 'UTC') - {_LATEST_S}
                GROUP BY service, name, kind, status, bucket
                ORDER BY n DESC LIMIT {_ROWS}
            )
        """
        parameters = {"from_ms": from_ms, "to_ms": to_ms}
        return [
            SpanCount(
                service=row["service_name"],
                name=row["span_name"],
                kind=row["kind"],
                status=row["status"],
                bucket=row["bucket"],
                spans=row["n"],
                total_ns=row["total_ns"],
                trace_id=row["trace_id"],
                span_id=row["span_id"],
                slowest_ns=row["slowest_ns"],
                start_ms=row["start_ms"],
            )
            for row in (await self._engine.query(statement, parameters)).rows()
        ]
