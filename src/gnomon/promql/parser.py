"""Read PromQL: recursive descent, with Prometheus' grammar, precedences and words for what is wrong."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import floor, isfinite

from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import METRIC_NAME
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.promql import lexer
from gnomon.promql.errors import ParseError
from gnomon.promql.functions.signatures import SIGNATURES
from gnomon.promql.pattern_errors import describe_pattern_error
from gnomon.promql.quoting import quote
from gnomon.promql.syntax_tree import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Cardinality,
    Duration,
    DurationOperation,
    Expression,
    Features,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    Span,
    StepCall,
    StringLiteral,
    Subquery,
    Unary,
    ValueType,
    VectorSelector,
    WindowEdges,
)
from gnomon.promql.value_types import SET_OPERATORS, check_types, value_type

EXPERIMENTAL_FUNCTIONS = "promql-experimental-functions"
DURATION_EXPRESSIONS = "promql-duration-expr"
EXTENDED_RANGE_SELECTORS = "promql-extended-range-selectors"
FILL_MODIFIERS = "promql-binop-fill-modifiers"

ALL_STABLE = Features()
EVERYTHING = Features(
    frozenset({EXPERIMENTAL_FUNCTIONS, DURATION_EXPRESSIONS, EXTENDED_RANGE_SELECTORS, FILL_MODIFIERS})
)

_EXPERIMENTAL_AGGREGATORS = frozenset({"limitk", "limit_ratio"})
_WITH_PARAMETER = frozenset({"topk", "bottomk", "count_values", "quantile", "limitk", "limit_ratio"})

_PRECEDENCES = (
    ("or",),
    ("and", "unless"),
    ("==", "!=", ">", "<", ">=", "<=", "</", ">/"),
    ("+", "-"),
    ("*", "/", "%", "atan2"),
    ("^",),
)
_PRECEDENCE = {operator: level for level, operators in enumerate(_PRECEDENCES, 1) for operator in operators}
_POWER = _PRECEDENCE["^"]
_MULTIPLICATION = _PRECEDENCE["*"]
_ADDITION = _PRECEDENCE["+"]

_METRIC_KEYWORDS = lexer.KEYWORDS - {"on", "ignoring", "group_left", "group_right", "bool", "atan2"}
_FIRST_OF_EXPRESSION = _METRIC_KEYWORDS | {
    lexer.IDENTIFIER,
    lexer.METRIC_IDENTIFIER,
    lexer.NUMBER,
    lexer.DURATION,
    lexer.STRING,
    lexer.ERROR,
    *"+-({",
}
_MATCH_OPERATORS = {operator.value: operator for operator in MatchOperator}
# Prometheus' grammar lacks this one word, so the real thing refuses it, too.
_LABEL_KINDS = (lexer.KEYWORDS | {lexer.IDENTIFIER, lexer.METRIC_IDENTIFIER}) - {"without"}
_CALLABLE_KEYWORDS = frozenset({"start", "end", "step", "range"})
_DURATION_FUNCTIONS = frozenset({"min", "max", "min_of", "max_of"})
# Deeper ones would exhaust Python's stack, in the parser or later on.
_DEEPEST = 128
_LONGEST_KEPT = 10_000
_MAX_AT_S = float(2**63)
_MAX_DURATION_S = 2**63 // 10**9


def parse(text: str, features: Features = ALL_STABLE) -> Expression:
    """Return the checked syntax tree of a query; raises ParseError with Prometheus' message and position."""
    return _parse_cached(text, features) if len(text) <= _LONGEST_KEPT else _Parser(text, features).parse()


def parse_selector(text: str) -> VectorSelector:
    """Return a series selector such as `up{job="x"}`, as `match[]` takes it; raises ParseError."""
    return _Parser(text, ALL_STABLE).parse_selector()


@lru_cache(maxsize=2_000)
def _parse_cached(text: str, features: Features) -> Expression:
    return _Parser(text, features).parse()


_FIRST_UNIT = re.compile(r"\d+(\D+)")


