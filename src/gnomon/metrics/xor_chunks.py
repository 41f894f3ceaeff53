"""Chunks of samples in Gorilla's encoding, as Prometheus stores and streams them.

The first sample stands whole. Times are the difference between differences, in 1 to 68 bits; a value is what it has not
in common with the one before (exclusive or), without the zeros around: `0` for the same value, `10` and the bits within
the window of the last one that had a window, or `11`, the number of leading zeros (5 bits), of bits (6), and the bits.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnomon.metrics.protobuf_wire import encode_varint, encode_zigzag
from gnomon.model.series import Floats, Integers

SAMPLES_PER_CHUNK = 120

_MOST_LEADING = 31
_WORD = 64
# How many bits a difference of differences takes, and the bits in front that say so.
_TIME_SIZES = ((14, 0b10, 2), (17, 0b110, 3), (20, 0b1110, 4))
_LONGEST_TIME = (64, 0b1111, 4)


@dataclass(frozen=True, slots=True)
class XorChunk:
    """At most 120 samples; times are Unix milliseconds."""

    first_ms: int
    last_ms: int
    data: bytes


def encode_chunks(times_ms: Integers, values: Floats) -> Iterator[XorChunk]:
    """Yield the samples of one series, which are in order of time."""
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    for start in range(0, len(times_ms), SAMPLES_PER_CHUNK):
        part = slice(start, start + SAMPLES_PER_CHUNK)
        times = times_ms[part]
        yield XorChunk(int(times[0]), int(times[-1]), _encode(times, bits[part]))


def _encode(times_ms: Integers, bits: NDArray[np.uint64]) -> bytes:
    times: list[int] = times_ms.tolist()
    head = len(times).to_bytes(2, "big") + encode_zigzag(times[0]) + int(bits[0]).to_bytes(8, "big")
    if len(times) == 1:
        return head
    deltas = [after - before for before, after in itertools.pairwise(times)]
    head += encode_varint(deltas[0])
    stream = count = 0
    leading, trailing = _WORD, 0
    jumps = [0, *(after - before for before, after in itertools.pairwise(deltas))]
    changes: list[int] = (bits[1:] ^ bits[:-1]).tolist()
    for place, (jump, change) in enumerate(zip(jumps, changes, strict=True)):
        if jump:
            size, mark, mark_bits = _size_of(jump)
            stream = (stream << mark_bits | mark) << size | jump & (1 << size) - 1
            count += mark_bits + size
        elif place:
            stream <<= 1
            count += 1
        if not change:
            stream <<= 1
            count += 1
            continue
        zeros_before = min(_WORD - change.bit_length(), _MOST_LEADING)
        zeros_after = (change & -change).bit_length() - 1
        if zeros_before >= leading and zeros_after >= trailing:
            size = _WORD - leading - trailing
            stream = (stream << 2 | 0b10) << size | change >> trailing
            count += 2 + size
            continue
        leading, trailing = zeros_before, zeros_after
        size = _WORD - leading - trailing
        # 64 bits do not fit into 6; 0 stands for them, as a change has one bit at least.
        stream = (stream << 13 | 0b11 << 11 | leading << 6 | size & 63) << size | change >> trailing
        count += 13 + size
    padding = -count % 8
    return head + (stream << padding).to_bytes((count + padding) // 8, "big")


def _size_of(jump: int) -> tuple[int, int, int]:
    for size, mark, mark_bits in _TIME_SIZES:
        if -((1 << size - 1) - 1) <= jump <= 1 << size - 1:
            return size, mark, mark_bits
    return _LONGEST_TIME
