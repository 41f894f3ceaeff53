"""What is sent is what is stored: every field, every type, in every form of a request."""

import asyncio
import base64
import json
import math
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gnomon.ingest.checked import Checked
from gnomon.ingest.otlp_json import json_to_protobuf
from gnomon.ingest.otlp_validation import check_logs, check_traces
from gnomon.model.any_values import JsonValue, decode_attribute
from gnomon.storage.segments import encode_frame
from gnomon.storage.streams import STREAMS
from tests.opened_storage import OpenedStorage

Row = dict[str, Any]

NOW_NS = time.time_ns()
EXAMPLES = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate, Phase.shrink]
)


def to_pairs(pairs: dict[str, AnyValue]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value) for key, value in pairs.items()]


texts = st.text(max_size=20) | st.sampled_from(["x" * 126, "y" * 127, "ü" * 64, "z" * 128, "long " * 4000])
scalars = (
    texts.map(lambda text: AnyValue(string_value=text))
    | st.booleans().map(lambda flag: AnyValue(bool_value=flag))
    | st.integers(-(2**63), 2**63 - 1).map(lambda number: AnyValue(int_value=number))
    | st.floats(width=64).map(lambda number: AnyValue(double_value=number))
    | st.binary(max_size=200).map(lambda raw: AnyValue(bytes_value=raw))
    | st.just(AnyValue())
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: AnyValue(array_value=ArrayValue(values=items)))
        | st.dictionaries(st.text(max_size=9), inner, max_size=4).map(
            lambda pairs: AnyValue(kvlist_value=KeyValueList(values=to_pairs(pairs)))
        )
    ),
    max_leaves=8,
)
attributes = st.dictionaries(st.text(max_size=30), values, max_size=6).map(to_pairs)
times = st.integers(NOW_NS - 6 * 86_400 * 10**9, NOW_NS)
trace_ids = st.binary(min_size=16, max_size=16).filter(any)
span_ids = st.binary(min_size=8, max_size=8).filter(any)
counts = st.integers(0, 2**32 - 1)
services = st.text(min_size=1, max_size=9)

events = st.builds(Span.Event, time_unix_nano=times, name=texts, attributes=attributes)
links = st.builds(Span.Link, trace_id=trace_ids, span_id=span_ids, trace_state=texts, attributes=attributes)
spans = st.builds(
    Span,
    trace_id=trace_ids,
    span_id=span_ids,
    parent_span_id=span_ids | st.just(b""),
    trace_state=texts,
    name=texts,
    kind=st.sampled_from(Span.SpanKind.values()),
    start_time_unix_nano=times,
    end_time_unix_nano=times,
    attributes=attributes,
    dropped_attributes_count=counts,
    events=st.lists(events, max_size=2),
    dropped_events_count=counts,
    links=st.lists(links, max_size=2),
    dropped_links_count=counts,
    status=st.builds(Status, code=st.sampled_from(Status.StatusCode.values()), message=texts),
    flags=counts,
)
records = st.builds(
    LogRecord,
    time_unix_nano=times,
    observed_time_unix_nano=times,
    severity_number=st.sampled_from(SeverityNumber.values()),
    severity_text=st.sampled_from(["", "INFO", "Warning", "error", "odd"]),
    body=values,
    attributes=attributes,
    dropped_attributes_count=counts,
    flags=counts,
    trace_id=trace_ids | st.just(b""),
    span_id=span_ids | st.just(b""),
    event_name=texts,
)


def trace_request(sent: list[list[Span]], service: str) -> ExportTraceServiceRequest:
    resource = to_pairs({"service.name": AnyValue(string_value=service)})
    request = ExportTraceServiceRequest()
    for group in sent:
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.extend(resource)
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "library"
        scope_spans.spans.extend(group)
    return request


def log_request(sent: list[LogRecord], service: str) -> ExportLogsServiceRequest:
    resource = to_pairs({"service.name": AnyValue(string_value=service)})
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(resource)
    resource_logs.scope_logs.add().log_records.extend(sent)
    return request


def to_json_value(value: AnyValue) -> JsonValue:
    """Return what a value should come back as."""
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "double_value":
            number = value.double_value
            if math.isfinite(number):
                return number
            return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
        case "array_value":
            return [to_json_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: to_json_value(pair.value) for pair in value.kvlist_value.values}
        case "bytes_value":
            encoded: JsonValue = json_format.MessageToDict(value)["bytesValue"] if value.bytes_value else ""
            return encoded
        case _:
            plain: JsonValue = getattr(value, kind)
            return plain