class _Parser:
    """Walk over the tokens once; methods read what their names say from where the cursor stands."""

    __slots__ = ("_aggregations", "_at", "_depth", "_features", "_kinds", "_last_end", "_starts", "_text", "_texts")

    def __init__(self, text: str, features: Features) -> None:
        tokens = lexer.tokenize(text)
        self._text = text
        self._features = features.enabled
        self._kinds = tokens.kinds
        self._texts = tokens.texts
        self._starts = tokens.starts
        self._at = 0
        self._last_end = 0
        # How deep in aggregations the cursor stands: an unexpected token is reported as theirs.
        self._aggregations = 0
        self._depth = 0

    def parse(self) -> Expression:
        if self._kinds[0] is lexer.END:
            raise self._error("no expression found in input", 0)
        expression = self._expression(1)
        if self._kinds[self._at] is not lexer.END:
            raise self._unexpected()
        check_types(expression, self._text)
        return expression

    def parse_selector(self) -> VectorSelector:
        kind = self._kinds[0]
        if kind != "{" and kind not in _METRIC_KEYWORDS and kind not in {lexer.IDENTIFIER, lexer.METRIC_IDENTIFIER}:
            raise self._unexpected()
        selector = self._selector()
        if self._kinds[self._at] is not lexer.END:
            raise self._unexpected()
        check_types(selector, self._text)
        return selector

    # Tokens and errors

    def _advance(self) -> str:
        at = self._at
        text = self._texts[at]
        self._last_end = self._starts[at] + len(text)
        self._at = at + 1
        return text

    def _accept(self, kind: str) -> bool:
        if self._kinds[self._at] == kind:
            self._advance()
            return True
        return False

    def _error(self, reason: str, position: int) -> ParseError:
        return ParseError(reason, self._text, position)

    def _unexpected(self, context: str = "", expected: str = "") -> ParseError:
        at = self._at
        kind, text, start = self._kinds[at], self._texts[at], self._starts[at]
        if kind is lexer.ERROR:
            return self._error(text, start)
        if not context and self._aggregations:
            context = "aggregation"
        reason = f"unexpected {_describe(kind, text)}"
        if context:
            reason += f" in {context}"
        if expected:
            reason += f", expected {expected}"
        return self._error(reason, start)

    def _expect(self, kind: str, context: str = "", expected: str = "") -> None:
        if self._kinds[self._at] != kind:
            raise self._unexpected(context, expected)
        self._advance()

    def _require(self, feature: str, reason: str, position: int) -> None:
        if feature not in self._features:
            raise self._error(reason, position)

    # Expressions

    def _expression(self, precedence: int) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"the expression is nested more than {_DEEPEST} levels deep", self._starts[self._at])
        left = self._operand()
        while True:
            operator = self._kinds[self._at]
            level = _PRECEDENCE.get(operator, 0)
            if level < precedence:
                self._depth -= 1
                return left
            self._advance()
            bool_modifier, matching = self._modifiers()
            right = self._expression(level if level == _POWER else level + 1)
            left = self._binary(operator, left, right, matching, bool_modifier=bool_modifier)

    def _operand(self) -> Expression:
        kind = self._kinds[self._at]
        start = self._starts[self._at]
        if kind in {"+", "-"}:
            self._advance()
            operand = self._expression(_POWER)
            if isinstance(operand, NumberLiteral):
                value = -operand.value if kind == "-" else operand.value
                return NumberLiteral(value, Span(start, operand.span.end), operand.duration)
            return Unary(kind, operand, Span(start, operand.span.end))
        return self._postfix(self._primary(kind, start))

    def _primary(self, kind: str, start: int) -> Expression:
        following = self._kinds[self._at + 1] if self._at + 1 < len(self._kinds) else lexer.END
        if kind is lexer.IDENTIFIER:
            return self._call() if following == "(" else self._selector()
        if kind in {lexer.NUMBER, lexer.DURATION}:
            return self._number()
        if kind == "(":
            self._advance()
            expression = self._expression(1)
            self._expect(")")
            return Parentheses(expression, Span(start, self._last_end))
        if kind in lexer.AGGREGATORS and following in {"(", "by", "without"}:
            return self._aggregation()
        if kind in _CALLABLE_KEYWORDS and following == "(":
            return self._call()
        if kind in _METRIC_KEYWORDS or kind in {lexer.METRIC_IDENTIFIER, "{"}:
            return self._selector()
        if kind == lexer.STRING:
            token = self._advance()
            return StringLiteral(lexer.unquote(token, self._text, start), Span(start, self._last_end))
        raise self._unexpected()

    def _number(self) -> NumberLiteral:
        kind, start = self._kinds[self._at], self._starts[self._at]
        token = self._advance()
        span = Span(start, self._last_end)
        if kind == lexer.NUMBER:
            return NumberLiteral(self._read_number(token, start), span)
        duration_ms = lexer.parse_duration_ms(token)
        if duration_ms is None:
            raise self._error(_describe_bad_duration(token), start)
        if duration_ms > _MAX_DURATION_S * 1000:
            raise self._error("duration out of range", start)
        return NumberLiteral(duration_ms / 1000, span, duration=True)

    def _read_number(self, token: str, start: int) -> float:
        try:
            return lexer.parse_number(token)
        except (ValueError, OverflowError):
            reason = f'error parsing number: strconv.ParseFloat: parsing "{token}": invalid syntax'
            raise self._error(reason, start) from None

    def _string(self) -> str:
        start = self._starts[self._at]
        return lexer.unquote(self._advance(), self._text, start)

    # Selectors

    def _selector(self) -> VectorSelector:
        start = self._starts[self._at]
        name = ""
        matchers: list[Matcher] = []
        if self._kinds[self._at] != "{":
            name = self._advance()
        if self._kinds[self._at] == "{":
            self._advance()
            self._matchers(matchers)
        if name:
            matchers.append(Matcher(METRIC_NAME, MatchOperator.EQUAL, name))
        return VectorSelector(name, tuple(matchers), Span(start, self._last_end))

    def _matchers(self, matchers: list[Matcher]) -> None:
        while not self._accept("}"):
            matchers.append(self._matcher())
            if self._kinds[self._at] == "}":
                self._advance()
                return
            self._expect(",", "label matching", '"," or "}"')

    def _matcher(self) -> Matcher:
        kind, start = self._kinds[self._at], self._starts[self._at]
        if kind == lexer.STRING:
            name = self._string()
            if self._kinds[self._at] not in _MATCH_OPERATORS:
                return Matcher(METRIC_NAME, MatchOperator.EQUAL, name)
        elif kind == lexer.IDENTIFIER:
            name = self._advance()
        else:
            raise self._unexpected("label matching", 'identifier or "}"')
        operator = _MATCH_OPERATORS.get(self._kinds[self._at])
        if operator is None:
            raise self._unexpected("label matching", "label matching operator")
        self._advance()
        if self._kinds[self._at] != lexer.STRING:
            raise self._unexpected("label matching", "string")
        value = self._string()
        try:
            return Matcher(name, operator, value)
        except InvalidInputError as error:
            raise self._error(describe_pattern_error(error), start) from error

    def _postfix(self, expression: Expression) -> Expression:
        while True:
            kind = self._kinds[self._at]
            if kind == "[":
                expression = self._brackets(expression)
            elif kind == "offset":
                expression = self._offset(expression)
            elif kind == "@":
                expression = self._at_modifier(expression)
            elif kind in {"anchored", "smoothed"}:
                expression = self._edges(expression, kind)
            else:
                return expression

    def _brackets(self, expression: Expression) -> MatrixSelector | Subquery:
        bracket = self._starts[self._at]
        self._advance()
        window = self._duration(lambda: self._unexpected("subquery or range selector", "number, duration, or step()"))
        self._check_positive(window)
        if not self._accept(":"):
            if self._kinds[self._at] != "]":
                raise self._unexpected("subquery or range", '":" or "]"')
            self._advance()
            return self._matrix(expression, window, bracket)
        step = None
        if self._kinds[self._at] != "]":
            step = self._duration(lambda: self._unexpected("subquery selector", 'number, duration, or step() or "]"'))
        self._expect("]", "subquery selector", '"]"')
        if step is not None:
            self._check_positive(step)
        return Subquery(expression, window, step, Span(expression.span.start, self._last_end))

    def _matrix(self, expression: Expression, window: Duration, bracket: int) -> MatrixSelector:
        if not isinstance(expression, VectorSelector):
            raise self._error("ranges only allowed for vector selectors", bracket)
        if expression.offset is not None:
            raise self._error("no offset modifiers allowed before range", bracket)
        if expression.at is not None or expression.at_s is not None:
            raise self._error("no @ modifiers allowed before range", bracket)
        return MatrixSelector(expression, window, Span(expression.span.start, self._last_end))

    def _offset(self, expression: Expression) -> Expression:
        self._advance()
        offset = self._offset_duration()
        self._check_range(offset)
        target = _modified(expression)
        if target is None:
            reason = (
                "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery"
            )
            raise self._error(reason, expression.span.start)
        if target.offset is not None:
            raise self._error("offset may not be set multiple times", expression.span.start)
        return _modify(expression, self._last_end, offset=offset)

    def _at_modifier(self, expression: Expression) -> Expression:
        self._advance()
        at_s: float | None = None
        anchor: AtAnchor | None = None
        kind = self._kinds[self._at]
        if kind in {"start", "end"}:
            self._advance()
            if not self._accept("(") or not self._accept(")"):
                raise self._unexpected("@", "timestamp")
            anchor = AtAnchor(kind)
        else:
            sign = -1.0 if kind == "-" else 1.0
            if kind in {"+", "-"}:
                self._advance()
            if self._kinds[self._at] not in {lexer.NUMBER, lexer.DURATION}:
                raise self._unexpected("@", "timestamp")
            at_s = sign * self._number().value
        target = _modified(expression)
        if target is None:
            reason = "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery"
            raise self._error(reason, expression.span.start)
        if target.at is not None or target.at_s is not None:
            raise self._error("@ <timestamp> may not be set multiple times", expression.span.start)
        if at_s is not None and (not isfinite(at_s) or abs(at_s) >= _MAX_AT_S):
            raise self._error(f"timestamp out of bounds for @ modifier: {_format_fixed(at_s)}", expression.span.start)
        if at_s is not None:
            at_s = floor(at_s * 1000 + 0.5) / 1000
        return _modify(expression, self._last_end, at_s=at_s, at=anchor)

    def _edges(self, expression: Expression, kind: str) -> Expression:
        self._advance()
        start = expression.span.start
        self._require(EXTENDED_RANGE_SELECTORS, f"{kind} modifier is experimental and not enabled", start)
        if isinstance(expression, Subquery):
            raise self._error(f"{kind} modifier is not supported for subqueries", start)
        selector = expression.selector if isinstance(expression, MatrixSelector) else expression
        if not isinstance(selector, VectorSelector):
            raise self._error(f"{kind} modifier not implemented", start)
        if selector.edges not in {WindowEdges.PLAIN, WindowEdges(kind)}:
            raise self._error("anchored and smoothed modifiers cannot be used together", start)
        return _modify(expression, self._last_end, edges=WindowEdges(kind))

    # Durations

    def _duration(self, unexpected: Callable[[], ParseError], precedence: int = _ADDITION) -> Duration:
        left = self._duration_operand(unexpected)
        while True:
            operator = self._kinds[self._at]
            level = _PRECEDENCE.get(operator, 0)
            if level < precedence or operator == "atan2":
                return left
            start = self._starts[self._at]
            self._advance()
            right = self._duration(unexpected, level if level == _POWER else level + 1)
            self._require(DURATION_EXPRESSIONS, _NO_DURATION_EXPRESSIONS, left.span.start)
            if operator in {"/", "%"} and isinstance(right, NumberLiteral) and right.value == 0:
                raise self._error("division by zero" if operator == "/" else "modulo by zero", start)
            left = DurationOperation(operator, (left, right), Span(left.span.start, right.span.end))

    def _duration_operand(self, unexpected: Callable[[], ParseError]) -> Duration:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f"the duration is nested more than {_DEEPEST} levels deep", self._starts[self._at])
        operand = self._signed_duration(unexpected)
        self._depth -= 1
        return operand

    def _signed_duration(self, unexpected: Callable[[], ParseError]) -> Duration:
        kind = self._kinds[self._at]
        start = self._starts[self._at]
        if kind in {"+", "-"}:
            self._advance()
            operand = self._duration(unexpected, _POWER)
            span = Span(start, operand.span.end)
            if isinstance(operand, NumberLiteral):
                return NumberLiteral(-operand.value if kind == "-" else operand.value, span, operand.duration)
            self._require(DURATION_EXPRESSIONS, _NO_DURATION_EXPRESSIONS, start)
            return DurationOperation(kind, (operand,), span)
        return self._duration_primary(unexpected, kind, start)

    def _duration_primary(self, unexpected: Callable[[], ParseError], kind: str, start: int) -> Duration:
        if kind in {lexer.NUMBER, lexer.DURATION}:
            return self._number()
        if kind == "(":
            self._advance()
            inner = self._duration(unexpected)
            if not self._accept(")"):
                raise unexpected()
            self._require(DURATION_EXPRESSIONS, _NO_DURATION_EXPRESSIONS, inner.span.start)
            if isinstance(inner, DurationOperation):
                return replace(inner, parenthesized=True)
            return inner
        if kind in {"step", "range"}:
            self._advance()
            if not self._accept("(") or not self._accept(")"):
                raise unexpected()
            return StepCall(kind, Span(start, self._last_end))
        if kind is not lexer.ERROR and self._texts[self._at].lower() in _DURATION_FUNCTIONS:
            return self._duration_function(unexpected, start)
        raise unexpected()

    def _duration_function(self, unexpected: Callable[[], ParseError], start: int) -> Duration:
        name = self._advance().lower()
        if not self._accept("("):
            raise unexpected()
        first = self._duration(unexpected)
        if not self._accept(","):
            raise unexpected()
        second = self._duration(unexpected)
        if not self._accept(")"):
            raise unexpected()
        return DurationOperation(name[:3], (first, second), Span(start, self._last_end))

    def _offset_duration(self) -> Duration:
        """Read a signed operand without operators: `offset 5m * 2` is a product of vectors."""

        def unexpected() -> ParseError:
            return self._unexpected("offset", "number, duration, or step()")

        start, kind = self._starts[self._at], self._kinds[self._at]
        if kind not in {"+", "-"}:
            return self._duration_primary(unexpected, kind, start)
        self._advance()
        operand = self._duration_primary(unexpected, self._kinds[self._at], self._starts[self._at])
        span = Span(start, operand.span.end)
        if isinstance(operand, NumberLiteral):
            return NumberLiteral(-operand.value if kind == "-" else operand.value, span, operand.duration)
        return DurationOperation(kind, (operand,), span)

    def _check_range(self, duration: Duration) -> None:
        if isinstance(duration, NumberLiteral) and abs(duration.value) > _MAX_DURATION_S:
            raise self._error("duration out of range", duration.span.start)

    def _check_positive(self, duration: Duration) -> None:
        self._check_range(duration)
        if isinstance(duration, NumberLiteral) and duration.value <= 0:
            raise self._error("duration must be greater than 0", duration.span.start)

    # Operators

    def _modifiers(self) -> tuple[bool, Matching | None]:
        kind = self._kinds[self._at]
        bool_modifier = kind == "bool" and self._accept("bool")
        kind = self._kinds[self._at]
        on = kind == "on"
        labels: tuple[str, ...] = ()
        include: tuple[str, ...] = ()
        cardinality = Cardinality.ONE_TO_ONE
        matched = on or kind == "ignoring"
        if matched:
            self._advance()
            labels = self._grouping()
            kind = self._kinds[self._at]
            if kind in {"group_left", "group_right"}:
                self._advance()
                cardinality = Cardinality.MANY_TO_ONE if kind == "group_left" else Cardinality.ONE_TO_MANY
                if self._kinds[self._at] == "(":
                    include = self._grouping()
        fills = self._fills()
        if not matched and fills == (None, None):
            return bool_modifier, None
        return bool_modifier, Matching(cardinality, labels, on, include, *fills)

    def _fills(self) -> tuple[float | None, float | None]:
        left: float | None = None
        right: float | None = None
        while (kind := self._kinds[self._at]) in {"fill", "fill_left", "fill_right"}:
            if self._kinds[self._at + 1] != "(":
                break
            start = self._starts[self._at]
            self._advance()
            self._advance()
            sign = -1.0 if self._kinds[self._at] == "-" else 1.0
            if self._kinds[self._at] in {"+", "-"}:
                self._advance()
            if self._kinds[self._at] not in {lexer.NUMBER, lexer.DURATION}:
                raise self._unexpected("fill modifier", "number")
            value = sign * self._number().value
            self._expect(")", "fill modifier", '")"')
            self._require(FILL_MODIFIERS, "binop fill modifiers are experimental and not enabled", start)
            left = value if kind != "fill_right" else left
            right = value if kind != "fill_left" else right
        return left, right

    def _binary(
        self, operator: str, left: Expression, right: Expression, matching: Matching | None, *, bool_modifier: bool
    ) -> Binary:
        if value_type(left) is ValueType.VECTOR and value_type(right) is ValueType.VECTOR:
            matching = matching or _ONE_TO_ONE
            if operator in SET_OPERATORS and matching.cardinality is Cardinality.ONE_TO_ONE:
                matching = Matching(
                    Cardinality.MANY_TO_MANY,
                    matching.labels,
                    matching.on,
                    matching.include,
                    matching.fill_left,
                    matching.fill_right,
                )
        elif matching is not None and not matching.labels and (matching.fill_left, matching.fill_right) == (None, None):
            matching = None
        return Binary(operator, left, right, Span(left.span.start, right.span.end), matching, bool_modifier)

    def _grouping(self) -> tuple[str, ...]:
        self._expect("(", "grouping opts", '"("')
        labels: list[str] = []
        while not self._accept(")"):
            kind, start = self._kinds[self._at], self._starts[self._at]
            if kind == lexer.STRING:
                name = self._string()
                if not name or not _is_utf8(name):
                    raise self._error(f"invalid label name for grouping: {quote(name)}", start)
                labels.append(name)
            elif kind in _LABEL_KINDS:
                labels.append(self._advance())
            else:
                raise self._unexpected("grouping opts", "label")
            if self._kinds[self._at] not in {",", ")"}:
                raise self._unexpected("grouping opts", '"," or ")"')
            self._accept(",")
        return tuple(labels)

    # Calls

    def _aggregation(self) -> Aggregation:
        start = self._starts[self._at]
        operator = self._advance().lower()
        self._aggregations += 1
        grouping: tuple[str, ...] = ()
        without = False
        before = self._kinds[self._at] in {"by", "without"}
        if before:
            without = self._advance().lower() == "without"
            grouping = self._grouping()
        arguments = self._arguments()
        self._aggregations -= 1
        if not before and self._kinds[self._at] in {"by", "without"}:
            without = self._advance().lower() == "without"
            self._aggregations += 1
            grouping = self._grouping()
            self._aggregations -= 1
        span = Span(start, self._last_end)
        if self._kinds[self._at] is lexer.ERROR:
            raise self._unexpected()
        if not arguments:
            raise self._error("no arguments for aggregate expression provided", start)
        wanted = 2 if operator in _WITH_PARAMETER else 1
        if operator in _EXPERIMENTAL_AGGREGATORS:
            reason = f"{operator}() is experimental and must be enabled with --enable-feature={EXPERIMENTAL_FUNCTIONS}"
            self._require(EXPERIMENTAL_FUNCTIONS, reason, start)
        if len(arguments) != wanted:
            reason = (
                f"wrong number of arguments for aggregate expression provided, expected {wanted}, got {len(arguments)}"
            )
            raise self._error(reason, start)
        parameter = arguments[0] if wanted > 1 else None
        return Aggregation(operator, arguments[-1], span, parameter, grouping, without)

    def _call(self) -> Call:
        start = self._starts[self._at]
        kind = self._kinds[self._at]
        name = self._advance()
        if kind is not lexer.IDENTIFIER:
            name = name.lower()
        arguments = self._arguments()
        signature = SIGNATURES.get(name)
        if signature is None:
            raise self._error(f"unknown function with name {quote(name)}", start)
        if signature.experimental:
            self._require(EXPERIMENTAL_FUNCTIONS, f"function {quote(name)} is not enabled", start)
        return Call(name, arguments, Span(start, self._last_end))

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        if self._accept(")"):
            return ()
        arguments = [self._expression(1)]
        while self._kinds[self._at] == ",":
            start = self._starts[self._at]
            self._advance()
            if self._kinds[self._at] not in _FIRST_OF_EXPRESSION:
                raise self._error("trailing commas not allowed in function call args", start)
            arguments.append(self._expression(1))
        self._expect(")")
        return tuple(arguments)


