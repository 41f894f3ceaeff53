"""Chunks of samples in Gorilla's encoding, as Prometheus stores and streams them.

The first sample stands whole. Times are the difference between differences, in 1 to 68 bits; a value is what it has not
in common with the one before (exclusive or), without the zeros around: `0` for the same value, `11`, the number of
leading zeros (5 bits), of bits (6), and the bits; or `10` and the bits within the window of the last one that had one.

The last form makes a value depend on all before it. It saves little and is left out, so that all samples of a series
can be encoded side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnomon.metrics.protobuf_wire import encode_varint, encode_zigzag
from gnomon.model.series import Floats, Integers

SAMPLES_PER_CHUNK = 120

_Words = NDArray[np.uint64]

_MOST_LEADING = 31
_WORD = 64
_HALF_WORD = 32
_CHANGE_HEAD_BITS = 13
# How many bits a difference of differences takes, the bits in front that say so, and how many these are.
_TIME_SIZES = ((14, 0b10, 2), (17, 0b110, 3), (20, 0b1110, 4), (_WORD, 0b1111, 4))


@dataclass(frozen=True, slots=True)
class XorChunk:
    """At most 120 samples; times are Unix milliseconds."""

    first_ms: int
    last_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class _Field:
    """Some bits of each sample; none where `sizes` is 0."""

    values: _Words
    sizes: Integers


def encode_chunks(times_ms: Integers, values: Floats) -> Iterator[XorChunk]:
    """Yield the samples of one series, which are in order of time."""
    count = len(times_ms)
    if not count:
        return
    bits = np.ascontiguousarray(values, np.float64).view(np.uint64)
    places = np.arange(count) % SAMPLES_PER_CHUNK
    streams = _pack(_join((*_encode_times(times_ms, places), *_encode_changes(bits, places))), count)
    for number, stream in enumerate(streams):
        start = number * SAMPLES_PER_CHUNK
        times = times_ms[start : start + SAMPLES_PER_CHUNK]
        first_ms = int(times[0])
        head = len(times).to_bytes(2, "big") + encode_zigzag(first_ms) + int(bits[start]).to_bytes(8, "big")
        second = encode_varint(int(times[1]) - first_ms) if len(times) > 1 else b""
        yield XorChunk(first_ms, int(times[-1]), head + second + stream)


def _encode_times(times_ms: Integers, places: Integers) -> tuple[_Field, _Field]:
    """Return marks and jumps; the first two samples of a chunk have their times in its head."""
    deltas = np.diff(times_ms, prepend=times_ms[:1])
    jumps = np.diff(deltas, prepend=deltas[:1])
    marks = np.zeros(len(jumps), np.uint64)
    mark_sizes = np.ones(len(jumps), np.int64)
    sizes = np.zeros(len(jumps), np.int64)
    left = jumps != 0
    for size, mark, mark_size in _TIME_SIZES:
        if not left.any():
            break
        fits = left
        if size < _WORD:
            fits = left & (jumps >= -((1 << size - 1) - 1)) & (jumps <= 1 << size - 1)
        marks[fits], mark_sizes[fits], sizes[fits] = mark, mark_size, size
        left = left & ~fits
    in_head = places < 2  # noqa: PLR2004  # the first two
    mark_sizes[in_head] = sizes[in_head] = 0
    return _Field(marks, mark_sizes), _Field(_lowest(jumps.astype(np.uint64), sizes), sizes)


def _encode_changes(bits: _Words, places: Integers) -> tuple[_Field, _Field]:
    """Return the heads and the bits of what changes; the first sample of a chunk has its value in its head."""
    changes = np.zeros(len(bits), np.uint64)
    changes[1:] = bits[1:] ^ bits[:-1]
    first = places == 0
    changes[first] = 0
    changed = changes != 0
    leading = np.minimum(_WORD - _bit_length(changes), _MOST_LEADING)
    trailing = np.maximum(_bit_length(changes & (~changes + np.uint64(1))) - 1, 0)
    sizes = np.where(changed, _WORD - leading - trailing, 0)
    # 64 bits do not fit into 6; 0 stands for them, as a change has one bit at least.
    heads = np.where(changed, 0b11 << 11 | leading << 6 | sizes & 63, 0).astype(np.uint64)
    head_sizes = np.where(changed, _CHANGE_HEAD_BITS, 1)
    head_sizes[first] = 0
    return _Field(heads, head_sizes), _Field(changes >> trailing.astype(np.uint64), sizes)


def _join(fields: tuple[_Field, ...]) -> tuple[_Field, ...]:
    """Put fields that stand side by side into one, where all of it fits into a word."""
    joined = [fields[0]]
    for field in fields[1:]:
        before = joined[-1]
        sizes = before.sizes + field.sizes
        if sizes.max() > _WORD:
            joined.append(field)
            continue
        # What is moved out by all 64 bits was empty.
        moved = np.where(before.sizes > 0, before.values << _shift(np.minimum(field.sizes, _WORD - 1)), np.uint64(0))
        joined[-1] = _Field(moved | field.values, sizes)
    return tuple(joined)


def _pack(fields: tuple[_Field, ...], count: int) -> Iterator[bytes]:
    """Yield each chunk's bits, filled up to whole bytes."""
    sizes = np.stack([field.sizes for field in fields], axis=1)
    values = np.stack([field.values for field in fields], axis=1).ravel()
    starts = np.arange(0, count, SAMPLES_PER_CHUNK)
    chunk_bits = np.add.reduceat(sizes.sum(axis=1), starts)
    # Each chunk begins with a word of its own.
    chunk_words = (chunk_bits + _WORD - 1) // _WORD
    begins = np.concatenate(([0], np.cumsum(chunk_words))) * _WORD
    flat = sizes.ravel()
    ends = np.cumsum(flat)
    before_chunk = np.concatenate(([0], np.cumsum(chunk_bits)))[:-1]
    per_chunk = np.diff(np.append(starts, count)) * sizes.shape[1]
    positions = ends - flat + np.repeat(begins[:-1] - before_chunk, per_chunk)
    words = np.zeros(int(begins[-1]) // _WORD + 1, np.uint64)
    filled = flat > 0
    _put(words, values[filled], flat[filled], positions[filled])
    text = words.astype(">u8").tobytes()
    for begin, size in zip(begins.tolist(), chunk_bits.tolist(), strict=False):
        yield text[begin // 8 : begin // 8 + (size + 7) // 8]


def _put(words: _Words, values: _Words, sizes: Integers, positions: Integers) -> None:
    """Write values of so many bits at places that ascend and do not overlap."""
    if not len(values):
        return
    targets = positions // _WORD
    room = _WORD - positions % _WORD - sizes
    fits = room >= 0
    here = np.where(fits, values << _shift(np.where(fits, room, 0)), values >> _shift(np.where(fits, 0, -room)))
    starts = np.concatenate(([0], np.flatnonzero(np.diff(targets)) + 1))
    words[targets[starts]] |= np.bitwise_or.reduceat(here, starts)
    spilling = ~fits
    # At most one value leaves a word, so no two arrive in the next one.
    words[targets[spilling] + 1] |= values[spilling] << _shift(_WORD + room[spilling])


def _shift(counts: Integers) -> _Words:
    return counts.astype(np.uint64)


def _lowest(values: _Words, sizes: Integers) -> _Words:
    """Return so many of the lowest bits of each value."""
    some = (sizes > 0) & (sizes < _WORD)
    masks = np.where(some, (np.uint64(1) << _shift(np.where(some, sizes, 0))) - np.uint64(1), ~np.uint64(0))
    return np.where(sizes > 0, values & masks, np.uint64(0))


def _bit_length(values: _Words) -> Integers:
    """Return the place of the highest bit of each, counted from 1; 0 for 0."""
    high = (values >> np.uint64(_HALF_WORD)).astype(np.float64)
    low = (values & np.uint64((1 << _HALF_WORD) - 1)).astype(np.float64)
    lengths = np.where(high > 0, np.frexp(high)[1] + _HALF_WORD, np.frexp(low)[1])
    return lengths.astype(np.int64)
