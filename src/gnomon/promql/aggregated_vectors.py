"""Aggregation operators over vectors of floats and histograms."""

import math
from dataclasses import replace

import numpy as np
import xxhash

from gnomon.model.float_text import format_general, format_plain
from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Integers, Mask, Objects
from gnomon.promql import aggregation
from gnomon.promql.annotations import Annotations
from gnomon.promql.context import Context
from gnomon.promql.errors import ExecutionError
from gnomon.promql.histogram_aggregation import KINDS, aggregate_histograms
from gnomon.promql.label_sets import METADATA_LABELS, Groups
from gnomon.promql.merging import merge_same_labels
from gnomon.promql.planner import without_parentheses
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Aggregation, Span
from gnomon.promql.values import Scalar, Text, Value, Vector, holds_histogram

_CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_COUNTING = frozenset({"count", "group"})
_INTEGER_LIMIT = 2.0**63
_LONG_TEXT = 255
_MAX_HASH = float(2**64 - 1)


def aggregate_vector(node: Aggregation, vector: Vector, parameter: Value | None, context: Context) -> Vector:
    """Return the aggregated vector."""
    if node.operator == "count_values":
        return _count_values(node, vector, parameter, context)
    groups = context.rules.group(vector.labels, node.grouping, without=node.without)
    if node.operator in _CHOOSING:
        assert isinstance(parameter, Scalar)  # noqa: S101  # the parser has checked it
        return _choose(node, vector, parameter.values, groups, context)
    span = without_parentheses(node.expression).span
    if node.operator == "quantile":
        assert isinstance(parameter, Scalar)  # noqa: S101  # the parser has checked it
        return _quantile(node, vector, parameter.values, groups, context, span)
    if not len(vector):
        return Vector.empty(vector.steps)
    dropped = _dropped_by_group(vector, groups)
    count = len(groups.labels)
    if vector.histograms is None or node.operator in _COUNTING:
        values, present = aggregation.aggregate(node.operator, vector.values, vector.present, groups.codes, count)
        return Vector(groups.labels, values, present, None, dropped)
    values, present = aggregation.aggregate(node.operator, vector.values, vector.floats_present, groups.codes, count)
    histograms: Objects | None = None
    if node.operator in KINDS:
        cells, histograms = aggregate_histograms(node.operator, vector, groups.codes, count, context.annotations, span)
        present = np.where(cells, holds_histogram(histograms), present)
    elif vector.is_histogram.any():
        _remark_ignored(node.operator, context.annotations, span)
    return Vector(groups.labels, values, present, histograms, dropped)


def warn_of_quantiles(quantiles: Floats, span: Span, annotations: Annotations) -> None:
    """Warn of quantiles that are none."""
    for value in np.unique(quantiles[np.isnan(quantiles) | (quantiles < 0) | (quantiles > 1)]):
        annotations.warn(f"quantile value should be between 0 and 1, got {format_general(float(value))}", span)


def _remark_ignored(operator: str, annotations: Annotations, span: Span) -> None:
    annotations.inform(f"ignored histogram in {operator} aggregation", span)


def _dropped_by_group(vector: Vector, groups: Groups) -> Mask | None:
    if vector.name_dropped is None:
        return None
    filled = vector.name_dropped & vector.present.any(axis=1)
    return np.bincount(groups.codes[filled], minlength=len(groups.labels)) > 0


def _quantile(
    node: Aggregation, vector: Vector, quantiles: Floats, groups: Groups, context: Context, span: Span
) -> Vector:
    assert node.parameter is not None  # noqa: S101  # the parser has checked it
    parameter_span = without_parentheses(node.parameter).span
    if np.isnan(quantiles).any():
        warn_of_quantiles(np.array([math.nan]), parameter_span, context.annotations)
    if np.nanmax(quantiles, initial=-np.inf) > 1:
        warn_of_quantiles(np.array([np.nanmax(quantiles)]), parameter_span, context.annotations)
    if np.nanmin(quantiles, initial=np.inf) < 0:
        warn_of_quantiles(np.array([np.nanmin(quantiles)]), parameter_span, context.annotations)
    if vector.histograms is not None and vector.is_histogram.any():
        _remark_ignored("quantile", context.annotations, span)
    if not len(vector):
        return Vector.empty(vector.steps)
    values, present = aggregation.quantile(
        quantiles, vector.values, vector.floats_present, groups.codes, len(groups.labels)
    )
    return Vector(groups.labels, values, present, None, _dropped_by_group(vector, groups))


