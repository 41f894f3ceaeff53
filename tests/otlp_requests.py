"""OTLP requests for tests, made with the official protobuf classes."""

import os
import time

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span


def make_trace_request(
    spans: int = 10, *, service: str = "gateway", trace_id: bytes | None = None, name: str = "GET /"
) -> bytes:
    """Return a request with one trace of that many spans, the first of them its root."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_spans = resource_spans.scope_spans.add()
    trace_id, root_id, now_ns = trace_id or os.urandom(16), os.urandom(8), time.time_ns()
    for i in range(spans):
        span = scope_spans.spans.add()
        span.trace_id, span.span_id = trace_id, os.urandom(8) if i else root_id
        span.parent_span_id = root_id if i else b""
        span.name, span.kind = name, Span.SPAN_KIND_SERVER
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns + i, now_ns + i + 1_000_000
    return request.SerializeToString()


def make_log_request(bodies: list[str], *, service: str = "gateway", severity: int = 9) -> bytes:
    """Return a request with one record for each body."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    attribute = resource_logs.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_logs = resource_logs.scope_logs.add()
    now_ns = time.time_ns()
    for i, body in enumerate(bodies):
        record = scope_logs.log_records.add()
        record.time_unix_nano, record.body.string_value = now_ns + i, body
        record.severity_number = SeverityNumber.ValueType(severity)
    return request.SerializeToString()


def make_metric_request(gauges: dict[str, float], *, service: str = "gateway") -> bytes:
    """Return a request with one point for each gauge."""
    request = ExportMetricsServiceRequest()
    resource_metrics = request.resource_metrics.add()
    attribute = resource_metrics.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_metrics = resource_metrics.scope_metrics.add()
    for name, value in gauges.items():
        metric = scope_metrics.metrics.add(name=name)
        metric.gauge.data_points.add(as_double=value, time_unix_nano=time.time_ns())
    return request.SerializeToString()
