"""Functions of instant vectors of histograms, classic or native: histogram_quantile, histogram_fraction and more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np

from gnomon.model import histogram_statistics
from gnomon.model.float_text import format_general
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import Floats, Integers, Mask, Objects
from gnomon.promql.annotations import Annotations, with_metric_name
from gnomon.promql.errors import ExecutionError
from gnomon.promql.functions.classic_histograms import Repairs, fractions, quantiles
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Span
from gnomon.promql.values import Vector

BUCKET_LABEL = "le"

_MONOTONICITY = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)
_SAME_LABELS = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Argument:
    """A vector of histograms, where it stands in the query, and the times of its steps.

    `named` tells that remarks may name the metric: Prometheus keeps names that long with delayed name removal alone.
    """

    vector: Vector
    span: Span
    times_ms: Integers
    annotations: Annotations
    named: bool = True

    def warn(self, message: str, labels: Labels) -> None:
        """Add a warning about a series."""
        self.annotations.warn(self._about(message, labels.metric_name), self.span)

    def inform(self, message: str, metric: str) -> None:
        """Add an info about a metric."""
        self.annotations.inform(self._about(message, metric), self.span)

    def _about(self, message: str, metric: str) -> str:
        return with_metric_name(message, metric if self.named else "")


# Values of single native histograms


def _count(histogram: NativeHistogram) -> float:
    return histogram.count


def _sum(histogram: NativeHistogram) -> float:
    return histogram.sum


def _stddev(histogram: NativeHistogram) -> float:
    return float(np.sqrt(histogram_statistics.variance(histogram)))


ACCESSORS: Mapping[str, Callable[[NativeHistogram], float]] = MappingProxyType(
    {
        "histogram_avg": histogram_statistics.average,
        "histogram_count": _count,
        "histogram_stddev": _stddev,
        "histogram_stdvar": histogram_statistics.variance,
        "histogram_sum": _sum,
    }
)


def access(function: str, vector: Vector) -> Vector:
    """Return a value of every native histogram; floats are passed over. `function` is one of ACCESSORS."""
    call = ACCESSORS[function]
    cells = vector.is_histogram
    values = np.zeros(vector.values.shape)
    if vector.histograms is not None and cells.any():
        values[cells] = [call(histogram) for histogram in vector.histograms[cells]]
    return Vector(vector.labels, values, cells, name_dropped=np.ones(len(vector), np.bool_)).without_empty_rows()


# Quantiles and fractions


def quantile(q: Floats, q_span: Span, given: Argument) -> Vector:
    """Return a quantile of every histogram at every step."""
    _check_quantiles(q, q_span, given.annotations)
    rows = _Rows(given.vector.steps)
    histograms = _split(given)
    _add_quantiles(rows, histograms, q, given, lambda labels: labels)
    return rows.vector()


def labelled_quantiles(label: str, q_spans: Sequence[tuple[Floats, Span]], given: Argument) -> Vector:
    """Return several quantiles of every histogram, each with its own value of a label (`histogram_quantiles`)."""
    rows = _Rows(given.vector.steps)
    for q, span in q_spans:
        _check_quantiles(q, span, given.annotations)
    histograms = _split(given)
    for q, _ in q_spans:
        for value in np.unique(q):
            chosen = np.isnan(q) if np.isnan(value) else q == value
            text = format_bound(float(value))
            part = _restrict(histograms, chosen)
            _add_quantiles(rows, part, q, given, lambda labels, text=text: labels.replace({label: text}))  # type: ignore[misc]
    return rows.vector()


def fraction(lower: Floats, upper: Floats, given: Argument) -> Vector:
    """Return the fraction of every histogram's observations between two values, at every step."""
    rows = _Rows(given.vector.steps)
    histograms = _split(given)
    for layout in histograms.layouts:
        for bounds, counts, cells in layout.blocks():
            steps = cells[1]
            layout.values[cells] = fractions(lower[steps], upper[steps], bounds, counts)
        for labels, values, present in layout.rows():
            rows.add(labels, values, present)
    for native in histograms.natives:
        values = np.zeros(len(native.present))
        for step in np.flatnonzero(native.present):
            histogram = native.histograms[step]
            values[step] = histogram_statistics.fraction(histogram, float(lower[step]), float(upper[step]))
            if lower[step] < upper[step] and _has_nan(histogram):
                message = "input to histogram_fraction has NaN observations, which are excluded from all fractions"
                given.inform(message, native.labels.metric_name)
        rows.add(native.labels, values, native.present)
    return rows.vector()


def format_bound(value: float) -> str:
    """Return a number as OpenMetrics writes it into labels: 1.0, 0.5, +Inf."""
    text = format_general(value)
    return text if any(character in text for character in "eInN.") else f"{text}.0"


