"""The lines of both text formats, read one by one: Prometheus' own and OpenMetrics."""

import math
import re
from dataclasses import dataclass

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import parse_float
from gnomon.ingest.exposition.samples import Exemplar
from gnomon.ingest.exposition.text_series import LABELS, OPEN_SERIES, SERIES, parse_labels, unquote

BLANKS = b" \t"

_TEXT_SAMPLE = re.compile(rb"(%b)[ \t]*+([^{ \t]++)(?:[ \t]++(\d++))?" % SERIES)
_OPEN_SAMPLE = re.compile(rb"(%b)([^{ ]++)(?: ([^ #][^ ]*+))?(?: # (\{%b\} .*))?" % (OPEN_SERIES, LABELS), re.DOTALL)
_EXEMPLAR = re.compile(rb"\{(%b)\} ([^ ]++)(?: ([^ ]++))?" % LABELS)
_COMMENT = re.compile(
    rb'#[ \t]++(HELP|TYPE|UNIT)[ \t]++("(?:[^"\\]|\\.)*+"|[a-zA-Z_:][\w:]*+)(?:[ \t](.*))?', re.DOTALL
)
_ESCAPE = re.compile(r"\\(.)")
_TEXT_ESCAPES = {"n": "\n", "\\": "\\"}
_OPEN_ESCAPES = {**_TEXT_ESCAPES, '"': '"'}
_TYPES = {name: name for name in ("counter", "gauge", "histogram", "summary")}
_TEXT_TYPES = {**_TYPES, "untyped": "unknown"}
_OPEN_TYPES = {**_TYPES, **{name: name for name in ("gaugehistogram", "info", "stateset", "unknown")}}


@dataclass(frozen=True, slots=True)
class SampleLine:
    """A line cut into what it says; texts are as written."""

    series: bytes
    value: bytes
    time_ms: int | None = None
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class CommentLine:
    """A line that says something about a family: `field` is `type`, `help` or `unit`."""

    name: str
    field: str
    text: str


def parse_sample_line(line: bytes, *, open_metrics: bool) -> SampleLine:
    """Return what a line says; raises ExpositionError."""
    match = (_OPEN_SAMPLE if open_metrics else _TEXT_SAMPLE).fullmatch(line)
    if match is None:
        raise ExpositionError("this is no sample")
    series, value, time = match[1], match[2], match[3]
    if not open_metrics:
        return SampleLine(series.rstrip(BLANKS), value, None if time is None else int(time))
    exemplar = None if match[4] is None else parse_exemplar(match[4])
    return SampleLine(series.rstrip(BLANKS), value, None if time is None else parse_time_ms(time, True), exemplar)


def parse_exemplar(text: bytes) -> Exemplar:
    """Return what stands behind `# ` in an OpenMetrics sample; raises ExpositionError."""
    match = _EXEMPLAR.fullmatch(text)
    if match is None:
        raise ExpositionError(f"{text!r} is no exemplar")
    inner, value, time = match.groups()
    number = parse_float(value)
    return Exemplar(parse_labels(inner), number, None if time is None else parse_time_ms(time, True))


def parse_time_ms(text: bytes, open_metrics: bool) -> int:  # noqa: FBT001 - the format
    """Return a time in milliseconds: OpenMetrics writes seconds, Prometheus milliseconds; raises ExpositionError."""
    if not open_metrics:
        if not text.isdigit():
            raise ExpositionError(f"{text!r} is no time in milliseconds")
        return int(text)
    seconds = parse_float(text)
    if not math.isfinite(seconds):
        raise ExpositionError(f"{text!r} is no time in seconds")
    return int(seconds * 1000)


def parse_comment(line: bytes, *, open_metrics: bool) -> CommentLine | None:
    """Return what a comment says about a family, or None where it is for people only; raises ExpositionError."""
    match = _COMMENT.fullmatch(line)
    if match is None or (match[1] == b"UNIT" and not open_metrics) or (match[3] is None and open_metrics):
        if open_metrics:
            raise ExpositionError("this is no comment that OpenMetrics knows: HELP, TYPE, UNIT or EOF")
        return None
    field, name = match[1].decode().lower(), unquote(match[2])
    try:
        text = (match[3] or b"").decode()
    except UnicodeDecodeError as error:
        raise ExpositionError(f"{match[3]!r} is not UTF-8") from error
    match field:
        case "type":
            text = _metric_type(text, open_metrics=open_metrics)
        case "help":
            escapes = _OPEN_ESCAPES if open_metrics else _TEXT_ESCAPES
            text = _ESCAPE.sub(lambda found: escapes.get(found[1], found[0]), text)
        case _:
            if text and not name.endswith(f"_{text}"):
                raise ExpositionError(f"the unit {text!r} is no suffix of {name!r}")
    return CommentLine(name, field, text)


def _metric_type(text: str, *, open_metrics: bool) -> str:
    known = _OPEN_TYPES if open_metrics else _TEXT_TYPES
    metric_type = known.get(text)
    if metric_type is None:
        raise ExpositionError(f"{text!r} is no type of metric; there are {', '.join(known)}")
    return metric_type
