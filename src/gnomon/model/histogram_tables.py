"""Many native histograms of one layout as one table: a row each, so that arithmetic needs no loop over histograms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gnomon.model.histogram_buckets import NO_BUCKETS, Buckets
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import Floats, Integers, Mask, Objects

_COUNT, _SUM, _ZERO, _FIRST_BUCKET = 0, 1, 2, 3
_RESETS = tuple(CounterReset)


@dataclass(frozen=True, slots=True)
class HistogramTable:
    """Histograms with the same schema, zero threshold and custom bounds.

    The columns of `cells` are count, sum and zero count, then the positive and the negative buckets at these indices.
    `hints` are CounterReset's numbers.
    """

    layout: NativeHistogram
    positive: Integers
    negative: Integers
    cells: Floats
    hints: Integers

    @classmethod
    def stack(cls, histograms: Sequence[NativeHistogram]) -> "HistogramTable | None":
        """Return a table of histograms, at least one; None when their layouts differ."""
        first = histograms[0]
        schema, edge, bounds = first.schema, first.zero_threshold, first.custom_values
        for one in histograms:
            if one.schema != schema or one.zero_threshold != edge or one.custom_values != bounds:
                return None
        positive = _common_indices([one.positive.indices for one in histograms])
        negative = _common_indices([one.negative.indices for one in histograms])
        cells = np.zeros((len(histograms), _FIRST_BUCKET + len(positive) + len(negative)))
        cells[:, :_FIRST_BUCKET] = [(one.count, one.sum, one.zero_count) for one in histograms]
        middle = _FIRST_BUCKET + len(positive)
        _fill(cells[:, _FIRST_BUCKET:middle], positive, [one.positive for one in histograms])
        _fill(cells[:, middle:], negative, [one.negative for one in histograms])
        hints = np.fromiter((one.counter_reset for one in histograms), np.int64, len(histograms))
        layout = NativeHistogram(schema, zero_threshold=edge, custom_values=bounds)
        return cls(layout, positive, negative, cells, hints)

    @property
    def counts(self) -> Floats:
        """Return the counts of observations."""
        return np.asarray(self.cells[:, _COUNT])

    def resets(self) -> Mask:
        """Tell before which rows the counter was reset since the row before; the first one's answer means nothing."""
        counted = np.delete(self.cells, _SUM, axis=1)
        fell = np.zeros(len(counted), np.bool_)
        fell[1:] = (counted[1:] < counted[:-1]).any(axis=1)
        fell[self.hints == CounterReset.RESET] = True
        fell[self.hints == CounterReset.NOT_RESET] = False
        return fell

    def has_hint(self, hint: CounterReset) -> Mask:
        """Tell which rows have a counter reset hint."""
        return np.equal(self.hints, hint)

    def unstack(self, cells: Floats, hints: Integers) -> Objects:
        """Return rows of cells as histograms without empty buckets."""
        middle = _FIRST_BUCKET + len(self.positive)
        positive = _split(self.positive, cells[:, _FIRST_BUCKET:middle])
        negative = _split(self.negative, cells[:, middle:])
        schema, edge, bounds = self.layout.schema, self.layout.zero_threshold, self.layout.custom_values
        result: Objects = np.empty(len(cells), dtype=object)
        rows = zip(cells[:, :_FIRST_BUCKET].tolist(), positive, negative, hints.tolist(), strict=True)
        for row, ((count, total, zero_count), above, below, hint) in enumerate(rows):
            result[row] = NativeHistogram(schema, count, total, edge, zero_count, above, below, bounds, _RESETS[hint])
        return result


def combine_hints(hints: Sequence[Integers]) -> Integers:
    """Return what holds of sums: the same word where all say it, gauge where any says it, otherwise nothing.

    Each array has the hints of one part of every sum; -1 stands where there is no such part.
    """
    result = hints[0].copy()
    for part in hints[1:]:
        gauge = (result == CounterReset.GAUGE) | (part == CounterReset.GAUGE)
        differ = (part >= 0) & (result >= 0) & (part != result)
        result = np.where(result < 0, part, result)
        result[differ] = CounterReset.UNKNOWN
        result[gauge] = CounterReset.GAUGE
    return result


def _common_indices(indices: Sequence[Integers]) -> Integers:
    first = indices[0]
    different = {id(one): one for one in indices}
    if len(different) == 1 or all(np.array_equal(one, first) for one in different.values()):
        return first
    return np.unique(np.concatenate(list(different.values())))


def _fill(cells: Floats, indices: Integers, buckets: Sequence[Buckets]) -> None:
    if not len(indices):
        return
    whole = [len(one) == len(indices) for one in buckets]
    if all(whole):
        cells[:] = [one.counts for one in buckets]
        return
    lengths = [len(one) for one in buckets]
    rows = np.repeat(np.arange(len(buckets)), lengths)
    columns = np.searchsorted(indices, np.concatenate([one.indices for one in buckets]))
    cells[rows, columns] = np.concatenate([one.counts for one in buckets])


def _split(indices: Integers, cells: Floats) -> list[Buckets]:
    """Return each row's buckets that are not empty; rows with the same ones share their indices."""
    if not len(indices):
        return [NO_BUCKETS] * len(cells)
    filled = cells != 0
    if filled.all():
        return [Buckets(indices, row) for row in cells]
    patterns: dict[bytes, tuple[Mask, Integers]] = {}
    result = []
    for row, kept in zip(cells, filled, strict=True):
        key = kept.tobytes()
        if key not in patterns:
            patterns[key] = (kept, indices[kept])
        pattern, own = patterns[key]
        result.append(Buckets(own, row[pattern]) if len(own) else NO_BUCKETS)
    return result
