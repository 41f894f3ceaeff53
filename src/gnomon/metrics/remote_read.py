"""Prometheus' remote read: raw samples of series, in one piece or as a stream of chunks.

https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import numpy as np

from gnomon.metrics.crc32c import crc32c
from gnomon.metrics.histogram_chunks import encode_histogram_chunk
from gnomon.metrics.histogram_wire import encode_histogram
from gnomon.metrics.protobuf_wire import (
    encode_bytes,
    encode_number,
    encode_signed,
    encode_varint,
    read_fields,
    read_varints,
    to_signed,
)
from gnomon.metrics.xor_chunks import encode_chunks
from gnomon.model.errors import InvalidInputError, LimitExceededError
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Floats, Integers, Samples, SeriesSet
from gnomon.promql.source import SeriesSource

STREAM_TYPE = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"

_OPERATORS = (MatchOperator.EQUAL, MatchOperator.NOT_EQUAL, MatchOperator.REGEX, MatchOperator.NOT_REGEX)
_STREAMED = 1
_XOR, _FLOAT_HISTOGRAM = 1, 3
# Small enough for the quick checksum.
_FRAME_BYTES = 60_000
# Series whose samples are read, and held, together.
_SERIES_AT_ONCE = 200
# Nearly all times, from 2004 to 2109, take six bytes.
_SIX_BYTES_MS = (1 << 35, 1 << 42)
_SAMPLE = np.dtype(
    [("field", "u1"), ("size", "u1"), ("value_key", "u1"), ("value", "<f8"), ("time_key", "u1"), ("time", "u1", 6)]
)


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """Series and an interval, both ends included, in Unix milliseconds."""

    matchers: tuple[Matcher, ...]
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a client wants, and whether it can take a stream."""

    queries: tuple[ReadQuery, ...]
    streamed: bool


def decode_request(body: bytes) -> ReadRequest:
    """Return an uncompressed `prometheus.ReadRequest`; raises InvalidInputError."""
    queries: list[ReadQuery] = []
    accepted: list[int] = []
    for field, value in read_fields(body):
        if field == 1:
            queries.append(_decode_query(_message(value)))
        elif field == 2:  # noqa: PLR2004  # accepted_response_types
            accepted += [value] if isinstance(value, int) else read_varints(value)
    # The client's order is that of its preference; without any it knows no streams.
    return ReadRequest(tuple(queries), bool(accepted) and accepted[0] == _STREAMED)


async def read_samples(source: SeriesSource, query: ReadQuery) -> AsyncIterator[tuple[SeriesSet, Samples]]:
    """Yield series with their samples, some hundreds at a time; series without any are among them."""
    series = await source.find_series(query.matchers, query.start_ms - 1, query.end_ms)
    for start in range(0, len(series), _SERIES_AT_ONCE):
        part = series.take(np.arange(start, min(start + _SERIES_AT_ONCE, len(series))))
        yield part, await source.read_samples(part, query.start_ms - 1, query.end_ms)


async def encode_response(source: SeriesSource, request: ReadRequest, max_samples: int) -> bytes:
    """Return a `prometheus.ReadResponse`, not compressed; raises LimitExceededError beyond `max_samples`."""
    results = []
    read = 0
    for query in request.queries:
        rows: list[bytes] = []
        async for series, samples in read_samples(source, query):
            read += len(samples)
            if read > max_samples:
                message = (
                    f"exceeded sample limit ({max_samples:,}): the answer in one piece has more samples than "
                    "query.max_samples allows. Read less at once, or ask for a stream."
                )
                raise LimitExceededError(message, setting="query.max_samples", value=max_samples)
            rows.append(await asyncio.to_thread(_encode_rows, series, samples))
        results.append(encode_bytes(1, b"".join(rows)))
    return b"".join(results)


async def stream_response(source: SeriesSource, request: ReadRequest) -> AsyncIterator[bytes]:
    """Yield the frames of a stream of `prometheus.ChunkedReadResponse`, those of some series at a time.

    A frame is its size (varint), a CRC-32C (big endian) and the message.
    """
    for number, query in enumerate(request.queries):
        async for series, samples in read_samples(source, query):
            yield await asyncio.to_thread(_encode_frames, series, samples, number)


def encode_samples(times_ms: Integers, values: Floats) -> bytes:
    """Return `TimeSeries.samples`; all at once where the times are of our days."""
    if not len(times_ms):
        return b""
    lowest, highest = _SIX_BYTES_MS
    if times_ms[0] < lowest or times_ms[-1] >= highest:
        pairs = zip(times_ms.tolist(), np.ascontiguousarray(values).view(np.uint64).tolist(), strict=True)
        return b"".join(
            encode_bytes(2, b"\x09%b\x10%b" % (bits.to_bytes(8, "little"), encode_signed(time_ms)))
            for time_ms, bits in pairs
        )
    rows = np.empty(len(times_ms), _SAMPLE)
    rows["field"], rows["size"] = 0x12, _SAMPLE.itemsize - 2
    rows["value_key"], rows["time_key"] = 0x09, 0x10
    rows["value"] = values
    for place in range(6):
        rows["time"][:, place] = times_ms >> 7 * place & 0x7F | (0x80 if place < 5 else 0)  # noqa: PLR2004  # the last
    return rows.tobytes()


