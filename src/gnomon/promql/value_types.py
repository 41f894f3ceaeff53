"""What each expression yields, and whether operators, functions and aggregations are given what they take."""

from gnomon.promql.errors import ParseError
from gnomon.promql.functions.signatures import SIGNATURES
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Cardinality,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    WindowEdges,
)

SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})

_ANCHORED = ("changes", "delta", "increase", "rate", "resets")
_SMOOTHED = ("delta", "increase", "rate")
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

    def check(self, expression: Expression) -> ValueType:
        match expression:
            case VectorSelector():
                self._check_selector(expression)
            case Parentheses():
                return self.check(expression.expression)
            case Aggregation():
                self._check_aggregation(expression)
            case Binary():
                self._check_binary(expression)
            case Call():
                self._check_call(expression)
            case MatrixSelector():
                self.check(expression.selector)
            case Subquery():
                if (kind := self.check(expression.expression)) is not ValueType.VECTOR:
                    reason = f"subquery is only allowed on instant vector, got {kind.value} instead"
                    raise self._error(reason, expression)
            case Unary():
                kind = self.check(expression.expression)
                if kind not in {ValueType.SCALAR, ValueType.VECTOR}:
                    name = quote(documented(kind))
                    reason = (
                        f"unary expression only allowed on expressions of type scalar or instant vector, got {name}"
                    )
                    raise self._error(reason, expression)
        return value_type(expression)

    def _error(self, reason: str, expression: Expression) -> ParseError:
        return ParseError(reason, self._text, expression.span.start)

    def _expect(self, expression: Expression, wanted: ValueType, context: str) -> None:
        if (kind := self.check(expression)) is not wanted:
            reason = f"expected type {documented(wanted)} in {context}, got {documented(kind)}"
            raise self._error(reason, expression)

    def _check_selector(self, selector: VectorSelector) -> None:
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
        context = f"call to {quote(call.function)}, got {given}"
        if signature.minimum == signature.maximum and given != signature.minimum:
            raise self._error(f"expected {signature.minimum} argument(s) in {context}", call)
        if given < signature.minimum:
            raise self._error(f"expected at least {signature.minimum} argument(s) in {context}", call)
        if signature.maximum is not None and given > signature.maximum:
            raise self._error(f"expected at most {signature.maximum} argument(s) in {context}", call)
        for position, argument in enumerate(call.arguments):
            if call.function == "info" and position == 1:
                self._check_info_selector(argument)
                continue
            wanted = signature.argument_type(position)
            self._expect(argument, wanted, f"call to function {quote(call.function)}")
            if isinstance(argument, MatrixSelector):
                self._check_edges(call, argument)

    def _check_info_selector(self, argument: Expression) -> None:
        if not isinstance(argument, VectorSelector) or argument.name:
            got = "vector selector" if isinstance(argument, VectorSelector) else "expression"
            raise self._error(f"expected label selectors only, got {got} instead", argument)

    def _check_edges(self, call: Call, argument: MatrixSelector) -> None:
        edges = argument.selector.edges
        if edges is WindowEdges.PLAIN:
            return
        allowed = _ANCHORED if edges is WindowEdges.ANCHORED else _SMOOTHED
        if call.function not in allowed:
            names = ", ".join(allowed)
            reason = f"{edges.value} modifier can only be used with: {names} - not with {call.function}"
            raise self._error(reason, call)

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
        place = self._find_operator(operation)
        scalars = left is right is ValueType.SCALAR
        if operation.bool_modifier and operator not in COMPARISONS:
            raise ParseError("bool modifier can only be used on comparison operators", self._text, place)
        if operator in COMPARISONS and not operation.bool_modifier and scalars:
            raise ParseError("comparisons between scalars must use BOOL modifier", self._text, place)
        if operator in SET_OPERATORS and matching is not None:
            if matching.cardinality is not Cardinality.MANY_TO_MANY and left is right is ValueType.VECTOR:
                raise ParseError(f"no grouping allowed for {quote(operator)} operation", self._text, place)
            if matching.fill_left is not None or matching.fill_right is not None:
                raise ParseError(f"filling in missing series not allowed for set operators", self._text, place)
        if matching is not None and matching.on:
            for label in matching.include:
                if label in matching.labels:
                    reason = f"label {quote(label)} must not occur in ON and GROUP clause at once"
                    raise ParseError(reason, self._text, place)
        for side, kind in ((operation.left, left), (operation.right, right)):
            if kind not in {ValueType.SCALAR, ValueType.VECTOR}:
                raise self._error("binary expression must contain only scalar and instant vector types", side)
        if not left is right is ValueType.VECTOR:
            if matching is not None:
                raise ParseError("vector matching only allowed between instant vectors", self._text, place)
            if operator in SET_OPERATORS:
                raise ParseError(
                    f"set operator {quote(operator)} not allowed in binary scalar expression", self._text, place
                )

    def _find_operator(self, operation: Binary) -> int:
        place = operation.left.span.end
        while place < operation.right.span.start and self._text[place].isspace():
            place += 1
        return place
