"""Range functions over windows that hold native histograms.

A series whose histograms all have one layout is computed at once where that can be (histogram_tables.py), any other
one window after another.
A window that holds both floats and histograms has a result where the function can say something of both
(`count_over_time`, `resets` …); elsewhere there is a warning instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from gnomon.model.histogram_sums import HistogramMean, HistogramSum
from gnomon.model.histogram_tables import HistogramTable
from gnomon.model.native_histograms import CounterReset, IncompatibleBucketsError, NativeHistogram
from gnomon.model.series import Floats, Integers, Mask, Objects
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions import histogram_tables
from gnomon.promql.functions.histogram_remarks import HistogramRemarks
from gnomon.promql.start_timestamps import is_reset_by_start, overlaps
from gnomon.promql.syntax_tree import Span, WindowEdges
from gnomon.promql.values import RangeVector
from gnomon.promql.windows import Windows

# Samples nearer to the edge of a window than this many average distances reach up to it.
_NEAR = 1.1

Result = NativeHistogram | float | None


@dataclass(frozen=True, slots=True)
class Window:
    """The samples of one series in one window: `histograms` holds None where a sample is a float.

    `starts_ms` are start timestamps, 0 where unknown. With other edges than plain ones, samples just outside are there.
    """

    times_ms: Integers
    values: Floats
    histograms: Objects
    starts_ms: Integers | None
    start_ms: int
    end_ms: int
    edges: WindowEdges

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.times_ms)

    @property
    def mixed(self) -> bool:
        """Tell whether there are floats besides the histograms."""
        return any(histogram is None for histogram in self.histograms)

    @property
    def length_s(self) -> float:
        """Return how long the window is."""
        return (self.end_ms - self.start_ms) / 1000

    def is_reset_by_start(self, place: int) -> bool:
        """Tell whether the start timestamp of a sample says that its counter was reset since the sample before."""
        return self.starts_ms is not None and is_reset_by_start(self.starts_ms, self.times_ms, place)

    def is_reset(self, place: int, previous: NativeHistogram) -> bool:
        """Tell whether a histogram's counter was reset since a previous one."""
        histogram: NativeHistogram = self.histograms[place]
        return self.is_reset_by_start(place) or histogram.is_reset_from(previous)


Function = Callable[[Window, HistogramRemarks], Result]


def compute(
    function: str,
    vector: RangeVector,
    windows: Windows,
    cells: Mask,
    annotations: Annotations,
    span: Span,
    edges: WindowEdges = WindowEdges.PLAIN,
) -> tuple[Floats, Mask, Objects]:
    """Return values, which of them there are, and histograms, for the cells (series by step) that are asked for.

    All cells asked for hold at least one histogram. `function` is one of FUNCTIONS.
    """
    call = FUNCTIONS[function]
    values, present = np.zeros(cells.shape), np.zeros(cells.shape, np.bool_)
    results: Objects = np.full(cells.shape, None, dtype=object)
    for row in np.flatnonzero(cells.any(axis=1)).tolist():
        remarks = HistogramRemarks(annotations, span, vector.labels[row].metric_name)
        columns = np.flatnonzero(cells[row])
        if edges is WindowEdges.PLAIN and function in histogram_tables.FUNCTIONS:
            found = _compute_row(function, vector, windows, row, columns, remarks)
            if found is not None:
                results[row, columns], present[row, columns] = found, [one is not None for one in found]
                continue
        for column in columns.tolist():
            result = call(_window(vector, windows, row, column, edges), remarks)
            present[row, column] = result is not None
            if isinstance(result, NativeHistogram):
                results[row, column] = result
            elif result is not None:
                values[row, column] = result
    return values, present, results


def _window(vector: RangeVector, windows: Windows, row: int, column: int, edges: WindowEdges) -> Window:
    samples = vector.samples
    part = slice(int(windows.first[row, column]), int(windows.after[row, column]))
    end_ms = int(vector.ends_ms[column if len(vector.ends_ms) > 1 else 0])
    return Window(
        samples.times_ms[part],
        samples.values[part],
        samples.histograms[part] if samples.histograms is not None else np.empty(0, object),
        None if samples.starts_ms is None else samples.starts_ms[part],
        end_ms - vector.range_ms,
        end_ms,
        edges,
    )