def _decode_query(message: bytes) -> ReadQuery:
    start_ms = end_ms = 0
    matchers = []
    for field, value in read_fields(message):
        if field == 1 and isinstance(value, int):
            start_ms = to_signed(value)
        elif field == 2 and isinstance(value, int):  # noqa: PLR2004  # end_timestamp_ms
            end_ms = to_signed(value)
        elif field == 3:  # noqa: PLR2004  # matchers
            matchers.append(_decode_matcher(_message(value)))
    return ReadQuery(tuple(matchers), start_ms, end_ms)


def _decode_matcher(message: bytes) -> Matcher:
    kind = 0
    texts = {2: "", 3: ""}
    for field, value in read_fields(message):
        if field == 1 and isinstance(value, int):
            kind = value
        elif field in texts and isinstance(value, bytes):
            texts[field] = value.decode("utf-8", "surrogateescape")
    if kind >= len(_OPERATORS):
        raise InvalidInputError("invalid matcher type")
    return Matcher(texts[2], _OPERATORS[kind], texts[3])


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise InvalidInputError("proto: wrong wireType")
    return value


def _rows(series: SeriesSet, samples: Samples) -> Iterator[tuple[Labels, int, int]]:
    for row, labels in enumerate(series.labels):
        begin, end = int(samples.offsets[row]), int(samples.offsets[row + 1])
        if end > begin:
            yield labels, begin, end


def _encode_rows(series: SeriesSet, samples: Samples) -> bytes:
    return b"".join(encode_bytes(1, row) for row in _encode_series(series, samples))


def _encode_frames(series: SeriesSet, samples: Samples, query: int) -> bytes:
    return b"".join(
        b"%b%b%b" % (encode_varint(len(message)), struct.pack(">I", crc32c(message)), message)
        for labels, begin, end in _rows(series, samples)
        for message in _chunked_messages(labels, _encode_chunks(samples, begin, end), query)
    )


def _encode_series(series: SeriesSet, samples: Samples) -> Iterator[bytes]:
    for labels, begin, end in _rows(series, samples):
        times, values = samples.times_ms[begin:end], samples.values[begin:end]
        if samples.histograms is None:
            yield _encode_labels(labels) + encode_samples(times, values)
            continue
        cells = samples.histograms[begin:end]
        floats = np.array([cell is None for cell in cells], np.bool_)
        held = zip(times[~floats].tolist(), cells[~floats], strict=True)
        histograms = b"".join(encode_bytes(4, encode_histogram(histogram, time_ms)) for time_ms, histogram in held)
        yield _encode_labels(labels) + encode_samples(times[floats], values[floats]) + histograms


def _encode_labels(labels: Labels) -> bytes:
    return b"".join(
        encode_bytes(1, encode_bytes(1, _utf8(name)) + encode_bytes(2, _utf8(value))) for name, value in labels
    )


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _encode_chunks(samples: Samples, begin: int, end: int) -> Iterator[bytes]:
    """Yield `prometheus.Chunk` messages, in order of time; floats and histograms are never in the same one."""
    times, values = samples.times_ms[begin:end], samples.values[begin:end]
    if samples.histograms is None:
        yield from _encode_floats(times, values)
        return
    cells = samples.histograms[begin:end]
    places = [place for place, cell in enumerate(cells) if cell is not None]
    after = 0
    for place in places:
        yield from _encode_floats(times[after:place], values[after:place])
        time_ms = int(times[place])
        yield _chunk(time_ms, time_ms, _FLOAT_HISTOGRAM, encode_histogram_chunk(time_ms, cells[place]))
        after = place + 1
    yield from _encode_floats(times[after:], values[after:])


def _encode_floats(times_ms: Integers, values: Floats) -> Iterator[bytes]:
    for chunk in encode_chunks(times_ms, values):
        yield _chunk(chunk.first_ms, chunk.last_ms, _XOR, chunk.data)


def _chunk(first_ms: int, last_ms: int, encoding: int, data: bytes) -> bytes:
    times = encode_number(1, first_ms) + encode_number(2, last_ms)
    return times + encode_number(3, encoding) + encode_bytes(4, data)


def _chunked_messages(labels: Labels, chunks: Iterator[bytes], query: int) -> Iterator[bytes]:
    head = _encode_labels(labels)
    tail = encode_number(2, query) if query else b""
    parts, size = [head], len(head)
    for chunk in chunks:
        part = encode_bytes(2, chunk)
        if size + len(part) > _FRAME_BYTES and len(parts) > 1:
            yield encode_bytes(1, b"".join(parts)) + tail
            parts, size = [head], len(head)
        parts.append(part)
        size += len(part)
    yield encode_bytes(1, b"".join(parts)) + tail
