"""Prometheus' ways to take series away in bulk: remote read and federation."""

import asyncio
import time
from collections.abc import AsyncIterator

import cramjam
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from gnomon.metrics.federation import federate
from gnomon.metrics.remote_read import STREAM_TYPE, decode_request, encode_response, stream_response
from gnomon.model.errors import GnomonError, InvalidInputError, UnavailableError
from gnomon.promql.errors import ParseError
from gnomon.promql.parser import parse_selector
from gnomon.web.prometheus_answers import Parameters, describe
from gnomon.web.services import ServicesDep

router = APIRouter(tags=["prometheus"])

_BAD_REQUEST, _TOO_MUCH, _UNAVAILABLE = 400, 422, 503
_LARGEST_REQUEST = 32 * 2**20


@router.post("/api/v1/read", summary="Read raw samples, for Prometheus' remote read", response_class=Response)
async def remote_read(services: ServicesDep, request: Request) -> Response:
    """Return raw samples in one piece (snappy), or as a stream of chunks for those who can take it."""
    body = await request.body()
    try:
        asked = decode_request(await asyncio.to_thread(_decompress, body))
        if asked.streamed:
            frames = stream_response(services.queries.source, asked)
            first = await anext(frames, b"")
            return StreamingResponse(_join(first, frames), media_type=STREAM_TYPE)
        most = services.queries.engine.settings.max_samples
        answer = await encode_response(services.queries.source, asked, most)
    except GnomonError as error:
        return _refuse(error)
    compressed = bytes(await asyncio.to_thread(cramjam.snappy.compress_raw, answer))
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    return Response(compressed, headers=headers)


@router.get(
    "/federate", summary="Expose the newest samples of series", response_class=Response,
    openapi_extra=describe("match[]"),
)  # fmt: skip
async def get_federation(services: ServicesDep, request: Request) -> Response:
    """Return the newest sample of all selected series in the text format, with their times."""
    parameters = await Parameters.of(request)
    try:
        sets = [parse_selector(text).matchers for text in parameters.all("match[]")]
    except ParseError as error:
        return PlainTextResponse(f"{error}\n", status_code=_BAD_REQUEST)
    utf8_names = "escaping=allow-utf-8" in request.headers.get("accept", "").replace(" ", "")
    lookback_ms = services.queries.engine.settings.lookback_ms
    try:
        text = await federate(
            services.queries.source, sets, time.time_ns() // 1_000_000, lookback_ms, utf8_names=utf8_names
        )
    except GnomonError as error:
        return _refuse(error)
    escaping = "allow-utf-8" if utf8_names else "underscores"
    kind = f"text/plain; version={'1.0.0' if utf8_names else '0.0.4'}; charset=utf-8; escaping={escaping}"
    return Response(text.encode("utf-8", "surrogateescape"), headers={"Content-Type": kind})


def _decompress(body: bytes) -> bytes:
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > _LARGEST_REQUEST:
            raise InvalidInputError("snappy: decoded block is too large")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise InvalidInputError("snappy: corrupt input") from error


async def _join(first: bytes, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for more in frames:
        yield more


def _refuse(error: GnomonError) -> Response:
    if isinstance(error, InvalidInputError):
        status = _BAD_REQUEST
    else:
        status = _UNAVAILABLE if isinstance(error, UnavailableError) else _TOO_MUCH
    return PlainTextResponse(f"{error}\n", status_code=status)
