"""From samples to the values at each step, and from the values at each step to samples."""

import itertools
from dataclasses import replace

import numpy as np

from gnomon.model.histogram_tables import HistogramTable
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import CounterReset, IncompatibleBucketsError, NativeHistogram
from gnomon.model.series import Floats, Integers, Mask, Objects, Samples, is_stale
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_remarks import HistogramRemarks
from gnomon.promql.syntax_tree import Span
from gnomon.promql.values import RangeVector, Vector, holds_histogram
from gnomon.promql.windows import count_until, drop_stale, find_windows


def take_latest(samples: Samples, ends_ms: Integers, lookback_ms: int) -> tuple[Floats, Mask, Objects | None]:
    """Return the newest sample of each series at each end; nothing where that is a staleness marker, or too old."""
    places, present = _find_latest(samples, ends_ms, lookback_ms)
    if not len(samples):
        return np.zeros(present.shape), present, None
    values = samples.values[places]
    if samples.histograms is None:
        return values, present, None
    histograms: Objects = samples.histograms[places]
    histograms[~present] = None
    return values, present, histograms


def take_latest_of(
    samples: Samples, chosen: Integers | None, ends_ms: Integers, lookback_ms: int
) -> tuple[Floats, Mask]:
    """Return something else of the newest sample: its time, or its start timestamp, 0 where nothing is known."""
    places, present = _find_latest(samples, ends_ms, lookback_ms)
    if chosen is None or not len(samples):
        return np.zeros(present.shape), present
    return chosen[places].astype(np.float64), present


def _find_latest(samples: Samples, ends_ms: Integers, lookback_ms: int) -> tuple[Integers, Mask]:
    after = count_until(samples, ends_ms)
    places = np.maximum(after - 1, 0)
    present: Mask = after > samples.offsets[:-1, None]
    if not len(samples):
        return places, np.zeros(present.shape, dtype=np.bool_)
    present &= samples.times_ms[places] > ends_ms - lookback_ms
    stale = is_stale(samples.values)
    if samples.histograms is not None:
        stale &= ~holds_histogram(samples.histograms)
    if stale.any():
        present &= ~stale[places]
    return places, present


def to_samples(vector: Vector, times_ms: Integers, ends_ms: Integers, range_ms: int) -> RangeVector:
    """Return the values at each step as samples, in windows before each of the ends.

    What histograms say of resets before them is forgotten: steps may pass over samples, or repeat them.
    """
    present = vector.present
    offsets = np.zeros(len(vector) + 1, dtype=np.int64)
    np.cumsum(present.sum(axis=1), out=offsets[1:])
    histograms = None
    if vector.histograms is not None:
        histograms = np.array([_forget_reset(cell) for cell in vector.histograms[present]] + [None], dtype=object)[:-1]
    samples = Samples(offsets, np.broadcast_to(times_ms, present.shape)[present], vector.values[present], histograms)
    return RangeVector(vector.labels, samples, ends_ms, range_ms, vector.name_dropped)


def _forget_reset(histogram: NativeHistogram | None) -> NativeHistogram | None:
    if histogram is None or histogram.counter_reset not in {CounterReset.RESET, CounterReset.NOT_RESET}:
        return histogram
    return histogram.with_counter_reset(CounterReset.UNKNOWN)


def note_resets(samples: Samples) -> Samples:
    """Return samples whose histograms all say whether their counter was reset, but for the first of a series.

    Where only counts and sums matter in the end, Prometheus reads histograms like that, and remarks on conflicts.
    """
    if samples.histograms is None:
        return samples
    histograms = samples.histograms.copy()
    for first, after in itertools.pairwise(samples.offsets.tolist()):
        places = first + np.flatnonzero(holds_histogram(histograms[first:after]))
        own = histograms[places].tolist()
        table = HistogramTable.stack(own) if own else None
        fell = [] if table is None else table.resets().tolist()
        for number in range(1, len(own)):
            if own[number].counter_reset is CounterReset.UNKNOWN:
                reset = fell[number] if fell else own[number].is_reset_from(own[number - 1])
                hint = CounterReset.RESET if reset else CounterReset.NOT_RESET
                histograms[places[number]] = own[number].with_counter_reset(hint)
    return replace(samples, histograms=histograms)


def negate_histograms(histograms: Objects) -> Objects:
    """Return all histograms times -1."""
    result: Objects = np.full(histograms.shape, None, dtype=object)
    for place in zip(*np.nonzero(holds_histogram(histograms)), strict=True):
        result[place] = histograms[place].multiply(-1.0)
    return result


def interpolate_between(
    labels: tuple[Labels, ...],
    samples: Samples,
    ends_ms: Integers,
    lookback_ms: int,
    annotations: Annotations,
    span: Span,
) -> Vector:
    """Return values between the samples before and after each end (a smoothed selector, experimental)."""
    samples = drop_stale(samples)
    windows = find_windows(samples, ends_ms + lookback_ms, 2 * lookback_ms)
    shape = windows.first.shape
    values, present = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
    histograms: Objects = np.full(shape, None, dtype=object)
    for row, column in zip(*np.nonzero(windows.counts > 0), strict=True):
        part = slice(int(windows.first[row, column]), int(windows.after[row, column]))
        times, end_ms = samples.times_ms[part], int(ends_ms[column])
        remarks = HistogramRemarks(annotations, span, labels[row].metric_name)
        cells = None if samples.histograms is None else samples.histograms[part]
        if cells is not None and 0 < int(holds_histogram(cells).sum()) < len(cells):
            remarks.mixed_with_floats()
            continue
        place = int(np.searchsorted(times, end_ms, side="left"))
        exact = place < len(times) and int(times[place]) == end_ms
        if not exact and place == 0:
            continue
        before = place if exact else place - 1
        between = 0.0
        if not exact and place < len(times):
            between = (end_ms - int(times[before])) / (int(times[place]) - int(times[before]))
        if cells is not None and cells[before] is not None:
            found = cells[before] if not between else _blend(cells[before], cells[place], between, remarks)
            histograms[row, column], present[row, column] = found, found is not None
        else:
            older = float(samples.values[part][before])
            newer = float(samples.values[part][place]) if between else older
            values[row, column], present[row, column] = older + (newer - older) * between, True
    return Vector(labels, values, present, None if samples.histograms is None else histograms)


def _blend(
    older: NativeHistogram, newer: NativeHistogram, part: float, remarks: HistogramRemarks
) -> NativeHistogram | None:
    if older.custom != newer.custom:
        remarks.mixed_layouts()
        return None
    if newer.counter_reset is not CounterReset.GAUGE and newer.is_reset_from(older):
        return newer.multiply(part)
    try:
        difference = newer.subtract(older).histogram
        return difference.multiply(part).add(older).histogram
    except IncompatibleBucketsError:
        remarks.mixed_layouts()
        return None
