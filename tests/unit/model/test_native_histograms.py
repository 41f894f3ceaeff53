import math

import numpy as np
import pytest

from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, NO_BUCKETS, Buckets, exponential_bounds
from gnomon.model.histogram_statistics import fraction, quantile, trim, variance
from gnomon.model.histogram_sums import HistogramMean, HistogramSum
from gnomon.model.native_histograms import CounterReset, IncompatibleBucketsError, NativeHistogram


def buckets(*counts: float, start: int = 0) -> Buckets:
    return Buckets(np.arange(start, start + len(counts), dtype=np.int64), np.array(counts, np.float64))


def custom(*counts: float, bounds: tuple[float, ...], total: float = 0.0) -> NativeHistogram:
    return NativeHistogram(
        CUSTOM_SCHEMA, sum(counts), total, positive=buckets(*counts) if counts else NO_BUCKETS, custom_values=bounds
    )


SINGLE = NativeHistogram(count=4, sum=5, positive=buckets(1, 2, 1))


class TestBuckets:
    def test_spans_round_trip(self) -> None:
        spans = [(-2, 3), (4, 1), (0, 2)]
        parsed = Buckets.from_spans(spans, np.arange(1.0, 7.0))
        assert parsed.indices.tolist() == [-2, -1, 0, 5, 6, 7]
        assert parsed.to_spans() == [(-2, 3), (4, 3)]
        assert NO_BUCKETS.to_spans() == []

    @pytest.mark.parametrize(
        ("schema", "index", "bound"),
        [(0, 0, 1.0), (0, 3, 8.0), (1, 1, math.sqrt(2)), (8, 256, 2.0), (-4, 1, 65536.0), (2, -4, 0.5)],
    )
    def test_bounds_are_powers_of_the_base(self, schema: int, index: int, bound: float) -> None:
        assert exponential_bounds(np.array([index]), schema)[0] == pytest.approx(bound, rel=1e-15)

    def test_the_last_finite_bucket_ends_at_the_largest_float(self) -> None:
        assert exponential_bounds(np.array([64, 65]), -4).tolist() == [1.7976931348623157e308, math.inf]
        assert exponential_bounds(np.array([2048, 2049]), 1).tolist() == [1.7976931348623157e308, math.inf]

    def test_a_lower_resolution_merges_neighbours(self) -> None:
        coarse = buckets(1, 2, 4, 8, start=1).coarser(1, 0)
        assert (coarse.indices.tolist(), coarse.counts.tolist()) == ([1, 2], [3, 12])


class TestArithmetic:
    def test_adding_unions_the_buckets(self) -> None:
        total = SINGLE.add(NativeHistogram(count=1, sum=8, positive=buckets(1, start=4))).histogram
        assert str(total) == "{count:5, sum:13, (0.5,1]:1, (1,2]:2, (2,4]:1, (8,16]:1}"

    def test_subtracting_itself_leaves_empty_buckets_that_compact_drops(self) -> None:
        difference = SINGLE.subtract(SINGLE).histogram
        assert len(difference.positive) == 3
        assert len(difference.compact().positive) == 0

    def test_the_lower_resolution_wins(self) -> None:
        fine = NativeHistogram(1, 4, 5, positive=buckets(2, 2, start=1))
        assert SINGLE.add(fine).histogram == NativeHistogram(count=8, sum=10, positive=buckets(1, 6, 1))

    def test_the_wider_zero_bucket_swallows_whole_buckets(self) -> None:
        wide = NativeHistogram(count=1, zero_threshold=1.5, zero_count=1)
        total = SINGLE.add(wide).histogram
        assert (total.zero_threshold, total.zero_count) == (2.0, 4.0)
        assert total.positive.indices.tolist() == [2]

    def test_custom_bounds_are_reduced_to_those_that_both_have(self) -> None:
        combination = custom(1, 2, 3, bounds=(5, 10)).add(custom(1, 1, 1, bounds=(2, 10)))
        assert combination.bounds_reconciled
        assert list(combination.histogram.custom_values) == [10]
        assert combination.histogram.positive.counts.tolist() == [5, 4]

    def test_exponential_and_custom_buckets_do_not_mix(self) -> None:
        other = custom(1, bounds=(5,))
        with pytest.raises(IncompatibleBucketsError):
            SINGLE.add(other)

    @pytest.mark.parametrize(
        ("one", "two", "expected"),
        [
            (CounterReset.RESET, CounterReset.NOT_RESET, (CounterReset.UNKNOWN, True)),
            (CounterReset.RESET, CounterReset.UNKNOWN, (CounterReset.UNKNOWN, False)),
            (CounterReset.GAUGE, CounterReset.RESET, (CounterReset.GAUGE, False)),
            (CounterReset.RESET, CounterReset.RESET, (CounterReset.RESET, False)),
        ],
    )
    def test_hints_combine_carefully(
        self, one: CounterReset, two: CounterReset, expected: tuple[CounterReset, bool]
    ) -> None:
        combination = SINGLE.with_counter_reset(one).add(SINGLE.with_counter_reset(two))
        assert (combination.histogram.counter_reset, combination.counter_reset_collision) == expected

    def test_dividing_by_zero_removes_the_buckets(self) -> None:
        assert str(SINGLE.divide(0)) == "{count:+Inf, sum:+Inf, [-0,0]:NaN}"

    def test_custom_buckets_have_no_zero_bucket_whatever_they_are_divided_by(self) -> None:
        assert str(custom(1, bounds=(5,)).divide(0)) == "{count:+Inf, sum:NaN}"

    def test_a_negative_factor_makes_a_gauge(self) -> None:
        assert SINGLE.multiply(-1).counter_reset is CounterReset.GAUGE


