import math

import numpy as np
import pytest

from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import Samples
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_windows import compute
from gnomon.promql.syntax_tree import Span, WindowEdges
from gnomon.promql.values import RangeVector
from gnomon.promql.windows import find_windows

SPAN = Span(0, 1)
Sample = float | NativeHistogram


def histogram(*counts: float, hint: CounterReset = CounterReset.UNKNOWN) -> NativeHistogram:
    buckets = Buckets(np.arange(len(counts), dtype=np.int64), np.array(counts, np.float64))
    return NativeHistogram(count=sum(counts), sum=sum(counts), positive=buckets, counter_reset=hint)


def custom(*counts: float) -> NativeHistogram:
    buckets = Buckets(np.arange(len(counts), dtype=np.int64), np.array(counts, np.float64))
    return NativeHistogram(CUSTOM_SCHEMA, sum(counts), positive=buckets, custom_values=(5.0, 10.0))


def evaluate(
    function: str,
    *samples: Sample,
    step_s: int = 60,
    range_s: int | None = None,
    starts_ms: list[int] | None = None,
    edges: WindowEdges = WindowEdges.PLAIN,
) -> tuple[Sample | None, list[str]]:
    """Evaluate at the last sample's time, over all samples unless told otherwise."""
    histograms = np.full(len(samples), None, dtype=object)
    for place, sample in enumerate(samples):
        histograms[place] = sample if isinstance(sample, NativeHistogram) else None
    values = np.array([0.0 if isinstance(sample, NativeHistogram) else sample for sample in samples])
    times = np.arange(1, len(samples) + 1, dtype=np.int64) * step_s * 1000
    starts = None if starts_ms is None else np.array(starts_ms, np.int64)
    vector = RangeVector(
        (Labels.of({"__name__": "h"}),),
        Samples(np.array([0, len(samples)]), times, values, histograms, starts),
        times[-1:],
        (range_s or len(samples) * step_s) * 1000,
    )
    windows = find_windows(vector.samples, vector.ends_ms, vector.range_ms)
    annotations = Annotations()
    values, present, results = compute(function, vector, windows, np.array([[True]]), annotations, SPAN, edges)
    result = None if not present[0, 0] else results[0, 0] if results[0, 0] is not None else float(values[0, 0])
    return result, annotations.warnings("") + annotations.infos("")


def test_increase_is_extrapolated_and_a_gauge() -> None:
    result, remarks = evaluate("increase", histogram(1, 1), histogram(2, 3), histogram(3, 5))
    assert isinstance(result, NativeHistogram)
    assert str(result) == "{count:8, sum:8, (0.5,1]:2.6666666666666665, (1,2]:5.333333333333333}"
    assert result.counter_reset is CounterReset.GAUGE
    assert remarks == []


def test_a_reset_in_one_bucket_counts_what_was_before() -> None:
    result, _ = evaluate("increase", histogram(1, 2, 1), histogram(1, 1, 3), histogram(1, 2, 3), step_s=300)
    assert isinstance(result, NativeHistogram)
    assert (result.count, result.sum) == (9, 9)


def test_rate_is_per_second() -> None:
    increase, _ = evaluate("increase", histogram(1), histogram(2))
    rate, _ = evaluate("rate", histogram(1), histogram(2))
    assert isinstance(increase, NativeHistogram)
    assert isinstance(rate, NativeHistogram)
    assert rate.count == pytest.approx(increase.count / 120)


@pytest.mark.parametrize("function", ["rate", "increase", "delta", "irate", "idelta"])
def test_one_sample_has_no_difference(function: str) -> None:
    assert evaluate(function, histogram(1)) == (None, [])


@pytest.mark.parametrize("function", ["rate", "delta", "irate", "sum_over_time", "avg_over_time"])
def test_floats_among_histograms_leave_a_warning_instead(function: str) -> None:
    warning = 'PromQL warning: encountered a mix of histograms and floats for metric name "h"'
    assert evaluate(function, histogram(1), 2.0) == (None, [warning])


def test_custom_among_exponential_buckets_leave_a_warning_instead() -> None:
    result, remarks = evaluate("rate", histogram(1), custom(2), histogram(9))
    assert result is None
    (remark,) = remarks
    assert remark.startswith("PromQL warning: vector contains a mix of histograms with exponential and custom buckets")


def test_gauges_and_counters_are_told_apart() -> None:
    gauge = histogram(1, hint=CounterReset.GAUGE)
    assert evaluate("rate", gauge, gauge)[1] == [
        'PromQL warning: this native histogram metric is not a counter: "h"',
    ]
    assert evaluate("idelta", histogram(1), histogram(2))[1] == [
        'PromQL warning: this native histogram metric is not a gauge: "h"',
    ]
    assert evaluate("delta", gauge, gauge)[1] == []


def test_irate_starts_from_zero_after_a_reset() -> None:
    result, _ = evaluate("irate", histogram(9), histogram(6))
    assert isinstance(result, NativeHistogram)
    assert result.count == pytest.approx(0.1)


def test_a_start_within_the_window_counts_the_first_sample() -> None:
    result, _ = evaluate("increase", histogram(60), starts_ms=[30_000])
    assert isinstance(result, NativeHistogram)
    assert result.count == 60


def test_resets_and_changes_count_between_floats_and_histograms_too() -> None:
    samples = (1.0, 2.0, histogram(2), histogram(1), histogram(1), 5.0, 4.0, math.nan, math.nan)
    assert evaluate("resets", *samples)[0] == 4
    assert evaluate("changes", *samples)[0] == 6
    assert evaluate("count_over_time", *samples)[0] == 9


def test_sums_and_means_are_over_all_samples() -> None:
    total, mean = (
        evaluate(function, histogram(1, 2), histogram(3, 4))[0] for function in ("sum_over_time", "avg_over_time")
    )
    assert total == histogram(4, 6)
    assert mean == histogram(2, 3)


def test_first_and_last_are_what_they_are() -> None:
    assert evaluate("first_over_time", 1.0, histogram(2))[0] == 1.0
    assert evaluate("last_over_time", 1.0, histogram(2))[0] == histogram(2)


def test_smoothed_edges_are_interpolated() -> None:
    samples = [histogram(count) for count in (0, 60, 120, 180)]
    result, _ = evaluate("increase", *samples, range_s=240, edges=WindowEdges.SMOOTHED)
    assert isinstance(result, NativeHistogram)
    assert result.count == 180
