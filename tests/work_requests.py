"""Events of tasks as OTLP log requests, made with the official protobuf classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


@dataclass(frozen=True)
class SentEvent:
    """One event; its time in milliseconds after the request's `start_ns`, ids in hexadecimal."""

    name: str
    at_ms: float
    attributes: Mapping[str, Any] = field(default_factory=dict)
    service: str = "worker"
    trace: str = ""
    span: str = ""


def make_event_request(events: Sequence[SentEvent], start_ns: int) -> bytes:
    """Return a request with these events, in their order."""
    request = ExportLogsServiceRequest()
    for event in events:
        resource_logs = request.resource_logs.add()
        resource_logs.resource.attributes.append(_attribute("service.name", event.service))
        record = resource_logs.scope_logs.add().log_records.add()
        record.time_unix_nano = start_ns + int(event.at_ms * 1e6)
        record.event_name = event.name
        record.trace_id, record.span_id = bytes.fromhex(event.trace), bytes.fromhex(event.span)
        record.attributes.extend(_attribute(key, value) for key, value in event.attributes.items())
    return request.SerializeToString()


def _attribute(key: str, value: Any) -> KeyValue:
    match value:
        case int():
            return KeyValue(key=key, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=key, value=AnyValue(double_value=value))
        case _:
            return KeyValue(key=key, value=AnyValue(string_value=str(value)))