class TestResets:
    def test_a_shrinking_bucket_is_a_reset_even_if_the_count_grows(self) -> None:
        assert NativeHistogram(count=5, positive=buckets(1, 1, 3)).is_reset_from(SINGLE)
        assert not NativeHistogram(count=5, positive=buckets(1, 2, 2)).is_reset_from(SINGLE)

    def test_hints_spare_the_comparison(self) -> None:
        assert SINGLE.with_counter_reset(CounterReset.RESET).is_reset_from(SINGLE)
        assert not NativeHistogram(counter_reset=CounterReset.NOT_RESET).is_reset_from(SINGLE)

    def test_a_lower_resolution_and_a_wider_zero_bucket_are_none(self) -> None:
        assert not SINGLE.coarser(-1).is_reset_from(SINGLE)
        assert SINGLE.is_reset_from(SINGLE.coarser(-1))
        assert not SINGLE.widen_zero_bucket(1.0).is_reset_from(SINGLE)

    def test_custom_bounds_are_compared_where_they_meet(self) -> None:
        before = custom(1, 1, 1, bounds=(5, 10))
        assert not custom(2, 1, bounds=(10,)).is_reset_from(before)
        assert custom(1, 2, bounds=(10,)).is_reset_from(before)


class TestStatistics:
    def test_quantiles_interpolate_exponentially(self) -> None:
        assert quantile(SINGLE, 0.5) == pytest.approx(math.sqrt(2))
        assert quantile(SINGLE, -0.1) == -math.inf
        assert quantile(SINGLE, 1.1) == math.inf
        assert math.isnan(quantile(NativeHistogram(), 0.5))

    def test_custom_buckets_interpolate_linearly(self) -> None:
        histogram = custom(1, 2, 1, bounds=(5, 10))
        assert quantile(histogram, 0.5) == 7.5
        assert quantile(histogram, 0.125) == 2.5
        assert quantile(histogram, 1) == 10

    def test_nan_observations_lie_above_all_buckets(self) -> None:
        histogram = NativeHistogram(count=5, sum=math.nan, positive=buckets(1, 2, 1))
        assert math.isnan(quantile(histogram, 1.0))
        assert quantile(histogram, 0.8) == 4.0

    def test_fraction_inverts_quantile(self) -> None:
        assert fraction(SINGLE, -math.inf, quantile(SINGLE, 0.3)) == pytest.approx(0.3)
        assert fraction(SINGLE, 1, 2) == 0.5
        assert fraction(SINGLE, 2, 1) == 0

    def test_variance_takes_the_geometric_middle(self) -> None:
        histogram = NativeHistogram(2, 4, 10, positive=buckets(1, 0, 0, 0, 1, 0, 0, 1, 1))
        assert variance(histogram) == pytest.approx(1.163807968526718)

    def test_trimming_keeps_part_of_the_bucket_in_between(self) -> None:
        histogram = custom(1, 6, 4, 3, 1, bounds=(5, 10, 15, 20), total=172.5)
        lower = trim(histogram, 13, keep_lower=True)
        assert lower.count == pytest.approx(9.4)
        assert lower.sum == pytest.approx(75.1)
        assert trim(histogram, 13, keep_lower=False).count == pytest.approx(5.6)
        assert trim(histogram, math.inf, keep_lower=True) is histogram


class TestSums:
    def test_small_sums_survive_large_ones(self) -> None:
        parts = [NativeHistogram(count=1, sum=value) for value in (1, 1e100, 1, -1e100)]
        total, mean = HistogramSum(parts[0]), HistogramMean(parts[0])
        for part in parts[1:]:
            total.add(part)
            mean.add(part)
        assert total.result().sum == 2
        assert mean.result().sum == 0.5

    def test_a_mean_survives_an_overflowing_sum(self) -> None:
        mean = HistogramMean(NativeHistogram(count=1.7e308, positive=buckets(1e300)))
        mean.add(NativeHistogram(count=1.7e308, positive=buckets(1e300)))
        assert mean.result().count == pytest.approx(1.7e308)
        assert mean.result().positive.counts[0] == pytest.approx(1e300)

    def test_colliding_hints_are_remembered(self) -> None:
        total = HistogramSum(SINGLE.with_counter_reset(CounterReset.RESET))
        total.add(SINGLE.with_counter_reset(CounterReset.NOT_RESET))
        assert total.counter_reset_collision


def test_equality_ignores_empty_buckets_and_compares_bits() -> None:
    padded = NativeHistogram(count=4, sum=5, positive=buckets(1, 2, 1, 0))
    assert padded == SINGLE
    assert NativeHistogram(sum=math.nan) == NativeHistogram(sum=math.nan)
    assert NativeHistogram(count=4, sum=6, positive=buckets(1, 2, 1)) != SINGLE


def test_the_text_lists_buckets_from_low_to_high() -> None:
    histogram = NativeHistogram(0, 6, 1.5, 0.001, 1, buckets(2), buckets(1, 2))
    assert str(histogram) == "{count:6, sum:1.5, [-2,-1):2, [-1,-0.5):1, [-0.001,0.001]:1, (0.5,1]:2}"


@pytest.mark.parametrize(
    ("histogram", "reason"),
    [
        (SINGLE, None),
        (NativeHistogram(9), "unknown schema 9"),
        (NativeHistogram(count=-1), "counts must not be negative"),
        (custom(1, 1, 1, bounds=(5,)), "there are more custom buckets than bounds"),
        (custom(1, bounds=(5, 5)), "custom bounds must be ascending numbers below +Inf"),
    ],
)
def test_unsound_histograms_are_told_apart(histogram: NativeHistogram, reason: str | None) -> None:
    assert histogram.invalid_reason() == reason
