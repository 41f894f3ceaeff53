"""OTLP/HTTP as specified (opentelemetry.io/docs/specs/otlp): protobuf and JSON, answers in the request's own form."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from gnomon.ingest import rpc_status
from gnomon.ingest.errors import BodyTooLargeError, UnsupportedEncodingError
from gnomon.ingest.otlp_json import json_to_protobuf
from gnomon.ingest.otlp_metrics import OtlpMetrics
from gnomon.ingest.receiver import Accepted, Receiver
from gnomon.ingest.request_body import read_body
from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_PROTOBUF_NAMES = {PROTOBUF, "application/protobuf"}
_PROTOCOL = "otlp_http"
# A JSON body takes about as long to translate as its size suggests: larger ones must not hold up everybody else.
_THREAD_FROM_BYTES = 32_768

_Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Signal:
    """What differs between the signals: the journal's stream, and OTLP's messages."""

    name: str
    stream: str
    request: type[Message]

    def respond(self, accepted: Accepted) -> Message:
        """Return OTLP's response: empty for full success."""
        told = bool(accepted.rejected or accepted.message)
        if self.name == "traces":
            partial = ExportTracePartialSuccess(rejected_spans=accepted.rejected, error_message=accepted.message)
            return ExportTraceServiceResponse(partial_success=partial if told else None)
        if self.name == "metrics":
            points = ExportMetricsPartialSuccess(rejected_data_points=accepted.rejected, error_message=accepted.message)
            return ExportMetricsServiceResponse(partial_success=points if told else None)
        records = ExportLogsPartialSuccess(rejected_log_records=accepted.rejected, error_message=accepted.message)
        return ExportLogsServiceResponse(partial_success=records if told else None)


TRACES = Signal("traces", "otlp_traces", ExportTraceServiceRequest)
LOGS = Signal("logs", "otlp_logs", ExportLogsServiceRequest)
METRICS = Signal("metrics", "remote_write", ExportMetricsServiceRequest)


class OtlpReceiver:
    """Accept requests of every signal, whether they came over HTTP or gRPC."""

    def __init__(self, receiver: Receiver, metrics: OtlpMetrics) -> None:
        """Translate metrics with `metrics`, and hand everything else to `receiver` as it is."""
        self._receiver = receiver
        self._metrics = metrics

    async def accept(self, signal: Signal, body: bytes, *, protocol: str) -> Accepted:
        """Return once a request is synced to disk; raises as Receiver.accept does."""
        if signal is METRICS:
            return await self._metrics.accept(body, protocol=protocol)
        return await self._receiver.accept(signal.stream, body, protocol=protocol)

    def count_refusal(self, protocol: str, signal: Signal, reason: str) -> None:
        """Count a request that was refused before it could be read."""
        self._receiver.count_refusal(protocol, signal.name, reason)


def otlp_routes(receiver: OtlpReceiver, settings: IngestSettings) -> list[Route]:
    """Return the routes of OTLP/HTTP."""
    return [
        Route(
            f"/v1/{signal.name}",
            _allow_pages(_export(receiver, settings, signal), settings),
            methods=["POST", "OPTIONS"],
        )
        for signal in (TRACES, LOGS, METRICS)
    ]


def _export(receiver: OtlpReceiver, settings: IngestSettings, signal: Signal) -> _Handler:
    async def export(request: Request) -> Response:
        kind = _content_type(request)
        try:
            if kind not in {PROTOBUF, JSON}:
                message = f"The Content-Type {kind!r} is unknown. Send {PROTOBUF} or {JSON}."
                raise UnsupportedEncodingError(message)
            body = await read_body(request, settings.max_body_bytes)
            if kind == JSON:
                body = await _translate(body, signal)
        except ClientDisconnect:
            receiver.count_refusal(_PROTOCOL, signal, "disconnected")
            return Response(status_code=400)
        except GnomonError as error:
            receiver.count_refusal(_PROTOCOL, signal, _reason(error))
            return _failure(error, kind)
        try:
            accepted = await receiver.accept(signal, body, protocol=_PROTOCOL)
        except GnomonError as error:
            return _failure(error, kind)
        return Response(_encode(signal.respond(accepted), kind), media_type=kind)

    return export


async def _translate(body: bytes, signal: Signal) -> bytes:
    if len(body) < _THREAD_FROM_BYTES:
        return json_to_protobuf(body, signal.request, signal.name)
    return await run_in_threadpool(json_to_protobuf, body, signal.request, signal.name)


def _content_type(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return PROTOBUF if kind in _PROTOBUF_NAMES else kind


def _encode(message: Message, kind: str) -> bytes:
    if kind == JSON:
        return json_format.MessageToJson(message, indent=None).encode()
    return message.SerializeToString()


def _failure(error: GnomonError, kind: str) -> Response:
    headers = {}
    if isinstance(error, UnavailableError):
        headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
    return Response(
        _encode(rpc_status.to_status(error), kind),
        status_code=http_code(error),
        media_type=JSON if kind == JSON else PROTOBUF,
        headers=headers,
    )


def http_code(error: GnomonError) -> int:
    """Return the HTTP status that senders understand for an error of ingest."""
    match error:
        case UnavailableError():
            return 503
        case BodyTooLargeError():
            return 413
        case UnsupportedEncodingError():
            return 415
        case InvalidInputError():
            return 400
        case _:
            return 500


def _reason(error: GnomonError) -> str:
    match error:
        case BodyTooLargeError():
            return "too_large"
        case UnsupportedEncodingError():
            return "unsupported"
        case _:
            return "malformed"


def _allow_pages(handle: _Handler, settings: IngestSettings) -> _Handler:
    """Answer browsers' preflight requests, and let the pages of `cors_origins` read the answers."""
    origins = settings.cors_origins

    async def guarded(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        allowed = bool(origin) and ("*" in origins or origin in origins)
        if request.method == "OPTIONS":
            response = Response(status_code=204 if allowed else 403)
            if allowed:
                response.headers["access-control-allow-methods"] = "POST"
                wanted = request.headers.get("access-control-request-headers", "content-type")
                response.headers["access-control-allow-headers"] = wanted
                response.headers["access-control-max-age"] = "7200"
        else:
            response = await handle(request)
        if allowed:
            response.headers["access-control-allow-origin"] = origin
            response.headers["vary"] = "Origin"
        return response

    return guarded
