"""Series as Prometheus' tests write them: `up{job="x"} 0+1x5 _ stale {{schema:0 count:3 buckets:[1 2]}}`.

See "Series" in Prometheus' documentation of unit tests for rules.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gnomon.model.float_text import format_general
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, NO_BUCKETS, Buckets
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.native_histograms import CounterReset, IncompatibleBucketsError, NativeHistogram
from gnomon.model.series import STALE
from gnomon.promql.errors import ParseError
from gnomon.promql.lexer import parse_duration_ms, parse_number, unquote

START_TIMESTAMPS = "@st"

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`')
_SPACE = re.compile(r"\s*")
_NUMBER = r"(?:(?:\d+(?:ms|[smhdwy]))+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF]|[nN][aA][nN])"
_SIGNED = rf"[+-]?{_NUMBER}"
_HISTOGRAM = r"\{\{.*?\}\}"
_ITEM = re.compile(
    rf"(?:(?P<blank>_)|(?P<stale>stale)|(?P<value>{_SIGNED})(?P<step>[+-]{_NUMBER})?"
    rf"|(?P<histogram>{_HISTOGRAM})(?:(?P<sign>[+-])(?P<increment>{_HISTOGRAM}))?)"
    r"(?:x(?P<times>\d+))?(?=\s|$)"
)
_FIELD = re.compile(rf"(\w+):(?:\[\s*((?:{_SIGNED}(?:\s+|(?=\])))*)\]|(\S+))(?:\s+|$)")
_HINTS = {
    "unknown": CounterReset.UNKNOWN,
    "reset": CounterReset.RESET,
    "not_reset": CounterReset.NOT_RESET,
    "gauge": CounterReset.GAUGE,
}
_NUMBERS = frozenset({"sum", "count", "z_bucket", "z_bucket_w"})
_INTEGERS = frozenset({"schema", "offset", "n_offset"})
_LISTS = frozenset({"buckets", "n_buckets", "custom_values"})


@dataclass(frozen=True, slots=True)
class NotedValue:
    """One value; `value` is None where there is none. `hint_given` tells that a histogram's reset hint is written."""

    value: float | NativeHistogram | None
    hint_given: bool = False


@dataclass(frozen=True, slots=True)
class NotedSeries:
    """A series and its values; `start_timestamps` tells that they are those (`@st`) of the series that follows."""

    labels: Labels
    values: tuple[NotedValue, ...]
    start_timestamps: bool = False


def parse_series(text: str) -> NotedSeries:
    """Return a series with its values; raises ParseError."""
    labels, position = _parse_metric(text, 0)
    starts = text.startswith(START_TIMESTAMPS, position)
    if starts:
        position += len(START_TIMESTAMPS)
    if position < len(text) and not text[position].isspace():
        raise ParseError(f"unexpected {text[position:].split(maxsplit=1)[0]!r} in series values", text, position)
    return NotedSeries(labels, tuple(parse_values(text, position)), starts)


def parse_metric(text: str) -> Labels:
    """Return labels written as `name{label="value"}`; raises ParseError."""
    labels, position = _parse_metric(text, 0)
    if text[position:].strip():
        raise ParseError(f"unexpected {text[position:].strip()!r}", text, position)
    return labels


def parse_values(text: str, position: int = 0) -> Iterator[NotedValue]:
    """Yield the values from a position on; raises ParseError."""
    while (position := _skip(text, position)) < len(text):
        item = _ITEM.match(text, position)
        if item is None:
            raise ParseError(f"unexpected {text[position:].split(maxsplit=1)[0]!r} in series values", text, position)
        yield from _expand(item, text)
        position = item.end()


def format_histogram(histogram: NativeHistogram) -> str:
    """Return a histogram in the notation, compacted to one run of buckets a side: `{{schema:1 count:3 …}}`."""
    parts = [
        f"{key}:{format_general(value)}"
        for key, value in (
            ("schema", histogram.schema),
            ("count", histogram.count),
            ("sum", histogram.sum),
            ("z_bucket", histogram.zero_count),
            ("z_bucket_w", histogram.zero_threshold),
        )
        if value != 0
    ]
    if histogram.custom:
        parts.append(f"custom_values:[{_join(histogram.custom_values)}]")
    if histogram.counter_reset is not CounterReset.UNKNOWN:
        parts.append(f"counter_reset_hint:{histogram.counter_reset.name.lower()}")
    for key, buckets in (("", histogram.positive.compact()), ("n_", histogram.negative.compact())):
        if len(buckets):
            first, last = int(buckets.indices[0]), int(buckets.indices[-1])
            if first:
                parts.append(f"{key}offset:{first}")
            counts = buckets.at(np.arange(first, last + 1, dtype=np.int64))
            parts.append(f"{key}buckets:[{_join(counts.tolist())}]")
    return "{{" + " ".join(parts) + "}}"


