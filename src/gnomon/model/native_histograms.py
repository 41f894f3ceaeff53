"""Native histograms: Prometheus' float histograms with exponential or custom buckets, and their arithmetic."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from gnomon.model.errors import GnomonError
from gnomon.model.float_text import format_general
from gnomon.model.histogram_buckets import (
    CUSTOM_SCHEMA,
    MAXIMAL_SCHEMA,
    MINIMAL_SCHEMA,
    NO_BUCKETS,
    Buckets,
    bits,
    exponential_bounds,
    reconcile_bounds,
)
from gnomon.model.series import Floats, Integers


class CounterReset(IntEnum):
    """What a histogram's writer says of a counter reset before it; numbered as in remote write."""

    UNKNOWN = 0
    RESET = 1
    NOT_RESET = 2
    GAUGE = 3


class IncompatibleBucketsError(GnomonError):
    """Tell that a histogram with exponential buckets meets one with custom buckets."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket with its bounds."""

    lower: float
    upper: float
    count: float
    lower_inclusive: bool
    upper_inclusive: bool

    def __str__(self) -> str:
        """Return Prometheus' notation."""
        left, right = "[" if self.lower_inclusive else "(", "]" if self.upper_inclusive else ")"
        bounds = f"{format_general(self.lower)},{format_general(self.upper)}"
        return f"{left}{bounds}{right}:{format_general(self.count)}"


class Combination(NamedTuple):
    """Two histograms put together: whether one of them says reset and the other not, whether bounds were reconciled."""

    histogram: "NativeHistogram"
    counter_reset_collision: bool
    bounds_reconciled: bool


