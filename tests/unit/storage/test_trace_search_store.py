"""Searching many traces."""

import os
import random
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gnomon.model.filter_language import parse_filter
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.trace_search_store import TraceSearchStore
from tests.opened_storage import OpenedStorage


def _make_traces(count: int, service: str, longest_ns: int) -> tuple[bytes, list[int]]:
    """Return a request with traces of one span each, and their durations."""
    random_, request = random.Random(7), ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_spans, now_ns = resource_spans.scope_spans.add(), time.time_ns()
    durations = [random_.randrange(longest_ns) for _ in range(count)]
    for duration in durations:
        span = scope_spans.spans.add()
        span.trace_id, span.span_id, span.name = os.urandom(16), os.urandom(8), "work"
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns - duration, now_ns
    return request.SerializeToString(), durations


async def test_slowest_of_many_whether_their_service_is_common_or_rare(opened_storage: OpenedStorage) -> None:
    """Page by page the longest come first, also where a service has few of the long traces."""
    seconds = 10**9
    expected = {}
    for service, count, longest_ns in (("common", 3000, 20 * seconds), ("rare", 130, seconds)):
        body, durations = _make_traces(count, service, longest_ns)
        await opened_storage.journal.append("otlp_traces", body, os.urandom(16))
        expected[service] = sorted(durations, reverse=True)
    await opened_storage.journal.flush()
    store = TraceSearchStore(opened_storage.engine, opened_storage.journal)
    now_ns = time.time_ns()
    for service, durations in expected.items():
        found, cursor = [], None
        for _ in range(4):
            page, cursor = await store.slowest(
                TimeRange(now_ns - 3600 * seconds, now_ns), parse_filter(f"service = {service}"), 25, cursor
            )
            found += [trace.duration_ns for trace in page]
        assert found == durations[:100]
