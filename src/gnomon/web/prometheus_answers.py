"""Requests and answers in the terms of Prometheus' HTTP API: parameters, `{"status": …}` envelopes, types of errors."""

import json
import math
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from gnomon.model.errors import (
    GnomonError,
    InvalidInputError,
    LimitExceededError,
    NotFoundError,
    UnavailableError,
)
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms
from gnomon.promql.errors import ExecutionError, ParseError, QueryCancelledError, QueryTimeoutError

# Between these, times can be compared and counted in days without care; whoever means "always" asks for more.
_EARLIEST_MS, _LATEST_MS = 0, 253_402_300_799_000
_ALWAYS = {"-292273086-05-16T16:47:06Z": _EARLIEST_MS, "292277025-08-18T07:12:54.999999999Z": _LATEST_MS}
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_CLIENT_CLOSED_REQUEST = 499
_LARGEST_S = 2**63 / 1e9

_KINDS: tuple[tuple[type[GnomonError], int, str], ...] = (
    (InvalidInputError, HTTPStatus.BAD_REQUEST, "bad_data"),
    (QueryTimeoutError, HTTPStatus.SERVICE_UNAVAILABLE, "timeout"),
    (QueryCancelledError, _CLIENT_CLOSED_REQUEST, "canceled"),
    (ExecutionError, HTTPStatus.UNPROCESSABLE_ENTITY, "execution"),
    (LimitExceededError, HTTPStatus.UNPROCESSABLE_ENTITY, "execution"),
    (NotFoundError, HTTPStatus.NOT_FOUND, "not_found"),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
)


class PrometheusResponse(BaseModel):
    """Wrap an answer as Prometheus does."""

    status: str
    data: Any = None
    errorType: str | None = None  # noqa: N815  # Prometheus' name
    error: str | None = None
    warnings: list[str] | None = None
    infos: list[str] | None = None


class PrometheusRoute(APIRoute):
    """Turn every error that leaves a route into Prometheus' form."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the handler with the translation around it."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except GnomonError as error:
                return refuse(error)

        return answer


class BadParameterError(InvalidInputError):
    """Tell which parameter is wrong, in Prometheus' words."""

    def __init__(self, name: str, reason: object) -> None:
        """Keep the reason."""
        position = reason.position if isinstance(reason, ParseError) else None
        super().__init__(f'invalid parameter "{name}": {reason}', position=position)


class Parameters:
    """Parameters of one request, from its query string and its form; those of the form come first."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take all pairs."""
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    async def of(cls, request: Request) -> "Parameters":
        """Read the parameters of a request."""
        pairs = _parse(request.url.query)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and kind == "application/x-www-form-urlencoded":
            pairs = _parse((await request.body()).decode("utf-8", "surrogateescape")) + pairs
        return cls(pairs)

    def get(self, name: str) -> str:
        """Return the first value of a parameter, or an empty text."""
        return self._values.get(name, [""])[0]

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return self._values.get(name, [])

    def time_ms(self, name: str, default_ms: int | None = None) -> int:
        """Return a time in Unix milliseconds; raises BadParameterError."""
        text = self.get(name)
        if not text and default_ms is not None:
            return default_ms
        try:
            return parse_time_ms(text)
        except InvalidInputError as error:
            reason = error if default_ms is None else f"invalid time value for '{name}': {error}"
            raise BadParameterError(name, reason) from error

    def duration_s(self, name: str, default_s: float | None = None) -> float:
        """Return a duration in seconds; raises BadParameterError."""
        text = self.get(name)
        if not text and default_s is not None:
            return default_s
        try:
            return parse_duration_s(text)
        except InvalidInputError as error:
            raise BadParameterError(name, error) from error

    def limit(self) -> int:
        """Return how many items an answer may have, 0 for any number; raises BadParameterError."""
        text = self.get("limit")
        if not text:
            return 0
        if not re.fullmatch(r"[+-]?\d+", text):
            raise BadParameterError("limit", f'strconv.Atoi: parsing "{text}": invalid syntax')
        limit = int(text)
        if limit < 0:
            raise BadParameterError("limit", "limit must be non-negative")
        return limit

    def number(self, name: str, default: int, message: str) -> int:
        """Return a whole number; raises InvalidInputError with `message`."""
        text = self.get(name)
        if not text:
            return default
        if not re.fullmatch(r"[+-]?\d+", text):
            raise InvalidInputError(message)
        return int(text)


