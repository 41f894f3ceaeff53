"""Write a syntax tree as text again: on one line, or laid out as Prometheus' formatter does."""

import re

import numpy as np

from gnomon.model.labels import METRIC_NAME
from gnomon.model.matchers import MatchOperator
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationOperation,
    Expression,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    StepCall,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
    WindowEdges,
)

MAX_LINE_LENGTH = 100
_LEGACY_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEGACY_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_UNITS_MS = (
    ("y", 31_536_000_000),
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
)
# Years and weeks are written only where nothing is left over.
_WHOLE_ONLY = frozenset({"y", "w"})


def format_expression(expression: Expression, level: int = 0) -> str:
    """Return an expression over as many lines as it takes to keep within 100 characters, as promtool formats it."""
    indent = "  " * level
    line = to_string(expression)
    if len(line) <= MAX_LINE_LENGTH:
        # A subquery stands at the margin: Prometheus' formatter leaves it there, and one text should have one form.
        return line if isinstance(expression, Subquery) else indent + line
    match expression:
        case Aggregation():
            inner = [expression.expression]
            if expression.parameter is not None:
                inner.insert(0, expression.parameter)
            return _lay_out(_head_of_aggregation(expression), inner, level)
        case Call():
            return _lay_out(expression.function, expression.arguments, level)
        case Parentheses():
            return _lay_out("", [expression.expression], level)
        case Binary():
            left = format_expression(expression.left, level + 1)
            right = format_expression(expression.right, level + 1)
            return f"{left}\n{indent}{expression.operator}{_modifiers_of(expression)}\n{right}"
        case Subquery():
            return format_expression(expression.expression, level) + _suffix_of_subquery(expression)
        case Unary():
            inside = format_expression(expression.expression, level).removeprefix(indent)
            return f"{indent}{expression.operator}{inside}"
    return indent + line


def to_string(expression: Expression) -> str:
    """Return an expression on one line, as Prometheus' API shows it."""
    match expression:
        case Binary():
            return _chain_to_string(expression)
        case Call():
            return f"{expression.function}({', '.join(map(to_string, expression.arguments))})"
        case Aggregation():
            parameter = "" if expression.parameter is None else f"{to_string(expression.parameter)}, "
            return f"{_head_of_aggregation(expression)}({parameter}{to_string(expression.expression)})"
        case Unary():
            return expression.operator + to_string(expression.expression)
        case Parentheses():
            return f"({to_string(expression.expression)})"
        case Subquery():
            return to_string(expression.expression) + _suffix_of_subquery(expression)
        case _:
            return _leaf_to_string(expression)


def _leaf_to_string(leaf: NumberLiteral | StringLiteral | VectorSelector | MatrixSelector) -> str:
    match leaf:
        case NumberLiteral():
            return _format_duration(leaf) if leaf.duration else format_number(leaf.value)
        case StringLiteral():
            return quote(leaf.value)
        case VectorSelector():
            at, edges, offset = _suffixes_of_selector(leaf)
            return _format_selector(leaf) + at + edges + offset
        case MatrixSelector():
            at, edges, offset = _suffixes_of_selector(leaf.selector)
            window = format_duration_expression(leaf.range)
            return f"{_format_selector(leaf.selector)}[{window}]{edges}{at}{offset}"


def format_number(value: float) -> str:
    """Return the shortest decimal number that means this value, without an exponent; +Inf, -Inf or NaN."""
    if np.isfinite(value):
        return np.format_float_positional(value, unique=True, trim="-")
    return "NaN" if np.isnan(value) else "+Inf" if value > 0 else "-Inf"


def format_duration_ms(duration_ms: int) -> str:
    """Return a duration as Prometheus writes it: `1h30m`, `2w`, `0s`."""
    if duration_ms == 0:
        return "0s"
    parts = []
    rest = abs(duration_ms)
    for unit, unit_ms in _UNITS_MS:
        count = rest // unit_ms
        if count and (unit not in _WHOLE_ONLY or rest % unit_ms == 0):
            parts.append(f"{count}{unit}")
            rest -= count * unit_ms
    return ("-" if duration_ms < 0 else "") + "".join(parts)


