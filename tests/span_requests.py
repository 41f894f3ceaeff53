"""OTLP trace requests written down span by span, made with the official protobuf classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class SentSpan:
    """One span; ids in hexadecimal, times in microseconds after the request's `start_ns`."""

    trace: str
    id: str
    parent: str = ""
    service: str = "gateway"
    name: str = "GET /"
    kind: int = 1
    start_us: int = 0
    duration_us: int = 1000
    status: int = 0
    message: str = ""
    attributes: Attributes = field(default_factory=dict)
    resource: Attributes = field(default_factory=dict)
    events: Sequence[tuple[int, str, Attributes]] = ()
    links: Sequence[tuple[str, str, Attributes]] = ()
    scope: tuple[str, str] = ("", "")
    trace_state: str = ""


def make_span_request(spans: Sequence[SentSpan], start_ns: int) -> bytes:
    """Return a request with these spans, grouped by resource and scope."""
    request = ExportTraceServiceRequest()
    groups: dict[str, dict[tuple[str, str], list[SentSpan]]] = {}
    for span in spans:
        key = repr((span.service, sorted(span.resource.items())))
        groups.setdefault(key, {}).setdefault(span.scope, []).append(span)
    for by_scope in groups.values():
        first = next(iter(by_scope.values()))[0]
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(_attributes({"service.name": first.service} | dict(first.resource)))
        for (scope_name, scope_version), of_scope in by_scope.items():
            scope_spans = resource_spans.scope_spans.add()
            scope_spans.scope.name, scope_spans.scope.version = scope_name, scope_version
            scope_spans.spans.extend(_span(span, start_ns) for span in of_scope)
    return request.SerializeToString()


def _span(span: SentSpan, start_ns: int) -> Span:
    begin_ns = start_ns + span.start_us * 1000
    return Span(
        trace_id=bytes.fromhex(span.trace),
        span_id=bytes.fromhex(span.id),
        parent_span_id=bytes.fromhex(span.parent),
        name=span.name,
        kind=Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=begin_ns,
        end_time_unix_nano=begin_ns + span.duration_us * 1000,
        status=Status(code=Status.StatusCode.ValueType(span.status), message=span.message),
        attributes=_attributes(span.attributes),
        trace_state=span.trace_state,
        events=[
            Span.Event(time_unix_nano=begin_ns + offset_us * 1000, name=name, attributes=_attributes(attributes))
            for offset_us, name, attributes in span.events
        ],
        links=[
            Span.Link(trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(linked), attributes=_attributes(attributes))
            for trace, linked, attributes in span.links
        ],
    )


def _attributes(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]


def _any(value: Any) -> AnyValue:
    found = AnyValue()
    match value:
        case bool():
            found.bool_value = value
        case int():
            found.int_value = value
        case float():
            found.double_value = value
        case bytes():
            found.bytes_value = value
        case list():
            found.array_value.values.extend(map(_any, value))
        case dict():
            found.kvlist_value.values.extend(_attributes(value))
        case str():
            found.string_value = value
    return found
