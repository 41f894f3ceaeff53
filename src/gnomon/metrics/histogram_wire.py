"""Native histograms as `prometheus.Histogram` messages (float form), as remote read sends them."""

import struct
from collections.abc import Iterator

import numpy as np

from gnomon.metrics.protobuf_wire import encode_bytes, encode_number, encode_varint, encode_zigzag
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.native_histograms import NativeHistogram

_FIXED64 = 1


def encode_histogram(histogram: NativeHistogram, time_ms: int) -> bytes:
    """Return the message with its time, in Unix milliseconds."""
    parts = [
        _double(2, histogram.count),
        _double(3, histogram.sum),
        encode_varint(4 << 3) + encode_zigzag(histogram.schema),
        _double(5, histogram.zero_threshold),
        _double(7, histogram.zero_count),
        *_buckets(histogram.negative, spans=8, counts=10),
        *_buckets(histogram.positive, spans=11, counts=13),
        encode_number(14, int(histogram.counter_reset)),
        encode_number(15, time_ms),
    ]
    if histogram.schema == CUSTOM_SCHEMA:
        parts.append(encode_bytes(16, np.asarray(histogram.custom_values, "<f8").tobytes()))
    return b"".join(parts)


def _buckets(buckets: Buckets, *, spans: int, counts: int) -> Iterator[bytes]:
    for offset, length in buckets.to_spans():
        yield encode_bytes(spans, b"\x08" + encode_zigzag(offset) + encode_number(2, length))
    if len(buckets.counts):
        yield encode_bytes(counts, np.asarray(buckets.counts, "<f8").tobytes())


def _double(field: int, value: float) -> bytes:
    return encode_varint(field << 3 | _FIXED64) + struct.pack("<d", value)
