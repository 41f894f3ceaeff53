"""Binary operators where a native histogram stands at one side, or at both."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from gnomon.model.histogram_statistics import trim
from gnomon.model.native_histograms import Combination, CounterReset, IncompatibleBucketsError, NativeHistogram
from gnomon.model.series import Mask, Objects
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_remarks import COLLIDING_RESETS, MISMATCHED_BUCKETS
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Span

Operand = NativeHistogram | float
TRIMMING = frozenset({"</", ">/"})


def apply_to_cells(
    operator: str, left: Objects, right: Objects, cells: Mask, annotations: Annotations, span: Span
) -> tuple[Mask, Objects]:
    """Apply an operator to operands in object arrays (NativeHistogram or float); return which have a result, and it.

    The result of a comparison is its left side, where it holds. Only `cells` are looked at.
    """
    kept = np.zeros(cells.shape, np.bool_)
    results: Objects = np.full(cells.shape, None, dtype=object)
    for place in zip(*np.nonzero(cells), strict=True):
        result = apply(operator, left[place], right[place], annotations, span)
        kept[place] = result is not None
        results[place] = result
    return kept, results


def apply(operator: str, left: Operand, right: Operand, annotations: Annotations, span: Span) -> NativeHistogram | None:
    """Return the result, None where there is none; what does not fit together leaves a remark."""
    if isinstance(left, NativeHistogram) and isinstance(right, NativeHistogram):
        if operator in _COMBINE:
            return _combine(operator, left, right, annotations, span)
        if operator in {"==", "!="}:
            return left if (left == right) == (operator == "==") else None
    elif isinstance(left, NativeHistogram) and not isinstance(right, NativeHistogram):
        if operator in _WITH_NUMBER:
            return _WITH_NUMBER[operator](left, float(right))
    elif isinstance(right, NativeHistogram) and not isinstance(left, NativeHistogram) and operator == "*":
        return right.multiply(float(left)).compact()
    remark_on_types(operator, _kind(left), _kind(right), annotations, span)
    return None


def remark_on_types(operator: str, left: str, right: str, annotations: Annotations, span: Span) -> None:
    """Remark that an operator has no result for `histogram` or `float` at its sides."""
    types = f"{left} {operator} {right}"
    message = f"incompatible sample types encountered for binary operator {quote(operator)}: {types}"
    annotations.inform(message, span)


def _kind(operand: Operand) -> str:
    return "histogram" if isinstance(operand, NativeHistogram) else "float"


def _add(one: NativeHistogram, two: NativeHistogram) -> Combination:
    return one.add(two)


def _subtract(one: NativeHistogram, two: NativeHistogram) -> Combination:
    difference, collision, reconciled = one.subtract(two)
    return Combination(difference.with_counter_reset(CounterReset.GAUGE), collision, reconciled)


_COMBINE: Mapping[str, tuple[str, Callable[[NativeHistogram, NativeHistogram], Combination]]] = MappingProxyType(
    {"+": ("addition", _add), "-": ("subtraction", _subtract)}
)

_WITH_NUMBER: Mapping[str, Callable[[NativeHistogram, float], NativeHistogram]] = MappingProxyType(
    {
        "*": lambda histogram, number: histogram.multiply(number).compact(),
        "/": lambda histogram, number: histogram.divide(number).compact(),
        "</": lambda histogram, number: trim(histogram, number, keep_lower=True),
        ">/": lambda histogram, number: trim(histogram, number, keep_lower=False),
    }
)


def _combine(
    operator: str, left: NativeHistogram, right: NativeHistogram, annotations: Annotations, span: Span
) -> NativeHistogram | None:
    noun, call = _COMBINE[operator]
    try:
        result, collision, reconciled = call(left, right)
    except IncompatibleBucketsError:
        annotations.warn(f"incompatible bucket layout encountered for binary operator {operator}", span)
        return None
    if collision:
        annotations.warn(f"{COLLIDING_RESETS} {noun}", span)
    if reconciled:
        annotations.inform(f"{MISMATCHED_BUCKETS} {noun}", span)
    return result.compact()
