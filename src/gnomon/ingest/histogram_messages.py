"""Native histograms as they go over the wire: `prometheus.Histogram`, checked by the rules of Prometheus' store."""

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gnomon.ingest.messages import define_message
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, MAXIMAL_SCHEMA, MINIMAL_SCHEMA
from gnomon.model.native_histograms import NativeHistogram

HISTOGRAM_FIELDS = {
    "count_int": (1, "uint64"),
    "count_float": (2, "double"),
    "sum": (3, "double"),
    "schema": (4, "sint32"),
    "zero_threshold": (5, "double"),
    "zero_count_int": (6, "uint64"),
    "zero_count_float": (7, "double"),
    "negative_spans": (8, "BucketSpan*"),
    "negative_deltas": (9, "sint64*"),
    "negative_counts": (10, "double*"),
    "positive_spans": (11, "BucketSpan*"),
    "positive_deltas": (12, "sint64*"),
    "positive_counts": (13, "double*"),
    "reset_hint": (14, "int64"),
    "timestamp": (15, "int64"),
    "custom_values": (16, "double*"),
    "start_timestamp": (17, "int64"),
}
SPAN_FIELDS = {"offset": (1, "sint32"), "length": (2, "uint32")}
Histogram = define_message("Histogram", {"Histogram": HISTOGRAM_FIELDS, "BucketSpan": SPAN_FIELDS})

# Schemas that are reserved for finer buckets than any store keeps.
_FINEST_RESERVED_SCHEMA = 52
_MAX_BUCKETS = 1 << 16
_LAST_RESET_HINT = 3
# What belongs to the other kind of counts: integers where counts are floats (True), floats where they are integers.
_OTHER_COUNTS = {True: ("count_int", "zero_count_int"), False: ("count_float", "zero_count_float")}
_OTHER_BUCKETS = {True: ("positive_deltas", "negative_deltas"), False: ("positive_counts", "negative_counts")}
_SIDES = ("positive", "negative")


def encode_histogram(histogram: NativeHistogram, time_ms: int, *, start_ms: int = 0) -> bytes:
    """Return a histogram sample at `time_ms`, with counts as floats."""
    message = Histogram(
        count_float=histogram.count,
        sum=histogram.sum,
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        zero_count_float=histogram.zero_count,
        reset_hint=int(histogram.counter_reset),
        timestamp=time_ms,
        custom_values=histogram.custom_values,
    )
    if start_ms:
        message.start_timestamp = start_ms
    for side, buckets in (("positive", histogram.positive), ("negative", histogram.negative)):
        _add_spans(message, side, buckets.to_spans())
        getattr(message, f"{side}_counts").extend(buckets.counts.tolist())
    return bytes(message.SerializeToString())


def find_fault(histogram: Any) -> str:
    """Return why Prometheus would not store a histogram, empty when it would."""
    floats = is_float(histogram)
    if histogram.schema == CUSTOM_SCHEMA:
        fault = _find_custom_fault(histogram, floats=floats)
    elif MINIMAL_SCHEMA <= histogram.schema <= _FINEST_RESERVED_SCHEMA:
        fault = "".join(_find_side_fault(histogram, side, floats=floats) for side in _SIDES)
        if not fault and histogram.custom_values:
            fault = "histogram with exponential schema must not have custom bounds"
    else:
        return (
            f"histogram has an invalid schema {histogram.schema}, which must be between {MINIMAL_SCHEMA} and "
            f"{MAXIMAL_SCHEMA} for exponential buckets, or {CUSTOM_SCHEMA} for custom buckets"
        )
    if fault:
        return fault
    if floats:
        if histogram.count_float < 0 or histogram.zero_count_float < 0:
            return "histogram's observation count is negative"
        return ""
    in_buckets = histogram.zero_count_int + sum(sum(_counts(histogram, side, floats=False)) for side in _SIDES)
    if in_buckets > histogram.count_int or (in_buckets != histogram.count_int and not math.isnan(histogram.sum)):
        return f"{in_buckets} observations found in buckets, but the Count field is {histogram.count_int}"
    return ""


def is_float(histogram: Any) -> bool:
    """Tell whether counts are floats; Prometheus goes by the count alone."""
    return bool(histogram.HasField("count_float"))


def make_usual(histogram: Any) -> bool:
    """Bring a sound histogram into the form that is stored; returns whether that was needed.

    Buckets that are finer than any store keeps are merged, an unknown reset hint says nothing, and counts are either
    integers or floats.
    """
    unusual = [name for name in _OTHER_COUNTS[is_float(histogram)] if histogram.HasField(name)]
    unusual += [name for name in _OTHER_BUCKETS[is_float(histogram)] if getattr(histogram, name)]
    if not 0 <= histogram.reset_hint <= _LAST_RESET_HINT:
        unusual.append("reset_hint")
    for name in unusual:
        histogram.ClearField(name)
    return _limit_schema(histogram) or bool(unusual)


