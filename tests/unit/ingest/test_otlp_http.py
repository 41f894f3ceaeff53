"""OTLP/HTTP as its specification has it: forms, encodings, status codes, partial success."""

import gzip
import json
import zlib
from collections.abc import Callable

import cramjam
import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import UnavailableError
from tests.otlp_requests import make_log_request, make_trace_request
from tests.unit.ingest.conftest import LIMIT, MemoryJournal

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"


def json_request(**changes: object) -> bytes:
    span = {
        "traceId": TRACE_ID,
        "spanId": SPAN_ID,
        "name": "work",
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": 1544712661000000000,
        "attributes": [
            {"key": "n", "value": {"intValue": "9007199254740993"}},
            {"key": "raw", "value": {"bytesValue": "AP8="}},
        ],
        "newField": {"unknown": True},
    }
    scope = {"scope": {"name": "library"}, "spans": [span | changes]}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scope]}]}).encode()


async def test_a_protobuf_request_is_kept_as_it_came(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    body = make_trace_request(3)
    answer = await client.post("/v1/traces", content=body, headers=PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/x-protobuf", b"")
    assert [(stream, kept) for stream, kept, _ in journal.requests] == [("otlp_traces", body)]


async def test_logs_go_to_their_own_stream(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    body = make_log_request(["hello"])
    assert (await client.post("/v1/logs", content=body, headers=PROTOBUF)).status_code == 200
    assert [(stream, kept) for stream, kept, _ in journal.requests] == [("otlp_logs", body)]


async def test_json_is_answered_in_json(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    """Ids are hexadecimal, 64-bit numbers strings or numbers, bytes base64, unknown fields ignored."""
    answer = await client.post("/v1/traces", content=json_request(), headers=JSON)
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, "application/json")
    span = ExportTraceServiceRequest.FromString(journal.requests[0][1]).resource_spans[0].scope_spans[0].spans[0]
    assert (span.trace_id.hex(), span.span_id.hex(), span.kind) == (TRACE_ID, SPAN_ID, 2)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1544712660000000000, 1544712661000000000)
    assert span.attributes[0].value.int_value == 9007199254740993
    assert span.attributes[1].value.bytes_value == b"\x00\xff"


@pytest.mark.parametrize("trace_id", ["", "00" * 16, "ab" * 15, "not hexadecimal at all"])
async def test_json_ids_that_are_none_are_rejected_by_item(client: httpx.AsyncClient, trace_id: str) -> None:
    answer = await client.post("/v1/traces", content=json_request(traceId=trace_id), headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("zstd", lambda body: bytes(cramjam.zstd.compress(body))),
        ("identity", bytes),
        ("GZIP, identity", gzip.compress),
    ],
)
async def test_compressed_bodies_are_taken(
    client: httpx.AsyncClient, journal: MemoryJournal, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    body = make_trace_request(30)
    headers = PROTOBUF | {"content-encoding": encoding}
    assert (await client.post("/v1/traces", content=compress(body), headers=headers)).status_code == 200
    assert journal.requests[0][1] == body


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", lambda body: bytes(cramjam.zstd.compress(body)))],
)
async def test_a_decompression_bomb_is_too_large(
    client: httpx.AsyncClient, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    headers = PROTOBUF | {"content-encoding": encoding}
    answer = await client.post("/v1/traces", content=compress(bytes(50 * LIMIT)), headers=headers)
    assert answer.status_code == 413
    status = Status.FromString(answer.content)
    assert status.code == 8
    assert f"max_body_bytes = {LIMIT}" in status.message


async def test_a_large_body_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/traces", content=bytes(LIMIT + 1), headers=PROTOBUF)).status_code == 413


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
async def test_malformed_requests_get_a_status_in_their_own_form(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=b"\x0a\xff\xff", headers=PROTOBUF)
    assert (answer.status_code, Status.FromString(answer.content).code) == (400, 3)
    answer = await client.post(path, content=b'{"resourceSpans": 5, "resourceLogs": 5}', headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    answer = await client.post(path, content=b"{", headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    answer = await client.post(path, content=b"no gzip", headers=PROTOBUF | {"content-encoding": "gzip"})
    assert (answer.status_code, Status.FromString(answer.content).code) == (400, 3)


@pytest.mark.parametrize(
    "headers", [{"content-type": "text/plain"}, {}, PROTOBUF | {"content-encoding": "br"}], ids=["text", "none", "br"]
)
async def test_unknown_types_and_encodings_are_unsupported(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post("/v1/traces", content=b"", headers=headers)).status_code == 415


@pytest.mark.parametrize(("headers", "body"), [(PROTOBUF, b""), (JSON, b"{}")])
async def test_an_empty_request_is_a_success(
    client: httpx.AsyncClient, journal: MemoryJournal, headers: dict[str, str], body: bytes
) -> None:
    assert (await client.post("/v1/traces", content=body, headers=headers)).status_code == 200
    assert journal.requests == []


async def test_spans_with_invalid_ids_are_left_out_and_told(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    request = ExportTraceServiceRequest.FromString(make_trace_request(5))
    sent = request.resource_spans[0].scope_spans[0].spans
    sent[1].trace_id, sent[2].span_id, sent[3].parent_span_id = b"short", bytes(8), b"x"
    answer = await client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 3)
    assert "3 of 5 spans" in partial.error_message
    assert "trace_id '73686f7274'" in partial.error_message
    kept = ExportTraceServiceRequest.FromString(journal.requests[0][1]).resource_spans[0].scope_spans[0].spans
    assert list(kept) == [sent[0], sent[4]]


async def test_a_request_without_a_valid_span_is_a_partial_success(
    client: httpx.AsyncClient, journal: MemoryJournal
) -> None:
    body = make_trace_request(2, trace_id=b"bad")
    answer = await client.post("/v1/traces", content=body, headers=PROTOBUF)
    assert answer.status_code == 200
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 2
    assert journal.requests == []


async def test_log_records_with_invalid_ids_are_kept_and_told(
    client: httpx.AsyncClient, journal: MemoryJournal
) -> None:
    request = ExportLogsServiceRequest.FromString(make_log_request(["a", "b"]))
    request.resource_logs[0].scope_logs[0].log_records[0].trace_id = b"short"
    answer = await client.post("/v1/logs", content=request.SerializeToString(), headers=PROTOBUF)
    partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_log_records == 0
    assert "stored without them" in partial.error_message
    assert len(journal.requests) == 1


async def test_a_full_journal_asks_to_come_again(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    journal.failure = UnavailableError("Too much waits.", reason="backlog", retry_after_s=2.5)
    answer = await client.post("/v1/traces", content=make_trace_request(1), headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert Status.FromString(answer.content).code == 14


async def test_the_same_request_has_the_same_fingerprint(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    """However it was compressed."""
    body = make_trace_request(2)
    await client.post("/v1/traces", content=body, headers=PROTOBUF)
    await client.post("/v1/traces", content=gzip.compress(body), headers=PROTOBUF | {"content-encoding": "gzip"})
    first, second = (fingerprint for _, _, fingerprint in journal.requests)
    assert first == second
    assert len(first) == 16


async def test_pages_of_listed_origins_may_send(
    make_client: Callable[[IngestSettings], httpx.AsyncClient], client: httpx.AsyncClient
) -> None:
    asked = {"origin": "https://shop.test", "access-control-request-method": "POST"}
    async with make_client(IngestSettings(cors_origins=("https://shop.test",))) as opened:
        answer = await opened.options("/v1/traces", headers=asked)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "https://shop.test")
        answer = await opened.post("/v1/traces", content=b"{}", headers=JSON | {"origin": "https://shop.test"})
        assert answer.headers["access-control-allow-origin"] == "https://shop.test"
    refused = await client.options("/v1/traces", headers=asked)
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (403, False)
