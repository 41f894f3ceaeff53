"""What the receiver accepts, the engine can read: whatever senders get wrong."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.loki_streams import PushRequest, check_loki
from gnomon.ingest.otlp_deltas import DeltaSums
from gnomon.ingest.otlp_metric_messages import MetricsRequest as OtlpRequest
from gnomon.ingest.otlp_series import SeriesCache
from gnomon.ingest.otlp_translation import Translation
from gnomon.ingest.otlp_validation import check_logs, check_traces
from gnomon.ingest.remote_write_v2_validation import WriteRequestV2Checker
from gnomon.ingest.remote_write_validation import WriteRequestChecker
from gnomon.ingest.settings import OtlpSettings
from gnomon.ingest.write_request import encode_metadata
from gnomon.lifecycle import SystemClock
from gnomon.storage.segments import encode_frame
from gnomon.storage.streams import STREAMS
from tests.metric_points import DELTA, MetricsRequest
from tests.opened_storage import OpenedStorage
from tests.wire_mutations import mutate_bytes, mutate_fields
from tests.write_requests import Series, WriteRequest, WriteRequestV2, sound_histogram, write_request, write_request_v2

MUTATIONS = 2500
UNSYNCED = "fsync_after_insert = 0, fsync_part_directory = 0"
NOW_NS = 1_790_000_000_000_000_000


def _attributes() -> list[KeyValue]:
    nested = AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=-5), AnyValue(string_value="x")]))
    return [
        KeyValue(key="text", value=AnyValue(string_value="value")),
        KeyValue(key="number", value=AnyValue(int_value=-1)),
        KeyValue(key="ratio", value=AnyValue(double_value=0.5)),
        KeyValue(key="flag", value=AnyValue(bool_value=True)),
        KeyValue(key="list", value=nested),
        KeyValue(key="map", value=AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="a", value=nested)]))),
        KeyValue(key="raw", value=AnyValue(bytes_value=b"\x00\xff")),
        KeyValue(key="nothing"),
    ]


def _trace_request() -> Message:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add(schema_url="https://example.test/1")
    resource_spans.resource.attributes.extend(_attributes())
    scope_spans = resource_spans.scope_spans.add(schema_url="https://example.test/2")
    scope_spans.scope.name, scope_spans.scope.version = "library", "1.2"
    scope_spans.scope.attributes.extend(_attributes()[:2])
    for number in range(1, 3):
        span = scope_spans.spans.add(
            trace_id=bytes([number]) * 16, span_id=bytes([number]) * 8, parent_span_id=b"\x07" * 8, name="work", kind=2
        )
        span.start_time_unix_nano, span.end_time_unix_nano = NOW_NS, NOW_NS + 1000
        span.trace_state, span.flags, span.dropped_attributes_count = "a=b", 257, 1
        span.attributes.extend(_attributes())
        span.events.add(name="event", time_unix_nano=NOW_NS, attributes=_attributes()[:3], dropped_attributes_count=1)
        span.links.add(trace_id=b"\x05" * 16, span_id=b"\x06" * 8, trace_state="c=d", attributes=_attributes()[:1])
        span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "failed"
    return request


def _log_request() -> Message:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(_attributes()[:1])
    scope_logs = resource_logs.scope_logs.add()
    scope_logs.scope.name = "library"
    for value in _attributes()[:6]:
        record = scope_logs.log_records.add(time_unix_nano=NOW_NS, observed_time_unix_nano=NOW_NS, severity_number=9)
        record.severity_text, record.event_name, record.flags = "INFO", "event", 1
        record.trace_id, record.span_id = b"\x01" * 16, b"\x02" * 8
        record.body.CopyFrom(value.value)
        record.attributes.extend(_attributes()[:4])
    return request


def _loki_request() -> Message:
    request: Message = PushRequest()
    for labels in (b'{app="shop", path="a\\"b"}', b'{job="mail"}'):
        stream = request.streams.add(labels=labels)  # type: ignore[attr-defined]
        for line in (b"plain", b'{"level":"error"}'):
            entry = stream.entries.add(line=line, timestamp={"seconds": NOW_NS // 10**9, "nanos": 5})
            entry.structured_metadata.add(name=b"trace_id", value=b"0" * 32)
    return request


def _series() -> list[Series]:
    histogram = sound_histogram()
    floats = {"count_float": 3.5, "sum": 1.0, "schema": 0, "positive_spans": [{"offset": -1, "length": 2}]}
    custom = {"count_int": 2, "sum": 3.0, "schema": -53, "custom_values": [1.0, 2.0], "timestamp": NOW_NS // 10**6}
    return [
        Series([("__name__", "up"), ("job", "shop")], [(NOW_NS // 10**6, 1.0)], metadata=(1, "Help.", "s")),
        Series([("__name__", "x"), ("zone", "ä" * 100)], [(NOW_NS // 10**6, None), (0, 2.5)], start_ms=5),
        Series(
            [("__name__", "h")],
            (),
            [
                histogram,
                floats | {"positive_counts": [1.0, 2.5], "timestamp": NOW_NS // 10**6},
                custom | {"positive_spans": [{"offset": 0, "length": 2}], "positive_deltas": [1, 0]},
            ],
            exemplars=[([("trace_id", "ab"), ("x", "y")], 0.5, NOW_NS // 10**6)],
        ),
    ]


def _write_request() -> Message:
    metadata = [{"type": 1, "metric_family_name": b"up", "help": b"Help.", "unit": b"s"}]
    request: Message = WriteRequest.FromString(write_request(_series(), metadata))
    return request


def _write_request_v2() -> Message:
    request: Message = WriteRequestV2.FromString(write_request_v2(_series()))
    return request


def _check_write_request(body: bytes) -> Checked:
    return _CHECKER.check(body)


def _check_write_request_v2(body: bytes) -> Checked:
    return WriteRequestV2Checker(SystemClock()).check(body)


def _metrics_request() -> Message:
    request = MetricsRequest({"service.name": "shop", "host.name": "h"})
    attributes = {"text": "value", "list": [1, "x"], "raw": b"\x00\xff"}
    request.gauge("queue.depth", 1.5, NOW_NS, attributes)
    point = request.sum("requests", 7, NOW_NS, attributes, unit="By", start_ns=NOW_NS - 10**9)
    point.exemplars.add(as_double=1.0, time_unix_nano=NOW_NS, trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    request.sum("deltas", 3, NOW_NS, temporality=DELTA)
    request.histogram("latency", NOW_NS, count=3, sum=1.5, explicit_bounds=[0.5, 1.0], bucket_counts=[1, 1, 1])
    request.exponential("size", NOW_NS, count=4, sum=2.0, scale=3, zero_count=1, positive={"bucket_counts": [1, 0, 2]})
    request.summary("quantiles", NOW_NS, [(0.5, 1.0)], count=1, sum=1.0)
    return request.request


def _check_metrics(body: bytes) -> Checked:
    try:
        request = OtlpRequest.FromString(body)
    except DecodeError as error:
        raise MalformedRequestError(str(error)) from error
    translation = Translation(SeriesCache(OtlpSettings()), DeltaSums(10), NOW_NS // 10**6 + 1)
    translation.add(request)
    metadata = [encode_metadata(*entry) for entry in translation.metadata]
    return translation.checked(b"".join((*translation.parts, *metadata)), len(metadata))


_CHECKER = WriteRequestChecker(SystemClock())


@pytest.mark.parametrize(
    ("stream", "make", "check"),
    [
        ("otlp_traces", _trace_request, check_traces),
        ("otlp_logs", _log_request, check_logs),
        ("loki_push", _loki_request, check_loki),
        ("remote_write", _write_request, _check_write_request),
        ("remote_write", _metrics_request, _check_metrics),
        ("remote_write_v2", _write_request_v2, _check_write_request_v2),
    ],
)
@pytest.mark.parametrize("kind", ["fields", "bytes"])
async def test_the_engine_reads_whatever_was_accepted(
    opened_storage: OpenedStorage,
    tmp_path: Path,
    stream: str,
    make: Callable[[], Message],
    check: Callable[[bytes], Checked],
    kind: str,
) -> None:
    """Thousands of requests with something wrong in each: those that pass the check load, all in one segment."""
    chance = random.Random(f"{stream} {kind}")
    original = make()
    accepted = []
    refused = 0
    for _ in range(MUTATIONS):
        body = (
            mutate_fields(original, chance) if kind == "fields" else mutate_bytes(original.SerializeToString(), chance)
        )
        try:
            accepted.append(check(body).body)
        except MalformedRequestError:
            refused += 1
    assert refused > MUTATIONS // 10
    assert len(accepted) > MUTATIONS // 10
    # Wrong times lie on hundreds of days, each a part: synced, that takes minutes; nothing here must outlive a crash.
    for table in ("exemplars", "native_histograms", "sample_starts", "samples", "series"):
        await opened_storage.engine.command(f"ALTER TABLE {table} MODIFY SETTING {UNSYNCED}")
    segment = tmp_path / "segment"
    segment.write_bytes(b"".join(part for body in accepted for part in encode_frame(body, bytes(16), 0)))
    await opened_storage.engine.load(STREAMS[stream], segment, "mutations")