def parse_time_ms(text: str) -> int:
    """Return a time given as Unix seconds or by RFC 3339, in milliseconds; raises InvalidInputError."""
    if text in _ALWAYS:
        return _ALWAYS[text]
    seconds = _to_float(text)
    if seconds is not None and math.isfinite(seconds):
        return max(-_LATEST_MS, min(_LATEST_MS, math.floor(seconds * 1000 + 0.5)))
    if _RFC3339.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text.upper())
        except ValueError:
            pass
        else:
            return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 // 1)
    message = f'cannot parse "{text}" to a valid timestamp'
    raise InvalidInputError(message)


def parse_duration_s(text: str) -> float:
    """Return a duration given in seconds or as `1h30m`; raises InvalidInputError."""
    seconds = _to_float(text)
    if seconds is not None:
        if not abs(seconds) < _LARGEST_S:
            message = f'cannot parse "{text}" to a valid duration. It overflows int64'
            raise InvalidInputError(message)
        return seconds
    try:
        return parse_prometheus_duration_ms(text) / 1000
    except InvalidInputError as error:
        message = f'cannot parse "{text}" to a valid duration'
        raise InvalidInputError(message) from error


def format_time(unix_ns: int) -> str:
    """Return a time by RFC 3339, with as many decimals as it has."""
    seconds, rest = divmod(unix_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    decimals = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{moment}{decimals}Z"


def succeed(data: bytes, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> Response:
    """Answer with data that is JSON already."""
    parts = [b'{"status":"success","data":', data]
    for name, texts in ((b"warnings", warnings), (b"infos", infos)):
        if texts:
            parts.append(b',"%b":%b' % (name, to_json(list(texts))))
    parts.append(b"}")
    return Response(b"".join(parts), media_type="application/json")


def refuse(error: GnomonError) -> Response:
    """Answer with an error, and the status code that Prometheus has for its type."""
    status, kind = next(
        ((status, kind) for known, status, kind in _KINDS if isinstance(error, known)),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
    )
    headers = {}
    if isinstance(error, UnavailableError):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    content = to_json({"status": "error", "errorType": kind, "error": str(error)})
    return Response(content, status_code=int(status), media_type="application/json", headers=headers)


def to_json(value: object) -> bytes:
    """Return JSON; bytes that are no UTF-8 become replacement characters, as in Go."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # The tree of a deeply nested query goes beyond what orjson takes.
        return json.dumps(_replace_surrogates(value), ensure_ascii=False, separators=(",", ":")).encode()


def describe(*names: str) -> dict[str, Any]:
    """Return what the API's description says of parameters."""
    parameters = []
    for name in names:
        schema: dict[str, Any] = {"type": "string"}
        if name.endswith("[]"):
            schema = {"type": "array", "items": schema}
        parameters.append({"name": name, "in": "query", "schema": schema, "description": _DESCRIPTIONS[name]})
    return {"parameters": parameters}


_DESCRIPTIONS = {
    "query": "A PromQL expression.",
    "time": "When to evaluate, as Unix seconds or by RFC 3339; now, if it is left out.",
    "timeout": "Longest time to evaluate, such as 10s.",
    "limit": "Most items; 0 for all.",
    "lookback_delta": "How old the newest sample may be, such as 5m.",
    "stats": "Anything: tell what the query took.",
    "start": "First time, as Unix seconds or by RFC 3339.",
    "end": "Last time, as Unix seconds or by RFC 3339.",
    "step": "Distance of the steps, in seconds or as a duration such as 15s.",
    "match[]": "A selector of series; several mean any of them.",
    "metric": "Only this metric.",
    "limit_per_metric": "Most entries for one metric.",
    "state": "Only targets that are active, or dropped, or any.",
    "scrapePool": "Only targets of this scrape pool.",
    "match_target": "Only targets with these labels, as a selector.",
    "type": "Only rules that alert, or record.",
    "rule_name[]": "Only rules of these names.",
    "rule_group[]": "Only groups of these names.",
    "file[]": "Only groups of these files.",
    "exclude_alerts": "true leaves out the alerts of each rule.",
    "group_limit": "Most groups of one answer.",
    "group_next_token": "Where the answer before left off.",
}


def _parse(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def _to_float(text: str) -> float | None:
    if not text or text.strip() != text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _replace_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_replace_surrogates(key): _replace_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replace_surrogates(item) for item in value]
    return value
