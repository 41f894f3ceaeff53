"""Syntax trees as the JSON of `/api/v1/parse_query`."""

from typing import Any

from gnomon.model.matchers import Matcher
from gnomon.promql.functions.signatures import SIGNATURES
from gnomon.promql.printer import format_number
from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Duration,
    Expression,
    Matching,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
    WindowEdges,
)

JsonObject = dict[str, Any]


def tree_to_json(expression: Expression) -> JsonObject:
    """Return a node with everything below it."""
    match expression:
        case Aggregation():
            return {
                "type": "aggregation",
                "op": expression.operator,
                "expr": tree_to_json(expression.expression),
                "param": None if expression.parameter is None else tree_to_json(expression.parameter),
                "grouping": list(expression.grouping),
                "without": expression.without,
            }
        case Binary():
            return {
                "type": "binaryExpr",
                "op": expression.operator,
                "lhs": tree_to_json(expression.left),
                "rhs": tree_to_json(expression.right),
                "matching": None if expression.matching is None else _matching(expression.matching),
                "bool": expression.bool_modifier,
            }
        case Call():
            return {
                "type": "call",
                "func": _function(expression.function),
                "args": [tree_to_json(argument) for argument in expression.arguments],
            }
        case Subquery():
            step = 0 if expression.step is None else _milliseconds(expression.step)
            return {
                "type": "subquery",
                "expr": tree_to_json(expression.expression),
                "range": _milliseconds(expression.range),
                "step": step,
                **_moved(expression),
            }
        case Parentheses():
            return {"type": "parenExpr", "expr": tree_to_json(expression.expression)}
        case Unary():
            return {"type": "unaryExpr", "op": expression.operator, "expr": tree_to_json(expression.expression)}
        case _:
            return _leaf(expression)


def _leaf(expression: MatrixSelector | VectorSelector | NumberLiteral | StringLiteral) -> JsonObject:
    match expression:
        case MatrixSelector():
            return {
                "type": "matrixSelector",
                "range": _milliseconds(expression.range),
                **_selector(expression.selector),
            }
        case VectorSelector():
            return {"type": "vectorSelector", **_selector(expression)}
        case NumberLiteral():
            return {"type": "numberLiteral", "val": format_number(expression.value)}
        case StringLiteral():
            return {"type": "stringLiteral", "val": expression.value}


def _selector(selector: VectorSelector) -> JsonObject:
    return {
        "name": selector.name,
        "matchers": [_matcher(matcher) for matcher in selector.matchers],
        "anchored": selector.edges is WindowEdges.ANCHORED,
        "smoothed": selector.edges is WindowEdges.SMOOTHED,
        **_moved(selector),
    }


def _moved(selector: VectorSelector | Subquery) -> JsonObject:
    return {
        "offset": 0 if selector.offset is None else _milliseconds(selector.offset),
        "timestamp": None if selector.at_s is None else round(selector.at_s * 1000),
        "startOrEnd": None if selector.at is None else selector.at.value,
    }


def _matcher(matcher: Matcher) -> JsonObject:
    return {"name": matcher.name, "type": matcher.operator.value, "value": matcher.value}


def _matching(matching: Matching) -> JsonObject:
    form: JsonObject = {
        "card": matching.cardinality.value,
        "labels": list(matching.labels),
        "on": matching.on,
        "include": list(matching.include),
    }
    if matching.fill_left is not None or matching.fill_right is not None:
        form["fillValues"] = {"lhs": matching.fill_left, "rhs": matching.fill_right}
    return form


def _function(name: str) -> JsonObject:
    signature = SIGNATURES[name]
    arguments = [kind.value for kind in signature.arguments]
    if signature.maximum is None:
        variadic = -1
    else:
        variadic = signature.maximum - signature.minimum
        arguments = [signature.argument_type(place).value for place in range(signature.minimum + bool(variadic))]
    return {"name": name, "argTypes": arguments, "returnType": signature.returns.value, "variadic": variadic}


def _milliseconds(duration: Duration) -> int:
    """Return a duration; what depends on the query's range is 0, as in Prometheus."""
    return round(duration.value * 1000) if isinstance(duration, NumberLiteral) else 0