def _check_quantiles(q: Floats, span: Span, annotations: Annotations) -> None:
    for value in np.unique(q[np.isnan(q) | (q < 0) | (q > 1)]):
        message = f"quantile value should be between 0 and 1, got {format_general(float(value))}"
        annotations.warn(message, span)


def _has_nan(histogram: NativeHistogram) -> bool:
    if not np.isnan(histogram.sum):
        return False
    return histogram_statistics.observed_in_buckets(histogram) < histogram.count


# Sorting classic from native histograms


@dataclass(frozen=True, slots=True)
class _Native:
    """One row of native histograms."""

    labels: Labels
    histograms: Objects
    present: Mask


@dataclass(frozen=True, slots=True)
class _Layout:
    """Classic histograms with the same bounds: counts and presence by histogram, bucket and step; `values` fills up."""

    labels: tuple[Labels, ...]
    bounds: Floats
    counts: Floats
    present: Mask
    values: Floats

    def blocks(self) -> Iterator[tuple[Floats, Floats, tuple[Integers, Integers]]]:
        """Yield bounds, counts (by bucket and cell) and cells that have exactly these buckets."""
        some: Mask = np.logical_or.reduce(self.present, axis=1)
        every: Mask = np.logical_and.reduce(self.present, axis=1)
        by_bucket = self.counts.transpose(1, 0, 2)
        if every.any():
            cells = _cells(every)
            yield self.bounds, by_bucket[:, cells[0], cells[1]], cells
        ragged = _cells(some & ~every)
        if len(ragged[0]):
            patterns = self.present.transpose(1, 0, 2)[:, ragged[0], ragged[1]].T
            kinds, kind_of = np.unique(patterns, axis=0, return_inverse=True)
            for number, kind in enumerate(kinds):
                chosen = kind_of.ravel() == number
                cells = (ragged[0][chosen], ragged[1][chosen])
                yield self.bounds[kind], by_bucket[:, cells[0], cells[1]][kind], cells

    def rows(self) -> Iterator[tuple[Labels, Floats, Mask]]:
        """Yield labels, values and presence of each histogram."""
        present: Mask = np.logical_or.reduce(self.present, axis=1)
        yield from zip(self.labels, self.values, present, strict=True)


def _cells(chosen: Mask) -> tuple[Integers, Integers]:
    rows, columns = np.nonzero(chosen)
    return rows.astype(np.int64), columns.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Histograms:
    layouts: list[_Layout]
    natives: list[_Native]


def _split(given: Argument) -> _Histograms:
    """Sort floats by histogram and bound, apart from native histograms; where both stand for one series, drop both."""
    vector = given.vector
    natives = [
        _Native(vector.labels[row], vector.histograms[row], cells)
        for row, cells in enumerate(vector.is_histogram)
        if vector.histograms is not None and cells.any()
    ]
    rows, bounds, groups = _find_buckets(given)
    layouts = list(_lay_out(vector, rows, bounds, groups))
    if not natives or not layouts:
        return _Histograms(layouts, natives)
    classic = {labels: layout.present[place] for layout in layouts for place, labels in enumerate(layout.labels)}
    for native in natives:
        other = classic.get(native.labels)
        both = native.present & other.any(axis=0) if other is not None else None
        if other is not None and both is not None and both.any():
            message = "vector contains a mix of classic and native histograms"
            given.warn(message, native.labels)
            other[:, both] = False
            native.present[both] = False
    return _Histograms(layouts, natives)


def _restrict(histograms: _Histograms, steps: Mask) -> _Histograms:
    layouts = [
        _Layout(one.labels, one.bounds, one.counts, one.present & steps, np.zeros(one.values.shape))
        for one in histograms.layouts
    ]
    return _Histograms(
        layouts, [_Native(one.labels, one.histograms, one.present & steps) for one in histograms.natives]
    )


def _find_buckets(given: Argument) -> tuple[list[int], list[float], dict[Labels, list[int]]]:
    """Return rows of buckets, their bounds, and which of them make up each histogram."""
    rows: list[int] = []
    bounds: list[float] = []
    groups: dict[Labels, list[int]] = {}
    vector = given.vector
    for row in np.flatnonzero(vector.floats_present.any(axis=1)).tolist():
        labels = vector.labels[row]
        text = labels.get(BUCKET_LABEL)
        bound = _parse_bound(text)
        if bound is None:
            message = f"bucket label {quote(BUCKET_LABEL)} is missing or has a malformed value of {quote(text)}"
            given.warn(message, labels)
            continue
        groups.setdefault(labels.drop((BUCKET_LABEL,)), []).append(len(rows))
        rows.append(row)
        bounds.append(bound)
    return rows, bounds, groups


