"""Jaeger's query API for jaeger-ui and Grafana's Jaeger data source; docs/reference/jaeger-api.md says what differs."""

import time
from collections.abc import Awaitable, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel

from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import GnomonError, InvalidInputError, NotFoundError, UnavailableError
from gnomon.model.time_ranges import TimeRange
from gnomon.traces.jaeger_query import TraceQuery, parse_tags
from gnomon.web.content_access import ContentAccessDep, hide_in_tags
from gnomon.web.services import ServicesDep

router = APIRouter(prefix="/api", tags=["jaeger"])

_MICROSECOND = 1000
_MILLISECOND = 1_000_000
_DAY_NS = 86_400_000_000_000
_DEFAULT_LOOKBACK_NS = 2 * _DAY_NS
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1500
_MAX_NS = (1 << 63) - 1


class JaegerError(BaseModel):
    """Tell what went wrong."""

    code: int
    msg: str


class JaegerResponse(BaseModel):
    """Wrap an answer as Jaeger does; `total` counts services and operations and is 0 otherwise."""

    data: list[Any] | None
    total: int
    limit: int
    offset: int
    errors: list[JaegerError] | None


@router.get("/services", summary="List services, for Jaeger's clients", response_model=JaegerResponse)
async def list_services(services: ServicesDep) -> Response:
    """Return the names of all services."""
    return await _answer(services.tracing.jaeger.services(), counted=True)


@router.get(
    "/services/{service:path}/operations",
    summary="List a service's operations, for Jaeger's clients",
    response_model=JaegerResponse,
)
async def list_operation_names(
    services: ServicesDep, service: Annotated[str, Path(description="A service's name.")]
) -> Response:
    """Return the names of a service's operations."""

    async def names() -> list[str]:
        return sorted({operation["name"] for operation in await services.tracing.jaeger.operations(service)})

    return await _answer(names(), counted=True)


@router.get("/operations", summary="List operations with kinds, for Jaeger's clients", response_model=JaegerResponse)
async def list_operations(
    services: ServicesDep,
    service: Annotated[str, Query(description="A service's name; required.")] = "",
    kind: Annotated[str, Query(alias="spanKind", description="Only this kind: server, client and so on.")] = "",
) -> Response:
    """Return a service's operations with their kinds."""
    if not service:
        return _refuse(HTTPStatus.BAD_REQUEST, "parameter 'service' is required")
    return await _answer(services.tracing.jaeger.operations(service, kind), counted=True)


@router.get("/traces", summary="Find traces, for Jaeger's clients", response_model=JaegerResponse)
async def find_traces(
    services: ServicesDep,
    content: ContentAccessDep,
    service: Annotated[str, Query(description="A service's name; required without traceID.")] = "",
    operation: Annotated[str, Query(description="An operation's name.")] = "",
    tags: Annotated[str, Query(description="A JSON object of names and values.")] = "",
    tag: Annotated[list[str] | None, Query(description="name:value, repeated.")] = None,
    start: Annotated[str, Query(description="Unix microseconds.")] = "",
    end: Annotated[str, Query(description="Unix microseconds.")] = "",
    lookback: Annotated[str, Query(description="How far back from the end, such as 1h, if there is no start.")] = "",
    min_duration: Annotated[str, Query(alias="minDuration", description="Shortest span, such as 1.5ms.")] = "",
    max_duration: Annotated[str, Query(alias="maxDuration", description="Longest span.")] = "",
    limit: Annotated[str, Query(description="Most traces; 100 if it is left out, 1500 at most.")] = "",
    trace_ids: Annotated[list[str] | None, Query(alias="traceID", description="Ids of traces, repeated.")] = None,
) -> Response:
    """Return whole traces that have a span which meets all conditions, or those with the given ids."""
    jaeger = services.tracing.jaeger
    if trace_ids:
        return await _answer(jaeger.traces(trace_ids), content=content)
    if not service:
        return _refuse(HTTPStatus.BAD_REQUEST, "parameter 'service' is required")
    try:
        query = TraceQuery(
            service=service,
            operation=operation,
            tags=parse_tags(tags, tag or ()),
            time_range=_time_range(start, end, lookback),
            min_duration=min_duration,
            max_duration=max_duration,
            limit=min(max(1, _integer("limit", limit, _DEFAULT_LIMIT)), _MAX_LIMIT),
        )
    except InvalidInputError as error:
        return _refuse(HTTPStatus.BAD_REQUEST, str(error))
    return await _answer(jaeger.find(query), content=content)


@router.get("/traces/{trace_id}", summary="Return a trace, for Jaeger's clients", response_model=JaegerResponse)
async def get_trace(
    services: ServicesDep,
    content: ContentAccessDep,
    trace_id: Annotated[str, Path(description="32 or 16 hexadecimal digits.")],
) -> Response:
    """Return one trace with all its spans; times are as they were sent."""
    return await _answer(services.tracing.jaeger.trace(trace_id), content=content)


@router.get("/dependencies", summary="List calls between services, for Jaeger's clients", response_model=JaegerResponse)
async def list_dependencies(
    services: ServicesDep,
    end: Annotated[str, Query(alias="endTs", description="Unix milliseconds.")] = "",
    lookback: Annotated[str, Query(description="Milliseconds.")] = "",
) -> Response:
    """Return who called whom how often."""
    try:
        end_ns = _integer("endTs", end, time.time_ns() // _MILLISECOND) * _MILLISECOND
        lookback_ns = _integer("lookback", lookback, _DAY_NS // _MILLISECOND) * _MILLISECOND
    except InvalidInputError as error:
        return _refuse(HTTPStatus.BAD_REQUEST, str(error))
    end_ns = min(max(end_ns, 1), _MAX_NS)
    return await _answer(services.tracing.jaeger.dependencies(TimeRange(max(0, end_ns - lookback_ns), end_ns)))


async def _answer(work: Awaitable[Sequence[object]], *, counted: bool = False, content: bool = True) -> Response:
    try:
        data = await work
        data = data if content else hide_in_tags(data)
    except InvalidInputError as error:
        return _refuse(HTTPStatus.BAD_REQUEST, str(error))
    except NotFoundError as error:
        return _refuse(HTTPStatus.NOT_FOUND, str(error))
    except UnavailableError as error:
        return _refuse(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    except GnomonError as error:
        return _refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
    shown = None if counted and not data else data
    return _json(HTTPStatus.OK, shown, total=len(data) if counted else 0)


def _refuse(status: HTTPStatus, message: str) -> Response:
    return _json(status, None, errors=[{"code": int(status), "msg": message}])


def _json(
    status: HTTPStatus, data: object, *, total: int = 0, errors: list[dict[str, object]] | None = None
) -> Response:
    content = {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def _time_range(start: str, end: str, lookback: str) -> TimeRange:
    now_us = time.time_ns() // _MICROSECOND
    end_ns = min(_integer("end", end, now_us) * _MICROSECOND, _MAX_NS)
    if start:
        start_ns = _integer("start", start, 0) * _MICROSECOND
    else:
        known = lookback and lookback != "custom"
        start_ns = end_ns - (parse_duration_ns(lookback) if known else _DEFAULT_LOOKBACK_NS)
    return TimeRange(max(0, start_ns), end_ns)


def _integer(name: str, text: str, default: int) -> int:
    if not text:
        return default
    try:
        return int(text)
    except ValueError as error:
        message = f"unable to parse param '{name}': {text!r} is not a whole number"
        raise InvalidInputError(message) from error
