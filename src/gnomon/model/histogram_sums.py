"""Sums and means over many native histograms, with Neumaier's compensation, and without overflow where possible."""

from dataclasses import replace

import numpy as np

from gnomon.model.histogram_buckets import Buckets, exponential_bounds, reconcile_bounds
from gnomon.model.native_histograms import CounterReset, NativeHistogram, align, combine_counter_resets
from gnomon.model.series import Floats


class HistogramSum:
    """Add histograms one after another; whether hints collided or bounds were reconciled is kept for annotations."""

    __slots__ = ("_compensation", "_seen", "bounds_reconciled", "total")

    def __init__(self, first: NativeHistogram) -> None:
        """Start with one histogram."""
        self.total = first
        self.bounds_reconciled = False
        self._compensation: NativeHistogram | None = None
        self._seen = {first.counter_reset}

    @property
    def counter_reset_collision(self) -> bool:
        """Tell whether one histogram says that there was a reset, and another that there was none."""
        return {CounterReset.RESET, CounterReset.NOT_RESET} <= self._seen

    def add(self, histogram: NativeHistogram) -> None:
        """Add a histogram; raises IncompatibleBucketsError."""
        self._seen.add(histogram.counter_reset)
        self.total, self._compensation = self._added(histogram)

    def result(self) -> NativeHistogram:
        """Return the sum so far."""
        return _with_compensation(self.total, self._compensation)

    def _added(self, histogram: NativeHistogram) -> tuple[NativeHistogram, NativeHistogram]:
        total, other, reconciled = align(self.total, histogram)
        self.bounds_reconciled = self.bounds_reconciled or reconciled
        hint, _ = combine_counter_resets(self.total.counter_reset, histogram.counter_reset)
        total = total.with_counter_reset(hint)
        if self._compensation is None:
            compensation = replace(total, count=0.0, sum=0.0, zero_count=0.0, positive=Buckets(), negative=Buckets())
        else:
            compensation = _follow(self._compensation, total)
        return _compensated_sum(total, compensation, other)


class HistogramMean(HistogramSum):
    """Average histograms; once the sum overflows, the mean is carried on instead."""

    __slots__ = ("_count", "_incremental")

    def __init__(self, first: NativeHistogram) -> None:
        """Start with one histogram."""
        super().__init__(first)
        self._count = 1
        self._incremental = False

    def add(self, histogram: NativeHistogram) -> None:
        """Take a histogram into the mean; raises IncompatibleBucketsError."""
        self._seen.add(histogram.counter_reset)
        self._count += 1
        if not self._incremental:
            total, compensation = self._added(histogram)
            if not total.has_overflow():
                self.total, self._compensation = total, compensation
                return
            self._incremental = True
            self._scale(1 / (self._count - 1), divide_by=self._count - 1)
        self._scale((self._count - 1) / self._count)
        self.total, self._compensation = self._added(histogram.divide(self._count))

    def result(self) -> NativeHistogram:
        """Return the mean so far."""
        if self._incremental:
            return super().result()
        compensation = self._compensation and self._compensation.divide(self._count)
        return _with_compensation(self.total.divide(self._count), compensation)

    def _scale(self, factor: float, *, divide_by: float | None = None) -> None:
        parts = [self.total, self._compensation]
        self.total, self._compensation = (  # type: ignore[assignment]  # the total is never None
            part and (part.divide(divide_by) if divide_by else part.multiply(factor)) for part in parts
        )


def _with_compensation(total: NativeHistogram, compensation: NativeHistogram | None) -> NativeHistogram:
    return total if compensation is None else total.add(compensation).histogram.with_counter_reset(total.counter_reset)


def _follow(compensation: NativeHistogram, layout: NativeHistogram) -> NativeHistogram:
    """Bring a compensation into a layout; its own empty buckets must not decide where the zero bucket ends."""
    if compensation.custom:
        if compensation.custom_values == layout.custom_values:
            return compensation
        _, places, _ = reconcile_bounds(compensation.custom_values, layout.custom_values)
        merged = compensation.positive.merged(places[compensation.positive.indices])
        return replace(compensation, custom_values=layout.custom_values, positive=merged)
    zero_count = compensation.zero_count
    sides = []
    for side in (compensation.positive, compensation.negative):
        kept = side
        if compensation.zero_threshold != layout.zero_threshold and len(side):
            outside = exponential_bounds(side.indices - 1, compensation.schema) >= layout.zero_threshold
            zero_count += float(side.counts[~outside].sum())
            kept = Buckets(side.indices[outside], side.counts[outside])
        sides.append(kept.coarser(compensation.schema, layout.schema))
    return replace(
        compensation,
        schema=layout.schema,
        zero_threshold=layout.zero_threshold,
        zero_count=zero_count,
        positive=sides[0],
        negative=sides[1],
    )


def _compensated_sum(
    total: NativeHistogram, compensation: NativeHistogram, other: NativeHistogram
) -> tuple[NativeHistogram, NativeHistogram]:
    scalars, lost = _increment(
        *(np.array((part.count, part.sum, part.zero_count)) for part in (total, compensation, other))
    )
    sides: list[tuple[Buckets, Buckets]] = []
    for one, gone, two in (
        (total.positive, compensation.positive, other.positive),
        (total.negative, compensation.negative, other.negative),
    ):
        indices = one.indices if np.array_equal(one.indices, two.indices) else np.union1d(one.indices, two.indices)
        sums, errors = _increment(one.at(indices), gone.at(indices), two.at(indices))
        sides.append((Buckets(indices, sums), Buckets(indices, errors)))
    parts = []
    for place, (count, summed, zero_count) in enumerate((scalars.tolist(), lost.tolist())):
        parts.append(
            replace(
                total,
                count=count,
                sum=summed,
                zero_count=zero_count,
                positive=sides[0][place],
                negative=sides[1][place],
            )
        )
    return parts[0], parts[1]


def _increment(total: Floats, compensation: Floats, value: Floats) -> tuple[Floats, Floats]:
    """Add value by value, and carry on what rounding lost; an infinite sum has lost nothing."""
    with np.errstate(all="ignore"):
        result = total + value
        lost = np.where(np.abs(total) >= np.abs(value), (total - result) + value, (value - result) + total)
        return result, np.where(np.isinf(result), 0.0, compensation + lost)