def _compute_row(
    function: str, vector: RangeVector, windows: Windows, row: int, columns: Integers, remarks: HistogramRemarks
) -> Objects | None:
    """Return a histogram or None for each window; None altogether where samples have different layouts or kinds."""
    samples = vector.samples
    first, after = windows.first[row, columns], windows.after[row, columns]
    begin, end = int(first.min()), int(after.max())
    histograms = None if samples.histograms is None else samples.histograms[begin:end].tolist()
    if histograms is None or samples.starts_ms is not None or any(one is None for one in histograms):
        return None
    table = HistogramTable.stack(histograms)
    if table is None:
        return None
    ends_ms = vector.ends_ms[columns] if len(vector.ends_ms) > 1 else np.broadcast_to(vector.ends_ms, columns.shape)
    given = histogram_tables.Windows(
        table, samples.times_ms[begin:end], first - begin, after - begin, ends_ms, vector.range_ms
    )
    return histogram_tables.compute(function, given, remarks)


# Counters and gauges


def _rate(window: Window, remarks: HistogramRemarks) -> Result:
    return _extrapolate(window, remarks, counter=True, per_second=True)


def _increase(window: Window, remarks: HistogramRemarks) -> Result:
    return _extrapolate(window, remarks, counter=True, per_second=False)


def _delta(window: Window, remarks: HistogramRemarks) -> Result:
    return _extrapolate(window, remarks, counter=False, per_second=False)


def _extrapolate(window: Window, remarks: HistogramRemarks, *, counter: bool, per_second: bool) -> Result:
    """Return the difference between the first and the last histogram, extrapolated to the window's edges."""
    if window.mixed:
        remarks.mixed_with_floats()
        return None
    if window.edges is not WindowEdges.PLAIN:
        return _between_edges(window, remarks, counter=counter, per_second=per_second)
    first: NativeHistogram = window.histograms[0]
    began_ms = 0 if window.starts_ms is None or not counter else int(window.starts_ms[0])
    began = began_ms != 0 and window.start_ms < began_ms < window.times_ms[0]
    result: NativeHistogram | None
    if len(window) > 1:
        result = _difference(window, remarks, counter=counter)
        if began:
            result = result and remarks.add(result, first)
    else:
        result = first if began else None
    if result is None:
        return None
    from_zero = first.count / result.count if counter and result.count > 0 and first.count >= 0 else np.inf
    factor = _extrapolation(window, began_ms if began else None, from_zero)
    return result.multiply(factor / window.length_s if per_second else factor)


def _extrapolation(window: Window, began_ms: int | None, from_zero: float) -> float:
    """Return by how much to multiply a difference so that it counts for the whole window.

    `from_zero` is the first count's part of the increase; where a counter began inside the window, nothing is added
    before that.
    """
    first_ms, last_ms = int(window.times_ms[0]), int(window.times_ms[-1])
    sampled_s = (last_ms - first_ms) / 1000
    average_s = sampled_s / max(1, len(window) - 1)
    to_start_s, to_end_s = (first_ms - window.start_ms) / 1000, (window.end_ms - last_ms) / 1000
    if began_ms is not None:
        to_start_s, sampled_s = 0.0, (last_ms - began_ms) / 1000
    else:
        if to_start_s >= average_s * _NEAR:
            to_start_s = average_s / 2
        to_start_s = min(to_start_s, sampled_s * from_zero)
    if to_end_s >= average_s * _NEAR:
        to_end_s = average_s / 2
    return (sampled_s + to_start_s + to_end_s) / sampled_s if sampled_s else 1.0


def _difference(window: Window, remarks: HistogramRemarks, *, counter: bool) -> NativeHistogram | None:
    """Return the last histogram less the first, with what was lost by resets in between; a gauge."""
    histograms = window.histograms
    first, last = histograms[0], histograms[-1]
    if counter:
        if any(histogram.counter_reset is CounterReset.GAUGE for histogram in histograms):
            remarks.not_a_counter()
        if window.is_reset(1, first):
            # The layout of what was counted before the reset does not matter.
            first = histograms[1].empty
    elif {first.counter_reset, last.counter_reset} != {CounterReset.GAUGE}:
        remarks.not_a_gauge()
    relevant = (first, *histograms[1:]) if counter else (first, last)
    if any(histogram.custom != last.custom for histogram in relevant):
        remarks.mixed_layouts()
        return None
    result = remarks.subtract(last.coarser(min(histogram.schema for histogram in relevant)), first)
    if counter:
        result = result and _with_resets(window, result, first, remarks)
    return result and result.with_counter_reset(CounterReset.GAUGE).compact()