@dataclass(frozen=True, slots=True, eq=False)
class NativeHistogram:
    """A histogram sample; counts are floats, buckets are sparse.

    `schema` is the resolution, -4 … 8, or CUSTOM_SCHEMA: then `custom_values` are the upper bounds of the buckets 0, 1
    and so on (one more bucket reaches to infinity), and the zero bucket and the negative buckets are not used.
    Otherwise positive bucket `i` reaches from 2 ** ((i - 1) * 2 ** -schema), exclusive, to 2 ** (i * 2 ** -schema),
    and the zero bucket from -zero_threshold to zero_threshold, both inclusive.
    """

    schema: int = 0
    count: float = 0.0
    sum: float = 0.0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive: Buckets = NO_BUCKETS
    negative: Buckets = NO_BUCKETS
    custom_values: tuple[float, ...] = ()
    counter_reset: CounterReset = CounterReset.UNKNOWN

    @property
    def custom(self) -> bool:
        """Tell whether the buckets are custom ones."""
        return self.schema == CUSTOM_SCHEMA

    @property
    def empty(self) -> "NativeHistogram":
        """Return a histogram of the same layout without observations."""
        return NativeHistogram(self.schema, custom_values=self.custom_values)

    # Arithmetic

    def add(self, other: "NativeHistogram") -> Combination:
        """Return the sum, in the layout that both fit; raises IncompatibleBucketsError."""
        return self._combine(other, 1.0)

    def subtract(self, other: "NativeHistogram") -> Combination:
        """Return the difference, in the layout that both fit; raises IncompatibleBucketsError."""
        return self._combine(other, -1.0)

    def multiply(self, factor: float) -> "NativeHistogram":
        """Return all counts and the sum times a factor; a negative one makes it a gauge."""
        with np.errstate(all="ignore"):
            return replace(
                self,
                count=self.count * factor,
                sum=self.sum * factor,
                zero_count=self.zero_count * factor,
                positive=self.positive.scale(factor),
                negative=self.negative.scale(factor),
                counter_reset=CounterReset.GAUGE if factor < 0 else self.counter_reset,
            )

    def divide(self, by: float) -> "NativeHistogram":
        """Return all counts and the sum divided by a number; 0 removes the buckets, a negative one makes it a gauge."""
        with np.errstate(all="ignore"):
            count, total, zero_count = (np.array((self.count, self.sum, self.zero_count)) / by).tolist()
            return replace(
                self,
                count=count,
                sum=total,
                zero_count=0.0 if self.custom else zero_count,
                positive=NO_BUCKETS if by == 0 else self.positive.divide(by),
                negative=NO_BUCKETS if by == 0 else self.negative.divide(by),
                counter_reset=CounterReset.GAUGE if by < 0 else self.counter_reset,
            )

    def compact(self) -> "NativeHistogram":
        """Return the histogram without empty buckets."""
        return replace(self, positive=self.positive.compact(), negative=self.negative.compact())

    def coarser(self, schema: int) -> "NativeHistogram":
        """Return an exponential histogram at a lower resolution, without a word on resets."""
        if schema == self.schema:
            return self
        return replace(
            self,
            schema=schema,
            positive=self.positive.coarser(self.schema, schema),
            negative=self.negative.coarser(self.schema, schema),
            counter_reset=CounterReset.UNKNOWN,
        )

    def with_counter_reset(self, counter_reset: CounterReset) -> "NativeHistogram":
        """Return the histogram with another word on resets."""
        return self if counter_reset is self.counter_reset else replace(self, counter_reset=counter_reset)

    def widen_zero_bucket(self, threshold: float) -> "NativeHistogram":
        """Return the histogram with a zero bucket at least as wide; it swallows whole buckets, so may become wider."""
        if threshold == self.zero_threshold:
            return self
        one, two = self.positive, self.negative
        while True:
            inside = [buckets.indices[_lower_bounds(buckets, self.schema) < threshold] for buckets in (one, two)]
            reach = max(
                (
                    float(exponential_bounds(indices[-1:], self.schema)[0])
                    for buckets, indices in zip((one, two), inside, strict=True)
                    if len(indices) and buckets.counts[len(indices) - 1] != 0
                ),
                default=0.0,
            )
            if reach <= threshold:
                break
            threshold = reach
        swallowed = float(one.counts[: len(inside[0])].sum() + two.counts[: len(inside[1])].sum())
        return replace(
            self,
            zero_threshold=threshold,
            zero_count=self.zero_count + swallowed,
            positive=Buckets(one.indices[len(inside[0]) :], one.counts[len(inside[0]) :]),
            negative=Buckets(two.indices[len(inside[1]) :], two.counts[len(inside[1]) :]),
        )

    def _combine(self, other: "NativeHistogram", sign: float) -> Combination:
        counter_reset, collision = combine_counter_resets(self.counter_reset, other.counter_reset)
        one, two, reconciled = align(self, other)
        with np.errstate(all="ignore"):
            combined = NativeHistogram(
                one.schema,
                one.count + sign * two.count,
                one.sum + sign * two.sum,
                one.zero_threshold,
                one.zero_count + sign * two.zero_count,
                one.positive.plus(two.positive, sign=sign),
                one.negative.plus(two.negative, sign=sign),
                one.custom_values,
                counter_reset,
            )
        return Combination(combined, collision, reconciled)

    # Comparison

    def __eq__(self, other: object) -> bool:
        """Compare layout, counts and sum bit by bit, empty buckets and the word on resets aside."""
        if not isinstance(other, NativeHistogram):
            return NotImplemented
        own = (self.count, self.sum, self.zero_threshold, self.zero_count)
        others = (other.count, other.sum, other.zero_threshold, other.zero_count)
        return (
            self.schema == other.schema
            and np.array_equal(bits(np.array(own)), bits(np.array(others)))
            and self.custom_values == other.custom_values
            and self.positive.same(other.positive)
            and self.negative.same(other.negative)
        )

    __hash__ = None  # type: ignore[assignment]  # compared by value, never a key

    def is_reset_from(self, previous: "NativeHistogram") -> bool:
        """Tell whether a counter was reset between the histogram before and this one: any count shrank."""
        if self.counter_reset is CounterReset.RESET:
            return True
        if self.counter_reset is CounterReset.NOT_RESET:
            return False
        if self.count < previous.count or self.custom != previous.custom:
            return True
        if self.custom:
            _, one, two = _on_shared_bounds(self, previous)
            return _shrinks(two.positive, one.positive)
        if self.schema > previous.schema or self.zero_threshold < previous.zero_threshold:
            return True
        before = previous.widen_zero_bucket(self.zero_threshold)
        if before.zero_threshold != self.zero_threshold or self.zero_count < before.zero_count:
            return True
        return any(
            _shrinks(
                old.coarser(previous.schema, self.schema).above(self.zero_threshold, self.schema),
                new.above(self.zero_threshold, self.schema),
            )
            for old, new in ((before.positive, self.positive), (before.negative, self.negative))
        )

    def has_overflow(self) -> bool:
        """Tell whether a count or the sum is infinite."""
        return (
            math.isinf(self.zero_count)
            or math.isinf(self.count)
            or math.isinf(self.sum)
            or bool(np.isinf(self.positive.counts).any() or np.isinf(self.negative.counts).any())
        )

    def invalid_reason(self) -> str | None:
        """Return why no store should take this histogram, None when it is sound."""
        if self.custom:
            bounds = np.array(self.custom_values)
            if np.isnan(bounds).any() or np.isposinf(bounds).any() or (np.diff(bounds) <= 0).any():
                return "custom bounds must be ascending numbers below +Inf"
            if self.zero_count or self.zero_threshold or len(self.negative):
                return "custom buckets must have neither a zero bucket nor negative buckets"
            if len(self.positive) and (self.positive.indices[-1] > len(bounds) or self.positive.indices[0] < 0):
                return "there are more custom buckets than bounds"
        elif not MINIMAL_SCHEMA <= self.schema <= MAXIMAL_SCHEMA:
            return f"unknown schema {self.schema}"
        elif self.custom_values:
            return "exponential buckets must not have custom bounds"
        counts = np.concatenate(((self.count, self.zero_count), self.positive.counts, self.negative.counts))
        return "counts must not be negative" if (counts < 0).any() else None

    # Bounds

    def bounds(self, indices: Integers) -> Floats:
        """Return the upper bounds of positive buckets; index -1 of custom ones is the lowest one's lower bound."""
        if not self.custom:
            return exponential_bounds(indices, self.schema)
        return np.array((-math.inf, *self.custom_values, math.inf))[indices + 1]

    def bounded(self) -> tuple[Floats, Floats, Floats]:
        """Return lower bounds, upper bounds and counts of the listed buckets, from the lowest to the highest.

        The zero bucket is among them unless it is empty; a bucket that overlaps it is cut off there.
        """
        uppers = self.bounds(self.positive.indices)
        lowers = self.bounds(self.positive.indices - 1)
        if self.custom:
            return lowers, uppers, self.positive.counts
        edge = self.zero_threshold
        zero = [edge] if self.zero_count > 0 else []
        near = np.maximum(exponential_bounds(self.negative.indices - 1, self.schema), edge)
        far = exponential_bounds(self.negative.indices, self.schema)
        return (
            np.concatenate((-far[::-1], -np.array(zero), np.maximum(lowers, edge))),
            np.concatenate((-near[::-1], zero, uppers)),
            np.concatenate((self.negative.counts[::-1], [self.zero_count] * len(zero), self.positive.counts)),
        )

    def buckets(self) -> Iterator[Bucket]:
        """Yield what `bounded` returns as single buckets."""
        lowest = self.custom and len(self.positive) > 0 and self.positive.indices[0] == 0
        for place, (lower, upper, count) in enumerate(zip(*(part.tolist() for part in self.bounded()), strict=True)):
            if self.custom:
                yield Bucket(lower, upper, count, lowest and place == 0, upper_inclusive=True)
            else:
                zero = upper == self.zero_threshold == -lower
                yield Bucket(lower, upper, count, lower < 0 or zero, upper > 0 or zero)

    def __str__(self) -> str:
        """Return Prometheus' notation: {count:3, sum:4.5, [-1,-0.5):1, (1,2]:2}."""
        parts = [f"count:{format_general(self.count)}", f"sum:{format_general(self.sum)}"]
        parts += [str(bucket) for bucket in replace(self, zero_threshold=0.0, zero_count=0.0).buckets() if bucket.count]
        if self.zero_count:
            edge = self.zero_threshold
            zero = Bucket(-edge, edge, self.zero_count, lower_inclusive=True, upper_inclusive=True)
            parts.insert(2 + int(np.count_nonzero(self.negative.counts)), str(zero))
        return "{" + ", ".join(parts) + "}"

    def __repr__(self) -> str:
        """Return the notation, for messages of tests."""
        return f"NativeHistogram({self})"


