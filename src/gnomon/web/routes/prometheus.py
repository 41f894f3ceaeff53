"""Prometheus' query API: what Grafana's data source, promtool and other clients ask."""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response

from gnomon.metrics.label_names import unescape_label_name
from gnomon.metrics.result_json import count_series, encode_labels, encode_result, encode_text, encode_time
from gnomon.metrics.tree_json import tree_to_json
from gnomon.model.errors import InvalidInputError
from gnomon.model.float_text import format_api
from gnomon.model.matchers import Matcher
from gnomon.promql.errors import ParseError
from gnomon.promql.parser import parse_selector
from gnomon.promql.printer import format_expression
from gnomon.promql.results import QueryResult, QueryStatistics
from gnomon.promql.syntax_tree import Expression, ValueType
from gnomon.promql.value_types import documented, value_type
from gnomon.web.prometheus_answers import (
    BadParameterError,
    Parameters,
    PrometheusResponse,
    PrometheusRoute,
    describe,
    parse_duration_s,
    succeed,
    to_json,
)
from gnomon.web.services import Services, ServicesDep

router = APIRouter(prefix="/api/v1", tags=["prometheus"], route_class=PrometheusRoute)

_T = TypeVar("_T")

MAX_POINTS = 11_000
ALWAYS_MS = (0, 253_402_300_799_000)
_TRUNCATED = "results truncated due to limit"
# Writing a bigger answer takes longer than handing it to a thread.
_MANY_VALUES = 50_000
# An answer to a query that is out of time should still be ours to give.
_TIME_FOR_ANSWER = 0.95

_QUERY = describe("query", "time", "timeout", "limit", "lookback_delta", "stats")
_RANGE = describe("query", "start", "end", "step", "timeout", "limit", "lookback_delta", "stats")
_SERIES = describe("match[]", "start", "end", "limit")


@router.get("/query", summary="Evaluate at one time", response_model=PrometheusResponse, openapi_extra=_QUERY)
@router.post("/query", summary="Evaluate at one time", response_model=PrometheusResponse, openapi_extra=_QUERY)
async def query(services: ServicesDep, request: Request) -> Response:
    """Return what a PromQL expression yields at one time."""
    parameters = await Parameters.of(request)
    limit = parameters.limit()
    time_ms = parameters.time_ms("time", _now_ms())
    timeout_s = _timeout_s(parameters, services)
    lookback_ms = _lookback_ms(parameters)
    text = parameters.get("query")
    _parse_query(services, text)
    result = await services.queries.engine.instant(text, time_ms, lookback_ms=lookback_ms, timeout_s=timeout_s)
    return await _answer(result, limit, stats=bool(parameters.get("stats")))