def _with_resets(
    window: Window, result: NativeHistogram, previous: NativeHistogram, remarks: HistogramRemarks
) -> NativeHistogram | None:
    if window.starts_ms is not None and overlaps(window.starts_ms, window.times_ms):
        remarks.overlapping_start()
    total: NativeHistogram | None = result
    for place in range(1, len(window)):
        if total is not None and window.is_reset(place, previous):
            total = remarks.add(total, previous)
        previous = window.histograms[place]
    return total


def _irate(window: Window, remarks: HistogramRemarks) -> Result:
    return _between_last_two(window, remarks, counter=True)


def _idelta(window: Window, remarks: HistogramRemarks) -> Result:
    return _between_last_two(window, remarks, counter=False)


def _between_last_two(window: Window, remarks: HistogramRemarks, *, counter: bool) -> Result:
    if len(window) < 2:  # noqa: PLR2004  # a difference takes two
        return None
    older, newer = window.histograms[-2:]
    seconds = float(window.times_ms[-1] - window.times_ms[-2]) / 1000
    if older is None and newer is None:
        before, after = window.values[-2:].tolist()
        reset = counter and (after < before or window.is_reset_by_start(len(window) - 1))
        difference = after if reset else after - before
        return float(difference / seconds if counter else difference)
    if older is None or newer is None:
        remarks.mixed_with_floats()
        return None
    hints = {older.counter_reset, newer.counter_reset}
    if counter and CounterReset.GAUGE in hints:
        remarks.not_a_counter()
    if not counter and hints != {CounterReset.GAUGE}:
        remarks.not_a_gauge()
    result: NativeHistogram | None = newer
    if not counter or not window.is_reset(len(window) - 1, older):
        result = remarks.subtract(newer, older)
    result = result and result.with_counter_reset(CounterReset.GAUGE).compact()
    return result and (result.divide(seconds) if counter else result)


# Anchored and smoothed windows


def _between_edges(window: Window, remarks: HistogramRemarks, *, counter: bool, per_second: bool) -> Result:
    """Return the difference between the window's very edges; smoothed ones are interpolated."""
    smoothed = window.edges is WindowEdges.SMOOTHED
    times = window.times_ms
    first = max(0, int(np.searchsorted(times[:-1], window.start_ms, side="right")) - 1)
    last = int(np.searchsorted(times[:-1], window.end_ms, side="left")) if smoothed else len(window) - 1
    if times[last] <= window.start_ms or (smoothed and times[first] > window.end_ms):
        return None
    used = window.histograms[first : last + 1]
    if any(histogram.custom != used[0].custom for histogram in used):
        remarks.mixed_layouts()
        return None
    if counter and any(histogram.counter_reset is CounterReset.GAUGE for histogram in used):
        remarks.not_a_counter()
    left, right = _edges(window, first, last, remarks, counter=counter)
    if left is None or right is None:
        return None
    if not counter and {left.counter_reset, right.counter_reset} != {CounterReset.GAUGE}:
        remarks.not_a_gauge()
    result = remarks.subtract(right, left)
    for lost in _lost_between(window, first, last, left, right) if counter else ():
        result = result and remarks.add(result, lost)
    if result is not None and per_second:
        result = result.divide(window.length_s)
    return result and result.with_counter_reset(CounterReset.GAUGE).compact()


def _edges(
    window: Window, first: int, last: int, remarks: HistogramRemarks, *, counter: bool
) -> tuple[NativeHistogram | None, NativeHistogram | None]:
    left: NativeHistogram | None = window.histograms[first]
    right: NativeHistogram | None = window.histograms[last]
    if window.edges is WindowEdges.SMOOTHED:
        if window.times_ms[first] < window.start_ms:
            left = _interpolate(window, first, first + 1, window.start_ms, remarks, counter=counter)
        if last > 0 and window.times_ms[last] > window.end_ms:
            right = _interpolate(window, last - 1, last, window.end_ms, remarks, counter=counter)
    return left, right


def _interpolate(
    window: Window, before: int, after: int, at_ms: int, remarks: HistogramRemarks, *, counter: bool
) -> NativeHistogram | None:
    older: NativeHistogram = window.histograms[before]
    newer: NativeHistogram = window.histograms[after]
    older_ms, newer_ms = int(window.times_ms[before]), int(window.times_ms[after])
    if at_ms == newer_ms:
        return newer
    part = (at_ms - older_ms) / (newer_ms - older_ms)
    if counter and newer.is_reset_from(older):
        return newer.multiply(part)
    difference = remarks.subtract(newer, older)
    return difference and remarks.add(difference.multiply(part), older)


