"""Loki's push API, as Promtail, Alloy, Fluent Bit and Vector use it."""

import math

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gnomon.ingest.errors import BodyTooLargeError
from gnomon.ingest.loki_streams import json_to_push
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.request_body import decompress_snappy, read_body
from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError

_PROTOCOL = "loki"
_THREAD_FROM_BYTES = 65_536


def loki_routes(receiver: Receiver, settings: IngestSettings) -> list[Route]:
    """Return the routes of the push API, and the probe that shippers send before they start."""

    async def push(request: Request) -> Response:
        try:
            body = await _read_push(request, settings)
        except ClientDisconnect:
            receiver.count_refusal(_PROTOCOL, "logs", "disconnected")
            return Response(status_code=400)
        except GnomonError as error:
            reason = "too_large" if isinstance(error, BodyTooLargeError) else "malformed"
            receiver.count_refusal(_PROTOCOL, "logs", reason)
            return _failure(error)
        try:
            await receiver.accept("loki_push", body, protocol=_PROTOCOL)
        except GnomonError as error:
            return _failure(error)
        return Response(status_code=204)

    async def ready(_request: Request) -> Response:
        return PlainTextResponse("ready\n")

    return [Route("/loki/api/v1/push", push, methods=["POST"]), Route("/ready", ready, methods=["GET"])]


async def _read_push(request: Request, settings: IngestSettings) -> bytes:
    """Return the request as protobuf. Loki takes snappy for granted unless the body is JSON."""
    limit = settings.max_body_bytes
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        body = await read_body(request, limit)
        if len(body) < _THREAD_FROM_BYTES:
            return json_to_push(body)
        return await run_in_threadpool(json_to_push, body)
    body = await read_body(request, limit)
    already = "snappy" in request.headers.get("content-encoding", "").lower()
    return body if already else decompress_snappy(body, limit)


def _failure(error: GnomonError) -> Response:
    match error:
        case UnavailableError():
            headers = {"retry-after": str(max(1, math.ceil(error.retry_after_s)))}
            return PlainTextResponse(f"{error}\n", status_code=503, headers=headers)
        case BodyTooLargeError():
            return PlainTextResponse(f"{error}\n", status_code=413)
        case InvalidInputError():
            return PlainTextResponse(f"{error}\n", status_code=400)
        case _:
            return PlainTextResponse(f"{error}\n", status_code=500)
