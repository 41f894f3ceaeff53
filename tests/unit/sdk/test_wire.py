"""What is written by hand is what OpenTelemetry's own encoder writes, read back by protobuf."""

from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gnomon.sdk import wire
from gnomon.sdk.export import LoggedRecord

RESOURCE: dict[str, str | int] = {"service.name": "shop", "process.pid": 7}

texts = st.text(st.characters(codec="utf-8"), max_size=90)
values = st.one_of(
    texts,
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.lists(texts, max_size=4).map(tuple),
    st.lists(st.integers(-(2**40), 2**40), max_size=4).map(tuple),
    st.lists(st.booleans(), max_size=3).map(tuple),
)
attribute_maps = st.dictionaries(texts.filter(bool), values, max_size=6)


class Kept(SpanProcessor, LogRecordProcessor):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        self.records: list[ReadWriteLogRecord] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.records.append(log_record)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def tracer_and_kept() -> tuple[Any, Kept]:
    kept = Kept()
    provider = TracerProvider(resource=Resource(dict(RESOURCE)), shutdown_on_exit=False)
    provider.add_span_processor(kept)
    return provider.get_tracer("scope", "1.2", "https://schema/1", {"scope.attribute": "x"}), kept


def read_spans(kept: Kept) -> Message:
    body = wire.request(RESOURCE, [(span.instrumentation_scope, wire.span(span)) for span in kept.spans])
    return ExportTraceServiceRequest.FromString(body)


def official_spans(kept: Kept) -> Message:
    request = encode_spans(kept.spans)
    for scope in request.resource_spans[0].scope_spans:
        for span, told in zip(scope.spans, kept.spans, strict=True):
            context = told.get_span_context()
            assert context is not None
            # Gnomon says besides whether a trace is sampled and a link's trace state, and leaves an empty status out.
            span.flags |= context.trace_flags
            if span.status.code == 0:
                span.ClearField("status")
            for link in span.links:
                link.flags |= TraceFlags.SAMPLED
                link.trace_state = "a=b"
    return request


def test_a_span_with_everything_is_written_as_the_official_encoder_writes_it() -> None:
    tracer, kept = tracer_and_kept()
    elsewhere = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")]))
    parent = TraceContextTextMapPropagator().extract(
        {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "k=v,l=w"}
    )
    with tracer.start_as_current_span(
        "GET /items/{id}",
        parent,
        SpanKind.SERVER,
        {"http.response.status_code": 200},
        [Link(elsewhere, {"why": "retry"})],
    ) as span:
        span.add_event("cache miss", {"key": "k", "n": 1.5})
        span.set_status(StatusCode.ERROR, "broken")
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT):
            pass
    assert read_spans(kept) == official_spans(kept)


@given(attribute_maps, texts)
def test_any_attributes_and_name_are_written_as_the_official_encoder_writes_them(
    attributes: dict[str, Any], name: str
) -> None:
    tracer, kept = tracer_and_kept()
    tracer.start_span(name, attributes=attributes).end()
    assert read_spans(kept) == official_spans(kept)


@given(attribute_maps, values)
def test_any_log_record_is_written_as_the_official_encoder_writes_it(attributes: dict[str, Any], body: Any) -> None:
    kept = Kept()
    provider = LoggerProvider(resource=Resource(dict(RESOURCE)), shutdown_on_exit=False)
    provider.add_log_record_processor(kept)
    tracer, _ = tracer_and_kept()
    provider.get_logger("scope").emit(
        timestamp=1,
        context=set_span_in_context(tracer.start_span("x")),
        severity_number=SeverityNumber.WARN,
        severity_text="WARN",
        body=body,
        attributes=attributes,
        event_name="task.submitted",
    )
    told: list[LoggedRecord] = []
    for record in kept.records:
        log = record.log_record
        assert log.severity_number is not None
        told.append(
            LoggedRecord(
                log.timestamp or 0, log.observed_timestamp or 0, log.severity_number.value, log.severity_text or "",
                log.body, log.attributes or {}, log.event_name or "", log.trace_id or 0, log.span_id or 0,
                int(log.trace_flags or 0),
            )
        )  # fmt: skip
    written = wire.request(RESOURCE, [(kept.records[0].instrumentation_scope, wire.log_record(one)) for one in told])
    expected = encode_logs(
        [ReadableLogRecord(r.log_record, r.resource or Resource({}), r.instrumentation_scope) for r in kept.records]
    )
    assert ExportLogsServiceRequest.FromString(written) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("half \ud800 pair", AnyValue(string_value="half ? pair")),
        (2**70, AnyValue(string_value=str(2**70))),
        (None, AnyValue()),
        (b"\x00\xff", AnyValue(bytes_value=b"\x00\xff")),
        (object, AnyValue(string_value="<class 'object'>")),
    ],
)
def test_what_is_no_attribute_value_becomes_something_harmless(value: object, expected: AnyValue) -> None:
    assert AnyValue.FromString(wire.any_value(value)) == expected


def test_nesting_without_end_is_cut_off() -> None:
    endless: list[Any] = []
    endless.append(endless)
    AnyValue.FromString(wire.any_value(endless))
