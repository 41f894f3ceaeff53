"""sum and avg over native histograms."""

import numpy as np

from gnomon.model.histogram_sums import HistogramMean, HistogramSum
from gnomon.model.native_histograms import IncompatibleBucketsError
from gnomon.model.series import Integers, Mask, Objects
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_remarks import HistogramRemarks
from gnomon.promql.syntax_tree import Span
from gnomon.promql.values import Vector

KINDS: dict[str, type[HistogramSum]] = {"avg": HistogramMean, "sum": HistogramSum}


def aggregate_histograms(
    operator: str, vector: Vector, codes: Integers, groups: int, annotations: Annotations, span: Span
) -> tuple[Mask, Objects]:
    """Return in which cells (group by step) there is any histogram, and what they add up to.

    None stands where floats are mixed in, or where buckets do not fit; both with a warning. `operator` is sum or avg.
    """
    cells = np.zeros((groups, vector.steps), np.bool_)
    results: Objects = np.full(cells.shape, None, dtype=object)
    is_histogram, is_float = vector.is_histogram, vector.floats_present
    for group in np.unique(codes[is_histogram.any(axis=1)]):
        rows = np.flatnonzero(codes == group)
        cells[group] = is_histogram[rows].any(axis=0)
        mixed = is_float[rows].any(axis=0)
        if (mixed & cells[group]).any():
            annotations.warn("encountered a mix of histograms and floats for aggregation", span)
        for step in np.flatnonzero(cells[group] & ~mixed):
            members = rows[is_histogram[rows, step]]
            results[group, step] = _total(operator, vector, members, int(step), annotations, span)
    return cells, results


def _total(
    operator: str, vector: Vector, rows: Integers, step: int, annotations: Annotations, span: Span
) -> object | None:
    if vector.histograms is None:
        return None
    first, *others = rows.tolist()
    total = KINDS[operator](vector.histograms[first, step])
    remarks = HistogramRemarks(annotations, span)
    for row in others:
        try:
            total.add(vector.histograms[row, step])
        except IncompatibleBucketsError:
            HistogramRemarks(annotations, span, vector.labels[row].metric_name).mixed_layouts()
            return None
    remarks.summed(total)
    return total.result().compact()
