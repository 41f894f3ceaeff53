"""absent and absent_over_time."""

import numpy as np

from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import MatchOperator
from gnomon.promql.syntax_tree import Expression, MatrixSelector, VectorSelector
from gnomon.promql.values import Vector


def absent(found: Vector, argument: Expression, steps: int) -> Vector:
    """Return 1 at each step at which there is nothing, with the labels that a selector names."""
    missing = np.asarray(~found.present.any(axis=0)) if len(found) else np.ones(steps, dtype=np.bool_)
    return Vector((_labels_of(argument),), np.ones((1, steps)), missing[None, :]).without_empty_rows()


def _labels_of(argument: Expression) -> Labels:
    selector = argument.selector if isinstance(argument, MatrixSelector) else argument
    if not isinstance(selector, VectorSelector):
        return Labels()
    named: dict[str, str] = {}
    seen = set()
    for matcher in selector.matchers:
        if matcher.name == METRIC_NAME:
            continue
        if matcher.operator is MatchOperator.EQUAL and matcher.name not in seen:
            named[matcher.name] = matcher.value
            seen.add(matcher.name)
        else:
            named.pop(matcher.name, None)
    return Labels.of(named)
