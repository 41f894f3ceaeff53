"""`/ingest/jsonl`: a JSON object a line, as Vector, Fluent Bit, pino, structlog and shell scripts write them."""

import math

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gnomon.ingest.errors import BodyTooLargeError, UnsupportedEncodingError
from gnomon.ingest.jsonl_lines import check_lines
from gnomon.ingest.receiver import Receiver
from gnomon.ingest.request_body import read_body
from gnomon.ingest.settings import IngestSettings
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError

_PROTOCOL = "jsonl"
_SERVICE_HEADER = "x-gnomon-service"
_THREAD_FROM_BYTES = 1 << 20


def jsonl_routes(receiver: Receiver, settings: IngestSettings) -> list[Route]:
    """Return the route; query parameters become labels of every line, `service` (or a header) the default service."""

    async def take_lines(request: Request) -> Response:
        try:
            body = await read_body(request, settings.max_body_bytes)
        except ClientDisconnect:
            receiver.count_refusal(_PROTOCOL, "logs", "disconnected")
            return Response(status_code=400)
        except GnomonError as error:
            reason = "too_large" if isinstance(error, BodyTooLargeError) else "malformed"
            receiver.count_refusal(_PROTOCOL, "logs", reason)
            return _failure(error)
        labels = dict(request.query_params)
        if service := request.headers.get(_SERVICE_HEADER):
            labels.setdefault("service", service)
        if len(body) < _THREAD_FROM_BYTES:
            checked, errors = check_lines(body, labels)
        else:
            checked, errors = await run_in_threadpool(check_lines, body, labels)
        try:
            accepted = await receiver.accept_checked("jsonl", checked, signal="logs", protocol=_PROTOCOL)
        except GnomonError as error:
            return _failure(error)
        answer = {
            "accepted": accepted.items,
            "rejected": accepted.rejected,
            "errors": [{"line": error.line, "message": error.message} for error in errors],
        }
        return JSONResponse(answer, status_code=400 if accepted.rejected and not accepted.items else 200)

    return [Route("/ingest/jsonl", take_lines, methods=["POST"])]


def _failure(error: GnomonError) -> Response:
    headers = {}
    match error:
        case UnavailableError():
            status, code = 503, "unavailable"
            headers["retry-after"] = str(max(1, math.ceil(error.retry_after_s)))
        case BodyTooLargeError():
            status, code = 413, "body_too_large"
        case UnsupportedEncodingError():
            status, code = 415, "unsupported"
        case InvalidInputError():
            status, code = 400, "invalid_input"
        case _:
            status, code = 500, "failed"
    return JSONResponse({"error": {"code": code, "message": str(error)}}, status_code=status, headers=headers)
