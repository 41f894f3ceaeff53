"""Spans and log records as OTLP protobuf, written byte by byte.

An ended span becomes bytes at once, in some microseconds: what waits to be sent is exactly as large as it looks, holds
no object of the host alive, and costs the sending thread nothing but a join. Source: opentelemetry-proto's trace/v1 and
logs/v1.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, StatusCode

from gnomon.sdk.export import LoggedRecord

_KINDS = {kind: bytes((0x30, kind.value + 1)) for kind in SpanKind}
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200
# Span's fields 7 and 8, start and end; 16, flags. LogRecord's 1 and 11; 8.
_TIMES = struct.Struct("<BQBQ").pack
_FLAGS = struct.Struct("<BBI").pack
_TIME = struct.Struct("<BQ").pack
_FLAGS_BYTE = struct.Struct("<BI").pack
_DOUBLE = struct.Struct("<d").pack

_MANY = 4096
_SHORT = 128
_MASK_64 = (1 << 64) - 1
_MAX_DEPTH = 16

_limit = [32 * 1024]
_pairs: dict[bytes, dict[type, dict[tuple[str, Any], bytes]]] = {}
_texts: dict[str, bytes] = {}


def limit_text(length: int) -> None:
    """Cut longer texts off, from now on."""
    _limit[0] = length
    _pairs.clear()


def varint(number: int) -> bytes:
    """Encode an unsigned number, or a signed one in two's complement of 64 bits."""
    number &= _MASK_64
    if number < 0x80:  # noqa: PLR2004 - seven bits a byte
        return bytes((number,))
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(tag: bytes, payload: bytes) -> bytes:
    """Encode a length-delimited field; `tag` is number << 3 | 2."""
    length = len(payload)
    return tag + (bytes((length,)) if length < 0x80 else varint(length)) + payload  # noqa: PLR2004


def text(tag: bytes, value: str) -> bytes:
    """Encode a string field; halves of surrogate pairs become question marks."""
    return field(tag, value.encode("utf-8", "replace"))


def any_value(value: Any, depth: int = 0) -> bytes:
    """Encode an AnyValue: what is no attribute value by OpenTelemetry's rules becomes its text."""
    if isinstance(value, str):
        return text(b"\x0a", value if len(value) <= _limit[0] else value[: _limit[0]])
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, int):
        return b"\x18" + varint(value) if -(1 << 63) <= value < 1 << 63 else text(b"\x0a", str(value))
    if isinstance(value, float):
        return b"\x21" + _DOUBLE(value)
    if value is None:
        return b""
    if isinstance(value, bytes):
        return field(b"\x3a", value)
    if depth < _MAX_DEPTH:
        if isinstance(value, Mapping):
            pairs = [field(b"\x0a", _pair(str(key), inner, depth + 1)) for key, inner in value.items()]
            return field(b"\x32", b"".join(pairs))
        if isinstance(value, Sequence):
            return field(b"\x2a", b"".join(field(b"\x0a", any_value(inner, depth + 1)) for inner in value))
    return text(b"\x0a", str(value))


def _pair(key: str, value: Any, depth: int = 0) -> bytes:
    return text(b"\x0a", key) + field(b"\x12", any_value(value, depth))


def key_values(tag: bytes, attributes: Mapping[str, Any]) -> bytes:
    """Encode attributes, each as a KeyValue field under `tag`; pairs that come again are looked up."""
    known = _pairs.get(tag)
    if known is None:
        # By kind, since 1 and True are one key.
        known = _pairs[tag] = {str: {}, int: {}, bool: {}}
    parts: list[bytes] = []
    # A tuple, so that another thread's attribute does not end the loop.
    for pair in tuple(attributes.items()):
        alike = known.get(type(pair[1]))
        encoded = None if alike is None else alike.get(pair)
        if encoded is None:
            encoded = field(tag, _pair(*pair))
            if alike is not None and len(encoded) <= _SHORT:
                if len(alike) >= _MANY:
                    alike.clear()
                alike[pair] = encoded
        parts.append(encoded)
    return b"".join(parts)


def _name(value: str) -> bytes:
    encoded = _texts.get(value)
    if encoded is None:
        encoded = text(b"", value)
        if len(_texts) >= _MANY:
            _texts.clear()
        _texts[value] = encoded
    return encoded