def _choose(node: Aggregation, vector: Vector, parameter: Floats, groups: Groups, context: Context) -> Vector:
    operator = node.operator
    if operator == "limit_ratio":
        return _choose_ratio(node, vector, parameter, context)
    if parameter.size and np.nanmax(parameter, initial=-np.inf) < 1 and not np.isnan(parameter).all():
        return Vector.empty(vector.steps)
    if np.isnan(parameter).any():
        raise ExecutionError("Parameter value is NaN")
    if parameter.size and parameter.min() <= -_INTEGER_LIMIT:
        raise ExecutionError(f"Scalar value {format_general(float(parameter.min()))} underflows int64")
    if parameter.size and parameter.max() >= _INTEGER_LIMIT:
        raise ExecutionError(f"Scalar value {format_general(float(parameter.max()))} overflows int64")
    limits: Integers = np.minimum(np.trunc(parameter), float(len(vector))).astype(np.int64)
    count = len(groups.labels)
    if operator == "limitk":
        chosen = aggregation.choose_first(limits, vector.present, groups.codes, count)
        return replace(vector, present=chosen)
    floats = vector.floats_present
    if vector.histograms is not None and vector.is_histogram[:, limits > 0].any():
        _remark_ignored(operator, context.annotations, node.span)
    greatest = operator == "topk"
    chosen = aggregation.choose_extremes(limits, vector.values, floats, groups.codes, count, greatest=greatest)
    result = replace(vector, present=chosen, histograms=None)
    return _in_order(result, groups, greatest=greatest) if vector.steps == 1 else result


def _in_order(vector: Vector, groups: Groups, *, greatest: bool) -> Vector:
    """Return the rows of an instant query group by group, each ordered by value, NaN last."""
    values = -vector.values[:, 0] if greatest else vector.values[:, 0]
    rows = np.flatnonzero(vector.present[:, 0])
    order = np.lexsort((values[rows], groups.codes[rows]))
    return vector.take(rows[order])


def _choose_ratio(node: Aggregation, vector: Vector, ratios: Floats, context: Context) -> Vector:
    assert node.parameter is not None  # noqa: S101  # the parser has checked it
    if np.isnan(ratios).any():
        raise ExecutionError("Ratio value is NaN")
    span = without_parentheses(node.parameter).span
    for limit, wrong in ((1.0, ratios[ratios > 1]), (-1.0, ratios[ratios < -1])):
        if len(wrong):
            worst = float(wrong.max() if limit > 0 else wrong.min())
            context.annotations.warn(
                f"ratio value should be between -1 and 1, got {format_general(worst)}, "
                f"capping to {format_general(limit)}",
                span,
            )
    ratios = np.clip(ratios, -1.0, 1.0)
    places = np.array([hash_labels(labels) / _MAX_HASH for labels in vector.labels])[:, None]
    chosen = np.where(ratios >= 0, places < ratios, places >= 1.0 + ratios) & (ratios != 0)
    chosen |= ratios == 1.0
    return replace(vector, present=vector.present & chosen)


def hash_labels(labels: Labels) -> int:
    """Return Prometheus' hash of a label set: XXH64 of its texts, each after its length."""
    parts = bytearray()
    for pair in labels:
        for text in pair:
            encoded = text.encode("utf-8", "surrogateescape")
            size = len(encoded)
            parts += bytes([size]) if size < _LONG_TEXT else b"\xff" + size.to_bytes(3, "little")
            parts += encoded
    return xxhash.xxh64_intdigest(bytes(parts))


def _count_values(node: Aggregation, vector: Vector, parameter: Value | None, context: Context) -> Vector:
    assert isinstance(parameter, Text)  # noqa: S101  # the parser has checked it
    label = parameter.value
    if not label or not _is_text(label):
        raise ExecutionError(f"invalid label name {quote(label)}")
    names = frozenset((*node.grouping, label) if not node.without else node.grouping)
    counts: dict[Labels, Floats] = {}
    for row, labels in enumerate(vector.labels):
        for step in np.flatnonzero(vector.present[row]).tolist():
            cell = None if vector.histograms is None else vector.histograms[row, step]
            text = format_plain(float(vector.values[row, step])) if cell is None else str(cell)
            full = labels.replace({label: text})
            key = full.drop(METADATA_LABELS | names) if node.without else full.keep(names)
            counts.setdefault(key, np.zeros(vector.steps))[step] += 1
    if not counts:
        return Vector.empty(vector.steps)
    values = np.array(list(counts.values()))
    return merge_same_labels(Vector(tuple(counts), values, values > 0), delayed=context.delayed_names)


def _is_text(label: str) -> bool:
    try:
        label.encode()
    except UnicodeEncodeError:
        return False
    return True
