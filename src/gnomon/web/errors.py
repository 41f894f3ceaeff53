"""Errors as HTTP answers: `{"error": {"code", "message", "position"?}}`."""

import math
import secrets
from http import HTTPStatus
from typing import cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gnomon.model.errors import (
    ConflictError,
    GnomonError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
)

log = structlog.get_logger(__name__)

ANSWERED = "gnomon.error_answered"


class UnauthenticatedError(GnomonError):
    """Tell that no valid key or session came with the request."""


class ForbiddenError(GnomonError):
    """Tell that the key or the origin of the request does not permit it."""


class BodyTooLargeError(LimitExceededError):
    """Tell that a request's body is larger than Gnomon takes."""


class ErrorDetail(BaseModel):
    """Say what went wrong: `code` for programs, `message` for people, `position` where the input is wrong, from 0."""

    code: str
    message: str
    position: int | None = None
    id: str | None = None


class ErrorResponse(BaseModel):
    """Answer every failed request of the native API."""

    error: ErrorDetail


_STATUS_BY_KIND: tuple[tuple[type[GnomonError], HTTPStatus, str], ...] = (
    (InvalidInputError, HTTPStatus.BAD_REQUEST, "invalid_input"),
    (UnauthenticatedError, HTTPStatus.UNAUTHORIZED, "unauthenticated"),
    (ForbiddenError, HTTPStatus.FORBIDDEN, "forbidden"),
    (NotFoundError, HTTPStatus.NOT_FOUND, "not_found"),
    (ConflictError, HTTPStatus.CONFLICT, "conflict"),
    (BodyTooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large"),
    (LimitExceededError, HTTPStatus.UNPROCESSABLE_ENTITY, "limit_exceeded"),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
)


def error_response(error: GnomonError) -> JSONResponse:
    """Return the answer that tells of `error`."""
    status, code = next(
        ((status, code) for kind, status, code in _STATUS_BY_KIND if isinstance(error, kind)),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
    )
    detail = ErrorDetail(code=code, message=str(error), position=getattr(error, "position", None))
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if isinstance(error, UnauthenticatedError):
        headers["WWW-Authenticate"] = 'Bearer realm="gnomon"'
    return _json(status, detail, headers)


def unexpected_error_response(error: Exception, *, method: str, path: str) -> JSONResponse:
    """Return a 500 that carries nothing but an id, under which the log tells all."""
    error_id = secrets.token_hex(8)
    log.error("request failed unexpectedly", error_id=error_id, method=method, path=path, exc_info=error)
    message = f"Something went wrong in Gnomon. Its log tells more under the id {error_id}."
    return _json(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorDetail(code="internal", message=message, id=error_id))


def install_error_handlers(app: FastAPI) -> None:
    """Turn every error that leaves a route into an answer."""
    app.add_exception_handler(GnomonError, _handle_gnomon_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(Exception, _handle_unexpected_error)


def _json(status: HTTPStatus, detail: ErrorDetail, headers: dict[str, str] | None = None) -> JSONResponse:
    content = ErrorResponse(error=detail).model_dump(exclude_none=True)
    return JSONResponse(content, status_code=status, headers=headers)


async def _handle_gnomon_error(_request: Request, error: Exception) -> JSONResponse:
    return error_response(cast("GnomonError", error))


async def _handle_validation_error(_request: Request, error: Exception) -> JSONResponse:
    faults = cast("RequestValidationError", error).errors()
    message = "; ".join(f"{_place(fault['loc'])}: {fault['msg']} (got {fault.get('input')!r:.100})" for fault in faults)
    return _json(HTTPStatus.BAD_REQUEST, ErrorDetail(code="invalid_input", message=f"Invalid request: {message}."))


async def _handle_unexpected_error(request: Request, error: Exception) -> JSONResponse:
    # The framework raises the error once more after answering it; this tells the outermost layer that all is said.
    request.scope[ANSWERED] = True
    return unexpected_error_response(error, method=request.method, path=request.url.path)


async def _handle_http_exception(request: Request, error: Exception) -> JSONResponse:
    http_error = cast("HTTPException", error)
    status = HTTPStatus(http_error.status_code)
    message = str(http_error.detail)
    if status is HTTPStatus.NOT_FOUND:
        message = f"There is no {request.method} {request.url.path!r} here. /api/docs lists what there is."
    detail = ErrorDetail(code=status.phrase.lower().replace(" ", "_"), message=message)
    return _json(status, detail, dict(http_error.headers or {}))


def _place(location: tuple[int | str, ...]) -> str:
    kind, *names = location
    return f"{kind} {'.'.join(map(str, names))}" if names else str(kind)
