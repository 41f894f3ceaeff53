"""Check remote write 2.0 requests: all series as arrays side by side, since their symbols differ with each request.

A series in the usual form is

    0a 14 ······ │ 12 10 09 ········ 10 ······ [18 ······] │ 2a 06 08 · 18 ·· 20 ··
    references   │ a sample [with its start]               │ metadata

The bytes of all series lie in one array, and each step looks at one place of every series at once. What has another
form, or is not valid, is parsed and checked one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from numpy.typing import NDArray

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.histogram_messages import HISTOGRAM_FIELDS, SPAN_FIELDS, make_usual
from gnomon.ingest.messages import define_message
from gnomon.ingest.remote_write_validation import (
    MAX_AHEAD_MS,
    Tally,
    as_usual,
    drop_odd_starts,
    find_histogram_fault,
    find_sample_fault,
    is_valid_exemplar,
    keep_valid,
)
from gnomon.ingest.request_shapes import RequestShape
from gnomon.ingest.series_labels import BytesPair, find_label_fault, is_text, show_labels
from gnomon.ingest.write_request import encode_part
from gnomon.lifecycle import Clock
from gnomon.model.series import Integers, Mask

_MESSAGES = {
    "TimeSeries": {
        "labels_refs": (1, "uint32*"),
        "samples": (2, "Sample*"),
        "histograms": (3, "Histogram*"),
        "exemplars": (4, "Exemplar*"),
        "metadata": (5, "Metadata"),
        "created_timestamp": (6, "int64"),
    },
    "Sample": {"value": (1, "double"), "timestamp": (2, "int64"), "start_timestamp": (3, "int64")},
    "Exemplar": {"labels_refs": (1, "uint32*"), "value": (2, "double"), "timestamp": (3, "int64")},
    "Metadata": {"type": (1, "int64"), "help_ref": (3, "uint32"), "unit_ref": (4, "uint32")},
    "Histogram": HISTOGRAM_FIELDS,
    "BucketSpan": SPAN_FIELDS,
}
_REQUEST_FIELDS = {"symbols": (4, "bytes*"), "timeseries": (5, "TimeSeries*")}
_SHAPE = RequestShape(define_message("Request", {"Request": _REQUEST_FIELDS, **_MESSAGES}))
_Parts = define_message("RequestParts", {"RequestParts": {"symbols": (4, "bytes*"), "timeseries": (5, "bytes*")}})
_Series = define_message("TimeSeries", _MESSAGES)

# The tags of fields as they stand on the wire.
_REFERENCES, _SAMPLE, _METADATA = 0x0A, 0x12, 0x2A
_VALUE, _TIME, _START = 0x09, 0x10, 0x18
_TYPE, _HELP, _UNIT = 0x08, 0x18, 0x20
_NAME = b"__name__"
_MORE = 0x80
_TIME_BYTES = 6
_MAX_VARINT = 3
_LAST_METADATA_TYPE = 7
_PADDING = bytes(32)

_Bytes = NDArray[np.uint8]


class WriteRequestV2Checker:
    """Check requests of remote write 2.0."""

    def __init__(self, clock: Clock) -> None:
        """Refuse samples that are more than ten minutes ahead of `clock`, as Prometheus does."""
        self._clock = clock

    def check(self, body: bytes) -> Checked:
        """Check a Request; single series and samples that are not valid are left out.

        Raises MalformedRequestError when it is none.
        """
        try:
            request = _Parts.FromString(body)
        except DecodeError as error:
            message = (
                f"The body is no io.prometheus.write.v2.Request: {error}. Is it compressed with snappy's block format?"
            )
            raise MalformedRequestError(message) from error
        series: list[bytes] = request.timeseries[:]
        symbols = _Symbols.of(request.symbols[:])
        latest_ms = self._clock.now_ns() // 1_000_000 + MAX_AHEAD_MS
        plain = _are_plain(series, symbols, latest_ms)
        tally = Tally()
        count = int(np.count_nonzero(plain))
        tally.counts.update(series=count, samples=count)
        if count == len(series) and not len(UnknownFieldSet(request)):
            return tally.checked(body)
        _SHAPE.check(body)
        kept: list[bytes] = []
        altered = False
        for raw, is_plain in zip(series, plain.tolist(), strict=True):
            checked = raw if is_plain else _check_one(raw, symbols, latest_ms, tally)
            altered = altered or not checked or checked is not raw
            if checked:
                kept.append(checked)
        if not altered:
            return tally.checked(body)
        parts = [encode_part(4, symbol) for symbol in symbols.texts]
        parts += [encode_part(5, raw) for raw in kept]
        return tally.checked(b"".join(parts))


@dataclass(frozen=True, slots=True)
class _Symbols:
    """The texts of a request, and which of them are UTF-8 and not empty."""

    texts: list[bytes]
    sound: Mask

    @classmethod
    def of(cls, texts: list[bytes]) -> "_Symbols":
        sound = np.fromiter(map(len, texts), np.int64, len(texts)) > 0
        try:
            b"\0".join(texts).decode()
        except UnicodeDecodeError:
            sound &= np.fromiter(map(is_text, texts), np.bool_, len(texts))
        return cls(texts, sound)

    def ranks(self, references: Integers) -> Integers:
        """Return for each text that is referred to its place in the alphabet; equal texts have equal ranks."""
        used = np.flatnonzero(np.bincount(references, minlength=len(self.texts))).tolist()
        alphabet = {text: place for place, text in enumerate(sorted({self.texts[place] for place in used}))}
        ranks = np.full(len(self.texts), -1)
        ranks[used] = [alphabet[self.texts[place]] for place in used]
        return ranks


def _are_plain(series: Sequence[bytes], symbols: _Symbols, latest_ms: int) -> Mask:
    """Tell which series are in the usual form and valid."""
    count = len(series)
    if not count or not symbols.texts:
        return np.zeros(count, np.bool_)
    data = np.frombuffer(b"".join((*series, _PADDING)), np.uint8)
    ends = np.cumsum(np.fromiter(map(len, series), np.int64, count))
    starts = np.concatenate(([0], ends[:-1]))
    size, size_bytes = _read_varints(data, starts + 1)
    first = starts + 1 + size_bytes
    after = first + size
    good: Mask = (data[starts] == _REFERENCES) & (size_bytes > 0) & (size > 0) & (after + 2 < ends)
    after[~good] = 0
    good &= _are_labels(data, first, after, good, symbols)
    sample_end, times_ms, sample_good = _read_samples(data, after)
    good &= sample_good & (times_ms <= latest_ms)
    good &= (sample_end == ends) | _is_metadata(data, sample_end, ends, len(symbols.texts))
    return good


def _read_samples(data: _Bytes, at: Integers) -> tuple[Integers, Integers, Mask]:
    """Return where the one sample of each series ends, its time, and whether it has a usual form."""
    good: Mask = data[at] == _SAMPLE
    end = at + 2 + data[at + 1]
    inner = at + 2
    inner = np.where(data[inner] == _VALUE, inner + 9, inner)
    inner, good = np.minimum(inner, len(data) - 16), good & (inner < len(data) - 16)
    times_ms, timed = _read_times(data, inner, _TIME)
    good &= timed
    inner += 1 + _TIME_BYTES
    starts_ms, started = _read_times(data, inner, _START)
    inner = np.where((inner < end) & started & (starts_ms <= times_ms), inner + 1 + _TIME_BYTES, inner)
    return end, times_ms, good & (inner == end)


def _read_times(data: _Bytes, at: Integers, tag: int) -> tuple[Integers, Mask]:
    """Return varints of six bytes, and where there is one behind `tag`."""
    times = np.zeros(len(at), np.int64)
    good: Mask = (data[at] == tag) & (data[at + _TIME_BYTES] < _MORE)
    for place in range(_TIME_BYTES):
        byte = data[at + 1 + place]
        times |= (byte & 0x7F).astype(np.int64) << (7 * place)
        if place < _TIME_BYTES - 1:
            good &= byte >= _MORE
    return times, good


def _read_varints(data: _Bytes, at: Integers) -> tuple[Integers, Integers]:
    """Return numbers of up to three bytes and how many bytes they have; 0 bytes where there are more."""
    low, middle, high = (data[at + place].astype(np.int64) for place in range(_MAX_VARINT))
    size = np.where(low < _MORE, 1, np.where(middle < _MORE, 2, np.where(high < _MORE, 3, 0)))
    number = (low & 0x7F) | np.where(size > 1, (middle & 0x7F) << 7, 0) | np.where(size > 2, (high & 0x7F) << 14, 0)  # noqa: PLR2004 - bytes of a varint
    return number, size


def _are_labels(data: _Bytes, first: Integers, after: Integers, good: Mask, symbols: _Symbols) -> Mask:
    """Tell where the references are pairs of sound texts, sorted by name, none twice, with a metric's name."""
    valid: Mask = np.zeros(len(first), np.bool_)
    places = np.flatnonzero(good)
    if not len(places):
        return valid
    first, after = first[places], after[places]
    sizes = after - first
    inside = np.zeros(len(data) + 1, np.int8)
    inside[first] += 1
    inside[after] -= 1
    packed = data[np.cumsum(inside[:-1], dtype=np.int8).view(np.bool_)]
    last_bytes = np.cumsum(sizes) - 1
    is_end = packed < _MORE
    ends = np.flatnonzero(is_end)
    before = np.concatenate(([-1], ends[:-1]))
    lengths = ends - before
    if not is_end[last_bytes].all() or lengths.max() > _MAX_VARINT:
        # Somewhere a number is cut off or larger than any table of symbols: each series is looked at by itself.
        return valid
    references = packed[ends].astype(np.int64)
    for length in (2, 3):
        longer = np.flatnonzero(lengths >= length)
        references[longer] = (references[longer] << 7) | (packed[ends[longer] - length + 1] & 0x7F)
    totals = np.cumsum(is_end)[last_bytes]
    counts = np.diff(np.concatenate(([0], totals)))
    if (counts & 1).any() or references.max() >= len(symbols.texts):
        return valid
    names, values = references[0::2], references[1::2]
    bounds = np.concatenate(([0], totals[:-1])) // 2
    ranks = symbols.ranks(names)
    ordered = np.diff(ranks[names], prepend=-1) > 0
    ordered[bounds] = True
    sound = ordered & symbols.sound[names] & symbols.sound[values]
    named = np.zeros(len(names), np.bool_)
    for place in set(names.tolist()):
        if symbols.texts[place] == _NAME:
            named |= names == place
    valid[places] = np.logical_and.reduceat(sound, bounds) & np.logical_or.reduceat(named, bounds)
    return valid


