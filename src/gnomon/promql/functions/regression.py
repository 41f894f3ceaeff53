"""deriv and predict_linear over floats: a line of least squares through each window."""

import numpy as np

from gnomon.model.series import Floats, Integers
from gnomon.promql import compensated
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows


def deriv(given: FloatWindows) -> FloatResult:
    """Return the slope per second."""
    present = given.at_least(2)
    if not present.any():
        return np.zeros(present.shape), present
    origins_ms = given.first(given.samples.times_ms).astype(np.int64)
    slope, _ = _fit(given, origins_ms)
    return slope, present


def predict_linear(given: FloatWindows) -> FloatResult:
    """Return what the line says for the time of evaluation and so many seconds on, by the parameter."""
    present = given.at_least(2)
    if not present.any():
        return np.zeros(present.shape), present
    slope, intercept = _fit(given, np.broadcast_to(given.times_ms, present.shape))
    with np.errstate(all="ignore"):
        return slope * given.parameters[0] + intercept, present


def _fit(given: FloatWindows, origins_ms: Integers) -> tuple[Floats, Floats]:
    """Return slope and value at the origin of each window with two samples or more."""
    shape = given.counts.shape
    counts = np.where(given.at_least(2), given.counts, 0).ravel()
    origins = origins_ms.ravel()
    sums = [(np.zeros(len(counts)), np.zeros(len(counts))) for _ in range(4)]
    level = np.ones(len(counts), dtype=np.bool_)
    initial = np.zeros(len(counts))
    with np.errstate(all="ignore"):
        for number, places, samples in compensated.walk(given.windows.first.ravel(), counts):
            y = given.values[samples]
            x = (given.samples.times_ms[samples] - origins[places]) / 1e3
            if number == 0:
                initial[places] = y
            level[places] &= (y == initial[places]) | (number == 0)
            for (total, rest), term in zip(sums, (x, y, x * y, x * x), strict=True):
                total[places], rest[places] = compensated.add_compensated(term, total[places], rest[places])
        sum_x, sum_y, sum_xy, sum_xx = (total + rest for total, rest in sums)
        slope = (sum_xy - sum_x * sum_y / counts) / (sum_xx - sum_x * sum_x / counts)
        intercept = sum_y / counts - slope * sum_x / counts
        endless = np.isinf(initial)
        slope = np.where(level, np.where(endless, np.nan, 0.0), slope)
        intercept = np.where(level, np.where(endless, np.nan, initial), intercept)
    return slope.reshape(shape), intercept.reshape(shape)
