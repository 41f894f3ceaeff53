"""Data for the browser to show, sent over the wire as any SDK would."""

import os
import time

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.gnomon_process import GnomonProcess

MINUTE_NS = 60_000_000_000


def send_spans(server: GnomonProcess, service: str, *, spans: int = 60, failing: int = 0, name: str = "GET /") -> None:
    """Send one-span traces spread over the last half hour; the newest of them fail."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_spans = resource_spans.scope_spans.add()
    now_ns = time.time_ns()
    for i in range(spans):
        span = scope_spans.spans.add()
        span.trace_id, span.span_id = os.urandom(16), os.urandom(8)
        span.name, span.kind = name, Span.SPAN_KIND_SERVER
        span.start_time_unix_nano = now_ns - (i + 1) * 30 * MINUTE_NS // spans
        span.end_time_unix_nano = span.start_time_unix_nano + 86_000_000
        if i < failing:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "The read timed out after 2.0 s"
    answer = httpx.post(
        f"{server.otlp_http_url}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        trust_env=False,
    )
    answer.raise_for_status()
