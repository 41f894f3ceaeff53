"""Context in and out of headers as the client libraries have them."""

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry import context as otel_context

from gnomon.sdk import context
from gnomon.sdk.messaging import extract, inject
from gnomon.sdk.messaging.spans import tracer
from tests.recorded_telemetry import RecordedTelemetry


class ConfluentMessage:
    """Hold headers as confluent-kafka does: behind a method."""

    def __init__(self, headers: list[tuple[str, bytes]] | None) -> None:
        self._headers = headers

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers


@pytest.mark.parametrize("kind", ["dict", "pairs", "attribute", "method", "bytes"])
def test_what_is_injected_is_extracted_whatever_the_library(kind: str, telemetry: RecordedTelemetry) -> None:
    carrier: Any = {} if kind in {"dict", "attribute", "bytes"} else []
    token = otel_context.attach(baggage.set_baggage("plan", "gold"))
    with context.bind(task_id="t-1", tenant_id="acme", task_attempt=3), tracer().start_as_current_span("send") as span:
        inject(carrier)
    otel_context.detach(token)
    received: Any = {
        "dict": carrier,
        "pairs": carrier,
        "attribute": SimpleNamespace(headers=carrier),
        "method": ConfluentMessage(carrier),
        "bytes": {name.encode(): value.encode() for name, value in carrier.items()} if kind == "bytes" else None,
    }[kind]

    arrival = extract(received)

    continued = trace.get_current_span(arrival.context).get_span_context()
    assert continued.trace_id == span.get_span_context().trace_id
    assert continued.span_id == span.get_span_context().span_id
    assert baggage.get_baggage("plan", arrival.context) == "gold"
    assert (arrival.work.task_id, arrival.work.tenant_id) == ("t-1", "acme")
    assert arrival.work.task_attempt is None
    assert arrival.sent_at_s is not None


def test_kafka_headers_are_bytes_and_those_of_an_earlier_hop_are_replaced(telemetry: RecordedTelemetry) -> None:
    carrier: list[tuple[str, bytes]] = [("traceparent", b"old"), ("tracestate", b"old=1"), ("keep", b"\xff")]
    with tracer().start_as_current_span("send"):
        inject(carrier)
    names = [name for name, _ in carrier]
    assert names.count("traceparent") == 1
    assert "tracestate" not in names
    assert ("keep", b"\xff") in carrier
    assert all(isinstance(value, bytes) for _, value in carrier)


@pytest.mark.parametrize(
    "carrier", [None, {}, [], ConfluentMessage(None), {"traceparent": "rubbish", "gnomon.sent_at": "soon"}, 7, [1, 2]]
)
def test_what_cannot_be_read_is_left_out_and_nothing_is_raised(carrier: Any) -> None:
    arrival = extract(carrier)
    assert not trace.get_current_span(arrival.context).get_span_context().is_valid
    assert arrival.sent_at_s is None
    assert arrival.work == context.EMPTY
