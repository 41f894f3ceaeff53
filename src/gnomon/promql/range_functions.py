"""Functions over range vectors: floats all at once, windows with histograms one by one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from gnomon.model.series import Floats, Integers, Mask, Objects, Samples
from gnomon.promql.annotations import Annotations
from gnomon.promql.errors import ExecutionError
from gnomon.promql.functions import counters, extended_edges, histogram_windows, over_time, regression
from gnomon.promql.functions.float_windows import FloatResult, FloatWindows
from gnomon.promql.functions.histogram_remarks import HistogramRemarks
from gnomon.promql.syntax_tree import Span, WindowEdges
from gnomon.promql.values import RangeVector, holds_histogram
from gnomon.promql.windows import Windows, find_windows, select_samples

FLOAT_FUNCTIONS: Mapping[str, Callable[[FloatWindows], FloatResult]] = MappingProxyType(
    {
        "absent_over_time": over_time.present_over_time,
        "avg_over_time": over_time.avg_over_time,
        "changes": counters.changes,
        "count_over_time": over_time.count_over_time,
        "delta": counters.delta,
        "deriv": regression.deriv,
        "double_exponential_smoothing": over_time.double_exponential_smoothing,
        "first_over_time": over_time.first_over_time,
        "idelta": counters.idelta,
        "increase": counters.increase,
        "irate": counters.irate,
        "last_over_time": over_time.last_over_time,
        "mad_over_time": over_time.mad_over_time,
        "max_over_time": over_time.max_over_time,
        "min_over_time": over_time.min_over_time,
        "predict_linear": regression.predict_linear,
        "present_over_time": over_time.present_over_time,
        "quantile_over_time": over_time.quantile_over_time,
        "rate": counters.rate,
        "resets": counters.resets,
        "stddev_over_time": over_time.stddev_over_time,
        "stdvar_over_time": over_time.stdvar_over_time,
        "sum_over_time": over_time.sum_over_time,
        "ts_of_first_over_time": over_time.ts_of_first_over_time,
        "ts_of_last_over_time": over_time.ts_of_last_over_time,
        "ts_of_max_over_time": over_time.ts_of_max_over_time,
        "ts_of_min_over_time": over_time.ts_of_min_over_time,
    }
)

RangeResult = tuple[Floats, Mask, Objects | None]


def compute_range_function(
    function: str,
    vector: RangeVector,
    times_ms: Integers,
    parameters: tuple[Floats, ...],
    annotations: Annotations,
    span: Span,
    edges: WindowEdges,
    lookback_ms: int,
) -> RangeResult:
    """Return a function's value for each series and step, `times_ms` being the steps; staleness markers are gone."""
    _check_parameters(function, parameters)
    ends_ms = vector.ends_ms
    if len(ends_ms) == 1 < len(times_ms):
        ends_ms = np.repeat(ends_ms, len(times_ms))
        vector = replace(vector, ends_ms=ends_ms)
    windows = _find(vector, edges, lookback_ms)
    samples = vector.samples
    if samples.histograms is None:
        values, present = _over_floats(
            function, samples, windows, vector, times_ms, parameters, edges, annotations, span
        )
        return values, present, None
    is_histogram = holds_histogram(samples.histograms)
    floats = select_samples(samples, ~is_histogram)
    floats = replace(floats, histograms=None)
    float_windows = _find(replace(vector, samples=floats), edges, lookback_ms)
    values, present = _over_floats(
        function, floats, float_windows, vector, times_ms, parameters, edges, annotations, span
    )
    with_histograms = windows.counts > float_windows.counts
    name = "present_over_time" if function == "absent_over_time" else function
    if name not in histogram_windows.FUNCTIONS:
        _remark_ignored(vector, with_histograms & (float_windows.counts > 0), annotations, span)
        return values, present, None
    if not with_histograms.any():
        return values, present, None
    more, there, histograms = histogram_windows.compute(
        name, vector, windows, with_histograms, annotations, span, edges
    )
    return (
        np.where(with_histograms, more, values),
        np.where(with_histograms, there, present),
        histograms,
    )


def _find(vector: RangeVector, edges: WindowEdges, lookback_ms: int) -> Windows:
    """Return the windows; samples outside that edges refer to are part of them."""
    if len(vector.ends_ms) > 1 and vector.ends_ms[0] == vector.ends_ms[-1]:
        once = _find(replace(vector, ends_ms=vector.ends_ms[:1]), edges, lookback_ms)
        shape = (len(once.first), len(vector.ends_ms))
        return Windows(np.broadcast_to(once.first, shape), np.broadcast_to(once.after, shape))
    if edges is WindowEdges.PLAIN:
        return find_windows(vector.samples, vector.ends_ms, vector.range_ms)
    if edges is WindowEdges.ANCHORED:
        return find_windows(vector.samples, vector.ends_ms, vector.range_ms + lookback_ms)
    wider = vector.range_ms + 2 * lookback_ms
    return find_windows(vector.samples, vector.ends_ms + lookback_ms, wider)


def _over_floats(
    function: str,
    samples: Samples,
    windows: Windows,
    vector: RangeVector,
    times_ms: Integers,
    parameters: tuple[Floats, ...],
    edges: WindowEdges,
    annotations: Annotations,
    span: Span,
) -> FloatResult:
    given = FloatWindows(samples, windows, vector.ends_ms, vector.range_ms, times_ms, parameters)
    if edges is not WindowEdges.PLAIN:
        return extended_edges.compute(function, given, smoothed=edges is WindowEdges.SMOOTHED)
    if samples.starts_ms is not None and function in counters.WITH_STARTS:
        for row in counters.overlapping_starts(given):
            HistogramRemarks(annotations, span, vector.labels[row].metric_name).overlapping_start()
    return FLOAT_FUNCTIONS[function](given)


def _remark_ignored(vector: RangeVector, mixed: Mask, annotations: Annotations, span: Span) -> None:
    for row in np.flatnonzero(mixed.any(axis=1)):
        HistogramRemarks(annotations, span, vector.labels[row].metric_name).ignored_beside_floats()


def _check_parameters(function: str, parameters: tuple[Floats, ...]) -> None:
    if function != "double_exponential_smoothing":
        return
    for name, symbol, values in zip(("smoothing", "trend"), ("sf", "tf"), parameters, strict=True):
        wrong = values[(values <= 0) | (values >= 1)]
        if len(wrong):
            raise ExecutionError(f"invalid {name} factor. Expected: 0 < {symbol} < 1, got: {wrong[0]:f}")