_ONE_TO_ONE = Matching()
_NO_DURATION_EXPRESSIONS = "experimental duration expression is not enabled"


def _modified(expression: Expression) -> VectorSelector | Subquery | None:
    """Return what carries the offset and @ of a selector, a range or a subquery."""
    if isinstance(expression, MatrixSelector):
        return expression.selector
    return expression if isinstance(expression, (VectorSelector, Subquery)) else None


def _modify(
    expression: Expression,
    end: int,
    *,
    offset: Duration | None = None,
    at_s: float | None = None,
    at: AtAnchor | None = None,
    edges: WindowEdges | None = None,
) -> Expression:
    """Return a selector, range or subquery up to `end` with one more modifier."""
    span = Span(expression.span.start, end)
    if isinstance(expression, MatrixSelector):
        selector = _modify_selector(expression.selector, expression.selector.span, offset, at_s, at, edges)
        return MatrixSelector(selector, expression.range, span)
    if isinstance(expression, VectorSelector):
        return _modify_selector(expression, span, offset, at_s, at, edges)
    if not isinstance(expression, Subquery):
        return expression
    return Subquery(
        expression.expression,
        expression.range,
        expression.step,
        span,
        offset if offset is not None else expression.offset,
        at_s if at_s is not None else expression.at_s,
        at or expression.at,
    )


