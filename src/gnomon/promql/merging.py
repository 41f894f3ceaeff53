"""Rows that come to bear the same labels: one row when they are never there together, an error otherwise."""

from dataclasses import replace

import numpy as np

from gnomon.model.labels import Labels
from gnomon.promql.errors import ExecutionError
from gnomon.promql.label_sets import LabelRules
from gnomon.promql.values import Vector

DUPLICATE_LABELS = "vector cannot contain metrics with the same labelset"


def drop_names(vector: Vector, rules: LabelRules, *, delayed: bool) -> Vector:
    """Return a vector without the metrics' names, or with a note that they are to be dropped in the end."""
    if delayed:
        return replace(vector, name_dropped=np.ones(len(vector), dtype=np.bool_))
    return replace(vector, labels=rules.without_name(vector.labels))


def finish_names(vector: Vector, rules: LabelRules) -> Vector:
    """Drop the names that were noted, at the end of a query."""
    if vector.name_dropped is None or not vector.name_dropped.any():
        return replace(vector, name_dropped=None)
    bare = rules.without_name(vector.labels)
    labels = tuple(
        short if dropped else whole
        for whole, short, dropped in zip(vector.labels, bare, vector.name_dropped.tolist(), strict=True)
    )
    return merge_same_labels(replace(vector, labels=labels, name_dropped=None), delayed=False)


def merge_same_labels(vector: Vector, *, delayed: bool) -> Vector:
    """Return a vector in which no two rows have the same labels; raises ExecutionError where two are there at once."""
    if delayed or len(set(vector.labels)) == len(vector):
        return vector
    vector = vector.without_empty_rows()
    rows_of: dict[Labels, list[int]] = {}
    for row, labels in enumerate(vector.labels):
        rows_of.setdefault(labels, []).append(row)
    if len(rows_of) == len(vector):
        return vector
    merged = vector.take([rows[0] for rows in rows_of.values()])
    values, present = merged.values.copy(), merged.present.copy()
    histograms = None if merged.histograms is None else merged.histograms.copy()
    for target, rows in enumerate(rows_of.values()):
        for row in rows[1:]:
            there = vector.present[row]
            if (present[target] & there).any():
                raise ExecutionError(DUPLICATE_LABELS)
            present[target] |= there
            values[target, there] = vector.values[row, there]
            if histograms is not None and vector.histograms is not None:
                histograms[target, there] = vector.histograms[row, there]
    return replace(merged, values=values, present=present, histograms=histograms)


def forbid_same_labels(vector: Vector) -> Vector:
    """Return the vector; raises ExecutionError when two rows that are ever there have the same labels."""
    if len(set(vector.labels)) == len(vector):
        return vector
    vector = vector.without_empty_rows()
    if len(set(vector.labels)) != len(vector):
        raise ExecutionError(DUPLICATE_LABELS)
    return vector