def _lost_between(
    window: Window, first: int, last: int, left: NativeHistogram, right: NativeHistogram
) -> list[NativeHistogram]:
    """Return what was counted before each reset between the edges."""
    histograms, previous, place = window.histograms, left, first + 1
    if (
        window.edges is WindowEdges.SMOOTHED
        and window.times_ms[first] < window.start_ms
        and histograms[first + 1].is_reset_from(histograms[first])
    ):
        # The interpolation at the left edge has taken this reset into account.
        previous, place = histograms[first + 1], first + 2
    if place > last:
        return []
    lost = []
    for histogram in (*histograms[place:last], right):
        if histogram.is_reset_from(previous):
            lost.append(previous)
        previous = histogram
    return lost


# Counting


def _resets(window: Window, _: HistogramRemarks) -> Result:
    return _count(window, lambda place: _was_reset(window, place))


def _was_reset(window: Window, place: int) -> bool:
    before, after = window.histograms[place - 1], window.histograms[place]
    if before is not None and after is not None:
        return window.is_reset(place, before)
    if before is None and after is None:
        return bool(window.values[place] < window.values[place - 1]) or window.is_reset_by_start(place)
    return True


def _changes(window: Window, _: HistogramRemarks) -> Result:
    return _count(window, lambda place: _has_changed(window, place))


def _has_changed(window: Window, place: int) -> bool:
    before, after = window.histograms[place - 1], window.histograms[place]
    if before is None and after is None:
        older, newer = window.values[place - 1], window.values[place]
        return bool(newer != older and not (np.isnan(newer) and np.isnan(older)))
    return bool(before != after)


def _count(window: Window, happened: Callable[[int], bool]) -> float | None:
    """Count what happened between neighbours, from the newest sample not after the start on when anchored."""
    first = 0
    if window.edges is WindowEdges.ANCHORED:
        if window.times_ms[-1] <= window.start_ms:
            return None
        first = max(0, int(np.searchsorted(window.times_ms, window.start_ms, side="right")) - 1)
    return float(sum(happened(place) for place in range(first + 1, len(window))))


def _count_over_time(window: Window, _: HistogramRemarks) -> Result:
    return float(len(window))


def _present_over_time(_: Window, __: HistogramRemarks) -> Result:
    return 1.0


# Picking and summing


def _first_over_time(window: Window, _: HistogramRemarks) -> Result:
    return _sample(window, 0)


def _last_over_time(window: Window, _: HistogramRemarks) -> Result:
    return _sample(window, -1)


def _sample(window: Window, place: int) -> Result:
    histogram: NativeHistogram | None = window.histograms[place]
    return float(window.values[place]) if histogram is None else histogram


def _ts_of_first_over_time(window: Window, _: HistogramRemarks) -> Result:
    return float(window.times_ms[0]) / 1000


def _ts_of_last_over_time(window: Window, _: HistogramRemarks) -> Result:
    return float(window.times_ms[-1]) / 1000


def _sum_over_time(window: Window, remarks: HistogramRemarks) -> Result:
    return _total(window, remarks, HistogramSum)


def _avg_over_time(window: Window, remarks: HistogramRemarks) -> Result:
    return _total(window, remarks, HistogramMean)


def _total(window: Window, remarks: HistogramRemarks, kind: type[HistogramSum]) -> Result:
    if window.mixed:
        remarks.mixed_with_floats()
        return None
    total = kind(window.histograms[0])
    try:
        for histogram in window.histograms[1:]:
            total.add(histogram)
    except IncompatibleBucketsError:
        remarks.mixed_layouts()
        return None
    remarks.summed(total)
    return total.result()


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "avg_over_time": _avg_over_time,
        "changes": _changes,
        "count_over_time": _count_over_time,
        "delta": _delta,
        "first_over_time": _first_over_time,
        "idelta": _idelta,
        "increase": _increase,
        "irate": _irate,
        "last_over_time": _last_over_time,
        "present_over_time": _present_over_time,
        "rate": _rate,
        "resets": _resets,
        "sum_over_time": _sum_over_time,
        "ts_of_first_over_time": _ts_of_first_over_time,
        "ts_of_last_over_time": _ts_of_last_over_time,
    }
)
"""The range functions that have something to say of histograms; the others pass them over with a remark."""
