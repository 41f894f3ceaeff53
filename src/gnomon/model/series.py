"""Series and their samples as dense arrays: what a store hands out and the query engine computes with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnomon.model.labels import Labels

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
Objects = NDArray[Any]

# The one NaN that says "this series has ended here"; every other NaN is a value.
STALE_BITS = 0x7FF0000000000002
STALE = float(np.uint64(STALE_BITS).view(np.float64))


def is_stale(values: Floats) -> Mask:
    """Tell which values are staleness markers, by their bits."""
    bits: NDArray[np.uint64] = np.ascontiguousarray(values).view(np.uint64)
    return np.equal(bits, np.uint64(STALE_BITS))


@dataclass(frozen=True, slots=True)
class Grid:
    """Evaluation steps: `start_ms`, `start_ms + step_ms`, … up to and including `end_ms`, in Unix milliseconds.

    One step has `start_ms == end_ms`; `step_ms` is at least 1 then, too.
    """

    start_ms: int
    end_ms: int
    step_ms: int

    @property
    def steps(self) -> int:
        """Return how many steps there are."""
        return max(0, (self.end_ms - self.start_ms) // self.step_ms + 1)

    @property
    def times_ms(self) -> Integers:
        """Return every step's time."""
        return self.start_ms + np.arange(self.steps, dtype=np.int64) * self.step_ms

    def shift(self, by_ms: int) -> "Grid":
        """Return the same steps, later by `by_ms`."""
        return Grid(self.start_ms + by_ms, self.end_ms + by_ms, self.step_ms)


@dataclass(frozen=True, slots=True)
class SeriesSet:
    """Series that matchers found: `ids` are the store's own (uint64), `labels` stand in the same order.

    Labels are sorted (`Labels.__lt__`), and no two are the same.
    """

    ids: NDArray[np.uint64]
    labels: tuple[Labels, ...]

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.labels)

    def take(self, positions: Integers | Mask) -> "SeriesSet":
        """Return some of the series, in the order of their positions."""
        places = np.arange(len(self.labels))[positions]
        return SeriesSet(self.ids[positions], tuple(self.labels[place] for place in places))


@dataclass(frozen=True, slots=True)
class Samples:
    """Raw samples of a SeriesSet: those of series `i` stand at `offsets[i]:offsets[i + 1]`, times ascending and unique.

    Staleness markers are kept, with their bits. `histograms` is None where all samples are floats; otherwise an object
    array as long as `values` with a `NativeHistogram` or None (then the float counts). `starts_ms` is each sample's
    start timestamp (0: unknown), or None where there are none at all. `resolution_ms` is that of the coarsest samples
    where old ones were put together (0: all are as they came).
    """

    offsets: Integers
    times_ms: Integers
    values: Floats
    histograms: Objects | None = None
    starts_ms: Integers | None = None
    resolution_ms: int = 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.times_ms)


@dataclass(frozen=True, slots=True)
class GridValues:
    """One value for each series and step: `values` is series by steps, `present` tells which of them exist."""

    values: Floats
    present: Mask


@dataclass(frozen=True, slots=True)
class Windows:
    """A range function over every series' window at every step.

    `left_out` are the positions of series that the store cannot answer exactly (histograms, NaN or infinite values
    where the function is sensitive to them): the caller reads their samples and computes; their rows mean nothing.
    `resolution_ms` is that of the coarsest samples where old ones were put together (0: all are as they came).
    """

    grid: GridValues
    left_out: Integers
    resolution_ms: int = 0
