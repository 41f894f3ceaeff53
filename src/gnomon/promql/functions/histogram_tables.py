"""rate, increase, delta and sums over windows of native histograms of one layout: all windows of a series at once."""

from dataclasses import dataclass

import numpy as np

from gnomon.model.histogram_tables import HistogramTable, combine_hints
from gnomon.model.native_histograms import CounterReset
from gnomon.model.series import Floats, Integers, Mask, Objects
from gnomon.promql.compensated import add_compensated, walk
from gnomon.promql.functions.histogram_remarks import HistogramRemarks

_PAIR = 2
# Samples nearer to the edge of a window than this many average distances reach up to it.
_NEAR = 1.1


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows over the samples of one series: from `first` to before `after`, none of them empty.

    `ends_ms` has one entry a window, `times_ms` one a sample.
    """

    table: HistogramTable
    times_ms: Integers
    first: Integers
    after: Integers
    ends_ms: Integers
    range_ms: int

    @property
    def counts(self) -> Integers:
        """Return how many samples each window holds."""
        return self.after - self.first


def compute(function: str, windows: Windows, remarks: HistogramRemarks) -> Objects | None:
    """Return a histogram or None for each window; None altogether where only a window at a time will do."""
    with np.errstate(all="ignore"):
        if function in _DIFFERENCES:
            counter, per_second = _DIFFERENCES[function]
            return _extrapolate(windows, remarks, counter=counter, per_second=per_second)
        if function in {"sum_over_time", "avg_over_time"}:
            return _total(windows, remarks, mean=function == "avg_over_time")
    return None


FUNCTIONS = frozenset({"rate", "increase", "delta", "sum_over_time", "avg_over_time"})

_DIFFERENCES = {"rate": (True, True), "increase": (True, False), "delta": (False, False)}


def _extrapolate(windows: Windows, remarks: HistogramRemarks, *, counter: bool, per_second: bool) -> Objects | None:
    results: Objects = np.full(len(windows.first), None, dtype=object)
    several = windows.counts >= _PAIR
    if not several.any():
        return results
    first, last = windows.first[several], windows.after[several] - 1
    table, cells = windows.table, windows.table.cells
    difference = cells[last] - cells[first]
    gauge = table.has_hint(CounterReset.GAUGE)
    if counter:
        lost = _lost(table)
        if lost is None:
            return None
        difference += lost[last] - lost[first]
        if _any_within(gauge, first, last + 1).any():
            remarks.not_a_counter()
    elif not (gauge[first] & gauge[last]).all():
        remarks.not_a_gauge()
    times, ends_ms = windows.times_ms, windows.ends_ms[several]
    counts = table.counts[first]
    increases = difference[:, 0]
    ratios = np.where((increases > 0) & (counts >= 0), counts / increases, np.inf) if counter else None
    sampled_s = (times[last] - times[first]) / 1000
    near_s = sampled_s / (windows.counts[several] - 1)
    to_start_s = (times[first] - (ends_ms - windows.range_ms)) / 1000
    to_start_s = np.where(to_start_s >= near_s * _NEAR, near_s / 2, to_start_s)
    if ratios is not None:
        to_start_s = np.fmin(to_start_s, sampled_s * ratios)
    to_end_s = (ends_ms - times[last]) / 1000
    to_end_s = np.where(to_end_s >= near_s * _NEAR, near_s / 2, to_end_s)
    factors = (sampled_s + to_start_s + to_end_s) / sampled_s
    if per_second:
        factors = factors / (windows.range_ms / 1000)
    hints = np.full(len(first), int(CounterReset.GAUGE))
    results[several] = table.unstack(difference * factors[:, None], hints)
    return results


def _lost(table: HistogramTable) -> Floats | None:
    """Return the sum of what was counted before each reset up to a row; None where it is not finite."""
    resets = table.resets()
    resets[0] = False
    lost = np.zeros(table.cells.shape)
    lost[1:][resets[1:]] = table.cells[:-1][resets[1:]]
    if not resets.any():
        return lost
    total: Floats = np.cumsum(lost, axis=0)
    return total if np.isfinite(total).all() else None


def _any_within(flags: Mask, first: Integers, after: Integers) -> Mask:
    counted = np.concatenate(([0], np.cumsum(flags)))
    return np.greater(counted[after], counted[first])


def _total(windows: Windows, remarks: HistogramRemarks, *, mean: bool) -> Objects | None:
    """Return sums or means, compensated; None where a sum overflows on the way to a mean."""
    table, counts = windows.table, windows.counts
    shape = (len(counts), table.cells.shape[1])
    total, rest = np.zeros(shape), np.zeros(shape)
    hints: list[Integers] = []
    for number, places, samples in walk(windows.first, counts):
        part = np.full(len(counts), -1)
        part[places] = table.hints[samples]
        hints.append(part)
        if number == 0:
            total[places] = table.cells[samples]
        else:
            total[places], rest[places] = add_compensated(table.cells[samples], total[places], rest[places])
    if mean and np.isinf(total).any():
        return None
    reset, not_reset = (
        _any_within(table.has_hint(hint), windows.first, windows.after)
        for hint in (CounterReset.RESET, CounterReset.NOT_RESET)
    )
    if (reset & not_reset).any():
        remarks.colliding_resets()
    sizes = counts[:, None]
    result = total / sizes + rest / sizes if mean else total + rest
    return table.unstack(result, combine_hints(hints))
