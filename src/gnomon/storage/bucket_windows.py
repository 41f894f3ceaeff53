"""Range functions over samples that were put together: exact where windows are made of whole buckets."""

from dataclasses import dataclass

import numpy as np

from gnomon.model.series import Floats, Grid, GridValues, Integers
from gnomon.storage.engine import ArrowTable
from gnomon.storage.metric_rows import column

FUNCTIONS = frozenset(
    {
        "last",
        "last_over_time",
        "min_over_time",
        "max_over_time",
        "sum_over_time",
        "avg_over_time",
        "count_over_time",
        "increase",
        "rate",
        "delta",
    }
)
COLUMNS = (
    "id, toUnixTimestamp(ts) * 1000 AS end_ms, min, max, sum, count,"
    " first, toUnixTimestamp64Milli(first_ts) AS first_ms,"
    " last, toUnixTimestamp64Milli(last_ts) AS last_ms, increase"
)
# How much further than to the next sample Prometheus extends a window to its ends.
_NEAR = 1.1


@dataclass(frozen=True, slots=True)
class Buckets:
    """Rows of `samples_5m` or `samples_1h`, by series (`owners`, ascending) and time."""

    owners: Integers
    ends_ms: Integers
    rows: dict[str, Floats]

    @classmethod
    def read(cls, table: ArrowTable, owners: Integers) -> "Buckets":
        """Return the rows of a statement that selects COLUMNS; `owners` are -1 for those that nobody asked for."""
        order = np.lexsort((column(table, "end_ms"), owners))
        order = order[owners[order] >= 0]
        names = ("min", "max", "sum", "count", "first", "first_ms", "last", "last_ms", "increase")
        rows = {name: column(table, name)[order].astype(np.float64) for name in names}
        return cls(owners[order], column(table, "end_ms")[order].astype(np.int64), rows)

    def compute(self, function: str, series: int, grid: Grid, window_ms: int) -> GridValues:
        """Return one of FUNCTIONS over the buckets that end in `(t - window_ms, t]`."""
        low = self._count_until(series, grid.times_ms - window_ms)
        high = self._count_until(series, grid.times_ms)
        present = high > low
        if not len(self.owners):
            return GridValues(np.zeros(present.shape), present)
        first, final = np.minimum(low, len(self.owners) - 1), np.maximum(high - 1, 0)
        with np.errstate(all="ignore"):
            match function:
                case "last" | "last_over_time":
                    values = self.rows["last"][final]
                case "min_over_time":
                    values = _reduce(np.fmin, self.rows["min"], low, high)
                case "max_over_time":
                    values = _reduce(np.fmax, self.rows["max"], low, high)
                case "sum_over_time" | "count_over_time":
                    values = _reduce(np.add, self.rows[function.partition("_")[0]], low, high)
                case "avg_over_time":
                    sums, counts = (_reduce(np.add, self.rows[name], low, high) for name in ("sum", "count"))
                    values = sums / counts
                case _:
                    counts = _reduce(np.add, self.rows["count"], low, high)
                    present = present & (counts > 1)
                    gained = self._gain(function, low, high, first, final)
                    values = self._extrapolate(function, gained, counts, (first, final), grid, window_ms)
        return GridValues(np.where(present, values, 0.0), present)

    def _count_until(self, series: int, times_ms: Integers) -> Integers:
        """Return, for each series and time, the place after the last bucket that ends no later."""
        base = min(int(times_ms[0]), int(self.ends_ms.min(initial=int(times_ms[0])))) - 1
        span = max(int(times_ms[-1]), int(self.ends_ms.max(initial=0))) - base + 1
        asked = np.arange(series)[:, None] * span + (times_ms - base)[None, :]
        keys = self.owners * span + (self.ends_ms - base)
        found: Integers = np.searchsorted(keys, asked.ravel(), side="right").reshape(asked.shape)
        return found

    def _gain(self, function: str, low: Integers, high: Integers, first: Integers, final: Integers) -> Floats:
        """Return what a gauge or counter gained from the first sample of each window to its last."""
        if function == "delta":
            return self.rows["last"][final] - self.rows["first"][first]
        before, after = self.rows["last"][:-1], self.rows["first"][1:]
        # Between neighbours: after a reset a counter began at zero.
        between = np.concatenate(([0.0], np.where(after < before, after, after - before)))
        inside = _reduce(np.add, self.rows["increase"], low, high)
        return inside + np.where(high - low > 1, _reduce(np.add, between, np.minimum(low + 1, high), high), 0.0)

    def _extrapolate(
        self,
        function: str,
        gained: Floats,
        counts: Floats,
        ends: tuple[Integers, Integers],
        grid: Grid,
        window_ms: int,
    ) -> Floats:
        """Extend what was gained to the ends of the window, as Prometheus does."""
        first_ms, last_ms = self.rows["first_ms"][ends[0]], self.rows["last_ms"][ends[1]]
        sampled = last_ms - first_ms
        between = sampled / (counts - 1)
        to_start = first_ms - (grid.times_ms - window_ms)
        to_end = grid.times_ms - last_ms
        to_start = np.where(to_start >= between * _NEAR, between / 2, to_start)
        if function != "delta":
            first = self.rows["first"][ends[0]]
            to_zero = np.where((gained > 0) & (first >= 0), sampled * (first / gained), to_start)
            to_start = np.minimum(to_start, to_zero)
        to_end = np.where(to_end >= between * _NEAR, between / 2, to_end)
        extended: Floats = gained * ((sampled + to_start + to_end) / sampled)
        return extended / (window_ms / 1000) if function == "rate" else extended


def _reduce(how: np.ufunc, values: Floats, low: Integers, high: Integers) -> Floats:
    """Return `how` over `values[low:high]`; what stands where that is empty means nothing."""
    ends = np.stack((low, high), axis=-1).ravel()
    found: Floats = how.reduceat(np.concatenate((values, [0.0])), ends)[::2]
    return found.reshape(low.shape)
