"""Calls between services: computed by the minute from spans and their parents, kept in `service_edges`."""

from dataclasses import dataclass

from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.engine import Engine
from gnomon.storage.span_sql import during, moment
from gnomon.storage.trace_store import STREAM, Freshness

MINUTE_NS = 60 * NANOSECONDS

_PARENTS_BEFORE_NS = 10 * MINUTE_NS
_CHILDREN_AFTER_NS = MINUTE_NS
_SPANS_PER_MINUTE = 600_000


@dataclass(frozen=True, slots=True)
class Edge:
    """Calls from one service to another within a range; `share` is the greatest of its minutes."""

    client: str
    server: str
    kind: str
    calls: int
    errors: int
    duration_sum_ns: int
    p50_ns: float
    p95_ns: float
    share: int


class EdgeStore:
    """Compute and read edges."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read and write in `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def count_spans(self, time_range: TimeRange) -> dict[int, int]:
        """Return how many spans each minute holds, by its start in Unix nanoseconds, as far as they are loaded."""
        statement = f"""
            SELECT toUnixTimestamp(minute) AS at, sum(spans) AS n FROM operation_stats
            WHERE minute >= {moment(time_range.start_ns)} AND minute < {moment(time_range.end_ns)}
            GROUP BY minute
        """
        found = await self._engine.query(statement)
        if not len(found):
            return {}
        return {at * NANOSECONDS: spans for at, spans in zip(found.column("at"), found.column("n"), strict=True)}

    async def compute(self, minute_ns: int, spans: int, version: int) -> None:
        """Compute one minute that holds so many spans, and put it in the place of what was there."""
        window = TimeRange(minute_ns, minute_ns + MINUTE_NS)
        share = _share(spans)
        statement = f"""
            INSERT INTO service_edges
                (minute, client, server, kind, calls, errors, duration_sum, durations, version, share)
            SELECT
                toStartOfMinute({moment(minute_ns)}), client, server, kind, countIf(real) * {share:d},
                countIf(real AND failed) * {share:d}, sumIf(duration, real) * {share:d},
                quantilesDDStateIf(0.01, 0.5)(duration, real), {version:d}, {share:d}
            FROM (
                {_edges_sql(window, share)}
                UNION ALL
                SELECT client, server, kind, 0::UInt64, false, false FROM service_edges FINAL
                WHERE minute = toStartOfMinute({moment(minute_ns)})
            )
            GROUP BY client, server, kind
        """
        await self._engine.command(statement)

    async def read(self, time_range: TimeRange, computed_to_ns: int) -> list[Edge]:
        """Return the edges of a range; minutes from `computed_to_ns` on are computed now."""
        await self._journal.catch_up(STREAM)
        recent = TimeRange(max(time_range.start_ns, computed_to_ns), time_range.end_ns)
        computed = ""
        if recent.duration_ns > 0:
            spans = sum((await self.count_spans(recent)).values())
            share = _share(spans)
            computed = f"""
                UNION ALL
                SELECT client, server, kind, count() * {share:d}, countIf(failed) * {share:d},
                    sum(duration) * {share:d}, quantilesDDState(0.01, 0.5)(duration), {share:d}::UInt32
                FROM ({_edges_sql(recent, share)}) GROUP BY client, server, kind
            """
        statement = f"""
            SELECT
                toValidUTF8(client) AS client_name, toValidUTF8(server) AS server_name, kind, sum(calls) AS n,
                sum(errors) AS failed, sum(duration_sum) AS total_ns,
                quantilesDDMerge(0.01, 0.5, 0.95)(durations) AS quantiles, max(share) AS one_in
            FROM (
                SELECT client, server, kind, calls, errors, duration_sum, durations, share
                FROM service_edges FINAL
                WHERE minute >= toStartOfMinute({moment(time_range.start_ns)})
                    AND minute < {moment(min(time_range.end_ns, computed_to_ns))}
                {computed}
            )
            GROUP BY client_name, server_name, kind HAVING n > 0 ORDER BY n DESC LIMIT 5000
        """
        return [
            Edge(
                client=row["client_name"],
                server=row["server_name"],
                kind=row["kind"],
                calls=row["n"],
                errors=row["failed"],
                duration_sum_ns=row["total_ns"],
                p50_ns=row["quantiles"][0],
                p95_ns=row["quantiles"][1],
                share=row["one_in"],
            )
            for row in (await self._engine.query(statement)).rows()
        ]


def _share(spans: int) -> int:
    return max(1, spans // _SPANS_PER_MINUTE)


def _edges_sql(window: TimeRange, share: int) -> str:
    """Return a query for one row a call: client, server, kind, duration, failed, real.

    A call is a span that serves (server, consumer) under a parent of another service, with the duration that the
    server saw; or a client's or producer's span under which nothing serves and that names its peer.
    """
    chosen = f"AND cityHash64(trace_id) % {share:d} = 0" if share > 1 else ""
    before_ns = _PARENTS_BEFORE_NS if share == 1 else MINUTE_NS
    parents = TimeRange(window.start_ns - before_ns, window.end_ns)
    children = TimeRange(window.start_ns, window.end_ns + _CHILDREN_AFTER_NS)
    serving = "kind IN (2, 5) AND parent_span_id != toFixedString('', 8)"
    database = "if(attributes['db.system.name'] != '', attributes['db.system.name'], attributes['db.system'])"
    address = "if(attributes['server.address'] != '', attributes['server.address'], attributes['net.peer.name'])"
    return f"""
        SELECT p.service::String AS client, c.service::String AS server, if(c.kind = 5, 'message', 'call') AS kind,
            c.duration AS duration, c.status = 2 AS failed, true AS real
        FROM (
            SELECT trace_id, span_id, service FROM spans
            WHERE {during(parents)} {chosen}
                AND trace_id IN (SELECT trace_id FROM spans WHERE {during(window)} {chosen} AND {serving})
        ) AS p
        INNER JOIN (
            SELECT trace_id, parent_span_id, service, kind, duration, status FROM spans
            WHERE {during(window)} {chosen} AND {serving}
        ) AS c ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
        WHERE p.service != c.service
        UNION ALL
        SELECT client, server, peer_kind AS kind, duration, failed, true AS real
        FROM (
            SELECT trace_id, span_id, service::String AS client, duration, status = 2 AS failed,
                {database} AS database, attributes['messaging.system'] AS messaging, {address} AS address,
                multiIf(
                    attributes['peer.service'] != '', attributes['peer.service'],
                    database != '', if(address != '', concat(database, ' ', address), database),
                    messaging != '', if(address != '', concat(messaging, ' ', address), messaging),
                    address) AS server,
                multiIf(database != '', 'database', messaging != '', 'messaging', 'external') AS peer_kind
            FROM spans WHERE {during(window)} {chosen} AND kind IN (3, 4)
        ) AS o
        LEFT ANTI JOIN (
            SELECT trace_id, parent_span_id FROM spans WHERE {during(children)} {chosen} AND {serving}
        ) AS c ON o.trace_id = c.trace_id AND o.span_id = c.parent_span_id
        WHERE server != ''
    """
