"""Walk over syntax trees."""

from collections.abc import Iterator

from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    Parentheses,
    Subquery,
    Unary,
    VectorSelector,
)


def children_of(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions that a node is made of, from left to right."""
    match expression:
        case Binary():
            return expression.left, expression.right
        case Call():
            return expression.arguments
        case Aggregation():
            parameter = () if expression.parameter is None else (expression.parameter,)
            return (*parameter, expression.expression)
        case Subquery() | Parentheses() | Unary():
            return (expression.expression,)
        case MatrixSelector():
            return (expression.selector,)
        case _:
            return ()


def selectors_of(expression: Expression) -> Iterator[VectorSelector]:
    """Yield every selector of series, from left to right; those of ranges, too."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, VectorSelector):
            yield node
        else:
            waiting.extend(reversed(children_of(node)))
