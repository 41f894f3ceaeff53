"""Calls between services, by the minute: kept, computed again when spans arrive late, and read while fresh."""

import os
import time

from gnomon.lifecycle import SystemClock
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.edge_store import MINUTE_NS, EdgeStore
from gnomon.traces.service_edges import ServiceEdges
from tests.opened_storage import OpenedStorage
from tests.span_requests import SentSpan, make_span_request

TRACE = "a" * 32
CALL = SentSpan(TRACE, "1" * 16, "", "gateway", "call", 3, 0, 9000, attributes={"server.address": "worker.internal"})
SERVE = SentSpan(TRACE, "2" * 16, "1" * 16, "worker", "serve", 2, 1000, 5000, status=2)

Counts = dict[tuple[str, str, str], tuple[int, int]]


async def send(storage: OpenedStorage, start_ns: int, *spans: SentSpan) -> None:
    await storage.journal.append("otlp_traces", make_span_request(spans, start_ns), os.urandom(16))
    await storage.journal.flush()


def some_minute() -> int:
    """Return the start of a minute that is over."""
    return (time.time_ns() // MINUTE_NS - 3) * MINUTE_NS


async def read(store: EdgeStore, minute_ns: int, computed_to_ns: int) -> Counts:
    edges = await store.read(TimeRange(minute_ns, minute_ns + MINUTE_NS), computed_to_ns)
    return {(edge.client, edge.server, edge.kind): (edge.calls, edge.errors) for edge in edges}


async def test_what_is_computed_is_what_is_found_on_the_spot(opened_storage: OpenedStorage) -> None:
    store, minute_ns = EdgeStore(opened_storage.engine, opened_storage.journal), some_minute()
    await send(opened_storage, minute_ns, CALL, SERVE)
    await store.compute(minute_ns, 2, 1)
    stored = await read(store, minute_ns, minute_ns + MINUTE_NS)
    assert stored == {("gateway", "worker", "call"): (1, 1)}
    assert stored == await read(store, minute_ns, minute_ns)


async def test_a_late_span_replaces_what_was_taken_for_something_outside(opened_storage: OpenedStorage) -> None:
    edges = ServiceEdges(EdgeStore(opened_storage.engine, opened_storage.journal), SystemClock())
    minute_ns = some_minute()
    minute = TimeRange(minute_ns, minute_ns + MINUTE_NS)
    await send(opened_storage, minute_ns, CALL)
    await edges.update()
    assert [(edge.server, edge.kind) for edge in await edges.read(minute)] == [("worker.internal", "external")]
    await send(opened_storage, minute_ns, SERVE)
    await edges.update()
    assert [(edge.server, edge.kind) for edge in await edges.read(minute)] == [("worker", "call")]


async def test_a_minute_that_did_not_change_is_not_computed_again(opened_storage: OpenedStorage) -> None:
    edges = ServiceEdges(EdgeStore(opened_storage.engine, opened_storage.journal), SystemClock())
    await send(opened_storage, some_minute(), CALL, SERVE)
    await edges.update()
    rows = "SELECT count() FROM service_edges"
    before = (await opened_storage.engine.query(rows)).value()
    await edges.update()
    assert (await opened_storage.engine.query(rows)).value() == before == 1


async def test_busy_minutes_are_counted_from_a_share_of_the_traces(opened_storage: OpenedStorage) -> None:
    store, minute_ns = EdgeStore(opened_storage.engine, opened_storage.journal), some_minute()
    spans = []
    for number in range(1, 401):
        trace = os.urandom(16).hex()
        spans += [
            SentSpan(trace, f"{number:016x}", "", "gateway", "call", 3, number),
            SentSpan(trace, f"f{number:015x}", f"{number:016x}", "worker", "serve", 2, number),
        ]
    await send(opened_storage, minute_ns, *spans)
    await store.compute(minute_ns, 4 * 600_000, 1)
    [edge] = await store.read(TimeRange(minute_ns, minute_ns + MINUTE_NS), minute_ns + MINUTE_NS)
    assert edge.share == 4
    assert edge.calls % 4 == 0
    assert 250 < edge.calls < 550
