"""What each expression yields, and whether operators, functions and aggregations are given what they take."""

from collections.abc import Callable
from typing import Any

from gnomon.model.labels import METRIC_NAME
from gnomon.promql.errors import ParseError
from gnomon.promql.functions.signatures import SIGNATURES
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expression,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
)

SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})

_DOCUMENTED = {ValueType.VECTOR: "instant vector", ValueType.MATRIX: "range vector"}


def documented(kind: ValueType) -> str:
    """Return a type's name as messages show it."""
    return _DOCUMENTED.get(kind, kind.value)


def value_type(expression: Expression) -> ValueType:
    """Return what an expression yields."""
    while isinstance(expression, (Parentheses, Unary)):
        expression = expression.expression
    if isinstance(expression, (VectorSelector, Aggregation)):
        return ValueType.VECTOR
    if isinstance(expression, Call):
        return SIGNATURES[expression.function].returns
    if isinstance(expression, NumberLiteral):
        return ValueType.SCALAR
    if isinstance(expression, (MatrixSelector, Subquery)):
        return ValueType.MATRIX
    if isinstance(expression, StringLiteral):
        return ValueType.STRING
    return _type_of_operation(expression)


def _type_of_operation(expression: Binary) -> ValueType:
    # Operators chain to the left: a loop, as chains can be longer than Python's stack.
    operation: Expression = expression
    while isinstance(operation, Binary):
        if value_type(operation.right) is not ValueType.SCALAR:
            return ValueType.VECTOR
        operation = operation.left
    return ValueType.SCALAR if value_type(operation) is ValueType.SCALAR else ValueType.VECTOR


def check_types(expression: Expression, text: str) -> ValueType:
    """Return what an expression yields; raises ParseError where some part is given what it cannot take."""
    return _Checker(text).check(expression)


