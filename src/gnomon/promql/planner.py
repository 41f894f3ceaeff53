"""What a query needs: for each selector, which series, at which times."""

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gnomon.model.labels import METRIC_NAME
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import Grid
from gnomon.promql.errors import ExecutionError
from gnomon.promql.syntax_tree import (
    Aggregation,
    AtAnchor,
    Binary,
    Call,
    Duration,
    DurationOperation,
    Expression,
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

# Functions whose answer depends on the time of evaluation even when their arguments do not.
_TIME_DEPENDENT = frozenset(
    {
        "days_in_month",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "hour",
        "minute",
        "month",
        "year",
        "predict_linear",
        "time",
        "timestamp",
        "start_timestamp",
    }
)
# What a store may know how to compute; everything else is computed here, from samples.
PUSHED_DOWN = frozenset(
    {
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "resets",
        "changes",
        "deriv",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "sum_over_time",
        "count_over_time",
        "last_over_time",
        "present_over_time",
        "stddev_over_time",
        "stdvar_over_time",
    }
)
_SUBQUERY = ""
_STATISTICS = frozenset({"histogram_count", "histogram_sum", "histogram_avg"})
_NEEDS_BUCKETS = frozenset({"histogram_quantile", "histogram_quantiles", "histogram_fraction", _SUBQUERY})
_EDGES = {
    WindowEdges.ANCHORED: ("changes", "delta", "increase", "rate", "resets"),
    WindowEdges.SMOOTHED: ("delta", "increase", "rate"),
}
LATEST = "last"
INFO_METRIC = "target_info"
_ANY_INFO_METRIC = ".+_info"
_MAX_MS = 2**62


@dataclass(frozen=True, slots=True)
class Selection:
    """Series and the times at which they are needed: at each end of the grid, the window before it.

    `function` is what a store may compute over the windows itself; None: samples are needed. `before_ms` and `after_ms`
    are how much further samples are read.
    """

    matchers: tuple[Matcher, ...]
    ends: Grid
    window_ms: int
    function: str | None = None
    before_ms: int = 0
    after_ms: int = 0

    @property
    def start_ms(self) -> int:
        """Return the time after which samples are needed."""
        return self.ends.start_ms - self.window_ms - self.before_ms

    @property
    def end_ms(self) -> int:
        """Return the time up to which samples are needed."""
        return self.ends.end_ms + self.after_ms


@dataclass(frozen=True, slots=True)
class SubqueryPlan:
    """The steps inside of a subquery, the ends of the windows over them, and how long these are."""

    steps: Grid
    ends: Grid
    range_ms: int


@dataclass(slots=True)
class Plan:
    """A query's steps and needs; nodes are known by identity, and the tree is held here.

    `statistics_only` are selectors of which only the count and the sum of histograms matter in the end.
    """

    expression: Expression
    grid: Grid
    grids: dict[int, Grid] = field(default_factory=dict)
    selections: dict[int, Selection] = field(default_factory=dict)
    subqueries: dict[int, SubqueryPlan] = field(default_factory=dict)
    statistics_only: set[int] = field(default_factory=set)

    def grid_of(self, node: Expression) -> Grid:
        """Return the steps at which a node is evaluated: one where time does not matter."""
        return self.grids[id(node)]


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What a query's text leaves open."""

    lookback_ms: int
    subquery_step_ms: int


def plan_query(expression: Expression, grid: Grid, settings: PlanSettings) -> Plan:
    """Find out what a query needs; raises ExecutionError for durations that make no sense."""
    planner = _Planner(Plan(expression, grid), settings)
    planner.visit(expression, grid)
    return planner.plan


def depends_on_range(expression: Expression) -> bool:
    """Tell whether an answer at one step depends on which other steps were asked for."""
    for node in walk(expression):
        if isinstance(node, VectorSelector | Subquery) and node.at is not None:
            return True
        if isinstance(node, Call) and node.function in {"start", "end", "range", "step"}:
            return True
        durations: tuple[Duration | None, ...] = ()
        if isinstance(node, VectorSelector):
            durations = (node.offset,)
        elif isinstance(node, MatrixSelector):
            durations = (node.range, node.selector.offset)
        elif isinstance(node, Subquery):
            durations = (node.range, node.step, node.offset)
        if any(_has_step_call(duration) for duration in durations if duration is not None):
            return True
    return False


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield a node and all below it, parents first, left before right."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def children(node: Expression) -> tuple[Expression, ...]:
    """Return the nodes right below."""
    match node:
        case Binary():
            return (node.left, node.right)
        case Call():
            return node.arguments
        case Aggregation():
            return (node.expression,) if node.parameter is None else (node.parameter, node.expression)
        case Parentheses() | Unary() | Subquery():
            return (node.expression,)
        case MatrixSelector():
            return (node.selector,)
        case _:
            return ()


def without_parentheses(node: Expression) -> Expression:
    """Return what stands inside of any parentheses."""
    while isinstance(node, Parentheses):
        node = node.expression
    return node


class _Planner:
    def __init__(self, plan: Plan, settings: PlanSettings) -> None:
        self.plan = plan
        self._settings = settings
        self._fixed: dict[int, bool] = {}
        self._inside: list[str] = []

    def visit(self, node: Expression, grid: Grid) -> None:
        if grid.steps > 1 and self._is_fixed(node) and not isinstance(node, NumberLiteral | StringLiteral):
            grid = Grid(grid.start_ms, grid.start_ms, grid.step_ms)
        self.plan.grids[id(node)] = grid
        match node:
            case VectorSelector():
                self._select(node, grid)
            case MatrixSelector():
                self._select_range(node, grid, function=None)
            case Subquery():
                self._visit_subquery(node, grid)
            case Call():
                self._visit_call(node, grid)
            case _:
                for child in children(node):
                    self.visit(child, grid)

    def _visit_call(self, node: Call, grid: Grid) -> None:
        for number, argument in enumerate(node.arguments):
            inner = without_parentheses(argument)
            if isinstance(inner, MatrixSelector):
                _check_edges(node, inner.selector.edges)
                self.plan.grids[id(argument)] = self.plan.grids[id(inner)] = grid
                function = "present_over_time" if node.function == "absent_over_time" else node.function
                self._select_range(inner, grid, function=function if function in PUSHED_DOWN else None)
            elif isinstance(inner, VectorSelector) and node.function in {"timestamp", "start_timestamp"}:
                self.plan.grids[id(argument)] = self.plan.grids[id(inner)] = grid
                self._select(inner, grid, samples=True)
            elif node.function == "info" and number == 1:
                continue
            else:
                self._inside.append(node.function)
                self.visit(argument, grid)
                self._inside.pop()
        if node.function == "info":
            self._select_info(node, grid)

    def _visit_subquery(self, node: Subquery, grid: Grid) -> None:
        range_ms = self._duration_ms(node.range)
        if range_ms <= 0:
            raise ExecutionError("duration must be greater than 0")
        step_ms = self._settings.subquery_step_ms
        if node.step is not None:
            step_ms = self._duration_ms(node.step)
            if step_ms <= 0:
                raise ExecutionError("duration must be greater than 0")
        ends = self._shift(grid, node.at_s, node.at, node.offset)
        start_ms = ((ends.start_ms - range_ms) // step_ms + 1) * step_ms
        steps = Grid(start_ms, ends.end_ms, step_ms)
        self.plan.subqueries[id(node)] = SubqueryPlan(steps, ends, range_ms)
        self._inside.append(_SUBQUERY)
        self.visit(node.expression, steps)
        self._inside.pop()

    def _note_statistics(self, node: Expression) -> None:
        if _STATISTICS.intersection(self._inside) and not _NEEDS_BUCKETS.intersection(self._inside):
            self.plan.statistics_only.add(id(node))

    def _select(self, node: VectorSelector, grid: Grid, *, samples: bool = False) -> None:
        smoothed = node.edges is WindowEdges.SMOOTHED
        self._note_statistics(node)
        self.plan.selections[id(node)] = Selection(
            node.matchers,
            self._shift(grid, node.at_s, node.at, node.offset),
            self._settings.lookback_ms,
            function=None if samples or smoothed else LATEST,
            after_ms=self._settings.lookback_ms if smoothed else 0,
        )

    def _select_range(self, node: MatrixSelector, grid: Grid, *, function: str | None) -> None:
        selector = node.selector
        self._note_statistics(node)
        self.plan.grids[id(selector)] = grid
        range_ms = self._duration_ms(node.range)
        if range_ms < 0 or (range_ms == 0 and not isinstance(node.range, NumberLiteral)):
            raise ExecutionError("duration must be greater than 0")
        lookback_ms = self._settings.lookback_ms
        self.plan.selections[id(node)] = Selection(
            selector.matchers,
            self._shift(grid, selector.at_s, selector.at, selector.offset),
            range_ms,
            function=function if selector.edges is WindowEdges.PLAIN else None,
            before_ms=0 if selector.edges is WindowEdges.PLAIN else lookback_ms,
            after_ms=lookback_ms if selector.edges is WindowEdges.SMOOTHED else 0,
        )

    def _select_info(self, node: Call, grid: Grid) -> None:
        """Choose the info series at the time at which the first selector of the enriched expression reads."""
        matchers = info_matchers(node)
        ends = grid
        for below in _path_to_selector(node.arguments[0]):
            ends = self._shift(ends, below.at_s, below.at, below.offset)
        self.plan.selections[id(node)] = Selection(matchers, ends, self._settings.lookback_ms)

    def _shift(self, grid: Grid, at_s: float | None, at: AtAnchor | None, offset: Duration | None) -> Grid:
        offset_ms = 0 if offset is None else self._duration_ms(offset)
        if at is not None:
            fixed_ms = self.plan.grid.start_ms if at is AtAnchor.START else self.plan.grid.end_ms
        elif at_s is not None:
            fixed_ms = math.floor(at_s * 1000 + 0.5)
        else:
            return grid.shift(-offset_ms) if offset_ms else grid
        return Grid(fixed_ms - offset_ms, fixed_ms - offset_ms, grid.step_ms)

    def _is_fixed(self, node: Expression) -> bool:
        known = self._fixed.get(id(node))
        if known is None:
            known = self._fixed[id(node)] = self._find_whether_fixed(node)
        return known

    def _find_whether_fixed(self, node: Expression) -> bool:
        match node:
            case VectorSelector() | Subquery():
                return node.at_s is not None or node.at is not None
            case Call():
                if node.function in _TIME_DEPENDENT:
                    return False
                arguments = node.arguments[:1] if node.function == "info" else node.arguments
                return all(self._is_fixed(argument) for argument in arguments)
            case _:
                return all(self._is_fixed(child) for child in children(node))

    def _duration_ms(self, duration: Duration) -> int:
        seconds = self._seconds(duration)
        if not abs(seconds * 1000) < _MAX_MS:
            raise ExecutionError("duration out of range")
        return round(seconds * 1000)

    def _seconds(self, duration: Duration) -> float:
        if isinstance(duration, NumberLiteral):
            return duration.value
        if isinstance(duration, StepCall):
            return self._step_call(duration.name)
        operands = [self._seconds(operand) for operand in duration.operands]
        if len(operands) == 1:
            return -operands[0] if duration.operator == "-" else operands[0]
        return _OPERATIONS[duration.operator](operands[0], operands[1])

    def _step_call(self, name: str) -> float:
        grid = self.plan.grid
        if name == "step":
            return 0.0 if grid.start_ms == grid.end_ms else grid.step_ms / 1000
        return (grid.end_ms - grid.start_ms) / 1000


def _check_edges(node: Call, edges: WindowEdges) -> None:
    allowed = _EDGES.get(edges)
    if allowed is not None and node.function not in allowed:
        raise ExecutionError(
            f"{edges.value} modifier can only be used with: {', '.join(allowed)} - not with {node.function}"
        )


def info_matchers(node: Call) -> tuple[Matcher, ...]:
    """Return what an `info()` call looks for."""
    given: tuple[Matcher, ...] = ()
    if len(node.arguments) > 1:
        selector = without_parentheses(node.arguments[1])
        given = selector.matchers if isinstance(selector, VectorSelector) else ()
    names = [matcher for matcher in given if matcher.name == METRIC_NAME]
    if not names:
        return (Matcher(METRIC_NAME, MatchOperator.EQUAL, INFO_METRIC), *given)
    if all(matcher.operator in {MatchOperator.NOT_EQUAL, MatchOperator.NOT_REGEX} for matcher in names):
        return (Matcher(METRIC_NAME, MatchOperator.REGEX, _ANY_INFO_METRIC), *given)
    return given


def _path_to_selector(node: Expression) -> "list[Subquery | VectorSelector]":
    """Return the first selector below a node, and the subqueries around it, the outermost first."""
    if isinstance(node, VectorSelector):
        return [node]
    for child in children(node):
        if found := _path_to_selector(child):
            return [node, *found] if isinstance(node, Subquery) else found
    return []


def _has_step_call(duration: Duration) -> bool:
    if isinstance(duration, DurationOperation):
        return any(_has_step_call(operand) for operand in duration.operands)
    return isinstance(duration, StepCall)


def _divide(left: float, right: float) -> float:
    if right == 0:
        raise ExecutionError("division by zero")
    return left / right


def _remainder(left: float, right: float) -> float:
    if right == 0:
        raise ExecutionError("modulo by zero")
    return math.fmod(left, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (OverflowError, ValueError):
        return math.inf


_OPERATIONS: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": _divide,
        "%": _remainder,
        "^": _power,
        "min": min,
        "max": max,
    }
)
