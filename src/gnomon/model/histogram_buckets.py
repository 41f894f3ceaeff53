"""Sparse buckets of native histograms: indices and counts as arrays, and where the buckets' bounds lie."""

import sys
from dataclasses import dataclass, field
from decimal import Context, Decimal

import numpy as np
from numpy.typing import NDArray

from gnomon.model.series import Floats, Integers

CUSTOM_SCHEMA = -53
MINIMAL_SCHEMA, MAXIMAL_SCHEMA = -4, 8

_LARGEST = sys.float_info.max
_OVERFLOWING_EXPONENT = 1024


def _fractions() -> Floats:
    """Return 2 ** (i / 256) / 2, each rounded once: every exponential bound is one of them times a power of two."""
    exact = Context(prec=40)
    root = exact.power(Decimal(2), exact.divide(Decimal(1), Decimal(256)))
    return np.array([float(exact.divide(exact.power(root, Decimal(place)), Decimal(2))) for place in range(256)])


_FRACTIONS = _fractions()


def exponential_bounds(indices: Integers, schema: int) -> Floats:
    """Return the upper bounds of positive buckets by index: the base 2 ** (2 ** -schema) raised to the index.

    The last bucket for finite values ends at the largest float, the one after it at infinity.
    """
    if schema < 0:
        exponents = indices << -schema
        fractions = np.ones(len(indices))
        overflowing = exponents == _OVERFLOWING_EXPONENT
    else:
        parts = 1 << schema
        fractions = _FRACTIONS[(indices & (parts - 1)) << (MAXIMAL_SCHEMA - schema)]
        exponents = (indices >> schema) + 1
        overflowing = (exponents == _OVERFLOWING_EXPONENT + 1) & (indices & (parts - 1) == 0)
    with np.errstate(over="ignore", under="ignore"):
        bounds: Floats = np.ldexp(fractions, np.clip(exponents, -5000, 5000).astype(np.int32))
    bounds[overflowing] = _LARGEST
    return bounds


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Counts by bucket index; indices ascend and are unique, buckets that are not there are empty."""

    indices: Integers = field(default_factory=lambda: np.empty(0, np.int64))
    counts: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def from_spans(cls, spans: list[tuple[int, int]], counts: Floats) -> "Buckets":
        """Return buckets from spans of (offset to the end of the span before, length), as Prometheus writes them."""
        if not spans:
            return NO_BUCKETS
        offsets, lengths = np.array(spans, np.int64).T
        starts = np.cumsum(offsets) + np.cumsum(lengths) - lengths
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return cls(np.repeat(starts, lengths) + within, counts)

    def to_spans(self) -> list[tuple[int, int]]:
        """Return spans of (offset to the end of the span before, length)."""
        if not len(self):
            return []
        breaks = np.flatnonzero(np.diff(self.indices) != 1) + 1
        starts = np.concatenate(([0], breaks))
        ends = np.concatenate((breaks, [len(self)]))
        first, after = self.indices[starts], self.indices[ends - 1] + 1
        offsets = first - np.concatenate(([0], after[:-1]))
        return list(zip(offsets.tolist(), (ends - starts).tolist(), strict=True))

    def __len__(self) -> int:
        """Return how many buckets are listed, empty ones included."""
        return len(self.indices)

    def compact(self) -> "Buckets":
        """Return the buckets without empty ones."""
        filled = self.counts != 0
        return self if filled.all() else Buckets(self.indices[filled], self.counts[filled])

    def scale(self, factor: float) -> "Buckets":
        """Return every count times a factor."""
        return Buckets(self.indices, self.counts * factor) if len(self) else self

    def divide(self, by: float) -> "Buckets":
        """Return every count divided by a number other than 0."""
        return Buckets(self.indices, self.counts / by) if len(self) else self

    def at(self, indices: Integers) -> Floats:
        """Return the counts at indices, 0 where there is no bucket."""
        if not len(self):
            return np.zeros(len(indices))
        places = np.searchsorted(self.indices, indices)
        places[places == len(self)] = 0
        return np.where(self.indices[places] == indices, self.counts[places], 0.0)

    def same(self, other: "Buckets") -> bool:
        """Tell whether both hold the same counts, bit by bit, empty buckets aside."""
        one, two = self.compact(), other.compact()
        return np.array_equal(one.indices, two.indices) and np.array_equal(bits(one.counts), bits(two.counts))

    def merged(self, indices: Integers) -> "Buckets":
        """Return buckets that stand at new, ascending indices; those that meet are summed."""
        if not len(self):
            return self
        starts = np.flatnonzero(np.concatenate(([True], np.diff(indices) != 0)))
        return Buckets(indices[starts], np.add.reduceat(self.counts, starts))

    def coarser(self, from_schema: int, to_schema: int) -> "Buckets":
        """Return the buckets at a lower resolution."""
        if from_schema == to_schema:
            return self
        return self.merged(((self.indices - 1) >> (from_schema - to_schema)) + 1)

    def above(self, threshold: float, schema: int) -> "Buckets":
        """Return the exponential buckets that do not lie within a zero bucket of this width."""
        if threshold == 0 or not len(self):
            return self
        kept = exponential_bounds(self.indices, schema) > threshold
        return self if kept.all() else Buckets(self.indices[kept], self.counts[kept])

    def plus(self, other: "Buckets", *, sign: float = 1.0) -> "Buckets":
        """Return counts added by index, or subtracted with the sign -1."""
        if not len(other):
            return self
        if np.array_equal(self.indices, other.indices):
            return Buckets(self.indices, self.counts + sign * other.counts)
        if not len(self):
            return Buckets(other.indices, sign * other.counts)
        indices = np.union1d(self.indices, other.indices)
        return Buckets(indices, self.at(indices) + sign * other.at(indices))


NO_BUCKETS = Buckets()


def bits(values: Floats) -> NDArray[np.uint64]:
    """Return the bits of floats, so that a NaN equals itself."""
    return np.ascontiguousarray(values, np.float64).view(np.uint64)


def reconcile_bounds(
    bounds: tuple[float, ...], other: tuple[float, ...]
) -> tuple[tuple[float, ...], Integers, Integers]:
    """Return the bounds of custom buckets that two layouts share, and where each one's buckets go in that layout."""
    known = set(other)
    shared = tuple(bound for bound in bounds if bound in known)
    places, others_places = (np.searchsorted(shared, (*layout, np.inf)).astype(np.int64) for layout in (bounds, other))
    return shared, places, others_places
