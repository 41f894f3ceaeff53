"""sum and avg over native histograms."""

import numpy as np

from gnomon.model.histogram_sums import HistogramMean, HistogramSum
from gnomon.model.histogram_tables import HistogramTable, combine_hints
from gnomon.model.native_histograms import CounterReset, IncompatibleBucketsError
from gnomon.model.series import Integers, Mask, Objects
from gnomon.promql.annotations import Annotations
from gnomon.promql.compensated import add_compensated
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
        steps = np.flatnonzero(cells[group] & ~mixed)
        remarks = HistogramRemarks(annotations, span)
        found = _total_at_once(operator, vector, rows, steps, remarks)
        if found is not None:
            results[group, steps] = found
            continue
        for step in steps.tolist():
            members = rows[is_histogram[rows, step]]
            results[group, step] = _total(operator, vector, members, step, annotations, span)
    return cells, results


def _total_at_once(
    operator: str, vector: Vector, rows: Integers, steps: Integers, remarks: HistogramRemarks
) -> Objects | None:
    """Return a group's totals at some steps; None where layouts differ, or a sum overflows on the way to a mean."""
    if vector.histograms is None or not len(steps):
        return None
    there = vector.is_histogram[np.ix_(rows, steps)]
    table = HistogramTable.stack(vector.histograms[np.ix_(rows, steps)][there].tolist())
    if table is None:
        return None
    places = np.full(there.shape, -1)
    places[there] = np.arange(len(table.hints))
    total = np.zeros((len(steps), table.cells.shape[1]))
    rest = np.zeros(total.shape)
    hints = []
    with np.errstate(all="ignore"):
        for row, present in zip(places, there, strict=True):
            added = np.where(present[:, None], table.cells[row], 0.0)
            total, rest = add_compensated(added, total, rest)
            hints.append(np.where(present, table.hints[row], -1))
        if operator == "avg" and np.isinf(total).any():
            return None
        sizes = there.sum(axis=0)[:, None]
        result = total / sizes + rest / sizes if operator == "avg" else total + rest
    seen = [(np.array(hints) == hint).any(axis=0) for hint in (CounterReset.RESET, CounterReset.NOT_RESET)]
    if (seen[0] & seen[1]).any():
        remarks.colliding_resets()
    return table.unstack(result, combine_hints(hints))


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
