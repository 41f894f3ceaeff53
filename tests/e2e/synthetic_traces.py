"""Traces of any size and shape, made by a rule, for pages that must stand them."""

import random
import secrets
import time

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

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
    """Send one trace of `spans` spans over eight services, eight levels deep and with one error in a hundred; return its id."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable shape is the point
    trace_id = secrets.token_bytes(16)
    start_ns = time.time_ns() - 120_000 * MILLISECOND_NS
    root = _span(trace_id, b"", "run campaign", start_ns, 60_000 * MILLISECOND_NS)
    made: list[tuple[int, Span]] = [(0, root)]
    by_service: dict[str, list[Span]] = {_SERVICES[0]: [root]}
    # Every span may get children until it is eight levels deep; breadth first, so that the tree is bushy at every level.
    at = 0
    while len(made) < spans:
        level, parent = made[at % len(made)]
        at += 1
        if level >= 8:  # noqa: PLR2004
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
            if chance.random() < 0.01:  # noqa: PLR2004
                child.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="the tool gave up"))
            by_service.setdefault(_SERVICES[(level + 1 + position % 2) % len(_SERVICES)], []).append(child)
            made.append((level + 1, child))
    for service, of_service in by_service.items():
        for first in range(0, len(of_service), SPANS_PER_REQUEST):
            send_spans(otlp_http_url, service, of_service[first : first + SPANS_PER_REQUEST])
    return trace_id.hex()


def send_spans(otlp_http_url: str, service: str, spans: list[Span]) -> None:
    """Send spans of one service; fails unless they are accepted."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(attribute("service.name", service))
    resource_spans.scope_spans.add().spans.extend(spans)
    httpx.post(
        f"{otlp_http_url}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        timeout=60,
        trust_env=False,
    ).raise_for_status()


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
