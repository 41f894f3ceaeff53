"""Chunks with one native histogram each, in the encoding of Prometheus' float histogram chunks.

Prometheus puts many into one chunk and writes what changes. One a chunk needs no more than the layout and the numbers
as they are; streams of raw histograms are rare, and their readers unpack either.
"""

import math
import struct

from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.native_histograms import CounterReset, NativeHistogram

# How many bits follow each mark; the mark of the last one has no zero at its end.
_SIZES = (3, 6, 9, 12, 18, 25, 56)
_LONGEST = 64
_THRESHOLD_EXPONENTS = range(-242, 12)
_THRESHOLD_OFFSET = 243
_THRESHOLD_FOLLOWS = 255
_LARGEST_PLAIN_BOUND = 33_554_430
_FLAGS = {CounterReset.UNKNOWN: 0x00, CounterReset.RESET: 0x80, CounterReset.NOT_RESET: 0x40, CounterReset.GAUGE: 0xC0}


class _Bits:
    """Collect bits."""

    def __init__(self) -> None:
        self._stream = 0
        self._count = 0

    def add(self, value: int, size: int) -> None:
        self._stream = self._stream << size | value & (1 << size) - 1
        self._count += size

    def add_float(self, value: float) -> None:
        self.add(int.from_bytes(struct.pack(">d", value), "big"), _LONGEST)

    def add_int(self, value: int) -> None:
        """Add a number of any sign in as few bits as it takes."""
        sizes = (size for size in _SIZES if -((1 << size - 1) - 1) <= value <= 1 << size - 1)
        self._add_marked(value, next(sizes, _LONGEST))

    def add_uint(self, value: int) -> None:
        """Add a number that is not negative."""
        self._add_marked(value, next((size for size in _SIZES if value < 1 << size), _LONGEST))

    def to_bytes(self) -> bytes:
        padding = -self._count % 8
        return (self._stream << padding).to_bytes((self._count + padding) // 8, "big")

    def _add_marked(self, value: int, size: int) -> None:
        if value == 0:
            self.add(0, 1)
            return
        ones = _SIZES.index(size) + 1 if size != _LONGEST else len(_SIZES) + 1
        if size == _LONGEST:
            self.add((1 << ones) - 1, ones)
        else:
            self.add((1 << ones) - 1 << 1, ones + 1)
        self.add(value, size)


def encode_histogram_chunk(time_ms: int, histogram: NativeHistogram) -> bytes:
    """Return a chunk with one sample, its time in Unix milliseconds."""
    bits = _Bits()
    bits.add(1, 16)
    bits.add(_FLAGS[histogram.counter_reset], 8)
    _add_threshold(bits, histogram.zero_threshold)
    bits.add_int(histogram.schema)
    _add_spans(bits, histogram.positive)
    _add_spans(bits, histogram.negative)
    if histogram.schema == CUSTOM_SCHEMA:
        bits.add_uint(len(histogram.custom_values))
        for bound in histogram.custom_values:
            _add_bound(bits, bound)
    bits.add_int(time_ms)
    numbers = (histogram.count, histogram.zero_count, histogram.sum)
    for number in (*numbers, *histogram.positive.counts.tolist(), *histogram.negative.counts.tolist()):
        bits.add_float(number)
    return bits.to_bytes()


def _add_threshold(bits: _Bits, threshold: float) -> None:
    fraction, exponent = math.frexp(threshold)
    if threshold == 0:
        bits.add(0, 8)
    elif fraction == 0.5 and exponent in _THRESHOLD_EXPONENTS:  # noqa: PLR2004  # a power of two
        bits.add(exponent + _THRESHOLD_OFFSET, 8)
    else:
        bits.add(_THRESHOLD_FOLLOWS, 8)
        bits.add_float(threshold)


def _add_spans(bits: _Bits, buckets: Buckets) -> None:
    spans = buckets.to_spans()
    bits.add_uint(len(spans))
    for offset, length in spans:
        bits.add_uint(length)
        bits.add_int(offset)


def _add_bound(bits: _Bits, bound: float) -> None:
    thousandths = bound * 1000
    if 0 <= thousandths <= _LARGEST_PLAIN_BOUND and thousandths.is_integer():
        bits.add_uint(int(thousandths) + 1)
    else:
        bits.add(0, 1)
        bits.add_float(bound)
