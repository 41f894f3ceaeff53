"""Traces of any size and shape, made by a rule, for pages that must stand them."""

import random
import secrets
import time

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.span_requests import SentSpan, make_span_request

MILLISECOND_NS = 1_000_000
SPANS_PER_REQUEST = 5_000

_SERVICES = ("gateway", "router", "planner", "worker", "tool-executor", "file-store", "ledger", "vector-index")
_OPERATIONS = (
    "plan step",
    "run step",
    "GET /documents/{id}",
    "POST /tools/{tool}/run",
    "SELECT ledger",
    "search",
    "rank",
    "write",
)


def send_large_trace(otlp_http_url: str, *, spans: int, seed: int = 7) -> str:
    """Send one trace over eight services, eight levels deep, with one error in a hundred spans; return its id."""
    chance = random.Random(seed)
    trace_id = secrets.token_bytes(16)
    start_ns = time.time_ns() - 120_000 * MILLISECOND_NS
    root = _span(trace_id, b"", "run campaign", start_ns, 60_000 * MILLISECOND_NS)
    made: list[tuple[int, Span]] = [(0, root)]
    by_service: dict[str, list[Span]] = {_SERVICES[0]: [root]}
    # Every span may get children until it is eight levels deep; breadth first, so that every level is bushy.
    at = 0
    while len(made) < spans:
        level, parent = made[at % len(made)]
        at += 1
        if level >= 8:
            continue
        wanted = 24 if level == 0 else chance.randint(1, 6)
        room_ns = parent.end_time_unix_nano - parent.start_time_unix_nano
        for position in range(min(wanted, spans - len(made))):
            offset_ns = room_ns * position // (wanted + 1)
            duration_ns = max(int(room_ns / (wanted + 1) * chance.uniform(0.2, 1.4)), 1_000)
            child = _span(
                trace_id,
                parent.span_id,
                chance.choice(_OPERATIONS),
                parent.start_time_unix_nano + offset_ns,
                duration_ns,
            )
            if chance.random() < 0.01:
                child.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="the tool gave up"))
            by_service.setdefault(_SERVICES[(level + 1 + position % 2) % len(_SERVICES)], []).append(child)
            made.append((level + 1, child))
    for service, of_service in by_service.items():
        for first in range(0, len(of_service), SPANS_PER_REQUEST):
            send_spans(otlp_http_url, service, of_service[first : first + SPANS_PER_REQUEST])
    return trace_id.hex()


def send_task(otlp_http_url: str, *, tenant: str = "globex", tool_ms: int = 20, failed: bool = False) -> str:
    """Send what one task left: a request, a queued message, a worker with two tools; return the trace's id.

    One line was logged in the worker's span. Where it failed, the second tool raised an exception.
    """
    trace_id = secrets.token_hex(16)
    start_ns = time.time_ns() - 5_000 * MILLISECOND_NS
    route: dict[str, str | int] = {"http.route": "/tasks", "http.response.status_code": 202, "tenant": tenant}
    raised = {
        "exception.type": "ToolError",
        "exception.message": "the tool gave up",
        "exception.stacktrace": "in run\nin tool",
    }
    tool_us = tool_ms * 1000
    spans = [
        SentSpan(trace_id, _id(1), name="POST /tasks", kind=2, duration_us=20_000, attributes=route),
        SentSpan(trace_id, _id(2), _id(1), "router", "route task", 2, 2_000, 10_000),
        SentSpan(trace_id, _id(3), _id(2), "router", "send tasks", 4, 8_000, 2_000),
        SentSpan(
            trace_id, _id(4), _id(3), "worker", "process tasks", 5, 40_000, 2 * tool_us + 10_000,
            links=[(trace_id, _id(1), {})],
        ),
        SentSpan(trace_id, _id(5), _id(4), "tool-executor", "run search", 2, 42_000, tool_us),
        SentSpan(
            trace_id, _id(6), _id(4), "tool-executor", "run calculator", 2, 44_000 + tool_us, tool_us,
            status=2 if failed else 0, message="no answer" if failed else "",
            events=[(45_000 + tool_us, "exception", raised)] if failed else [],
            attributes={"tool.input": [1, {"deep": True}], "tool.name": "calculator"},
        ),
    ]  # fmt: skip
    _post(f"{otlp_http_url}/v1/traces", make_span_request(spans, start_ns))
    logs = ExportLogsServiceRequest()
    resource_logs = logs.resource_logs.add()
    resource_logs.resource.attributes.append(attribute("service.name", "worker"))
    record = resource_logs.scope_logs.add().log_records.add()
    record.time_unix_nano = start_ns + 41 * MILLISECOND_NS
    record.severity_number = SeverityNumber.SEVERITY_NUMBER_INFO
    record.body.string_value = f"Task assigned for {tenant}"
    record.trace_id, record.span_id = bytes.fromhex(trace_id), bytes.fromhex(_id(4))
    _post(f"{otlp_http_url}/v1/logs", logs.SerializeToString())
    return trace_id


def send_incomplete_trace(otlp_http_url: str) -> str:
    """Send a trace whose root and one parent are missing; return its id."""
    trace_id = secrets.token_hex(16)
    spans = [
        SentSpan(trace_id, _id(2), _id(1), "router", "route task", 2, 0, 10_000),
        SentSpan(trace_id, _id(5), _id(4), "worker", "run search", 2, 2_000, 20_000),
    ]
    _post(f"{otlp_http_url}/v1/traces", make_span_request(spans, time.time_ns() - 1_000 * MILLISECOND_NS))
    return trace_id


def _id(number: int) -> str:
    return f"{number:016x}"


def send_spans(otlp_http_url: str, service: str, spans: list[Span]) -> None:
    """Send spans of one service; fails unless they are accepted."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(attribute("service.name", service))
    resource_spans.scope_spans.add().spans.extend(spans)
    _post(f"{otlp_http_url}/v1/traces", request.SerializeToString())


def _post(url: str, content: bytes) -> None:
    headers = {"content-type": "application/x-protobuf"}
    httpx.post(url, content=content, headers=headers, timeout=60, trust_env=False).raise_for_status()


def attribute(key: str, value: str | int) -> KeyValue:
    """Return an attribute of a span or resource."""
    typed = AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
    return KeyValue(key=key, value=typed)


def _span(trace_id: bytes, parent_id: bytes, name: str, start_ns: int, duration_ns: int) -> Span:
    return Span(
        trace_id=trace_id,
        span_id=secrets.token_bytes(8),
        parent_span_id=parent_id,
        name=name,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + duration_ns,
        attributes=[
            attribute("step.kind", name.split(" ", maxsplit=1)[0]),
            attribute("step.bytes", duration_ns % 4096),
        ],
    )