def _limit_schema(histogram: Any) -> bool:
    finer = histogram.schema - MAXIMAL_SCHEMA
    if finer <= 0:
        return False
    floats = is_float(histogram)
    for side in _SIDES:
        merged: dict[int, float] = {}
        for index, count in _indexed_counts(histogram, side, floats=floats):
            # The upper bound of bucket i is base ** i: i is rounded up.
            coarse = -(-index >> finer)
            merged[coarse] = merged.get(coarse, 0) + count
        replace_buckets(histogram, side, sorted(merged.items()), floats=floats)
    histogram.schema = MAXIMAL_SCHEMA
    return True


def replace_buckets(histogram: Any, side: str, buckets: Iterable[tuple[int, float]], *, floats: bool) -> None:
    """Set the buckets of one side, `positive` or `negative`, from pairs of index and count in order of index."""
    spans: list[tuple[int, int]] = []
    counts: list[float] = []
    after = 0
    for index, count in buckets:
        if spans and index == after:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((index - after, 1))
        after = index + 1
        counts.append(count)
    for field in ("spans", "deltas", "counts"):
        histogram.ClearField(f"{side}_{field}")
    _add_spans(histogram, side, spans)
    if floats:
        getattr(histogram, f"{side}_counts").extend(counts)
    else:
        deltas = [int(count - before) for before, count in itertools.pairwise([0, *counts])]
        getattr(histogram, f"{side}_deltas").extend(deltas)


def _find_side_fault(histogram: Any, side: str, *, floats: bool) -> str:
    spans = getattr(histogram, f"{side}_spans")
    for number, span in enumerate(spans):
        if number and span.offset < 0:
            return f"{side} side: span number {number + 1} with offset {span.offset}"
    return _find_count_fault(histogram, side, spans, floats=floats)


def _find_count_fault(histogram: Any, side: str, spans: Sequence[Any], *, floats: bool) -> str:
    needed = sum(span.length for span in spans)
    found = len(_raw_counts(histogram, side, floats=floats))
    if needed != found:
        return f"{side} side: spans need {needed} buckets, have {found} buckets"
    if found > _MAX_BUCKETS:
        return f"{side} side: {found} buckets are more than {_MAX_BUCKETS}"
    for number, count in enumerate(_counts(histogram, side, floats=floats), 1):
        if count < 0:
            return f"{side} side: bucket number {number} has observation count of {count}"
    return ""


def _find_custom_fault(histogram: Any, *, floats: bool) -> str:
    bounds = list(histogram.custom_values)
    if any(math.isnan(bound) for bound in bounds):
        return "custom buckets: histogram custom bounds must not be NaN"
    for before, bound in itertools.pairwise(bounds):
        if bound <= before:
            return f"custom buckets: previous bound is {before} and current is {bound}"
    if bounds and bounds[-1] == math.inf:
        return "custom buckets: last +Inf bound must not be explicitly defined"
    zero_count = histogram.zero_count_float if floats else histogram.zero_count_int
    if zero_count or histogram.zero_threshold:
        return "custom buckets: must have zero count and zero threshold of 0"
    if histogram.negative_spans or histogram.negative_deltas or histogram.negative_counts:
        return "custom buckets: must not have negative buckets"
    spans = histogram.positive_spans
    if any(span.offset < 0 for span in spans):
        return "custom buckets: a span has a negative offset"
    reach = sum(span.offset + span.length for span in spans)
    if reach > len(bounds) + 1:
        return f"custom buckets: only {len(bounds)} custom bounds defined for a total span length of {reach}"
    return _find_count_fault(histogram, "positive", spans, floats=floats)


def _raw_counts(histogram: Any, side: str, *, floats: bool) -> Sequence[float]:
    counts: Sequence[float] = getattr(histogram, f"{side}_{'counts' if floats else 'deltas'}")
    return counts


def _counts(histogram: Any, side: str, *, floats: bool) -> Iterator[float]:
    raw = _raw_counts(histogram, side, floats=floats)
    return iter(raw) if floats else itertools.accumulate(raw)


def _indexed_counts(histogram: Any, side: str, *, floats: bool) -> Iterator[tuple[int, float]]:
    counts = _counts(histogram, side, floats=floats)
    index = 0
    for span in getattr(histogram, f"{side}_spans"):
        index += span.offset
        for _ in range(span.length):
            yield index, next(counts)
            index += 1


def _add_spans(histogram: Any, side: str, spans: Iterable[tuple[int, int]]) -> None:
    added = getattr(histogram, f"{side}_spans")
    for offset, length in spans:
        added.add(offset=offset, length=length)
