"""Native histograms on the wire."""

import math

import numpy as np
import pytest

from gnomon.ingest.histogram_messages import Histogram, encode_histogram, find_fault, make_usual, replace_buckets
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.histogram_forms import from_fields
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from tests.write_requests import sound_histogram

EXPONENTIAL = NativeHistogram(
    schema=2,
    count=12.5,
    sum=-3.25,
    zero_threshold=0.01,
    zero_count=1.5,
    positive=Buckets(np.array([-3, -2, 5]), np.array([1.0, 2.0, 4.0])),
    negative=Buckets(np.array([0]), np.array([4.0])),
    counter_reset=CounterReset.GAUGE,
)
CUSTOM = NativeHistogram(
    schema=CUSTOM_SCHEMA,
    count=3.0,
    sum=math.inf,
    positive=Buckets(np.array([0, 2]), np.array([1.0, 2.0])),
    custom_values=(0.5, 1.0),
)


@pytest.mark.parametrize("histogram", [EXPONENTIAL, CUSTOM, NativeHistogram()])
def test_a_histogram_is_read_back_as_it_was(histogram: NativeHistogram) -> None:
    """Spans, counts, bounds, hint and time; and it is one that is taken."""
    message = Histogram.FromString(encode_histogram(histogram, 5_000, start_ms=77))
    read = from_fields(
        schema=message.schema,
        count=message.count_float,
        total=message.sum,
        zero_threshold=message.zero_threshold,
        zero_count=message.zero_count_float,
        positive_spans=[(span.offset, span.length) for span in message.positive_spans],
        positive_counts=list(message.positive_counts),
        negative_spans=[(span.offset, span.length) for span in message.negative_spans],
        negative_counts=list(message.negative_counts),
        custom_values=list(message.custom_values),
        reset_hint=message.reset_hint,
    )
    assert read == histogram
    assert read.counter_reset == histogram.counter_reset
    assert (message.timestamp, message.start_timestamp) == (5_000, 77)
    assert not find_fault(message)


def test_a_sum_that_is_no_number_excuses_a_larger_count() -> None:
    """Observations of NaN are counted and lie in no bucket."""
    assert not find_fault(Histogram(**sound_histogram(sum=math.nan, count_int=9)))
    assert find_fault(Histogram(**sound_histogram(sum=math.nan, count_int=4)))


@pytest.mark.parametrize("schema", [9, 10, 12])
def test_merged_buckets_hold_what_the_finer_ones_held(schema: int) -> None:
    """An observation lies within the bounds of its bucket, before and after."""
    message = Histogram(schema=schema, count_int=15)
    replace_buckets(message, "positive", [(-7, 1), (0, 2), (1, 4), (900, 8)], floats=False)
    assert make_usual(message)
    index, count = 0, 0
    found: dict[int, int] = {}
    deltas = iter(message.positive_deltas)
    for span in message.positive_spans:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            found[index] = found.get(index, 0) + count
            index += 1
    expected: dict[int, int] = {}
    for fine, number in ((-7, 1), (0, 2), (1, 4), (900, 8)):
        coarse = math.ceil(fine / 2 ** (schema - 8))
        expected[coarse] = expected.get(coarse, 0) + number
    assert found == expected
