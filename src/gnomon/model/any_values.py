"""Attribute values as JSON: text, or the raw protobuf of OTLP's nested values, becomes Python again.

Types are the field numbers of OTLP's AnyValue: 1 string, 2 bool, 3 int, 4 double, 5 array, 6 key-value list, 7 bytes;
0 is no value, and 8 is JSON text. As in OTLP/JSON, bytes are shown in base64 and numbers that JSON lacks as "NaN",
"Infinity" and "-Infinity".
"""

import base64
import json
import math
import struct
from collections.abc import Iterator

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]

STRING, BOOL, INT, DOUBLE, ARRAY, KEY_VALUES, BYTES, JSON = range(1, 9)

_MAX_DEPTH = 100
_MAX_VARINT_SHIFT = 63


def decode_attribute(text: str, type_number: int) -> JsonValue:
    """Return the value of an attribute from how queries show it.

    That is hexadecimal for arrays, key-value lists and bytes, and text for everything else.
    What cannot be decoded is returned as the text it is.
    """
    try:
        return _decode_text(text, type_number)
    except (ValueError, struct.error, RecursionError):
        return text


def _decode_text(text: str, type_number: int) -> JsonValue:
    match type_number:
        case 0:
            return None
        case 2:
            return text == "true"
        case 3:
            return int(text)
        case 4:
            return _number(float(text))
        case 5:
            return _decode_array(bytes.fromhex(text), 0)
        case 6:
            return _decode_key_values(bytes.fromhex(text), 0)
        case 7:
            return base64.b64encode(bytes.fromhex(text)).decode()
        case 8:
            decoded: JsonValue = json.loads(text)
            return decoded
        case _:
            return text


def _decode_array(data: bytes, depth: int) -> list[JsonValue]:
    return [_decode_any(_delimited(value), depth) for number, value in _fields(data) if number == 1]


def _decode_key_values(data: bytes, depth: int) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for number, entry in _fields(data):
        if number == 1:
            key, value = _decode_key_value(_delimited(entry), depth)
            found[key] = value
    return found


def _decode_key_value(data: bytes, depth: int) -> tuple[str, JsonValue]:
    key = ""
    value: JsonValue = None
    for number, content in _fields(data):
        if number == 1:
            key = _delimited(content).decode(errors="replace")
        elif number == 2:  # noqa: PLR2004 - field numbers of opentelemetry.proto.common.v1.KeyValue
            value = _decode_any(_delimited(content), depth)
    return key, value


def _decode_any(data: bytes, depth: int) -> JsonValue:
    if depth > _MAX_DEPTH:
        message = f"Values are nested deeper than {_MAX_DEPTH}."
        raise ValueError(message)
    value: JsonValue = None
    for number, content in _fields(data):
        match number, content:
            case 1, bytes():
                value = content.decode(errors="replace")
            case 2, int():
                value = content != 0
            case 3, int():
                value = content - (1 << 64) if content >> 63 else content
            case 4, float():
                value = _number(content)
            case 5, bytes():
                value = _decode_array(content, depth + 1)
            case 6, bytes():
                value = _decode_key_values(content, depth + 1)
            case 7, bytes():
                value = base64.b64encode(content).decode()
            case _:
                pass
    return value


def _number(value: float) -> JsonValue:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _delimited(value: object) -> bytes:
    if not isinstance(value, bytes):
        message = f"Expected bytes, found {value!r}."
        raise ValueError(message)  # noqa: TRY004 - malformed input, caught with the other malformed input
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                number, position = _varint(data, position)
                yield tag >> 3, number
            case 1:
                yield tag >> 3, float(struct.unpack_from("<d", data, position)[0])
                position += 8
            case 2:
                length, position = _varint(data, position)
                end = position + length
                if end > len(data):
                    message = f"A field of {length} bytes does not fit into {len(data) - position}."
                    raise ValueError(message)
                yield tag >> 3, data[position:end]
                position = end
            case 5:
                position += 4
            case other:
                message = f"Wire type {other} is unknown."
                raise ValueError(message)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while position < len(data) and shift <= _MAX_VARINT_SHIFT:
        byte = data[position]
        position += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the continuation bit
            return number & (1 << 64) - 1, position
        shift += 7
    message = "A number does not end."
    raise ValueError(message)