def sent_attributes(pairs: Any) -> list[tuple[str, JsonValue]]:
    return [(pair.key, to_json_value(pair.value)) for pair in pairs]


def stored_attributes(names: list[str], shown: list[str], types: list[int]) -> list[tuple[str, JsonValue]]:
    return [(name, decode_attribute(text, number)) for name, text, number in zip(names, shown, types, strict=True)]


SPAN_COLUMNS = """
    SELECT hex(trace_id) AS trace, hex(span_id) AS span, hex(parent_span_id) AS parent, service, name, kind, duration,
        status, status_message, toUnixTimestamp64Nano(ts) AS start, mapKeys(attributes) AS names,
        shown_values(attributes, attribute_types) AS shown, attribute_types,
        arrayMap(t -> toUnixTimestamp64Nano(t), events.ts) AS event_times, events.name AS event_names,
        arrayMap(a -> mapKeys(a), events.attributes) AS event_keys,
        arrayMap((a, t) -> shown_values(a, t), events.attributes, events.types) AS event_values,
        events.types AS event_types,
        arrayMap(i -> hex(i), links.trace_id) AS link_traces, arrayMap(i -> hex(i), links.span_id) AS link_spans,
        links.trace_state AS link_states, arrayMap(a -> mapKeys(a), links.attributes) AS link_keys,
        arrayMap((a, t) -> shown_values(a, t), links.attributes, links.types) AS link_values, links.types AS link_types,
        trace_state, flags, dropped.1 AS dropped_attributes, dropped.2 AS dropped_events, dropped.3 AS dropped_links,
        replaced_ts, redacted
    FROM spans ORDER BY trace_id, span_id
"""


def sent_span(span: Span, service: str) -> dict[str, Any]:
    start, end = span.start_time_unix_nano, span.end_time_unix_nano
    return {
        "trace": span.trace_id.hex().upper(),
        "span": span.span_id.hex().upper(),
        "parent": (span.parent_span_id or bytes(8)).hex().upper(),
        "service": service,
        "name": span.name,
        "kind": span.kind,
        "duration": max(0, end - start),
        "status": span.status.code,
        "status_message": span.status.message,
        "start": start,
        "attributes": sent_attributes(span.attributes),
        "events": [(e.time_unix_nano, e.name, sent_attributes(e.attributes)) for e in span.events],
        "links": [
            (x.trace_id.hex().upper(), x.span_id.hex().upper(), x.trace_state, sent_attributes(x.attributes))
            for x in span.links
        ],
        "trace_state": span.trace_state,
        "flags": span.flags,
        "dropped": (span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count),
        "unchanged": (0, 0),
    }


def stored_span(row: dict[str, Any]) -> dict[str, Any]:
    plain = ("trace", "span", "parent", "service", "name", "kind", "duration", "status", "status_message", "start")
    event_attributes = map(stored_attributes, row["event_keys"], row["event_values"], row["event_types"])
    link_attributes = map(stored_attributes, row["link_keys"], row["link_values"], row["link_types"])
    return {
        **{name: row[name] for name in plain},
        "attributes": stored_attributes(row["names"], row["shown"], row["attribute_types"]),
        "events": list(zip(row["event_times"], row["event_names"], event_attributes, strict=True)),
        "links": list(zip(row["link_traces"], row["link_spans"], row["link_states"], link_attributes, strict=True)),
        "trace_state": row["trace_state"],
        "flags": row["flags"],
        "dropped": (row["dropped_attributes"], row["dropped_events"], row["dropped_links"]),
        "unchanged": (row["replaced_ts"], row["redacted"]),
    }


LOG_COLUMNS = """
    SELECT toUnixTimestamp64Nano(ts) AS time, toUnixTimestamp64Nano(observed_ts) AS observed, hex(trace_id) AS trace,
        hex(span_id) AS span, severity, severity_text, service,
        if(body_type IN (5, 6, 7), hex(body), body) AS shown_body, body_type,
        event_name, mapKeys(attributes) AS names, shown_values(attributes, attribute_types) AS shown, attribute_types,
        flags, dropped_attributes, replaced_ts, redacted
    FROM logs
"""
_NAMED_SEVERITIES = {"": 0, "INFO": 9, "Warning": 13, "error": 17, "odd": 0}


CHECKS: dict[str, tuple[Callable[[bytes], Checked], str, str]] = {
    "otlp_traces": (check_traces, "spans", SPAN_COLUMNS),
    "otlp_logs": (check_logs, "logs", LOG_COLUMNS),
}
Store = Callable[[bytes], list[Row]]


