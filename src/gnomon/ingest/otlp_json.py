"""OTLP/JSON to protobuf: ids are hexadecimal there, where protobuf's own JSON would have base64."""

import base64
from collections.abc import Iterator
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from gnomon.ingest.errors import MalformedRequestError

_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
_LEVELS = {
    "traces": (("resourceSpans", "resource_spans"), ("scopeSpans", "scope_spans"), ("spans",)),
    "logs": (("resourceLogs", "resource_logs"), ("scopeLogs", "scope_logs"), ("logRecords", "log_records")),
    "metrics": (("resourceMetrics", "resource_metrics"), ("scopeMetrics", "scope_metrics"), ("metrics",)),
}
_DATA = ("sum", "gauge", "histogram", "exponentialHistogram", "exponential_histogram", "summary")
_EXEMPLARS = (("dataPoints", "data_points"), ("exemplars",))
# What is no hexadecimal number becomes an id of a length that none has, and is rejected like any other wrong id.
_NO_ID = base64.b64encode(b"?").decode()


def json_to_protobuf(body: bytes, request: type[Message], signal: str) -> bytes:
    """Return the protobuf form of an OTLP/JSON request; unknown fields are left out. Raises MalformedRequestError."""
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is no JSON: {error}."
        raise MalformedRequestError(message, position=error.pos) from error
    if not isinstance(tree, dict):
        message = f"The body must be a JSON object, and is {type(tree).__name__}."
        raise MalformedRequestError(message)
    try:
        for item in _items(tree, _LEVELS[signal]):
            _recode_ids(item)
            for link in item.get("links") or ():
                _recode_ids(link)
            for exemplar in _exemplars(item):
                _recode_ids(exemplar)
        parsed = json_format.ParseDict(tree, request(), ignore_unknown_fields=True, max_recursion_depth=100)
        return parsed.SerializeToString()
    except (json_format.ParseError, TypeError, AttributeError, ValueError, RecursionError) as error:
        message = f"The body is no OTLP/JSON request: {error}"
        raise MalformedRequestError(message) from error


def _items(tree: Any, levels: tuple[tuple[str, ...], ...]) -> Iterator[dict[str, Any]]:
    if not levels:
        yield tree
        return
    for name in levels[0]:
        for inner in tree.get(name) or ():
            yield from _items(inner, levels[1:])


def _exemplars(metric: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _DATA:
        data = metric.get(name)
        # A span or a log record has nothing of the kind, but may have anything else by such a name.
        if isinstance(data, dict):
            yield from _items(data, _EXEMPLARS)


def _recode_ids(item: dict[str, Any]) -> None:
    for name in _IDS:
        value = item.get(name)
        if isinstance(value, str) and value:
            try:
                item[name] = base64.b64encode(bytes.fromhex(value)).decode()
            except ValueError:
                item[name] = _NO_ID
