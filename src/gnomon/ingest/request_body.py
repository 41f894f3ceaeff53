"""Read request bodies: decompressed, and never larger than the limit, whatever their compression claims."""

import zlib
from collections.abc import Callable, Mapping

import cramjam
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gnomon.ingest.errors import BodyTooLargeError, MalformedRequestError, UnsupportedEncodingError

_FIRST_GUESS_BYTES = 1 << 20
_EXPANSION = 16
# The libraries let other threads run: a large body must not hold up everybody else.
_THREAD_FROM_BYTES = 1 << 17
_SNAPPY, _ZSTD = "snappy", "zstd"
_TOO_SHORT = "it ends too early"
_OVERFLOW = "failed to write whole buffer"


async def read_body(request: Request, limit: int) -> bytes:
    """Return the decompressed body; raises BodyTooLargeError, UnsupportedEncodingError or MalformedRequestError."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLargeError(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLargeError(limit)
        chunks.append(chunk)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    encodings = request.headers.get("content-encoding", "")
    if encodings and len(body) >= _THREAD_FROM_BYTES:
        return await run_in_threadpool(decompress, body, encodings, limit)
    return decompress(body, encodings, limit)


def decompress(body: bytes, encodings: str, limit: int) -> bytes:
    """Return `body` without its content encodings, of which the last was applied last."""
    names = [name.strip().lower() for name in encodings.split(",") if name.strip()]
    for name in reversed(names):
        decoder = _DECODERS.get(name)
        if decoder is None:
            known = ", ".join(sorted(_DECODERS))
            message = f"The Content-Encoding {name!r} is unknown. Send one of {known}."
            raise UnsupportedEncodingError(message)
        body = decoder(body, limit)
    return body


def decompress_snappy(body: bytes, limit: int) -> bytes:
    """Return a raw snappy block's content, as Prometheus and Loki send it."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise BodyTooLargeError(limit)
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise _not_compressed(_SNAPPY, error) from error


def _decompress_gzip(body: bytes, limit: int) -> bytes:
    return _inflate(body, limit, "gzip", 16 + zlib.MAX_WBITS)


def _decompress_deflate(body: bytes, limit: int) -> bytes:
    # "deflate" means zlib's format; some senders leave its two bytes of header out.
    has_header = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflate(body, limit, "deflate", zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _inflate(body: bytes, limit: int, name: str, window_bits: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while body:
        member = zlib.decompressobj(window_bits)
        try:
            part = member.decompress(body, limit + 1 - size)
        except zlib.error as error:
            raise _not_compressed(name, error) from error
        size += len(part)
        if size > limit:
            raise BodyTooLargeError(limit)
        if not member.eof:
            raise _not_compressed(name, _TOO_SHORT)
        parts.append(part)
        body = member.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompress_zstd(body: bytes, limit: int) -> bytes:
    if not body:
        return b""
    room = min(limit, max(_FIRST_GUESS_BYTES, len(body) * _EXPANSION))
    while True:
        buffer = bytearray(room)
        try:
            size = cramjam.zstd.decompress_into(body, buffer)
        except cramjam.DecompressionError as error:
            if _OVERFLOW not in str(error):
                raise _not_compressed(_ZSTD, error) from error
            if room == limit:
                raise BodyTooLargeError(limit) from error
            room = min(limit, room * _EXPANSION)
        else:
            return bytes(memoryview(buffer)[:size])


def _not_compressed(name: str, why: object) -> MalformedRequestError:
    return MalformedRequestError(f"The body cannot be decompressed as {name}: {why}.")


_DECODERS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _decompress_gzip,
    "x-gzip": _decompress_gzip,
    "deflate": _decompress_deflate,
    _ZSTD: _decompress_zstd,
    _SNAPPY: decompress_snappy,
    "identity": lambda body, _limit: body,
}