def sent_record(record: LogRecord, service: str) -> dict[str, Any]:
    return {
        "time": record.time_unix_nano,
        "observed": record.observed_time_unix_nano,
        "trace": (record.trace_id or bytes(16)).hex().upper(),
        "span": (record.span_id or bytes(8)).hex().upper(),
        "severity": record.severity_number or _NAMED_SEVERITIES[record.severity_text],
        "severity_text": record.severity_text,
        "service": service,
        "body": to_json_value(record.body),
        "event_name": record.event_name,
        "attributes": sent_attributes(record.attributes),
        "flags": record.flags,
        "dropped_attributes": record.dropped_attributes_count,
        "unchanged": (0, 0),
    }


def stored_record(row: dict[str, Any]) -> dict[str, Any]:
    plain = ("time", "observed", "trace", "span", "severity", "severity_text", "service", "event_name", "flags")
    return {
        **{name: row[name] for name in plain},
        "body": decode_attribute(row["shown_body"], row["body_type"]),
        "attributes": stored_attributes(row["names"], row["shown"], row["attribute_types"]),
        "dropped_attributes": row["dropped_attributes"],
        "unchanged": (row["replaced_ts"], row["redacted"]),
    }


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    """Return rows as texts that can be sorted and compared, -0.0 and 0.0 apart."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def through_json(request: Message, signal: str) -> bytes:
    """Return the request as the receiver sees it when it was sent as OTLP/JSON: ids in hexadecimal."""
    tree = json_format.MessageToDict(request)
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            for key in {"traceId", "spanId", "parentSpanId"} & node.keys():
                node[key] = base64.b64decode(node[key]).hex()
            waiting += [inner for key, inner in node.items() if key not in {"attributes", "body"}]
        elif isinstance(node, list):
            waiting += node
    return json_to_protobuf(json.dumps(tree).encode(), type(request), signal)


async def check_all(opened: OpenedStorage, folder: Path, stream: str, check: Callable[[Store], None]) -> None:
    """Run a synchronous property with a function that stores one request and returns its rows."""
    loop = asyncio.get_running_loop()
    validate, table, statement = CHECKS[stream]

    async def store(body: bytes) -> list[Row]:
        await opened.engine.command(f"TRUNCATE TABLE {table}")
        segment = folder / uuid.uuid4().hex
        segment.write_bytes(b"".join(encode_frame(validate(body).body, bytes(16), 0)))
        await opened.engine.load(STREAMS[stream], segment, segment.name)
        return (await opened.engine.query(statement)).rows()

    await asyncio.to_thread(check, lambda body: asyncio.run_coroutine_threadsafe(store(body), loop).result(30))


@pytest.mark.parametrize("form", ["protobuf", "json"])
async def test_spans_are_stored_as_they_were_sent(opened_storage: OpenedStorage, tmp_path: Path, form: str) -> None:
    """Any spans come back with all their fields, sent as protobuf or as JSON."""

    def check(store: Store) -> None:
        @EXAMPLES
        @given(sent=st.lists(st.lists(spans, max_size=3), min_size=1, max_size=3), service=services)
        def stored_as_sent(sent: list[list[Span]], service: str) -> None:
            request = trace_request(sent, service)
            body = request.SerializeToString() if form == "protobuf" else through_json(request, "traces")
            expected = [sent_span(span, service) for group in sent for span in group]
            assert in_order([stored_span(row) for row in store(body)] if expected else []) == in_order(expected)

        stored_as_sent()

    await check_all(opened_storage, tmp_path, "otlp_traces", check)


@pytest.mark.parametrize("form", ["protobuf", "json"])
async def test_log_records_are_stored_as_they_were_sent(
    opened_storage: OpenedStorage, tmp_path: Path, form: str
) -> None:
    """Any log records come back with all their fields, sent as protobuf or as JSON."""

    def check(store: Store) -> None:
        @EXAMPLES
        @given(sent=st.lists(records, min_size=1, max_size=6), service=services)
        def stored_as_sent(sent: list[LogRecord], service: str) -> None:
            request = log_request(sent, service)
            body = request.SerializeToString() if form == "protobuf" else through_json(request, "logs")
            expected = [sent_record(record, service) for record in sent]
            assert in_order([stored_record(row) for row in store(body)]) == in_order(expected)

        stored_as_sent()

    await check_all(opened_storage, tmp_path, "otlp_logs", check)
