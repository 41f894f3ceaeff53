"""The syntax tree of PromQL: frozen nodes that know where in the text they stand."""

from dataclasses import dataclass, field
from enum import StrEnum

from gnomon.model.matchers import Matcher


class ValueType(StrEnum):
    """What an expression yields, by Prometheus' names."""

    SCALAR = "scalar"
    VECTOR = "vector"
    MATRIX = "matrix"
    STRING = "string"


class AtAnchor(StrEnum):
    """What `@ start()` and `@ end()` refer to."""

    START = "start"
    END = "end"


class WindowEdges(StrEnum):
    """How samples at the edges of a window count: as they are, `anchored` or `smoothed` (experimental)."""

    PLAIN = ""
    ANCHORED = "anchored"
    SMOOTHED = "smoothed"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of the query: `start` counts from 0, `end` is the first one after."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NumberLiteral:
    """A number, or a duration in seconds (`duration` tells that it was written as one)."""

    value: float
    span: Span
    duration: bool = False


@dataclass(frozen=True, slots=True)
class StringLiteral:
    """A text, unescaped."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class StepCall:
    """`step()`, `range()`, … inside a duration expression (experimental)."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class DurationOperation:
    """An operator inside a duration expression (experimental); with one operand, it is a sign."""

    operator: str
    operands: tuple["Duration", ...]
    span: Span
    parenthesized: bool = False


Duration = NumberLiteral | StepCall | DurationOperation
"""In seconds; everything but a NumberLiteral is resolved when the query's range and step are known."""


@dataclass(frozen=True, slots=True)
class VectorSelector:
    """A selector of series; `name` is what stands before the braces, and is among `matchers`, too.

    `offset` and `at_s` (Unix seconds) move the time; `at` is set for `@ start()` and `@ end()`.
    """

    name: str
    matchers: tuple[Matcher, ...]
    span: Span
    offset: Duration | None = None
    at_s: float | None = None
    at: AtAnchor | None = None
    edges: WindowEdges = WindowEdges.PLAIN


@dataclass(frozen=True, slots=True)
class MatrixSelector:
    """A selector with a range; offset and @ belong to the selector inside."""

    selector: VectorSelector
    range: Duration
    span: Span


@dataclass(frozen=True, slots=True)
class Subquery:
    """An expression over a range; `step` is None for the default of the global evaluation interval."""

    expression: "Expression"
    range: Duration
    step: Duration | None
    span: Span
    offset: Duration | None = None
    at_s: float | None = None
    at: AtAnchor | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function that exists, with checked arguments."""

    function: str
    arguments: tuple["Expression", ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Aggregation:
    """An aggregation; `parameter` is that of topk, quantile, count_values and the like."""

    operator: str
    expression: "Expression"
    span: Span
    parameter: "Expression | None" = None
    grouping: tuple[str, ...] = ()
    without: bool = False


class Cardinality(StrEnum):
    """How many elements of each side of a binary operation may match."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"


@dataclass(frozen=True, slots=True)
class Matching:
    """How the two vectors of a binary operation find each other.

    `on` tells whether `labels` are those to compare, or those to ignore; `include` are the labels of group_left or
    group_right; `fill_left` and `fill_right` stand in for what one side lacks (experimental).
    """

    cardinality: Cardinality = Cardinality.ONE_TO_ONE
    labels: tuple[str, ...] = ()
    on: bool = False
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operation; `bool_modifier` turns a comparison's filter into 0 and 1. `matching` is None with scalars."""

    operator: str
    left: "Expression"
    right: "Expression"
    span: Span
    matching: Matching | None = None
    bool_modifier: bool = False


@dataclass(frozen=True, slots=True)
class Unary:
    """A sign before an expression."""

    operator: str
    expression: "Expression"
    span: Span


@dataclass(frozen=True, slots=True)
class Parentheses:
    """An expression in parentheses."""

    expression: "Expression"
    span: Span


Expression = (
    NumberLiteral
    | StringLiteral
    | VectorSelector
    | MatrixSelector
    | Subquery
    | Call
    | Aggregation
    | Binary
    | Unary
    | Parentheses
)


@dataclass(frozen=True, slots=True)
class Features:
    """Experimental parts that a query may use.

    `enabled` holds names of Prometheus' feature flags: promql-experimental-functions, promql-duration-expr,
    promql-extended-range-selectors, promql-binop-fill-modifiers …
    """

    enabled: frozenset[str] = field(default_factory=frozenset)