def _parse_bound(text: str) -> float | None:
    if "_" in text or text != text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _lay_out(
    vector: Vector, rows: list[int], bounds: list[float], groups: dict[Labels, list[int]]
) -> Iterator[_Layout]:
    """Yield the histograms of each set of bounds; buckets with the same bound count as one."""
    kinds: dict[tuple[float, ...], tuple[list[Labels], list[list[int]]]] = {}
    for labels, members in groups.items():
        members.sort(key=lambda member: bounds[member])
        names, places = kinds.setdefault(tuple(bounds[member] for member in members), ([], []))
        names.append(labels)
        places.append([rows[member] for member in members])
    floats_present = vector.floats_present
    for key, (names, places) in kinds.items():
        ordered = np.array(key)
        present: Mask = floats_present[np.array(places)]
        counts: Floats = vector.values[np.array(places)]
        starts = np.flatnonzero(np.concatenate(([True], np.diff(ordered) != 0)))
        if len(starts) < len(ordered):
            counts = np.add.reduceat(np.where(present, counts, 0.0), starts, axis=1)
            present = np.logical_or.reduceat(present, starts, axis=1)
            ordered = ordered[starts]
        yield _Layout(tuple(names), ordered, counts, present, np.zeros((len(names), vector.steps)))


# Putting answers together


def _add_quantiles(
    rows: "_Rows", histograms: _Histograms, q: Floats, given: Argument, name: Callable[[Labels], Labels]
) -> None:
    repaired: dict[str, list[tuple[Repairs, Integers]]] = {}
    for layout in histograms.layouts:
        names = np.array([labels.metric_name if given.named else "" for labels in layout.labels])
        for bounds, counts, cells in layout.blocks():
            result, repairs = quantiles(q[cells[1]], bounds, counts)
            layout.values[cells] = result
            for metric in np.unique(names[cells[0][repairs.forced]]).tolist():
                chosen = repairs.forced & (names[cells[0]] == metric)
                part = Repairs(
                    chosen, repairs.lowest_bound[chosen], repairs.highest_bound[chosen], repairs.largest_fall[chosen]
                )
                repaired.setdefault(metric, []).append((part, given.times_ms[cells[1][chosen]]))
        for labels, values, present in layout.rows():
            rows.add(name(labels), values, present)
    for metric, parts in repaired.items():
        message = with_metric_name(_MONOTONICITY, metric)
        given.annotations.inform(f"{message}, {_describe_repairs(parts)}", given.span)
    for native in histograms.natives:
        values = np.zeros(len(native.present))
        for step in np.flatnonzero(native.present).tolist():
            values[step] = _native_quantile(native, step, float(q[step]), given)
        rows.add(name(native.labels), values, native.present)


def _native_quantile(native: _Native, step: int, q: float, given: Argument) -> float:
    histogram = native.histograms[step]
    result = histogram_statistics.quantile(histogram, q)
    if 0 <= q <= 1 and np.isnan(histogram.sum) and histogram.count:
        message = ""
        if np.isnan(result):
            message = "input to histogram_quantile has NaN observations, result is NaN"
        elif _has_nan(histogram):
            message = "input to histogram_quantile has NaN observations, result is skewed higher"
        if message:
            given.inform(message, native.labels.metric_name)
    return result


def _describe_repairs(parts: list[tuple[Repairs, Integers]]) -> str:
    lowest = min(float(part.lowest_bound.min()) for part, _ in parts)
    highest = max(float(part.highest_bound.max()) for part, _ in parts)
    largest = max(float(part.largest_fall.max()) for part, _ in parts)
    count = sum(len(times) for _, times in parts)
    first, last = min(int(times.min()) for _, times in parts), max(int(times.max()) for _, times in parts)
    return (
        f"from buckets {format_general(lowest)} to {format_general(highest)}, with a max diff of {largest:.2g}, "
        f"over {count} samples from {_format_time(first)} to {_format_time(last)}"
    )


def _format_time(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Rows:
    """Gather rows by labels: a series may be classic at one step and native at another."""

    __slots__ = ("_rows", "_steps")

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._rows: dict[Labels, tuple[Floats, Mask]] = {}

    def add(self, labels: Labels, values: Floats, present: Mask) -> None:
        """Add a row; raises ExecutionError where another one has a value at the same step."""
        if not present.any():
            return
        if labels not in self._rows:
            self._rows[labels] = (values, present)
            return
        others, there = self._rows[labels]
        if (there & present).any():
            raise ExecutionError(_SAME_LABELS)
        self._rows[labels] = (np.where(present, values, others), there | present)

    def vector(self) -> Vector:
        """Return all rows."""
        if not self._rows:
            return Vector.empty(self._steps)
        values, present = zip(*self._rows.values(), strict=True)
        return Vector(
            tuple(self._rows), np.array(values), np.array(present), name_dropped=np.ones(len(self._rows), np.bool_)
        )