def _join(values: "tuple[float, ...] | list[float]") -> str:
    return " ".join(map(format_general, values))


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _parse_metric(text: str, position: int) -> tuple[Labels, int]:
    position = _skip(text, position)
    pairs: dict[str, str] = {}
    name = _NAME.match(text, position)
    if name:
        pairs[METRIC_NAME] = name[0]
        position = name.end()
    if not text.startswith("{", position):
        if not name:
            raise ParseError("a series begins with a metric name or {", text, position)
        return Labels.of(pairs), position
    position = _skip(text, position + 1)
    while not text.startswith("}", position):
        position = _parse_pair(text, position, pairs)
    return Labels.of(pairs), position + 1


def _parse_pair(text: str, position: int, pairs: dict[str, str]) -> int:
    key, position = _parse_key(text, position)
    position = _skip(text, position)
    if text.startswith("=", position):
        value = _STRING.match(text, _skip(text, position + 1))
        if value is None:
            raise ParseError("expected a quoted label value", text, position)
        pairs[key] = unquote(value[0], text, value.start())
        position = _skip(text, value.end())
    else:
        pairs[METRIC_NAME] = key
    if text.startswith(",", position):
        return _skip(text, position + 1)
    if not text.startswith("}", position):
        raise ParseError('expected "," or "}" after a label', text, position)
    return position


def _parse_key(text: str, position: int) -> tuple[str, int]:
    quoted = _STRING.match(text, position)
    if quoted:
        return unquote(quoted[0], text, position), quoted.end()
    plain = _NAME.match(text, position)
    if plain is None:
        raise ParseError("expected a label name", text, position)
    return plain[0], plain.end()


def _expand(item: re.Match[str], text: str) -> Iterator[NotedValue]:
    times = None if item["times"] is None else int(item["times"])
    if item["blank"]:
        yield from [NotedValue(None)] * (1 if times is None else times)
        return
    count = 1 if times is None else times + 1
    if item["histogram"]:
        yield from _expand_histogram(item, text, count)
        return
    value = STALE if item["stale"] else _number(item["value"])
    step = _number(item["step"]) if item["step"] else 0.0
    for _ in range(count):
        yield NotedValue(value)
        if step:
            value += step


def _expand_histogram(item: re.Match[str], text: str, count: int) -> Iterator[NotedValue]:
    histogram, hint_given = _parse_histogram(item["histogram"], text, item.start("histogram"))
    if not item["increment"]:
        yield from [NotedValue(histogram, hint_given)] * count
        return
    increment, hint_given = _parse_histogram(item["increment"], text, item.start("increment"))
    for number in range(count):
        if number:
            if histogram.schema > increment.schema:
                schemas = f"{increment.schema} to {histogram.schema}"
                raise ParseError(f"error combining histograms: cannot merge from schema {schemas}", text, item.start())
            try:
                combine = histogram.add if item["sign"] == "+" else histogram.subtract
                histogram = combine(increment).histogram
            except IncompatibleBucketsError as error:
                raise ParseError(str(error), text, item.start()) from error
        yield NotedValue(histogram, hint_given)


def _number(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    plain = text.lstrip("+-")
    duration_ms = parse_duration_ms(plain) if plain[-1].isalpha() and plain[0].isdigit() else None
    return sign * (duration_ms / 1000 if duration_ms is not None else parse_number(plain))


def _parse_histogram(token: str, text: str, start: int) -> tuple[NativeHistogram, bool]:
    """Return a histogram, and whether its reset hint is written."""
    inner, position = token[2:-2].strip(), 0
    numbers: dict[str, float] = {}
    lists: dict[str, list[float]] = {}
    hint: CounterReset | None = None
    while position < len(inner):
        entry = _FIELD.match(inner, position)
        key = entry[1] if entry else ""
        if entry is None or (entry[3] is None) != (key in _LISTS):
            message = "bad histogram descriptor found: expected a key, e.g. buckets:[5 10 7]"
            raise ParseError(message, text, start)
        if key in _LISTS:
            lists[key] = [_number(part) for part in entry[2].split()]
        elif key in _NUMBERS | _INTEGERS and re.fullmatch(_SIGNED, entry[3]):
            numbers[key] = _number(entry[3])
        elif key == "counter_reset_hint" and entry[3] in _HINTS:
            hint = _HINTS[entry[3]]
        else:
            raise ParseError(f"bad histogram descriptor found: {entry[0].strip()!r}", text, start)
        position = entry.end()
    schema = int(numbers.get("schema", 0))
    return NativeHistogram(
        schema,
        numbers.get("count", 0.0),
        numbers.get("sum", 0.0),
        numbers.get("z_bucket_w", 0.0),
        numbers.get("z_bucket", 0.0),
        _buckets(lists.get("buckets"), int(numbers.get("offset", 0))),
        _buckets(lists.get("n_buckets"), int(numbers.get("n_offset", 0))),
        tuple(lists.get("custom_values", ())) if schema == CUSTOM_SCHEMA else (),
        hint or CounterReset.UNKNOWN,
    ), hint is not None


def _buckets(counts: list[float] | None, offset: int) -> Buckets:
    if not counts:
        return NO_BUCKETS
    return Buckets(np.arange(offset, offset + len(counts), dtype=np.int64), np.array(counts))