def _is_metadata(data: _Bytes, at: Integers, ends: Integers, symbols: int) -> Mask:
    """Tell where metadata fills the rest of a series."""
    at = np.minimum(at, len(data) - len(_PADDING))
    good: Mask = (data[at] == _METADATA) & (at + 2 + data[at + 1] == ends)
    at = at + 2
    typed = (data[at] == _TYPE) & (at < ends)
    good &= ~typed | (data[at + 1] <= _LAST_METADATA_TYPE)
    at = np.where(typed, at + 2, at)
    for tag in (_HELP, _UNIT):
        number, size = _read_varints(data, at + 1)
        present = (data[at] == tag) & (at < ends)
        good &= ~present | ((size > 0) & (number < symbols))
        at = np.where(present, at + 1 + size, at)
    good &= at == ends
    return good


def _check_one(raw: bytes, symbols: _Symbols, latest_ms: int, tally: Tally) -> bytes:
    """Return a series without what is not valid in it; empty when nothing is left."""
    series = _Series.FromString(raw)
    items = len(series.samples) + len(series.histograms)
    pairs = _resolve(series.labels_refs, symbols)
    if pairs is None:
        shown = list(series.labels_refs[:20])
        tally.refuse("symbols", f"parsing labels for series {shown}: references outside of the symbols table", items)
        return b""
    if fault := find_label_fault(pairs):
        tally.refuse(*fault, items)
        return b""
    if not items:
        fault_text = f"TimeSeries must contain at least one sample or histogram for series {show_labels(pairs)}"
        tally.refuse("no_samples", fault_text)
        return b""
    altered = keep_valid(series.samples, find_sample_fault, pairs, latest_ms, tally)
    altered |= keep_valid(series.histograms, find_histogram_fault, pairs, latest_ms, tally)
    altered |= drop_odd_starts(series.samples)
    altered |= drop_odd_starts(series.histograms)
    for histogram in series.histograms:
        altered |= make_usual(histogram)
    altered |= _keep_valid_exemplars(series.exemplars, symbols, latest_ms, tally)
    if any(not value for _, value in pairs):
        altered = True
        refs = list(series.labels_refs)
        filled = [(name, value) for name, value in zip(refs[0::2], refs[1::2], strict=True) if symbols.texts[value]]
        series.labels_refs[:] = [reference for pair in filled for reference in pair]
    size = len(symbols.texts)
    metadata = series.metadata
    if metadata.help_ref >= size or metadata.unit_ref >= size or not 0 <= metadata.type <= _LAST_METADATA_TYPE:
        altered = True
        series.ClearField("metadata")
    if not (series.samples or series.histograms):
        return b""
    tally.keep(len(series.samples), len(series.histograms), len(series.exemplars))
    usual = as_usual(series)
    return raw if not altered and usual == raw else usual


def _resolve(references: Sequence[int], symbols: _Symbols) -> list[BytesPair] | None:
    texts = symbols.texts
    if len(references) % 2 or any(reference >= len(texts) for reference in references):
        return None
    return [(texts[name], texts[value]) for name, value in zip(references[0::2], references[1::2], strict=True)]


def _keep_valid_exemplars(exemplars: Any, symbols: _Symbols, latest_ms: int, tally: Tally) -> bool:
    wrong = []
    for place, exemplar in enumerate(exemplars):
        pairs = _resolve(exemplar.labels_refs, symbols)
        if pairs is None:
            tally.refuse(
                "symbols", f"parsing exemplar: references {list(exemplar.labels_refs[:20])} outside of symbols"
            )
        if pairs is None or not is_valid_exemplar(pairs, exemplar.timestamp, latest_ms):
            wrong.append(place)
    for place in reversed(wrong):
        del exemplars[place]
    tally.counts["exemplars_dropped"] += len(wrong)
    return bool(wrong)
