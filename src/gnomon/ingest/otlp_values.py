"""Attribute values as text, as OpenTelemetry's Collector and Prometheus' receiver write them into labels."""

import base64
import json
import math
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

_PLAIN_FROM, _PLAIN_BELOW = 1e-6, 1e21
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def format_value(value: AnyValue) -> str:
    """Return the text of an attribute value: strings as they are, arrays and maps as JSON, bytes in base64."""
    kind = value.WhichOneof("value")
    match kind:
        case "string_value":
            return value.string_value
        case "array_value" | "kvlist_value":
            return _to_json(value)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case None:
            return ""
        case _:
            return _format_scalar(getattr(value, kind))


def _format_scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_float(value) if isinstance(value, float) else str(value)


def format_float(value: float) -> str:
    """Return a float as Go's JSON writes it: plain digits, or an exponent for the very small and very large."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return format_plain(value)
    mantissa, _, exponent = repr(value).partition("e")
    power = int(exponent)
    return f"{mantissa.removesuffix('.0')}e{'-' if power < 0 else '+'}{abs(power):02d}".replace("e-0", "e-")


def format_plain(value: float) -> str:
    """Return a float in its shortest form without an exponent."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" not in text:
        return text.removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.removeprefix("-").partition(".")
    digits, point = whole + fraction, len(whole) + int(exponent)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    digits = digits.ljust(point, "0")
    fraction = digits[point:].rstrip("0")
    return f"{sign}{digits[:point]}{'.' + fraction if fraction else ''}"


def _to_json(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "array_value":
            return f"[{','.join(map(_to_json, value.array_value.values))}]"
        case "kvlist_value":
            pairs = sorted({pair.key: _to_json(pair.value) for pair in value.kvlist_value.values}.items())
            return f"{{{','.join(f'{_quote(key)}:{text}' for key, text in pairs)}}}"
        case "string_value":
            return _quote(value.string_value)
        case "bytes_value":
            return _quote(base64.b64encode(value.bytes_value).decode())
        case None:
            return "null"
        case _:
            return format_value(value)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPES)
