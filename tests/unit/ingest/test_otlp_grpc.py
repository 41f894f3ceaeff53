"""OTLP/gRPC: the services as a gRPC client sees them."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc
import grpc.aio
import pytest
import pytest_asyncio
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from gnomon.ingest.errors import AccessDeniedError
from gnomon.ingest.otlp_grpc import GrpcListener, OtlpGrpcServer
from gnomon.ingest.otlp_http import OtlpReceiver
from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import UnavailableError
from tests.otlp_requests import make_log_request, make_metric_request, make_trace_request
from tests.unit.ingest.conftest import LIMIT, MemoryJournal

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


async def _authorize(metadata: Mapping[str, str]) -> None:
    if metadata.get("authorization") == "Bearer reader":
        message = "The key may only read."
        raise AccessDeniedError(message, known=True)
    if metadata.get("authorization") == "Bearer stranger":
        message = "A key is needed."
        raise AccessDeniedError(message, known=False)


@pytest_asyncio.fixture
async def channel(otlp_receiver: OtlpReceiver) -> AsyncIterator[grpc.aio.Channel]:
    """Return a channel to a server with a small limit and two keys that are turned away."""
    server = OtlpGrpcServer(otlp_receiver, IngestSettings(max_body_bytes=LIMIT), GrpcListener(port=0), _authorize)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as opened:
        yield opened
    await server.stop()


async def call(channel: grpc.aio.Channel, method: str, body: bytes, **options: Any) -> bytes:
    answer: bytes = await channel.unary_unary(method, bytes, bytes)(body, timeout=10, **options)
    return answer


async def fail(channel: grpc.aio.Channel, method: str, body: bytes, **options: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call(channel, method, body, **options)
    return raised.value


async def test_requests_are_kept_as_they_came(channel: grpc.aio.Channel, journal: MemoryJournal) -> None:
    traces, logs = make_trace_request(3), make_log_request(["hello"])
    assert await call(channel, TRACES, traces) == b""
    assert await call(channel, LOGS, logs, compression=grpc.Compression.Gzip) == b""
    assert [(stream, body) for stream, body, _ in journal.requests] == [("otlp_traces", traces), ("otlp_logs", logs)]


async def test_an_empty_request_is_a_success(channel: grpc.aio.Channel, journal: MemoryJournal) -> None:
    assert await call(channel, LOGS, b"") == b""
    assert journal.requests == []


async def test_invalid_ids_are_a_partial_success(channel: grpc.aio.Channel) -> None:
    answer = await call(channel, TRACES, make_trace_request(2, trace_id=b"bad"))
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 2
    assert ExportLogsServiceResponse.FromString(await call(channel, LOGS, b"")).partial_success.error_message == ""


async def test_a_malformed_request_is_an_invalid_argument(channel: grpc.aio.Channel) -> None:
    error = await fail(channel, TRACES, b"\x0a\xff\xff")
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "no ExportTraceServiceRequest" in str(error.details())


async def test_a_full_journal_says_when_to_come_again(channel: grpc.aio.Channel, journal: MemoryJournal) -> None:
    journal.failure = UnavailableError("Too much waits.", reason="backlog", retry_after_s=1.5)
    error = await fail(channel, TRACES, make_trace_request(1))
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    metadata: Any = error.trailing_metadata()
    status = Status.FromString(dict(metadata)["grpc-status-details-bin"])
    retry = RetryInfo()
    assert status.details[0].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


async def test_a_large_message_exhausts(channel: grpc.aio.Channel) -> None:
    error = await fail(channel, TRACES, bytes(LIMIT + 1))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_decompression_bomb_exhausts(channel: grpc.aio.Channel) -> None:
    error = await fail(channel, TRACES, bytes(30 * LIMIT), compression=grpc.Compression.Gzip)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("key", "code"),
    [("reader", grpc.StatusCode.PERMISSION_DENIED), ("stranger", grpc.StatusCode.UNAUTHENTICATED)],
)
async def test_who_may_not_send_is_turned_away(
    channel: grpc.aio.Channel, journal: MemoryJournal, key: str, code: grpc.StatusCode
) -> None:
    error = await fail(channel, TRACES, make_trace_request(1), metadata=(("authorization", f"Bearer {key}"),))
    assert error.code() == code
    assert journal.requests == []


async def test_metrics_become_samples(channel: grpc.aio.Channel, journal: MemoryJournal) -> None:
    assert await call(channel, METRICS, make_metric_request({"queue.depth": 3.0})) == b""
    assert [stream for stream, *_ in journal.requests] == ["remote_write"]


async def test_a_taken_port_is_told(otlp_receiver: OtlpReceiver) -> None:
    first = OtlpGrpcServer(otlp_receiver, IngestSettings(), GrpcListener(port=0))
    await first.start()
    second = OtlpGrpcServer(otlp_receiver, IngestSettings(), GrpcListener(port=first.port))
    with pytest.raises(OSError, match="otlp_grpc_port"):
        await second.start()
    await first.stop()