def _modify_selector(
    selector: VectorSelector,
    span: Span,
    offset: Duration | None,
    at_s: float | None,
    at: AtAnchor | None,
    edges: WindowEdges | None,
) -> VectorSelector:
    return VectorSelector(
        selector.name,
        selector.matchers,
        span,
        offset if offset is not None else selector.offset,
        at_s if at_s is not None else selector.at_s,
        at or selector.at,
        edges or selector.edges,
    )


def _describe(kind: str, text: str) -> str:
    """Return a token as Prometheus' messages name it."""
    if kind is lexer.END:
        return kind
    if kind in lexer.AGGREGATORS:
        return f"<aggr:{text}>"
    if kind in lexer.OPERATORS and kind != "=":
        return f"<op:{text}>"
    if kind in lexer.KEYWORDS and kind not in _CALLABLE_KEYWORDS:
        return f"<{text}>"
    if kind in {lexer.IDENTIFIER, lexer.METRIC_IDENTIFIER}:
        return f"{kind} {quote(text)}"
    if kind in {lexer.NUMBER, lexer.DURATION, lexer.STRING}:
        shown = f"{quote(text[:10])}..." if len(text) > 10 else quote(text)  # noqa: PLR2004  # as Prometheus cuts
        return f"{kind} {shown}"
    return quote(text)


def _describe_bad_duration(token: str) -> str:
    unit = _FIRST_UNIT.match(token)
    if unit and unit[1] not in lexer.UNITS:
        return f"unknown unit {quote(unit[1])} in duration {quote(token)}"
    return f"not a valid duration string: {quote(token)}"


def _format_fixed(value: float) -> str:
    if value != value:  # noqa: PLR0124  # NaN
        return "NaN"
    if not isfinite(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:f}"


def _is_utf8(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)  # noqa: PLR2004
