"""What an expression yields on a grid of steps: dense arrays, one row a series, one column a step."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Integers, Mask, Objects, Samples

_is_something = np.frompyfunc(lambda cell: cell is not None, 1, 1)


def holds_histogram(cells: Objects) -> Mask:
    """Tell which cells are not None, without asking the histograms themselves."""
    return np.asarray(_is_something(cells), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Vector:
    """An instant vector at every step; what stands in `values` where nothing is present means nothing.

    `histograms` is None where all samples are floats, otherwise an object array of the same shape with a
    NativeHistogram or None (then the float counts). `name_dropped` tells of which rows `__name__` is to be removed
    in the end (delayed name removal); None: of none. Arrays may be shared with others: none is ever written to.
    """

    labels: tuple[Labels, ...]
    values: Floats
    present: Mask
    histograms: Objects | None = None
    name_dropped: Mask | None = None

    @classmethod
    def empty(cls, steps: int) -> "Vector":
        """Return a vector without series."""
        return cls((), np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        return int(self.values.shape[1])

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    @property
    def is_histogram(self) -> Mask:
        """Tell which cells hold histograms."""
        if self.histograms is None:
            return np.zeros(self.values.shape, dtype=np.bool_)
        return holds_histogram(self.histograms) & self.present

    @property
    def floats_present(self) -> Mask:
        """Tell which cells hold floats."""
        return self.present if self.histograms is None else self.present & ~holds_histogram(self.histograms)

    def floats_only(self) -> "Vector":
        """Return the same without histograms."""
        return self if self.histograms is None else replace(self, present=self.floats_present, histograms=None)

    def take(self, rows: Integers | Mask | Sequence[int]) -> "Vector":
        """Return some rows, in the order of their positions."""
        places = np.arange(len(self))[np.asarray(rows)] if len(rows) else np.empty(0, dtype=np.int64)
        return Vector(
            tuple(self.labels[place] for place in places),
            self.values[places],
            self.present[places],
            None if self.histograms is None else self.histograms[places],
            None if self.name_dropped is None else self.name_dropped[places],
        )

    def without_empty_rows(self) -> "Vector":
        """Return only rows with a value at any step."""
        filled: Mask = np.asarray(self.present.any(axis=1))
        return self if filled.all() else self.take(filled)

    def broadcast(self, steps: int) -> "Vector":
        """Return the one step of this vector at each of many."""
        shape = (len(self), steps)
        return replace(
            self,
            values=np.broadcast_to(self.values, shape),
            present=np.broadcast_to(self.present, shape),
            histograms=None if self.histograms is None else np.broadcast_to(self.histograms, shape),
        )


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number at every step."""

    values: Floats

    def broadcast(self, steps: int) -> "Scalar":
        """Return the one step of this scalar at each of many."""
        return Scalar(np.broadcast_to(self.values, (steps,)))


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class RangeVector:
    """Samples in a window that ends at each of `ends_ms`: `(end - range_ms, end]`; staleness markers are left out.

    One end stands for every step when the expression is fixed in time (`@`).
    """

    labels: tuple[Labels, ...]
    samples: Samples
    ends_ms: Integers
    range_ms: int
    name_dropped: Mask | None = None


Value = Vector | Scalar | Text | RangeVector
