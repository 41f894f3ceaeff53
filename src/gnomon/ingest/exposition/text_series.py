"""The names and labels of a series, as both text formats write them."""

import re

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import normalize_float
from gnomon.model.labels import METRIC_NAME, Labels

_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
# What stands between braces, and a series: with labels, or a bare name and a blank.
LABELS = rb'(?:[^"}]|%b)*+' % _QUOTED
SERIES = rb"(?:[a-zA-Z_:][\w:]*+)?+[ \t]*+\{%b\}|[a-zA-Z_:][\w:]*+[ \t]++" % LABELS

_HEAD = re.compile(rb"([a-zA-Z_:][\w:]*+)?[ \t]*+(?:\{(.*)\})?[ \t]*+", re.DOTALL)
_LABEL = re.compile(rb"[ \t]*+(?:([a-zA-Z_]\w*+)|(%b))[ \t]*+(?:=[ \t]*+(%b)[ \t]*+)?(,|$)" % (_QUOTED, _QUOTED))
# Labels without blanks and escapes, as nearly all are.
_PLAIN_LABELS = re.compile(r'(?:[a-zA-Z_][a-zA-Z0-9_]*="[^"\\]*",)+')
_PLAIN_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)",')
_ESCAPE = re.compile(rb"\\(.)")
_ESCAPED = {b"n": b"\n", b'"': b'"', b"\\": b"\\"}


def parse_series(text: bytes, metric_type: str) -> Labels:
    """Return the labels of `name{label="value"}` or `{"name", "label"="value"}`; raises ExpositionError.

    `metric_type` is that of the family under way: the bounds of its buckets and quantiles get one spelling.
    """
    match = _HEAD.fullmatch(text)
    if match is None:
        raise ExpositionError(f"{text!r} is no series")
    name, inner = match.groups()
    pairs = {} if name is None else {METRIC_NAME: name.decode()}
    if inner is not None:
        _read_labels(inner, pairs, named=name is not None)
    if not pairs.get(METRIC_NAME):
        raise ExpositionError(f"The series {text!r} has no name")
    bound = _BOUND_LABELS.get(metric_type)
    if bound in pairs:
        pairs[bound] = normalize_float(pairs[bound])
    return Labels.of(pairs)


def parse_labels(inner: bytes) -> Labels:
    """Return the labels between braces, of an exemplar for instance; raises ExpositionError."""
    pairs: dict[str, str] = {}
    _read_labels(inner, pairs, named=True)
    return Labels.of(pairs)


def unquote(text: bytes) -> str:
    """Return a name, quoted or not, as it is meant; raises ExpositionError."""
    return _unescape(text[1:-1]) if text.startswith(b'"') else _decode(text)


def _read_labels(inner: bytes, pairs: dict[str, str], *, named: bool) -> None:
    text = _decode(inner if inner.endswith(b",") else inner + b",")
    if _PLAIN_LABELS.fullmatch(text):
        found = _PLAIN_LABEL.findall(text)
        together = pairs | dict(found)
        if len(together) == len(pairs) + len(found):
            pairs.update(together)
            return
    position, end = 0, len(inner)
    while position < end:
        if not inner[position:].strip(b" \t"):
            return
        match = _LABEL.match(inner, position)
        if match is None:
            raise ExpositionError(f'{inner[position:]!r} is no label; write name="value", with commas in between')
        plain, quoted, value, _comma = match.groups()
        if value is None:
            if quoted is None or named:
                raise ExpositionError(f"The label {(plain or quoted)!r} has no value")
            label, text, named = METRIC_NAME, _unescape(quoted[1:-1]), True
        else:
            label = _decode(plain) if plain is not None else _unescape(quoted[1:-1])
            text = _unescape(value[1:-1])
        if label in pairs:
            raise ExpositionError(f"The label {label!r} is there twice")
        pairs[label] = text
        position = match.end()


def _unescape(text: bytes) -> str:
    if b"\\" in text:
        text = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[0]), text)
    return _decode(text)


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise ExpositionError(f"{text!r} is not UTF-8") from error


_BOUND_LABELS = {"histogram": "le", "summary": "quantile"}
