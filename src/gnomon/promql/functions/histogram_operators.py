"""Binary operators where a native histogram stands at one side, or at both."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gnomon.model.histogram_statistics import trim
from gnomon.model.native_histograms import Combination, CounterReset, IncompatibleBucketsError, NativeHistogram
from gnomon.promql.annotations import Annotations
from gnomon.promql.functions.histogram_remarks import COLLIDING_RESETS, MISMATCHED_BUCKETS
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import Span

Operand = NativeHistogram | float


class Outcome(NamedTuple):
    """Whether there is a result, and which."""

    kept: bool
    value: Operand | None


NOTHING = Outcome(kept=False, value=None)


def operate(operator: str, left: Operand, right: Operand, span: Span, annotations: Annotations) -> Outcome:
    """Apply an operator to operands of which one at least is a histogram, or to floats where it is one of histograms.

    The result of a comparison is its left side, where it holds. What does not fit together leaves a remark.
    """
    if isinstance(left, NativeHistogram) and isinstance(right, NativeHistogram):
        if operator in _COMBINE:
            return _combine(operator, left, right, span, annotations)
        if operator in {"==", "!="}:
            return Outcome((left == right) == (operator == "=="), left)
    elif isinstance(left, NativeHistogram) and not isinstance(right, NativeHistogram):
        if operator in _WITH_NUMBER:
            return Outcome(kept=True, value=_WITH_NUMBER[operator](left, float(right)))
    elif isinstance(right, NativeHistogram) and not isinstance(left, NativeHistogram) and operator == "*":
        return Outcome(kept=True, value=right.multiply(float(left)).compact())
    types = f"{_kind(left)} {operator} {_kind(right)}"
    message = f"incompatible sample types encountered for binary operator {quote(operator)}: {types}"
    annotations.inform(message, span)
    return NOTHING


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
    operator: str, left: NativeHistogram, right: NativeHistogram, span: Span, annotations: Annotations
) -> Outcome:
    noun, call = _COMBINE[operator]
    try:
        result, collision, reconciled = call(left, right)
    except IncompatibleBucketsError:
        annotations.warn(f"incompatible bucket layout encountered for binary operator {operator}", span)
        return NOTHING
    if reconciled:
        annotations.inform(f"{MISMATCHED_BUCKETS} {noun}", span)
    if collision:
        annotations.warn(f"{COLLIDING_RESETS} {noun}", span)
        return NOTHING
    return Outcome(kept=True, value=result.compact())