class _Checker:
    """Visit the tree in Prometheus' order, so that of several mistakes the same one is told."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._visits: dict[type, Callable[[Any], None]] = {
            VectorSelector: self._check_selector,
            MatrixSelector: self._check_inner,
            Parentheses: self._check_inner,
            Aggregation: self._check_aggregation,
            Binary: self._check_binary,
            Call: self._check_call,
            Subquery: self._check_subquery,
            Unary: self._check_unary,
        }

    def check(self, expression: Expression) -> ValueType:
        visit = self._visits.get(type(expression))
        if visit is not None:
            visit(expression)
        return value_type(expression)

    def _check_inner(self, expression: MatrixSelector | Parentheses) -> None:
        self.check(expression.selector if isinstance(expression, MatrixSelector) else expression.expression)

    def _check_subquery(self, subquery: Subquery) -> None:
        if (kind := self.check(subquery.expression)) is not ValueType.VECTOR:
            raise self._error(f"subquery is only allowed on instant vector, got {kind.value} instead", subquery)

    def _check_unary(self, unary: Unary) -> None:
        kind = self.check(unary.expression)
        if kind not in {ValueType.SCALAR, ValueType.VECTOR}:
            name = quote(documented(kind))
            reason = f"unary expression only allowed on expressions of type scalar or instant vector, got {name}"
            raise self._error(reason, unary)

    def _error(self, reason: str, expression: Expression) -> ParseError:
        return ParseError(reason, self._text, expression.span.start)

    def _expect(self, expression: Expression, wanted: ValueType, context: str, name: str = "") -> None:
        if (kind := self.check(expression)) is not wanted:
            context = f"{context} {quote(name)}" if name else context
            reason = f"expected type {documented(wanted)} in {context}, got {documented(kind)}"
            raise self._error(reason, expression)

    def _check_selector(self, selector: VectorSelector) -> None:
        if selector.name:
            for matcher in selector.matchers[:-1]:
                if matcher.name == METRIC_NAME:
                    names = f"{quote(selector.name)} or {quote(matcher.value)}"
                    raise self._error(f"metric name must not be set twice: {names}", selector)
            return
        if all(matcher.matches_empty for matcher in selector.matchers):
            raise self._error("vector selector must contain at least one non-empty matcher", selector)

    def _check_aggregation(self, aggregation: Aggregation) -> None:
        self._expect(aggregation.expression, ValueType.VECTOR, "aggregation expression")
        if aggregation.parameter is not None:
            wanted = ValueType.STRING if aggregation.operator == "count_values" else ValueType.SCALAR
            self._expect(aggregation.parameter, wanted, "aggregation parameter")

    def _check_call(self, call: Call) -> None:
        signature = SIGNATURES[call.function]
        given = len(call.arguments)
        if given < signature.minimum or (signature.maximum is not None and given > signature.maximum):
            wanted = f"{signature.minimum}"
            if signature.minimum != signature.maximum:
                wanted = f"at least {wanted}" if given < signature.minimum else f"at most {signature.maximum}"
            raise self._error(f"expected {wanted} argument(s) in call to {quote(call.function)}, got {given}", call)
        for position, argument in enumerate(call.arguments):
            if call.function == "info" and position == 1:
                self._check_info_selector(argument)
                continue
            wanted = signature.argument_type(position)
            self._expect(argument, wanted, "call to function", call.function)

    def _check_info_selector(self, argument: Expression) -> None:
        if not isinstance(argument, VectorSelector):
            raise self._error("expected label selectors only", argument)
        if argument.name:
            raise self._error("expected label selectors only, got vector selector instead", argument)

    def _check_binary(self, operation: Binary) -> None:
        left = self._check_left(operation)
        right = self.check(operation.right)
        self._check_operation(operation, left, right)

    def _check_left(self, operation: Binary) -> ValueType:
        # Operators chain to the left: a loop, as chains can be longer than Python's stack.
        chain: list[Binary] = []
        left: Expression = operation.left
        while isinstance(left, Binary):
            chain.append(left)
            left = left.left
        kind = self.check(left)
        for link in reversed(chain):
            right = self.check(link.right)
            self._check_operation(link, kind, right)
            scalar = kind is right is ValueType.SCALAR
            kind = ValueType.SCALAR if scalar else ValueType.VECTOR
        return kind

    def _check_operation(self, operation: Binary, left: ValueType, right: ValueType) -> None:
        operator, matching = operation.operator, operation.matching
        both_vectors = left is right is ValueType.VECTOR
        if operation.bool_modifier and operator not in COMPARISONS:
            raise self._operator_error("bool modifier can only be used on comparison operators", operation)
        if operator in COMPARISONS and not operation.bool_modifier and left is right is ValueType.SCALAR:
            raise self._operator_error("comparisons between scalars must use BOOL modifier", operation)
        if matching is not None:
            self._check_matching(operation, matching, both_vectors=both_vectors)
        for side, kind in ((operation.left, left), (operation.right, right)):
            if kind not in {ValueType.SCALAR, ValueType.VECTOR}:
                raise self._error("binary expression must contain only scalar and instant vector types", side)
        if operator in SET_OPERATORS and not both_vectors:
            reason = f"set operator {quote(operator)} not allowed in binary scalar expression"
            raise self._error(reason, operation)

    def _check_matching(self, operation: Binary, matching: Matching, *, both_vectors: bool) -> None:
        if matching.on:
            for label in matching.labels:
                if label in matching.include:
                    reason = f"label {quote(label)} must not occur in ON and GROUP clause at once"
                    raise self._operator_error(reason, operation)
        if not both_vectors:
            raise self._error("vector matching only allowed between instant vectors", operation)
        if operation.operator in SET_OPERATORS:
            if matching.cardinality is not Cardinality.MANY_TO_MANY:
                raise self._error(f"no grouping allowed for {quote(operation.operator)} operation", operation)
            if matching.fill_left is not None or matching.fill_right is not None:
                raise self._error("filling in missing series not allowed for set operators", operation)

    def _operator_error(self, reason: str, operation: Binary) -> ParseError:
        return ParseError(reason, self._text, self._find_operator(operation))

    def _find_operator(self, operation: Binary) -> int:
        place = operation.left.span.end
        while place < operation.right.span.start and self._text[place].isspace():
            place += 1
        return place
