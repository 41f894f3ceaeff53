"""`/api/v1/write`: Prometheus remote write 1.0 and 2.0 (prometheus.io/docs/specs/prw), told apart by Content-Type."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import BodyTooLargeError, MalformedRequestError, UnsupportedEncodingError
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.remote_write_v2_validation import WriteRequestV2Checker
from gnomon.ingest.remote_write_validation import WriteRequestChecker
from gnomon.ingest.request_body import decompress_snappy, read_body
from gnomon.ingest.settings import IngestSettings
from gnomon.lifecycle import Clock
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError

V1_MESSAGE, V2_MESSAGE = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"
CONTENT_TYPE = "application/x-protobuf"

_SIGNAL = "metrics"
_THREAD_FROM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Version:
    """What differs between the versions of the protocol."""

    protocol: str
    stream: str
    check: Callable[[bytes], Checked]


def remote_write_routes(receiver: Receiver, settings: IngestSettings, clock: Clock) -> list[Route]:
    """Return the route of remote write."""
    versions = {
        V1_MESSAGE: _Version("remote_write", "remote_write", WriteRequestChecker(clock).check),
        V2_MESSAGE: _Version("remote_write_v2", "remote_write_v2", WriteRequestV2Checker(clock).check),
    }

    async def write(request: Request) -> Response:
        try:
            version = versions[_read_message_type(request.headers.get("content-type", ""))]
        except UnsupportedEncodingError as error:
            receiver.count_refusal("remote_write", _SIGNAL, "unsupported")
            return _failure(error)
        try:
            body = await _read_block(request, settings.max_body_bytes)
            if len(body) < _THREAD_FROM_BYTES:
                checked = version.check(body)
            else:
                checked = await run_in_threadpool(version.check, body)
        except ClientDisconnect:
            receiver.count_refusal(version.protocol, _SIGNAL, "disconnected")
            return Response(status_code=400)
        except GnomonError as error:
            receiver.count_refusal(version.protocol, _SIGNAL, _reason(error))
            return _failure(error)
        try:
            await receiver.accept_checked(version.stream, checked, signal=_SIGNAL, protocol=version.protocol)
        except GnomonError as error:
            return _failure(error)
        headers = _written_headers(checked.counts) if version.protocol == "remote_write_v2" else None
        if checked.rejected:
            return PlainTextResponse(f"{checked.message}\n", status_code=400, headers=headers)
        return Response(status_code=204, headers=headers)

    return [Route("/api/v1/write", write, methods=["POST"])]


def _read_message_type(content_type: str) -> str:
    """Return the full name of the message; version 1.0 says nothing of it."""
    media_type, *parameters = (part.strip() for part in (content_type or CONTENT_TYPE).split(";"))
    if media_type.lower() != CONTENT_TYPE:
        message = f"expected {CONTENT_TYPE} as the first (media) part, got {content_type} content-type"
        raise UnsupportedEncodingError(message)
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if not equals:
            message = f"expected parameters to be key-values, got {parameter} in {content_type} content-type"
            raise UnsupportedEncodingError(message)
        if name.strip().lower() == "proto":
            kind = value.strip().strip('"')
            if kind not in {V1_MESSAGE, V2_MESSAGE}:
                message = f"unknown protobuf message in {content_type} content-type; send {V1_MESSAGE} or {V2_MESSAGE}"
                raise UnsupportedEncodingError(message)
            return kind
    return V1_MESSAGE


async def _read_block(request: Request, limit: int) -> bytes:
    """Return the body; some senders leave out the Content-Encoding, and Prometheus takes snappy for granted then."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "snappy"}:
        message = f"{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        raise UnsupportedEncodingError(message)
    body = await read_body(request, limit)
    return body if encoding else decompress_snappy(body, limit)


def _written_headers(counts: dict[str, int]) -> dict[str, str]:
    kinds = ("Samples", "Histograms", "Exemplars")
    return {f"X-Prometheus-Remote-Write-{kind}-Written": str(counts.get(kind.lower(), 0)) for kind in kinds}


def _failure(error: GnomonError) -> Response:
    headers = {}
    match error:
        case UnavailableError():
            status = 503
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        case BodyTooLargeError():
            status = 413
        case UnsupportedEncodingError():
            status = 415
        case InvalidInputError():
            status = 400
        case _:
            status = 500
    return PlainTextResponse(f"{error}\n", status_code=status, headers=headers)


def _reason(error: GnomonError) -> str:
    match error:
        case BodyTooLargeError():
            return "too_large"
        case UnsupportedEncodingError():
            return "unsupported"
        case MalformedRequestError():
            return "malformed"
        case _:
            return "failed"