def combine_counter_resets(one: CounterReset, two: CounterReset) -> tuple[CounterReset, bool]:
    """Return what holds of a sum, and whether one says reset and the other not."""
    if one is two:
        return one, False
    if CounterReset.GAUGE in {one, two}:
        return CounterReset.GAUGE, False
    return CounterReset.UNKNOWN, CounterReset.UNKNOWN not in {one, two}


def align(one: NativeHistogram, two: NativeHistogram) -> tuple[NativeHistogram, NativeHistogram, bool]:
    """Return both in one layout (schema, zero threshold, bounds), and whether custom bounds had to be reconciled.

    Raises IncompatibleBucketsError when one has custom buckets and the other exponential ones.
    """
    if one.custom != two.custom:
        raise IncompatibleBucketsError("Histograms with exponential and with custom buckets cannot be combined.")
    if one.custom:
        if one.custom_values == two.custom_values:
            return one, two, False
        _, one, two = _on_shared_bounds(one, two)
        return one, two, True
    while one.zero_threshold != two.zero_threshold:
        one = one.widen_zero_bucket(max(one.zero_threshold, two.zero_threshold))
        two = two.widen_zero_bucket(max(one.zero_threshold, two.zero_threshold))
    schema = min(one.schema, two.schema)
    if one.schema == two.schema:
        return one, two, False
    return (
        one.coarser(schema).with_counter_reset(one.counter_reset),
        two.coarser(schema).with_counter_reset(two.counter_reset),
        False,
    )


def _on_shared_bounds(
    one: NativeHistogram, two: NativeHistogram
) -> tuple[tuple[float, ...], NativeHistogram, NativeHistogram]:
    if one.custom_values == two.custom_values:
        return one.custom_values, one, two
    shared, one_to, two_to = reconcile_bounds(one.custom_values, two.custom_values)
    return (
        shared,
        replace(one, custom_values=shared, positive=one.positive.merged(one_to[one.positive.indices])),
        replace(two, custom_values=shared, positive=two.positive.merged(two_to[two.positive.indices])),
    )


def _lower_bounds(buckets: Buckets, schema: int) -> Floats:
    return exponential_bounds(buckets.indices - 1, schema)


def _shrinks(before: Buckets, after: Buckets) -> bool:
    return bool((after.at(before.indices) < before.counts).any())
