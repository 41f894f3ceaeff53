"""The little of protobuf's wire format that remote read needs."""

from collections.abc import Iterator

from gnomon.model.errors import InvalidInputError

_MORE = 0x80
_LONGEST_VARINT = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def encode_varint(number: int) -> bytes:
    """Return a number from 0 to 2^64 - 1 as a varint."""
    out = bytearray()
    while number >= _MORE:
        out.append(number & 0x7F | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode_signed(number: int) -> bytes:
    """Return an int64 as a varint; negative ones take ten bytes."""
    return encode_varint(number & (1 << 64) - 1)


def encode_zigzag(number: int) -> bytes:
    """Return a number as a varint in which small negative numbers are short, too."""
    return encode_varint(number << 1 if number >= 0 else (-number << 1) - 1)


def encode_bytes(field: int, content: bytes) -> bytes:
    """Return a field that holds bytes, a text or a message."""
    return b"%b%b%b" % (encode_varint(field << 3 | _BYTES), encode_varint(len(content)), content)


def encode_number(field: int, number: int) -> bytes:
    """Return a field that holds an int64 or an enumeration's value."""
    return encode_varint(field << 3 | _VARINT) + encode_signed(number)


def read_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field: an integer for numbers, bytes for all else; raises InvalidInputError."""
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            number, position = _read_varint(message, position)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            size, position = _read_varint(message, position)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise InvalidInputError(f"proto: illegal wireType {kind}")
        if position + size > len(message):
            raise InvalidInputError("unexpected EOF")
        yield key >> 3, message[position : position + size]
        position += size


def read_varints(content: bytes) -> Iterator[int]:
    """Yield the numbers of a packed field."""
    position = 0
    while position < len(content):
        number, position = _read_varint(content, position)
        yield number


def to_signed(number: int) -> int:
    """Return the int64 that a varint stands for."""
    return number - (1 << 64) if number >> 63 else number


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if position >= len(message):
            raise InvalidInputError("unexpected EOF")
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if not byte & _MORE:
            return number & (1 << 64) - 1, position
        shift += 7
        if shift >= _LONGEST_VARINT:
            raise InvalidInputError("proto: integer overflow")
