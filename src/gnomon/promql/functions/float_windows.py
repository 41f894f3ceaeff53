"""What a range function over floats is given, and what it gives."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gnomon.model.series import Floats, Integers, Mask, Samples
from gnomon.promql.windows import Windows

Item = TypeVar("Item", bound=np.generic)


@dataclass(frozen=True, slots=True)
class FloatWindows:
    """Windows over samples that are all floats, none of them a staleness marker.

    `ends_ms` has one column a step, as the windows do; `times_ms` are the times of evaluation, `parameters` the scalar
    arguments at every step, in their order.
    """

    samples: Samples
    windows: Windows
    ends_ms: Integers
    range_ms: int
    times_ms: Integers
    parameters: tuple[Floats, ...] = ()

    @property
    def values(self) -> Floats:
        """Return all samples' values."""
        return self.samples.values

    @property
    def counts(self) -> Integers:
        """Return how many samples each window holds."""
        return self.windows.counts

    def at_least(self, count: int) -> Mask:
        """Tell which windows hold that many samples."""
        return np.greater_equal(self.windows.counts, count)

    def first(self, values: NDArray[Item]) -> NDArray[Item]:
        """Return something of each window's first sample; of an empty one, of any sample."""
        return values[np.minimum(self.windows.first, max(len(values) - 1, 0))]

    def last(self, values: NDArray[Item]) -> NDArray[Item]:
        """Return something of each window's last sample; of an empty one, of any sample."""
        return values[np.maximum(self.windows.after - 1, 0)]


FloatResult = tuple[Floats, Mask]
"""Values, and which of them there are."""
