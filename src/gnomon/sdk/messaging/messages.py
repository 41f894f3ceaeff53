"""Messages as every broker carries them: bytes with a key and headers."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self

HeaderValue = Any
"""Text; bytes where they are not UTF-8; on RabbitMQ whatever an AMQP table holds; None where Kafka has no value."""

Headers = tuple[tuple[str, HeaderValue], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """Hold what a producer sent; header names may repeat where the broker allows it."""

    body: bytes
    key: bytes | None = None
    headers: Headers = ()

    def header(self, name: str) -> str | None:
        """Return the last header of that name as text, or None."""
        for key, value in reversed(self.headers):
            if key == name and value is not None:
                return header_text(value)
        return None

    def with_headers(self, added: Iterable[tuple[str, HeaderValue]]) -> Self:
        """Return the message with further headers, those of the same names taken away."""
        new = tuple(added)
        names = {name for name, _ in new}
        return replace(self, headers=(*(pair for pair in self.headers if pair[0] not in names), *new))


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold a message as a broker handed it over; it stays the broker's until it is acknowledged."""

    message: Message
    topic: str
    position: str
    """Where it is in the topic: partition and offset, stream entry, sequence number."""
    attempt: int = 1
    """Which attempt to process it this is; counts deliveries to consumers that died where the broker does."""
    sent_at_s: float | None = None
    """When the broker took it, in Unix seconds; None where the broker does not say."""
    available_at_s: float | None = None
    """When a delayed redelivery was due, in Unix seconds."""
    first_failed_at_s: float | None = None
    lane: str | None = None
    """Messages of one lane are processed one after the other: a partition."""
    receipt: Any = None
    """What the broker's module needs to acknowledge it."""

    @property
    def body(self) -> bytes:
        """Return the bytes that were sent."""
        return self.message.body

    @property
    def key(self) -> bytes | None:
        """Return the key that was sent, if any."""
        return self.message.key

    def header(self, name: str) -> str | None:
        """Return the last header of that name as text, or None."""
        return self.message.header(name)


def header_text(value: HeaderValue) -> str:
    """Return a header's value as text; bytes that are not UTF-8 keep what can be read."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def to_text_or_bytes(value: bytes | None) -> str | bytes | None:
    """Return text where bytes are UTF-8 and come back as the same bytes, else the bytes."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def to_bytes(value: HeaderValue) -> bytes:
    """Return a header's value as bytes for brokers that carry nothing else."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(_to_json(value)).encode()


def dump_headers(headers: Headers) -> str:
    """Return headers as a JSON array of [name, value], from which `load_headers` reads the same back."""
    return json.dumps([[name, _to_json(value)] for name, value in headers], ensure_ascii=False)


def load_headers(text: str) -> Headers:
    """Read what `dump_headers` wrote; a JSON object of names and values is understood as well. Raises ValueError."""
    decoded = json.loads(text)
    pairs = decoded.items() if isinstance(decoded, dict) else decoded
    try:
        return tuple((str(name), _from_json(value)) for name, value in pairs)
    except TypeError as error:
        raise ValueError(f"Headers are {text!r}, neither a JSON object nor a list of [name, value].") from error


def _to_json(value: HeaderValue) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"timestamp": value.timestamp()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, dict):
        return {"table": {str(name): _to_json(member) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return [_to_json(member) for member in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _from_json(value: Any) -> HeaderValue:
    if isinstance(value, list):
        return [_from_json(member) for member in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"base64": str(encoded)}:
            return base64.b64decode(encoded)
        case {"timestamp": int() | float() as seconds}:
            return datetime.fromtimestamp(seconds, tz=UTC)
        case {"decimal": str(number)}:
            return Decimal(number)
        case {"table": dict(members)}:
            return {name: _from_json(member) for name, member in members.items()}
        case _:
            return {name: _from_json(member) for name, member in value.items()}
