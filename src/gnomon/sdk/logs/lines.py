"""The form of a line: fields in order, under the names that its readers look for, as JSON or for people."""

import datetime as dt
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from gnomon.sdk.logs.settings import Fields

_MANY = 1000


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Name the fields that every line has, or has when they are known."""

    timestamp: str = "timestamp"
    level: str = "level"
    message: str = "message"
    trace_id: str = "trace_id"
    span_id: str = "span_id"
    level_values: Mapping[str, str] | None = None
    trace_prefix: str = ""


NAMES: dict[Fields, FieldNames] = {
    "plain": FieldNames(),
    "ecs": FieldNames("@timestamp", "log.level", "message", "trace.id", "span.id"),
    # https://cloud.google.com/logging/docs/structured-logging
    "stackdriver": FieldNames(
        "time",
        "severity",
        "message",
        "logging.googleapis.com/trace",
        "logging.googleapis.com/spanId",
        {level: level.upper() for level in ("debug", "info", "warning", "error", "critical")},
    ),
}

_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}


class _Seconds:
    """Remember how the current second is written: lines of one second share it."""

    def __init__(self, form: Callable[[int], str]) -> None:
        self._form = form
        self._last = (-1, "")

    def text(self, second: int) -> str:
        last, text = self._last
        if last != second:
            text = self._form(second)
            self._last = (second, text)
        return text


_utc = _Seconds(lambda second: dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S"))
_local = _Seconds(lambda second: time.strftime("%H:%M:%S", time.localtime(second)))


def format_time(time_ns: int) -> str:
    """Return RFC 3339 in UTC, with microseconds."""
    second, rest = divmod(time_ns, 1_000_000_000)
    return f"{_utc.text(second)}.{rest // 1000:06d}Z"


class JsonLines:
    """Write a line as one JSON object."""

    def __init__(self, names: FieldNames) -> None:
        """Take the names of the fields."""
        self._names = names
        self._encode = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_describe
        ).encode
        self._heads: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._own = frozenset({names.timestamp, names.level, names.message})

    def render(self, time_ns: int, level: str, message: str, fields: Mapping[str, Any]) -> str:
        """Return the line without its newline; what JSON cannot say becomes text."""
        try:
            if self._own.isdisjoint(fields):
                return self._join(time_ns, level, message, fields)
            return self._encode(self._line(time_ns, level, message, fields))
        except (ValueError, TypeError, RecursionError):
            return self._encode(make_plain(self._line(time_ns, level, message, fields)))

    def _join(self, time_ns: int, level: str, message: str, fields: Mapping[str, Any]) -> str:
        """Put the line together from pieces, since most values are texts and numbers."""
        head = self._heads.get(level) or self._head(level)
        parts = [f'{{"{self._names.timestamp}":"{format_time(time_ns)}"{head}{encode_basestring(message)}']
        keys = self._keys
        for key, value in fields.items():
            name = keys.get(key) or self._key(key)
            kind = type(value)
            if kind is str:
                parts.append(name + encode_basestring(value))
            elif kind is int:
                parts.append(f"{name}{value}")
            else:
                parts.append(name + self._encode(value))
        parts.append("}")
        return "".join(parts)

    def _line(self, time_ns: int, level: str, message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        names = self._names
        return {
            names.timestamp: format_time(time_ns),
            names.level: self._level(level),
            names.message: message,
            **fields,
        }

    def _level(self, level: str) -> str:
        values = self._names.level_values
        return values.get(level, level) if values else level

    def _head(self, level: str) -> str:
        names = self._names
        head = f',"{names.level}":{self._encode(self._level(level))},"{names.message}":'
        if len(self._heads) < _MANY:
            self._heads[level] = head
        return head

    def _key(self, key: str) -> str:
        if type(key) is not str:
            raise TypeError(f"Field names are texts, not {key!r}.")
        name = f",{self._encode(key)}:"
        if len(self._keys) < _MANY:
            self._keys[key] = name
        return name


class ConsoleLines:
    """Write a line for people: time, level, message, then what is known besides."""

    def __init__(self, *, colours: bool) -> None:
        """Colour for terminals only."""
        self._colours = colours

    def render(self, time_ns: int, level: str, message: str, fields: Mapping[str, Any]) -> str:
        """Return the line without its newline; a stack goes below it."""
        second, rest = divmod(time_ns, 1_000_000_000)
        clock = f"{_local.text(second)}.{rest // 1_000_000:03d}"
        stack = fields.get("stack")
        shown = " ".join(
            f"{self._paint('36', key)}={_quote(value)}"
            for key, value in fields.items()
            if key not in {"stack", "span_id"} and value is not None
        )
        head = f"{self._paint('2', clock)} {self._paint(_COLOURS.get(level, '0'), f'{level:<8}')} {message}"
        text = f"{head}  {shown}" if shown else head
        return f"{text}\n{str(stack).rstrip()}" if stack else text

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def make_plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it: keys as text, NaN and circles by their names."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < 8:  # noqa: PLR2004 - deeper than people nest, shallower than a circle
        if isinstance(value, Mapping):
            return {str(key): make_plain(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [make_plain(inner, depth + 1) for inner in value]
    return _describe(value) if not isinstance(value, Mapping | list | tuple) else "…"


def _describe(value: object) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ of the host's must not cost the line
        return f"<{type(value).__name__}>"


def _quote(value: object) -> str:
    text = value if isinstance(value, str) else str(make_plain(value))
    return repr(text) if any(character in text for character in " \n\t\"'=") else text