@router.get("/query_range", summary="Evaluate over time", response_model=PrometheusResponse, openapi_extra=_RANGE)
@router.post("/query_range", summary="Evaluate over time", response_model=PrometheusResponse, openapi_extra=_RANGE)
async def query_range(services: ServicesDep, request: Request) -> Response:
    """Return what a PromQL expression yields at each step from start to end."""
    parameters = await Parameters.of(request)
    limit = parameters.limit()
    start_ms = parameters.time_ms("start")
    end_ms = parameters.time_ms("end")
    if end_ms < start_ms:
        raise BadParameterError("end", "end timestamp must not be before start time")
    step_ms = int(parameters.duration_s("step") * 1000)
    if step_ms <= 0:
        reason = "zero or negative query resolution step widths are not accepted. Try a positive integer"
        raise BadParameterError("step", reason)
    if (end_ms - start_ms) // step_ms > MAX_POINTS:
        raise InvalidInputError(
            f"exceeded maximum resolution of {MAX_POINTS:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )
    timeout_s = _timeout_s(parameters, services)
    lookback_ms = _lookback_ms(parameters)
    text = parameters.get("query")
    kind = value_type(_parse_query(services, text))
    if kind not in {ValueType.VECTOR, ValueType.SCALAR}:
        reason = f'invalid expression type "{documented(kind)}" for range query, must be Scalar or instant Vector'
        raise BadParameterError("query", reason)
    result = await services.queries.engine.range(
        text, start_ms, end_ms, step_ms, lookback_ms=lookback_ms, timeout_s=timeout_s
    )
    return await _answer(result, limit, stats=bool(parameters.get("stats")))


_EXEMPLARS = describe("query", "start", "end")


@router.get("/query_exemplars", summary="Find exemplars", response_model=PrometheusResponse, openapi_extra=_EXEMPLARS)
@router.post("/query_exemplars", summary="Find exemplars", response_model=PrometheusResponse, openapi_extra=_EXEMPLARS)
async def query_exemplars(services: ServicesDep, request: Request) -> Response:
    """Return the exemplars of all series that the selectors of an expression mean."""
    parameters = await Parameters.of(request)
    start_ms, end_ms = _interval_ms(parameters)
    if end_ms < start_ms:
        raise InvalidInputError("end timestamp must not be before start timestamp")
    expression = services.queries.parse(parameters.get("query"))
    found = await services.queries.exemplars(expression, start_ms, end_ms)
    rows = []
    for series in found:
        exemplars = [
            b'{"labels":%b,"value":"%b","timestamp":%b}'
            % (encode_labels(one.labels), format_api(one.value).encode(), encode_time(one.time_ms))
            for one in series.exemplars
        ]
        rows.append(b'{"seriesLabels":%b,"exemplars":[%b]}' % (encode_labels(series.labels), b",".join(exemplars)))
    return succeed(b"[%b]" % b",".join(rows))


@router.get("/series", summary="Find series", response_model=PrometheusResponse, openapi_extra=_SERIES)
@router.post("/series", summary="Find series", response_model=PrometheusResponse, openapi_extra=_SERIES)
async def find_series(services: ServicesDep, request: Request) -> Response:
    """Return the labels of all series that any of the selectors means."""
    parameters = await Parameters.of(request)
    limit = parameters.limit()
    if not parameters.all("match[]"):
        raise InvalidInputError("no match[] parameter provided")
    start_ms, end_ms = _interval_ms(parameters)
    found = await services.queries.series(_matcher_sets(parameters, "match[]"), start_ms, end_ms)
    kept, warnings = _truncate(found, limit)
    return succeed(b"[%b]" % b",".join(map(encode_labels, kept)), warnings)


@router.get("/labels", summary="List label names", response_model=PrometheusResponse, openapi_extra=_SERIES)
@router.post("/labels", summary="List label names", response_model=PrometheusResponse, openapi_extra=_SERIES)
async def list_labels(services: ServicesDep, request: Request) -> Response:
    """Return the names of all labels, or of those that the selected series have."""
    parameters = await Parameters.of(request)
    limit = parameters.limit()
    start_ms, end_ms = _interval_ms(parameters)
    found = await services.queries.label_names(_matcher_sets(parameters), start_ms, end_ms)
    return _texts(found, limit)


@router.get(
    "/label/{name:path}/values", summary="List a label's values", response_model=PrometheusResponse,
    openapi_extra=_SERIES,
)  # fmt: skip
async def list_label_values(
    services: ServicesDep, request: Request, name: Annotated[str, Path(description="The label's name.")]
) -> Response:
    """Return the values of a label; a name that is no plain word may be written as `U__`, escaped."""
    parameters = await Parameters.of(request)
    name = unescape_label_name(name)
    limit = parameters.limit()
    start_ms, end_ms = _interval_ms(parameters)
    found = await services.queries.label_values(name, _matcher_sets(parameters), start_ms, end_ms)
    return _texts(found, limit)


@router.get(
    "/metadata", summary="Describe metrics", response_model=PrometheusResponse,
    openapi_extra=describe("metric", "limit", "limit_per_metric"),
)  # fmt: skip
async def list_metadata(services: ServicesDep, request: Request) -> Response:
    """Return type, help and unit of metrics, as their senders told."""
    parameters = await Parameters.of(request)
    limit = parameters.number("limit", -1, "limit must be a number")
    each = parameters.number("limit_per_metric", -1, "limit_per_metric must be a number")
    found: dict[str, list[dict[str, str]]] = {}
    for family in await services.queries.metadata(parameters.get("metric")):
        entries = found.get(family.name)
        if entries is None:
            if 0 <= limit <= len(found):
                break
            entries = found[family.name] = []
        if each <= 0 or len(entries) < each:
            entries.append({"type": family.type, "help": family.help, "unit": family.unit})
    return succeed(to_json(found))


_TEXT = describe("query")


@router.get("/format_query", summary="Format a query", response_model=PrometheusResponse, openapi_extra=_TEXT)
@router.post("/format_query", summary="Format a query", response_model=PrometheusResponse, openapi_extra=_TEXT)
async def format_query(services: ServicesDep, request: Request) -> Response:
    """Return a PromQL expression laid out for reading."""
    parameters = await Parameters.of(request)
    return succeed(encode_text(format_expression(_parse_query(services, parameters.get("query")))))


@router.get("/parse_query", summary="Parse a query", response_model=PrometheusResponse, openapi_extra=_TEXT)
@router.post("/parse_query", summary="Parse a query", response_model=PrometheusResponse, openapi_extra=_TEXT)
async def parse_query(services: ServicesDep, request: Request) -> Response:
    """Return the syntax tree of a PromQL expression."""
    parameters = await Parameters.of(request)
    return succeed(to_json(tree_to_json(_parse_query(services, parameters.get("query")))))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _parse_query(services: Services, text: str) -> Expression:
    try:
        return services.queries.parse(text)
    except ParseError as error:
        raise BadParameterError("query", error) from error


def _timeout_s(parameters: Parameters, services: Services) -> float:
    most_s = services.settings.max_query_time_s * _TIME_FOR_ANSWER
    return min(most_s, parameters.duration_s("timeout", most_s))


def _lookback_ms(parameters: Parameters) -> int | None:
    text = parameters.get("lookback_delta")
    if not text:
        return None
    try:
        return int(parse_duration_s(text) * 1000) or None
    except InvalidInputError as error:
        message = f"error parsing lookback delta duration: {error}"
        raise InvalidInputError(message) from error


def _interval_ms(parameters: Parameters) -> tuple[int, int]:
    first_ms, last_ms = ALWAYS_MS
    start_ms = parameters.time_ms("start", first_ms)
    return max(first_ms, start_ms), parameters.time_ms("end", last_ms)


def _matcher_sets(parameters: Parameters, blamed: str = "") -> list[tuple[Matcher, ...]]:
    """Return the matchers of each selector; mistakes are told as those of the parameter `blamed`."""
    sets = []
    for text in parameters.all("match[]"):
        try:
            sets.append(parse_selector(text).matchers)
        except ParseError as error:
            if error.reason.startswith("vector selector must contain"):
                reason: object = "match[] must contain at least one non-empty matcher"
                raise BadParameterError("match[]", reason) from error
            if blamed:
                raise BadParameterError(blamed, error) from error
            raise
    return sets


def _truncate(found: Sequence[_T], limit: int) -> tuple[Sequence[_T], tuple[str, ...]]:
    if limit and len(found) > limit:
        return found[:limit], (_TRUNCATED,)
    return found, ()


def _texts(found: Sequence[str], limit: int) -> Response:
    kept, warnings = _truncate(found, limit)
    return succeed(to_json(list(kept)), warnings)


async def _answer(result: QueryResult, limit: int, *, stats: bool) -> Response:
    size = result.values.size + (0 if result.samples is None else len(result.samples))
    if size > _MANY_VALUES:
        text = await asyncio.to_thread(encode_result, result, limit=limit)
    else:
        text = encode_result(result, limit=limit)
    data = b'{%b,"stats":%b}' % (text, _statistics(result.statistics)) if stats else b"{%b}" % text
    warnings = [*result.warnings]
    if limit and count_series(result) > limit:
        warnings.append(_TRUNCATED)
    return succeed(data, warnings, result.infos)


_RESOLUTIONS = {300_000: "5m", 3_600_000: "1h"}


def _statistics(statistics: QueryStatistics) -> bytes:
    total_s = statistics.fetch_s + statistics.compute_s
    return to_json(
        {
            "timings": {
                "evalTotalTime": total_s,
                "resultSortTime": 0,
                "queryPreparationTime": statistics.fetch_s,
                "innerEvalTime": statistics.compute_s,
                "execQueueTime": 0,
                "execTotalTime": total_s,
            },
            "samples": {"totalQueryableSamples": statistics.samples, "peakSamples": statistics.samples},
            # Ours: said where samples of five minutes or an hour were put together, and raw ones are no longer kept.
            **({"resolution": _RESOLUTIONS[statistics.resolution_ms]} if statistics.resolution_ms else {}),
        }
    )