def span(ended: ReadableSpan) -> bytes:
    """Encode an ended span as a `spans` field of ScopeSpans.

    Reads the fields behind the public properties: those copy under locks, and cost a microsecond each.
    """
    context, parent, status = ended._context, ended._parent, ended._status  # noqa: SLF001 - as said
    trace_id, span_id, _remote, flags, state, _valid = context  # type: ignore[misc]
    flags = int(flags) | _HAS_IS_REMOTE
    parts = [b"\x0a\x10", trace_id.to_bytes(16, "big"), b"\x12\x08", span_id.to_bytes(8, "big")]
    if state:
        parts.append(text(b"\x1a", state.to_header()))
    if parent is not None:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8, "big"))
        if parent.is_remote:
            flags |= _IS_REMOTE
    parts += (
        b"\x2a",
        _name(ended._name),  # noqa: SLF001 - as said
        _KINDS[ended._kind],  # noqa: SLF001 - as said
        _TIMES(0x39, ended._start_time or 0, 0x41, ended._end_time or 0),  # noqa: SLF001 - as said
    )
    held = ended._attributes  # noqa: SLF001 - as said
    if held:
        inner = getattr(held, "_dict", held)
        parts.append(key_values(b"\x4a", inner if isinstance(inner, dict) else held))
    dropped = ended.dropped_attributes
    if dropped:
        parts += (b"\x50", varint(dropped))
    if ended._events or ended._links:  # noqa: SLF001 - as said
        parts += _events_and_links(ended)
    code = status._status_code  # noqa: SLF001 - as said
    if code is not StatusCode.UNSET:
        described = text(b"\x12", status.description) if status.description else b""
        parts.append(field(b"\x7a", described + b"\x18" + bytes((code.value,))))
    parts.append(_FLAGS(0x85, 0x01, flags))
    return field(b"\x12", b"".join(parts))


def _events_and_links(ended: ReadableSpan) -> list[bytes]:
    parts = [_event(event) for event in ended.events]
    if ended.dropped_events:
        parts += (b"\x60", varint(ended.dropped_events))
    parts += [_link(link) for link in ended.links]
    if ended.dropped_links:
        parts += (b"\x70", varint(ended.dropped_links))
    return parts


def _event(event: Any) -> bytes:
    parts = [_TIME(0x09, event.timestamp), b"\x12", _name(event.name), key_values(b"\x1a", event.attributes or {})]
    if event.dropped_attributes:
        parts += (b"\x20", varint(event.dropped_attributes))
    return field(b"\x5a", b"".join(parts))


def _link(link: Any) -> bytes:
    context = link.context
    flags = int(context.trace_flags) | _HAS_IS_REMOTE | (_IS_REMOTE if context.is_remote else 0)
    parts = [b"\x0a\x10", context.trace_id.to_bytes(16, "big"), b"\x12\x08", context.span_id.to_bytes(8, "big")]
    if context.trace_state:
        parts.append(text(b"\x1a", context.trace_state.to_header()))
    parts.append(key_values(b"\x22", link.attributes or {}))
    if link.dropped_attributes:
        parts += (b"\x28", varint(link.dropped_attributes))
    parts.append(_FLAGS_BYTE(0x35, flags))
    return field(b"\x6a", b"".join(parts))


def log_record(record: LoggedRecord) -> bytes:
    """Encode a log record or event as a `log_records` field of ScopeLogs."""
    parts = [_TIME(0x09, record.time_ns)]
    if record.severity:
        parts += (b"\x10", bytes((record.severity,)))
    if record.severity_text:
        parts += (b"\x1a", _name(record.severity_text))
    if record.body is not None:
        parts.append(field(b"\x2a", any_value(record.body)))
    if record.attributes:
        parts.append(key_values(b"\x32", record.attributes))
    if record.trace_id:
        parts += (
            _FLAGS_BYTE(0x45, record.flags),
            b"\x4a\x10",
            record.trace_id.to_bytes(16, "big"),
            b"\x52\x08",
            record.span_id.to_bytes(8, "big"),
        )
    parts.append(_TIME(0x59, record.observed_ns))
    if record.event_name:
        parts += (b"\x62", _name(record.event_name))
    return field(b"\x12", b"".join(parts))


def request(
    resource: Mapping[str, Any],
    items: Sequence[tuple[InstrumentationScope | None, bytes | bytearray]],
    schema_url: str = "",
) -> bytes:
    """Encode an export request of one resource: of spans or of log records, whose envelopes have the same numbers."""
    by_scope: dict[InstrumentationScope | None, list[bytes | bytearray]] = {}
    for scope, payload in items:
        by_scope.setdefault(scope, []).append(payload)
    parts = [field(b"\x0a", key_values(b"\x0a", resource))]
    for scope, payloads in by_scope.items():
        described = b""
        if scope is not None:
            described = text(b"\x0a", scope.name) + (text(b"\x12", scope.version) if scope.version else b"")
            described = field(b"\x0a", described + key_values(b"\x1a", scope.attributes or {}))
        inner = [described, *payloads]
        if scope is not None and scope.schema_url:
            inner.append(text(b"\x1a", scope.schema_url))
        parts.append(field(b"\x12", b"".join(inner)))
    if schema_url:
        parts.append(text(b"\x1a", schema_url))
    return field(b"\x0a", b"".join(parts))