def format_duration_expression(duration: Duration) -> str:
    """Return what stands in brackets or behind `offset`."""
    match duration:
        case NumberLiteral():
            return _format_duration(duration)
        case StepCall():
            return f"{duration.name}()"
        case DurationOperation():
            operands = [_format_operand(operand) for operand in duration.operands]
            if duration.operator in {"min", "max"}:
                text = f"{duration.operator}({', '.join(operands)})"
            elif len(operands) == 1:
                text = f"{duration.operator}{operands[0]}"
            else:
                text = f"{operands[0]} {duration.operator} {operands[1]}"
            return f"({text})" if duration.parenthesized else text


def _format_operand(operand: Duration) -> str:
    if isinstance(operand, NumberLiteral) and not operand.duration:
        return format_number(operand.value)
    return format_duration_expression(operand)


def _lay_out(head: str, inner: list[Expression] | tuple[Expression, ...], level: int) -> str:
    indent = "  " * level
    lines = ",\n".join(format_expression(part, level + 1) for part in inner)
    return f"{indent}{head}(\n{lines}\n{indent})"


def _chain_to_string(expression: Binary) -> str:
    # Operators chain to the left: a loop, as chains can be longer than Python's stack.
    parts: list[str] = []
    operation: Expression = expression
    while isinstance(operation, Binary):
        parts.append(f" {operation.operator}{_modifiers_of(operation)} {to_string(operation.right)}")
        operation = operation.left
    return to_string(operation) + "".join(reversed(parts))


def _head_of_aggregation(aggregation: Aggregation) -> str:
    if aggregation.without:
        return f"{aggregation.operator} without ({_join_labels(aggregation.grouping)}) "
    if aggregation.grouping:
        return f"{aggregation.operator} by ({_join_labels(aggregation.grouping)}) "
    return aggregation.operator


def _modifiers_of(operation: Binary) -> str:
    text = " bool" if operation.bool_modifier else ""
    return text + (_format_matching(operation.matching) if operation.matching else "")


def _format_matching(matching: Matching) -> str:
    text = ""
    if matching.labels or matching.on:
        text += f" {'on' if matching.on else 'ignoring'} ({_join_labels(matching.labels)})"
    if matching.cardinality in {Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_MANY}:
        side = "left" if matching.cardinality is Cardinality.MANY_TO_ONE else "right"
        text += f" group_{side} ({_join_labels(matching.include)})"
    left, right = matching.fill_left, matching.fill_right
    if left is not None and right is not None and (left == right or left != left):  # noqa: PLR0124  # NaN
        return f"{text} fill ({format_number(left)})"
    if left is not None:
        text += f" fill_left ({format_number(left)})"
    if right is not None:
        text += f" fill_right ({format_number(right)})"
    return text


def _join_labels(names: tuple[str, ...]) -> str:
    return ", ".join(_label(name) for name in names)


def _label(name: str) -> str:
    return name if _LEGACY_LABEL.fullmatch(name) else quote(name)


def _format_selector(selector: VectorSelector) -> str:
    parts = []
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL and selector.name:
            continue
        parts.append(f"{_label(matcher.name)}{matcher.operator.value}{quote(matcher.value)}")
    return selector.name + (f"{{{','.join(sorted(parts))}}}" if parts or not selector.name else "")


def _suffixes_of_selector(selector: VectorSelector) -> tuple[str, str, str]:
    edges = "" if selector.edges is WindowEdges.PLAIN else f" {selector.edges.value}"
    return _format_at(selector), edges, _format_offset(selector)


def _suffix_of_subquery(subquery: Subquery) -> str:
    step = "" if subquery.step is None else format_duration_expression(subquery.step)
    window = f"[{format_duration_expression(subquery.range)}:{step}]"
    return window + _format_at(subquery) + _format_offset(subquery)


def _format_at(selector: VectorSelector | Subquery) -> str:
    if selector.at is not None:
        return f" @ {selector.at.value}()"
    return "" if selector.at_s is None else f" @ {selector.at_s:.3f}"


def _format_offset(selector: VectorSelector | Subquery) -> str:
    offset = "" if selector.offset is None else format_duration_expression(selector.offset)
    return f" offset {offset}" if offset not in {"", "0s"} else ""


def _format_duration(literal: NumberLiteral) -> str:
    return format_duration_ms(round(literal.value * 1000))
