"""The functions that Prometheus adds to Go's templates: `{{ $value | humanize }}` and the like."""

import ipaddress
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_plus

import re2

from gnomon.alerting.rule_results import Result
from gnomon.alerting.template_parser import TemplateError
from gnomon.alerting.template_values import Record, printf
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms

_LARGE, _SMALL = "kMGTPEZY", "munpfazy"
_THOUSAND, _KIBI = 1000, 1024
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_LARGEST_NS = float(2**63)


def make_sample(result: Result) -> Record:
    """Return a query's result as templates see it."""
    return Record({"Labels": result.labels.to_dict(), "Value": result.value})


def _labels_of(sample: Record) -> Mapping[str, str]:
    labels: Mapping[str, str] = sample.fields["Labels"]
    return labels


def _first(samples: list[Record]) -> Record:
    if not samples:
        raise TemplateError("error calling first: first() called on vector with no elements")
    return samples[0]


def _sort_by_label(name: str, samples: list[Record]) -> list[Record]:
    return sorted(samples, key=lambda sample: _labels_of(sample).get(name, ""))


def _to_float(value: Any) -> float:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError as error:
            raise TemplateError(f'strconv.ParseFloat: parsing "{value}": invalid syntax') from error
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise TemplateError(f"can't convert {type(value).__name__} to float")


def _humanize(given: Any) -> str:
    value = _to_float(given)
    if value == 0 or not math.isfinite(value):
        return printf("%.4g", value)
    prefix = ""
    if abs(value) >= 1:
        for candidate in _LARGE:
            if abs(value) < _THOUSAND:
                break
            prefix, value = candidate, value / _THOUSAND
    else:
        for candidate in _SMALL:
            if abs(value) >= 1:
                break
            prefix, value = candidate, value * _THOUSAND
    return printf("%.4g%s", value, prefix)


def _humanize_1024(given: Any) -> str:
    value = _to_float(given)
    prefix = ""
    if abs(value) > 1 and math.isfinite(value):
        for candidate in "kMGTPEZY":
            if abs(value) < _KIBI:
                break
            prefix, value = f"{candidate}i", value / _KIBI
    return printf("%.4g%s", value, prefix)


def _humanize_duration(given: Any) -> str:
    value = _to_float(given)
    if not math.isfinite(value):
        return printf("%.4g", value)
    if value == 0:
        return printf("%.4gs", value)
    if abs(value) < 1:
        prefix = ""
        for candidate in _SMALL:
            if abs(value) >= 1:
                break
            prefix, value = candidate, value * _THOUSAND
        return printf("%.4g%ss", value, prefix)
    sign, seconds = ("-" if value < 0 else ""), abs(value)
    whole = int(seconds)
    days, hours, minutes = whole // _DAY, whole // _HOUR % 24, whole // _MINUTE % 60
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {whole % _MINUTE}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {whole % _MINUTE}s"
    if minutes:
        return f"{sign}{minutes}m {whole % _MINUTE}s"
    return printf("%s%.4gs", sign, seconds)


def _humanize_percentage(given: Any) -> str:
    return printf("%.4g%%", _to_float(given) * 100)


def _humanize_timestamp(given: Any) -> str:
    value = _to_float(given)
    if not math.isfinite(value):
        return printf("%.4g", value)
    return str(_to_time(value))


class _Time(datetime):
    """A time that prints as Go's does."""

    def __str__(self) -> str:
        fraction = f".{self.microsecond:06d}".rstrip("0") if self.microsecond else ""
        return f"{self:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def _to_time(given: Any) -> _Time:
    value = _to_float(given)
    if not math.isfinite(value):
        raise TemplateError("value is NaN or Inf")
    if abs(value * 1e9) > _LARGEST_NS:
        raise TemplateError(f"{value} cannot be represented as a nanoseconds timestamp since it overflows int64")
    return _Time.fromtimestamp(math.floor(value * 1000) / 1000, UTC)


class _Span(timedelta):
    """A duration that prints as Go's does."""

    def __str__(self) -> str:
        seconds = self.total_seconds()
        whole, sign = abs(seconds), "-" if seconds < 0 else ""
        hours, rest = divmod(whole, _HOUR)
        minutes, rest = divmod(rest, _MINUTE)
        if hours:
            return f"{sign}{hours:.0f}h{minutes:.0f}m{rest:g}s"
        return f"{sign}{minutes:.0f}m{rest:g}s" if minutes else f"{sign}{rest:g}s"


def _parse_duration(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_prometheus_duration_ms(text.removeprefix("-")) / 1000


def _split_port(address: str) -> tuple[str, str] | None:
    """Return host and port, None when it is not both."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], port
    if not colon or ":" in host or "[" in address:
        return None
    return host, port


def _strip_port(address: str) -> str:
    parts = _split_port(address)
    return address if parts is None else parts[0]


def _strip_domain(address: str) -> str:
    host, port = _split_port(address) or (address, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        short = host.partition(".")[0]
        return f"{short}:{port}" if port else short
    return address


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    compiled = re2.compile(pattern)

    def expand(found: Any) -> str:
        return _expand_groups(replacement, found)

    return str(compiled.sub(expand, text))


def _expand_groups(replacement: str, found: Any) -> str:
    """Fill in $1, ${1} and ${name} as Go does; what is not there is empty."""
    out, position = "", 0
    for reference in _REFERENCE.finditer(replacement):
        out += replacement[position : reference.start()]
        position = reference.end()
        if reference[0] == "$$":
            out += "$"
            continue
        name = reference[1] or reference[2]
        try:
            out += found.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError):
            continue
    return out + replacement[position:]


_REFERENCE = re2.compile(r"\$\$|\$\{(\w+)\}|\$(\w+)")


def _matches(pattern: str, text: str) -> bool:
    return re2.compile(pattern).search(text) is not None


def _title(text: str) -> str:
    """Return words with their first letter in upper case, the rest as it is."""
    return "".join(
        character.upper() if not place or not (text[place - 1].isalnum() or text[place - 1] in "'_") else character
        for place, character in enumerate(text)
    )


def _link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(expression)}&g0.tab={tab}"


FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "args": lambda *values: {f"arg{place}": value for place, value in enumerate(values)},
        "first": _first,
        "graphLink": lambda expression: _link(expression, 0),
        "humanize": _humanize,
        "humanize1024": _humanize_1024,
        "humanizeDuration": _humanize_duration,
        "humanizePercentage": _humanize_percentage,
        "humanizeTimestamp": _humanize_timestamp,
        "label": lambda name, sample: _labels_of(sample).get(name, ""),
        "match": _matches,
        "parseDuration": _parse_duration,
        "reReplaceAll": _replace_all,
        "safeHtml": lambda text: text,
        "sortByLabel": _sort_by_label,
        "stripDomain": _strip_domain,
        "stripPort": _strip_port,
        "strvalue": lambda sample: _labels_of(sample).get("__value__", ""),
        "tableLink": lambda expression: _link(expression, 1),
        "title": _title,
        "toDuration": lambda value: _Span(seconds=_to_float(value)),
        "toLower": lambda text: text.lower(),
        "toTime": _to_time,
        "toUpper": lambda text: text.upper(),
        "urlQueryEscape": quote_plus,
        "value": lambda sample: sample.fields["Value"],
    }
)
