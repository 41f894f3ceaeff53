"""Chunks in Gorilla's encoding, read back bit by bit."""

import math
import struct

import numpy as np
import pytest

from gnomon.metrics.histogram_chunks import encode_histogram_chunk
from gnomon.metrics.xor_chunks import SAMPLES_PER_CHUNK, encode_chunks
from gnomon.model.histogram_buckets import Buckets
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import STALE


class Bits:
    """Read bits."""

    def __init__(self, data: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.place = 0

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        text = self.text[self.place : self.place + count]
        assert len(text) == count
        self.place += count
        return int(text, 2) if count else 0

    def ones(self, most: int) -> int:
        """Return how many ones come before the next zero, which is taken, too."""
        count = 0
        while count < most and self.take(1):
            count += 1
        return count

    def varint(self) -> int:
        """Return an unsigned varint."""
        number = shift = 0
        while True:
            byte = self.take(8)
            number |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return number

    def signed(self, size: int) -> int:
        """Return a number of two's complement; its highest pattern stands for the positive one, as in Prometheus."""
        number = self.take(size)
        return number - (1 << size) if number > 1 << size - 1 else number

    def float(self) -> int:
        """Return the bits of a float."""
        return self.take(64)


def decode(data: bytes) -> list[tuple[int, int]]:
    """Return times and the bits of values."""
    bits = Bits(data)
    count = bits.take(16)
    zigzag = bits.varint()
    time, value = (zigzag >> 1) ^ -(zigzag & 1), bits.float()
    found = [(time, value)]
    delta = leading = trailing = 0
    for number in range(1, count):
        if number == 1:
            delta = bits.varint()
        else:
            size = (0, 14, 17, 20, 64)[bits.ones(4)]
            delta += bits.signed(size) if size else 0
        time += delta
        if bits.take(1):
            if bits.take(1):
                leading, size = bits.take(5), bits.take(6) or 64
                trailing = 64 - leading - size
            value ^= bits.take(64 - leading - trailing) << trailing
        found.append((time, value))
    assert len(bits.text) - bits.place < 8
    return found


def as_bits(value: float) -> int:
    """Return the bits of a float."""
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ([1_000], [1.5]),
        ([-5, 7], [0.0, -0.0]),
        ([0, 15_000, 30_000, 45_000], [1.0, 1.0, 2.0, 3.0]),
        ([0, 1, 8_194, 8_195, 90_000, 700_000, 10**12], [math.nan, STALE, math.inf, -math.inf, 5e-324, 1e300, 0.1]),
        ([0, 10, 8_212, 16_414 + 8_192], [1.0, 12.0, 12.5, 24.0]),
    ],
)
def test_samples_come_back_bit_by_bit(times: list[int], values: list[float]) -> None:
    """Regular and odd times, equal values, every kind of NaN."""
    (chunk,) = encode_chunks(np.array(times), np.array(values))
    assert decode(chunk.data) == [(time, as_bits(value)) for time, value in zip(times, values, strict=True)]
    assert (chunk.first_ms, chunk.last_ms) == (times[0], times[-1])


def test_random_samples_are_cut_into_chunks() -> None:
    """A chunk has 120 samples; nothing is lost between them."""
    choice = np.random.default_rng(7)
    times = np.cumsum(choice.integers(1, 40_000, 1_000)) + 1_790_000_000_000
    values = np.where(choice.random(1_000) < 0.5, choice.integers(0, 99, 1_000), choice.normal(size=1_000))
    chunks = list(encode_chunks(times, values))
    assert [chunk.data[:2] for chunk in chunks[:-1]] == [SAMPLES_PER_CHUNK.to_bytes(2, "big")] * 8
    found = [sample for chunk in chunks for sample in decode(chunk.data)]
    assert found == [(time, as_bits(value)) for time, value in zip(times.tolist(), values.tolist(), strict=True)]


def test_counters_take_little_more_than_two_bytes() -> None:
    """Regular scrapes of a counter compress to a seventh."""
    times = np.arange(1_200) * 15_000 + 1_790_000_000_000
    values = np.cumsum(np.random.default_rng(1).integers(0, 9, 1_200)).astype(np.float64)
    assert sum(len(chunk.data) for chunk in encode_chunks(times, values)) < 2.2 * len(times)


def test_a_histogram_chunk_begins_with_count_and_flags() -> None:
    """One sample; a gauge is marked as such. What a Prometheus makes of the rest is tested with a real one."""
    histogram = NativeHistogram(
        3, 2.0, 1.0, 2.0**-128, positive=Buckets(np.array([0]), np.array([2.0])), counter_reset=CounterReset.GAUGE
    )
    data = encode_histogram_chunk(1_000, histogram)
    assert data[:3] == b"\x00\x01\xc0"
    # 2^-128 is 0.5 * 2^-127: its exponent fits into one byte.
    assert data[3] == 243 - 127
