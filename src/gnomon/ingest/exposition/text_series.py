"""The names and labels of a series, as both text formats write them."""

import re

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import normalize_float
from gnomon.model.labels import METRIC_NAME, Labels

_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
# What stands between braces, and a series: with labels, or a bare name and a blank. OpenMetrics has no other blanks.
LABELS = rb'(?:[^"}]|%b)*+' % _QUOTED
SERIES = rb"(?:[a-zA-Z_:][\w:]*+)?+[ \t]*+\{%b\}|[a-zA-Z_:][\w:]*+[ \t]++" % LABELS
OPEN_SERIES = rb"(?:[a-zA-Z_:][\w:]*+)?+\{%b\} |[a-zA-Z_:][\w:]*+ " % LABELS

_HEAD = re.compile(rb"([a-zA-Z_:][\w:]*+)?[ \t]*+(?:\{(.*)\})?[ \t]*+", re.DOTALL)
_LABEL = re.compile(rb"[ \t]*+(?:([a-zA-Z_]\w*+)|(%b))[ \t]*+(?:=[ \t]*+(%b)[ \t]*+)?,?+[ \t]*+" % (_QUOTED, _QUOTED))
_OPEN_LABEL = re.compile(rb"(?:([a-zA-Z_]\w*+)|(%b))(?:=(%b))?,?+" % (_QUOTED, _QUOTED))
# Labels without blanks and escapes, as nearly all are.
_PLAIN_LABELS = re.compile(r'(?:[a-zA-Z_][a-zA-Z0-9_]*="[^"\\]*",)+')
_PLAIN_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)",')
_ESCAPE = re.compile(rb"\\(.)")
_ESCAPED = {b"n": b"\n", b'"': b'"', b"\\": b"\\"}


def parse_series(text: bytes, metric_type: str, *, open_metrics: bool) -> Labels:
    """Return the labels of `name{label="value"}` or `{"name", "label"="value"}`; raises ExpositionError.

    `metric_type` is that of the family under way: the bounds of its buckets and quantiles get one spelling.
    """
    match = _HEAD.fullmatch(text)
    if match is None:
        raise ExpositionError(f"{text!r} is no series")
    name, inner = match.groups()
    pairs = {} if name is None else {METRIC_NAME: name.decode()}
    if inner is not None:
        _read_labels(inner, pairs, open_metrics=open_metrics)
    if not pairs.get(METRIC_NAME):
        raise ExpositionError(f"The series {text!r} has no name")
    bound = _BOUND_LABELS.get(metric_type)
    if bound in pairs:
        pairs[bound] = normalize_float(pairs[bound])
    return Labels.of(pairs)


def parse_labels(inner: bytes) -> Labels:
    """Return the labels between braces, of an exemplar for instance; raises ExpositionError."""
    pairs: dict[str, str] = {}
    _read_labels(inner, pairs, open_metrics=True)
    if METRIC_NAME in pairs:
        raise ExpositionError("an exemplar has no name")
    return Labels.of(pairs)


def unquote(text: bytes) -> str:
    """Return a name, quoted or not, as it is meant; raises ExpositionError."""
    return _unescape(text[1:-1]) if text.startswith(b'"') else _decode(text)


def _read_labels(inner: bytes, pairs: dict[str, str], *, open_metrics: bool) -> None:
    text = _decode(inner if inner.endswith(b",") else inner + b",")
    if _PLAIN_LABELS.fullmatch(text):
        found = _PLAIN_LABEL.findall(text)
        together = pairs | dict(found)
        if len(together) == len(pairs) + len(found) and (METRIC_NAME in pairs or METRIC_NAME not in together):
            pairs.update(together)
            return
    label_line = _OPEN_LABEL if open_metrics else _LABEL
    position, end = 0, len(inner)
    if not open_metrics and not inner.strip(b" \t"):
        return
    while position < end:
        match = label_line.match(inner, position)
        if match is None:
            raise ExpositionError(f'{inner[position:]!r} is no label; write name="value", with commas in between')
        _add_label(match, pairs)
        position = match.end()


def _add_label(match: re.Match[bytes], pairs: dict[str, str]) -> None:
    plain, quoted, value = match.groups()
    if value is None:
        if quoted is None or METRIC_NAME in pairs:
            raise ExpositionError(f"The label {(plain or quoted)!r} has no value")
        pairs[METRIC_NAME] = _unescape(quoted[1:-1])
        return
    label = _decode(plain) if plain is not None else _unescape(quoted[1:-1])
    if label == METRIC_NAME:
        raise ExpositionError('A name stands before the braces, or in quotes behind the first: {"name"}')
    if label in pairs:
        raise ExpositionError(f"The label {label!r} is there twice")
    pairs[label] = _unescape(value[1:-1])


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
