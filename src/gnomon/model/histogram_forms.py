"""The forms in which native histograms travel: remote write's fields, and the JSON of Prometheus' HTTP API."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from gnomon.model.float_text import format_api
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import Floats

Spans = Sequence[tuple[int, int]]
JsonBucket = tuple[int, str, str, str]

_RULES = {(False, True): 0, (True, False): 1, (False, False): 2, (True, True): 3}


class HistogramJson(TypedDict, total=False):
    """A histogram in the HTTP API; a bucket is (boundary rule, lower bound, upper bound, count).

    The rule is 0 for an interval open on the left, 1 on the right, 2 on both sides, 3 for a closed one.
    """

    count: str
    sum: str
    buckets: list[JsonBucket]


def counts_of_deltas(deltas: Sequence[int]) -> Floats:
    """Return bucket counts from remote write's integer form: each bucket's difference to the one before."""
    return np.cumsum(np.array(deltas, np.int64)).astype(np.float64)


def from_fields(
    *,
    schema: int,
    count: float,
    total: float,
    zero_threshold: float = 0.0,
    zero_count: float = 0.0,
    positive_spans: Spans = (),
    positive_counts: Floats | Sequence[float] = (),
    negative_spans: Spans = (),
    negative_counts: Floats | Sequence[float] = (),
    custom_values: Sequence[float] = (),
    reset_hint: int = 0,
) -> NativeHistogram:
    """Return a histogram from the fields of `prometheus.Histogram` (remote write); spans are (offset, length)."""
    return NativeHistogram(
        schema,
        count,
        total,
        zero_threshold,
        zero_count,
        Buckets.from_spans(list(positive_spans), np.asarray(positive_counts, np.float64)),
        Buckets.from_spans(list(negative_spans), np.asarray(negative_counts, np.float64)),
        tuple(custom_values) if schema == CUSTOM_SCHEMA else (),
        CounterReset(reset_hint),
    )


def to_json(histogram: NativeHistogram) -> HistogramJson:
    """Return the form of the HTTP API; empty buckets are left out."""
    form = HistogramJson(count=format_api(histogram.count), sum=format_api(histogram.sum))
    buckets: list[JsonBucket] = []
    for bucket in histogram.buckets():
        if bucket.count:
            rule = _RULES[bucket.lower_inclusive, bucket.upper_inclusive]
            buckets.append((rule, format_api(bucket.lower), format_api(bucket.upper), format_api(bucket.count)))
    if buckets:
        form["buckets"] = buckets
    return form
