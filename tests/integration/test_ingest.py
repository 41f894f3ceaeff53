"""A real server, and what real senders send to it."""

import gzip
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import cramjam
import grpc
import httpx
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from gnomon.ingest.loki_streams import PushRequest
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon
from tests.otlp_requests import make_log_request, make_trace_request

PROTOBUF = {"content-type": "application/x-protobuf"}


def find_trace(server: GnomonProcess, trace_id: str, spans: int = 1) -> dict[str, Any]:
    """Return a trace of Jaeger's API once it has so many spans; fails after a minute."""
    deadline = time.monotonic() + 60
    while True:
        answer = httpx.get(f"{server.url}/api/traces/{trace_id}", timeout=10)
        if answer.is_success and len(answer.json()["data"][0]["spans"]) >= spans:
            found: dict[str, Any] = answer.json()["data"][0]
            return found
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    """Return one server for all tests of this module."""
    process = GnomonProcess(tmp_path_factory.mktemp("ingest") / "data")
    yield process.start()
    process.stop()


def make_exporters(server: GnomonProcess) -> list[Any]:
    return [
        HttpSpanExporter(f"{server.otlp_http_url}/v1/traces"),
        HttpSpanExporter(f"{server.url}/v1/traces", compression=Compression.Gzip),
        GrpcSpanExporter(server.otlp_grpc_address, insecure=True),
        GrpcSpanExporter(server.otlp_grpc_address, insecure=True, compression=grpc.Compression.Gzip),
    ]


@pytest.mark.parametrize("index", range(4), ids=["http", "http gzip", "grpc", "grpc gzip"])
def test_the_sdk_exports_to_it(server: GnomonProcess, index: int) -> None:
    """A span of the stock OpenTelemetry SDK is found by its id right after it was exported."""
    provider = TracerProvider(resource=Resource.create({"service.name": "stock"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(make_exporters(server)[index]))
    with provider.get_tracer("test").start_as_current_span(
        "work", attributes={"text": "ü" * 100, "list": [1, 2]}
    ) as span:
        span.add_event("thought", {"n": 1})
    provider.shutdown()
    found = find_trace(server, f"{span.get_span_context().trace_id:032x}")
    assert found["spans"][0]["operationName"] == "work"
    tags = {tag["key"]: tag["value"] for tag in found["spans"][0]["tags"]}
    assert tags["text"] == "ü" * 100


def test_large_and_awkward_requests_survive(server: GnomonProcess) -> None:
    """100,000 spans at once, 10 MB in one value, invalid UTF-8, odd times, and a malformed request between them."""
    many = os.urandom(16)
    post(server, make_trace_request(100_000, trace_id=many), compress=True)
    assert httpx.post(f"{server.url}/v1/traces", content=b"\x0a\x05junk", headers=PROTOBUF).status_code == 400
    odd = ExportTraceServiceRequest.FromString(make_trace_request(4))
    spans = odd.resource_spans[0].scope_spans[0].spans
    spans[0].attributes.add(key="large").value.string_value = "x" * 10_000_000
    spans[1].start_time_unix_nano = 0
    spans[2].start_time_unix_nano = spans[2].end_time_unix_nano = 2**64 - 1
    for value in ("first", "second"):
        spans[3].attributes.add(key="twice").value.string_value = value
    spans[3].name = "NAME"
    body = odd.SerializeToString().replace(b"NAME", b"\xff\xfe\x00\x80")
    post(server, body)
    found = find_trace(server, spans[0].trace_id.hex(), spans=4)
    assert max(len(str(tag["value"])) for span in found["spans"] for tag in span["tags"]) == 10_000_000
    assert {"\ufffd\x00\ufffd", "GET /"} == {span["operationName"] for span in found["spans"]}
    now_us = time.time_ns() // 1000
    assert all(abs(span["startTime"] - now_us) < 600 * 10**6 for span in found["spans"])
    assert len(find_trace(server, many.hex(), spans=10_000)["spans"]) >= 10_000


def post(server: GnomonProcess, body: bytes, *, compress: bool = False) -> ExportTraceServiceResponse:
    headers = PROTOBUF | ({"content-encoding": "zstd"} if compress else {})
    content = bytes(cramjam.zstd.compress(body)) if compress else body
    answer = httpx.post(f"{server.otlp_http_url}/v1/traces", content=content, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return ExportTraceServiceResponse.FromString(answer.content)


def find_logs(server: GnomonProcess, query: str, records: int) -> list[dict[str, Any]]:
    """Return the records that a query finds, once there are so many; fails after a minute."""
    deadline = time.monotonic() + 60
    while True:
        answer = httpx.get(f"{server.url}/api/logs/search", params={"q": query}, timeout=10)
        found: list[dict[str, Any]] = answer.json()["lines"] if answer.is_success else []
        if len(found) >= records:
            return found
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def test_loki_pushes_are_found(server: GnomonProcess) -> None:
    """Both forms; the level comes from labels, metadata or the line."""
    push = PushRequest()
    stream = push.streams.add(labels=b'{app="loki-shop", path="a\\"b"}')
    now_s = int(time.time())
    stream.entries.add(line=b"level=error msg=boom", timestamp={"seconds": now_s, "nanos": 1})
    url = f"{server.url}/loki/api/v1/push"
    snappy = bytes(cramjam.snappy.compress_raw(push.SerializeToString()))
    assert httpx.post(url, content=snappy, headers=PROTOBUF).status_code == 204
    values = [[str(time.time_ns()), "told", {"level": "warn", "trace_id": "0af7651916cd43dd8448eb211c80319c"}]]
    tree = {"streams": [{"stream": {"app": "loki-shop"}, "values": values}]}
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    assert httpx.post(url, content=gzip.compress(json.dumps(tree).encode()), headers=headers).status_code == 204
    found = {record["body"]: record for record in find_logs(server, "service:loki-shop", 2)}
    assert found["level=error msg=boom"]["level"] == "error"
    assert (found["told"]["level"], found["told"]["trace_id"]) == ("warn", "0af7651916cd43dd8448eb211c80319c")


def test_json_lines_are_found(server: GnomonProcess) -> None:
    lines = [
        {"message": "hello", "level": "warn", "user": {"id": 7}, "ratio": 0.5},
        {"@timestamp": "2020-01-01T00:00:00Z", "msg": "old", "severity": "ERROR"},
        {"time": time.time(), "event": "pino", "level": 50, "service": "jsonl-other"},
    ]
    body = "\n".join(map(json.dumps, lines)) + "\nno json\n"
    answer = httpx.post(f"{server.url}/ingest/jsonl?service=jsonl-shop", content=body)
    assert (answer.status_code, answer.json()["accepted"], answer.json()["rejected"]) == (200, 3, 1)
    found = {record["body"]: record for record in find_logs(server, "service:jsonl-shop", 2)}
    assert (found["hello"]["level"], found["old"]["level"]) == ("warn", "error")
    assert found["hello"]["attributes"] == {"user": {"id": 7}, "ratio": 0.5}
    assert find_logs(server, "service:jsonl-other", 1)[0]["level"] == "error"


def test_secrets_are_masked_unless_settings_say_otherwise(launch_gnomon: LaunchGnomon) -> None:
    server = launch_gnomon(env={"GNOMON_INGEST__REDACTION__ENABLED": "false"}).start()
    httpx.post(f"{server.url}/v1/logs", content=make_log_request(["password=hunter22"]), headers=PROTOBUF)
    assert find_logs(server, "service:gateway", 1)[0]["body"] == "password=hunter22"
