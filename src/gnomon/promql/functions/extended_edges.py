"""rate, increase, delta, resets and changes over floats whose windows reach to their very edges (experimental).

Anchored: the newest sample not after the start of the window stands for its start. Smoothed: values at both edges are
interpolated between the samples around them.
"""

import numpy as np

from gnomon.model.series import Floats, Integers
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows


def compute(function: str, given: FloatWindows, *, smoothed: bool) -> FloatResult:
    """Return a function's values; windows hold samples as far outside as they may be looked for."""
    values, present = np.zeros(given.counts.shape), given.at_least(1)
    for row, column in zip(*np.nonzero(present), strict=True):
        part = slice(int(given.windows.first[row, column]), int(given.windows.after[row, column]))
        end_ms = int(given.ends_ms[column])
        window = _Window(
            given.samples.times_ms[part], given.values[part], end_ms - given.range_ms, end_ms, smoothed=smoothed
        )
        if function in {"resets", "changes"}:
            result = window.count(function)
        else:
            result = window.difference(counter=function != "delta")
            if result is not None and function == "rate":
                result /= given.range_ms / 1000
        present[row, column] = result is not None
        values[row, column] = 0.0 if result is None else result
    return values, present


class _Window:
    def __init__(self, times_ms: Integers, values: Floats, start_ms: int, end_ms: int, *, smoothed: bool) -> None:
        self._times_ms = times_ms
        self._values = values
        self._start_ms = start_ms
        self._end_ms = end_ms
        self._smoothed = smoothed

    def count(self, function: str) -> float | None:
        """Count falls or changes from the newest sample not after the start on."""
        if self._times_ms[-1] <= self._start_ms:
            return None
        values = self._values[self._anchor() :]
        before, after = values[:-1], values[1:]
        if function == "resets":
            return float(np.count_nonzero(after < before))
        return float(np.count_nonzero((after != before) & ~(np.isnan(after) & np.isnan(before))))

    def difference(self, *, counter: bool) -> float | None:
        """Return by how much the value grew between the edges."""
        times, values = self._times_ms, self._values
        first, last = self._anchor(), len(times) - 1
        if self._smoothed:
            last = int(np.searchsorted(times[:-1], self._end_ms, side="left"))
        if times[last] <= self._start_ms or (self._smoothed and times[first] > self._end_ms):
            return None
        left, right = float(values[first]), float(values[last])
        crossed = False
        if self._smoothed and times[first] < self._start_ms:
            left = self._interpolate(first, self._start_ms, counter=counter)
            crossed = True
        if self._smoothed and last > 0 and times[last] > self._end_ms:
            right = self._interpolate(last - 1, self._end_ms, counter=counter)
        result = right - left
        return result + self._lost(first, last, left, right, crossed=crossed) if counter else result

    def _lost(self, first: int, last: int, left: float, right: float, *, crossed: bool) -> float:
        """Return what was counted before each reset between the edges."""
        values = self._values
        previous, place = left, first + 1
        if crossed and values[first + 1] < values[first]:
            # The interpolation at the left edge has taken this reset into account.
            previous, place = float(values[first + 1]), first + 2
            if place > last:
                return 0.0
        lost = 0.0
        for value in (*values[place:last].tolist(), right):
            if value < previous:
                lost += previous
            previous = value
        return lost

    def _anchor(self) -> int:
        return max(0, int(np.searchsorted(self._times_ms[:-1], self._start_ms, side="right")) - 1)

    def _interpolate(self, before: int, at_ms: int, *, counter: bool) -> float:
        older_ms, newer_ms = int(self._times_ms[before]), int(self._times_ms[before + 1])
        older, newer = float(self._values[before]), float(self._values[before + 1])
        part = (at_ms - older_ms) / (newer_ms - older_ms)
        if counter and newer < older:
            return newer * part
        return older + (newer - older) * part
