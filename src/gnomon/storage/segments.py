"""The form of a segment: length-delimited requests, each with a trailer that the engine passes over.

    ┌────────┬─────────┬────────────────────────────────────────────────────────────┐
    │ length │ request │ field 1000: fingerprint (16) · accepted (8) · checksum (4) │  …
    └────────┴─────────┴────────────────────────────────────────────────────────────┘

The trailer is a field that no request has, so every protobuf reader skips it. It lets a restart find the end of what
was written whole, and recognise a request that is sent again.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

_TRAILER_TAG = b"\xc2\x3e\x1c"  # field 1000, length-delimited, 28 bytes
_MORE = 0x80  # set in a byte of a varint that others follow
_TRAILER = struct.Struct("<16sQI")
_TRAILER_BYTES = len(_TRAILER_TAG) + _TRAILER.size

# The engine's error codes that mean "these bytes are no such message": trying again cannot help.
UNREADABLE_CODES = frozenset({6, 20, 27, 32, 33, 38, 53, 72, 117, 131, 436, 444, 452, 479, 523, 524, 525})


@dataclass(frozen=True, slots=True)
class Frame:
    """One request in a segment: where it ends, what it was recognised by, and when it was accepted (Unix seconds)."""

    start: int
    end: int
    fingerprint: bytes
    accepted_s: int


def encode_frame(body: bytes, fingerprint: bytes, accepted_s: int) -> tuple[bytes, bytes, bytes]:
    """Return length, request and trailer, to be written one after the other; `fingerprint` has 16 bytes."""
    trailer = _TRAILER_TAG + _TRAILER.pack(fingerprint, accepted_s, _checksum(body))
    return _encode_varint(len(body) + _TRAILER_BYTES), body, trailer


def read_frames(data: bytes | memoryview) -> Iterator[Frame]:
    """Yield the whole frames from the start of a segment; stops at the first that is torn or altered."""
    position = 0
    view = memoryview(data)
    while position < len(view):
        length, body_start = _decode_varint(view, position)
        end = body_start + length
        trailer_start = end - _TRAILER_BYTES
        if length < _TRAILER_BYTES or end > len(view):
            return
        if bytes(view[trailer_start : trailer_start + len(_TRAILER_TAG)]) != _TRAILER_TAG:
            return
        fingerprint, accepted_s, checksum = _TRAILER.unpack(view[trailer_start + len(_TRAILER_TAG) : end])
        if _checksum(view[body_start:trailer_start]) != checksum:
            return
        yield Frame(position, end, fingerprint, accepted_s)
        position = end


def repair_segment(path: Path) -> list[Frame]:
    """Return the whole frames of a segment and cut off what a crash left behind them."""
    data = path.read_bytes()
    frames = list(read_frames(data))
    end = frames[-1].end if frames else 0
    if end < len(data):
        with path.open("r+b") as file:
            file.truncate(end)
    return frames


def insert_settings(token: str) -> dict[str, str | int]:
    """Return the settings with which a segment is inserted once, however often it is tried.

    One thread keeps the blocks of a segment the same each time: they are told apart by the token and their number.
    """
    return {
        "insert_deduplication_token": token,
        "insert_deduplicate": 1,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        "format_schema_message_name": "Request",
        "max_threads": 1,
        "max_insert_threads": 1,
        "max_partitions_per_insert_block": 0,
        "input_format_parallel_parsing": 0,
    }


def _checksum(body: bytes | memoryview) -> int:
    """Return the low half of XXH3-64: ten times as quick as CRC-32, and only chance is to be found out."""
    return xxhash.xxh3_64_intdigest(body) & 0xFFFFFFFF


def _encode_varint(number: int) -> bytes:
    out = bytearray()
    while number >= _MORE:
        out.append(number & (_MORE - 1) | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def _decode_varint(view: memoryview, position: int) -> tuple[int, int]:
    number = shift = 0
    while position < len(view):
        byte = view[position]
        position += 1
        number |= (byte & (_MORE - 1)) << shift
        if byte < _MORE:
            return number, position
        shift += 7
    return 0, position
