"""Compute a planned query from what was fetched for it: node by node, every step at once."""

from dataclasses import replace

import numpy as np

from gnomon.model.series import Floats, Mask, Objects, Samples
from gnomon.promql import binary_operators
from gnomon.promql.aggregated_vectors import aggregate_vector, warn_of_quantiles
from gnomon.promql.context import Context
from gnomon.promql.errors import ExecutionError
from gnomon.promql.fetching import Fetched, check_samples
from gnomon.promql.functions.absence import absent
from gnomon.promql.instant_functions import TIMED, CallSite, SampleTimes, evaluate_function
from gnomon.promql.instant_samples import (
    interpolate_between,
    negate_histograms,
    note_resets,
    take_latest,
    take_latest_of,
    to_samples,
)
from gnomon.promql.merging import drop_names, finish_names, forbid_same_labels, merge_same_labels
from gnomon.promql.planner import without_parentheses
from gnomon.promql.quoting import quote
from gnomon.promql.range_functions import FLOAT_FUNCTIONS, compute_range_function
from gnomon.promql.syntax_tree import (
    Aggregation,
    Binary,
    Call,
    Expression,
    MatrixSelector,
    NumberLiteral,
    Parentheses,
    Span,
    StringLiteral,
    Subquery,
    Unary,
    VectorSelector,
    WindowEdges,
)
from gnomon.promql.values import RangeVector, Scalar, Text, Value, Vector
from gnomon.promql.windows import drop_stale, select_samples

# Range functions that return a sample itself, and so keep its name.
_KEEPS_NAME = frozenset({"first_over_time", "last_over_time"})
_COUNTER_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
_COUNTER_TYPES = frozenset({"counter", "histogram"})


class Evaluator:
    """Evaluate one query."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Take what the query needs."""
        self.context = context

    def run(self) -> Value:
        """Return the value of the whole query; empty rows are gone, and names that are to be dropped, too."""
        plan = self.context.plan
        value = self.evaluate(plan.expression, plan.grid.steps)
        if isinstance(value, Vector):
            return finish_names(value, self.context.rules).without_empty_rows()
        if isinstance(value, RangeVector):
            end_ms = int(value.ends_ms[0])
            inside = (value.samples.times_ms > end_ms - value.range_ms) & (value.samples.times_ms <= end_ms)
            return replace(value, samples=select_samples(value.samples, inside))
        return value

    def evaluate(self, node: Expression, steps: int) -> Value:
        """Return a node's value at as many steps as its parent has."""
        self.context.check()
        value = self._compute(node)
        if isinstance(value, Vector):
            check_samples(value.values.size, self.context.limits)
            return value.broadcast(steps) if value.steps == 1 != steps else value
        if isinstance(value, Scalar):
            return value.broadcast(steps) if len(value.values) == 1 != steps else value
        return value

    def vector(self, node: Expression, steps: int) -> Vector:
        """Return the value of a node that yields a vector."""
        value = self.evaluate(node, steps)
        if not isinstance(value, Vector):
            raise ExecutionError(f"expected an instant vector, got {type(value).__name__.lower()}")
        return value

    def scalar(self, node: Expression, steps: int) -> Floats:
        """Return the value of a node that yields a scalar."""
        value = self.evaluate(node, steps)
        if not isinstance(value, Scalar):
            raise ExecutionError(f"expected a scalar, got {type(value).__name__.lower()}")
        return value.values

    def _compute(self, node: Expression) -> Value:
        match node:
            case NumberLiteral() | StringLiteral():
                return self._literal(node)
            case VectorSelector():
                return self._select(node)
            case MatrixSelector():
                return self._select_range(node)
            case Subquery():
                return self._run_subquery(node)
            case Parentheses():
                return self.evaluate(node.expression, self._steps(node))
            case Unary():
                return self._negate(node)
            case Binary():
                return self._operate(node)
            case Aggregation():
                return self._aggregate(node)
            case Call():
                return self._call(node)

    def _literal(self, node: NumberLiteral | StringLiteral) -> Value:
        if isinstance(node, StringLiteral):
            return Text(node.value)
        return Scalar(np.full(self._steps(node), node.value))

    def _steps(self, node: Expression) -> int:
        return self.context.plan.grid_of(node).steps

    # Selectors

    def _select(self, node: VectorSelector) -> Vector:
        selection = self.context.plan.selections[id(node)]
        fetched = self.context.fetched[id(node)]
        steps = selection.ends.steps
        if not len(fetched.series):
            return Vector.empty(steps)
        if fetched.windows is not None and fetched.samples is None:
            return Vector(fetched.series.labels, fetched.windows.values, fetched.windows.present)
        samples = fetched.samples
        assert samples is not None  # noqa: S101  # what the store has not computed was read
        if id(node) in self.context.plan.statistics_only:
            samples = note_resets(samples)
        ends_ms = selection.ends.times_ms
        if node.edges is WindowEdges.SMOOTHED:
            return interpolate_between(
                fetched.series.labels, samples, ends_ms, selection.window_ms, self.context.annotations, node.span
            )
        values, present, histograms = take_latest(samples, ends_ms, selection.window_ms)
        return self._place(fetched, values, present, histograms)

    @staticmethod
    def _place(fetched: Fetched, values: Floats, present: Mask, histograms: Objects | None) -> Vector:
        """Put computed rows among those that the store has computed."""
        if fetched.windows is None:
            return Vector(fetched.series.labels, values, present, histograms)
        whole_values, whole_present = fetched.windows.values.copy(), fetched.windows.present.copy()
        whole_values[fetched.rows], whole_present[fetched.rows] = values, present
        whole_histograms: Objects | None = None
        if histograms is not None:
            whole_histograms = np.full(whole_values.shape, None, dtype=object)
            whole_histograms[fetched.rows] = histograms
        return Vector(fetched.series.labels, whole_values, whole_present, whole_histograms)

    def _select_range(self, node: MatrixSelector) -> RangeVector:
        selection = self.context.plan.selections[id(node)]
        fetched = self.context.fetched[id(node)]
        labels = fetched.series.labels if fetched.windows is None else fetched.series.take(fetched.rows).labels
        samples = fetched.samples
        if samples is None:
            samples = Samples(np.zeros(len(labels) + 1, np.int64), np.empty(0, np.int64), np.empty(0))
        if id(node) in self.context.plan.statistics_only:
            samples = note_resets(samples)
        return RangeVector(labels, drop_stale(samples), selection.ends.times_ms, selection.window_ms)

    def _run_subquery(self, node: Subquery) -> RangeVector:
        plan = self.context.plan.subqueries[id(node)]
        inner = self.vector(node.expression, plan.steps.steps)
        return to_samples(inner, plan.steps.times_ms, plan.ends.times_ms, plan.range_ms)

    # Operators

    def _negate(self, node: Unary) -> Value:
        value = self.evaluate(node.expression, self._steps(node))
        if node.operator == "+":
            return value
        if isinstance(value, Scalar):
            return Scalar(-value.values)
        if not isinstance(value, Vector):
            raise ExecutionError("a sign needs a number or an instant vector")
        histograms = value.histograms
        if histograms is not None:
            histograms = negate_histograms(histograms)
        result = replace(value, values=-value.values, histograms=histograms)
        delayed = self.context.delayed_names
        return merge_same_labels(drop_names(result, self.context.rules, delayed=delayed), delayed=delayed)

    def _operate(self, node: Binary) -> Value:
        steps = self._steps(node)
        left, right = self.evaluate(node.left, steps), self.evaluate(node.right, steps)
        context = self.context
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            return binary_operators.between_scalars(node, left, right)
        if isinstance(left, Vector) and isinstance(right, Vector):
            return binary_operators.between_vectors(
                node, left, right, context.rules, context.annotations, delayed=context.delayed_names
            )
        if isinstance(left, Vector | Scalar) and isinstance(right, Vector | Scalar):
            return binary_operators.with_scalar(
                node, left, right, context.rules, context.annotations, delayed=context.delayed_names
            )
        raise ExecutionError("binary expression must contain only scalar and instant vector types")

    # Functions

    def _call(self, node: Call) -> Value:
        if node.function in FLOAT_FUNCTIONS:
            return self._call_range_function(node)
        steps = self._steps(node)
        arguments: list[Value | SampleTimes] = []
        for number, argument in enumerate(node.arguments):
            inner = without_parentheses(argument)
            if node.function == "info" and number == 1:
                continue
            if node.function in TIMED and isinstance(inner, VectorSelector):
                arguments.append(self._select_times(node.function, inner, steps))
            else:
                arguments.append(self.evaluate(argument, steps))
        return evaluate_function(CallSite(node, tuple(arguments), self.context))

    def _select_times(self, function: str, node: VectorSelector, steps: int) -> SampleTimes:
        selection = self.context.plan.selections[id(node)]
        fetched = self.context.fetched[id(node)]
        samples = fetched.samples
        if samples is None or not len(fetched.series):
            return SampleTimes(Vector.empty(steps))
        chosen = samples.times_ms if function == "timestamp" else samples.starts_ms
        times, present = take_latest_of(samples, chosen, selection.ends.times_ms, selection.window_ms)
        vector = Vector(fetched.series.labels, times / 1000, present)
        return SampleTimes(vector.broadcast(steps) if vector.steps == 1 != steps else vector)

    def _aggregate(self, node: Aggregation) -> Vector:
        steps = self._steps(node)
        parameter = None if node.parameter is None else self.evaluate(node.parameter, steps)
        return aggregate_vector(node, self.vector(node.expression, steps), parameter, self.context)

    def _call_range_function(self, node: Call) -> Vector:
        context, steps = self.context, self._steps(node)
        parameters: list[Floats] = []
        ranged: Expression | None = None
        for argument in node.arguments:
            inner = without_parentheses(argument)
            if isinstance(inner, MatrixSelector | Subquery):
                ranged = inner
            else:
                parameters.append(self.scalar(argument, steps))
        assert ranged is not None  # noqa: S101  # the parser has checked the arguments
        result = self._compute_range_function(node, ranged, tuple(parameters), steps)
        if node.function == "quantile_over_time":
            asked = parameters[0][result.present.any(axis=0)]
            warn_of_quantiles(asked, node.arguments[0].span, context.annotations)
        if node.function == "absent_over_time":
            return absent(result, ranged, steps)
        if node.function in {"rate", "increase"}:
            self._remark_no_counter(result, ranged.span)
        if node.function in _KEEPS_NAME:
            return result
        dropped = drop_names(result, context.rules, delayed=context.delayed_names)
        return dropped if context.delayed_names else forbid_same_labels(dropped)

    def _compute_range_function(
        self, node: Call, ranged: Expression, parameters: tuple[Floats, ...], steps: int
    ) -> Vector:
        context = self.context
        fetched = context.fetched.get(id(ranged))
        times_ms = context.plan.grid_of(node).times_ms
        if fetched is not None and fetched.windows is not None and fetched.samples is None:
            vector = Vector(fetched.series.labels, fetched.windows.values, fetched.windows.present)
            return vector.broadcast(steps) if vector.steps == 1 != steps else vector
        value = self.evaluate(ranged, steps)
        assert isinstance(value, RangeVector)  # noqa: S101  # the parser has checked the arguments
        edges = ranged.selector.edges if isinstance(ranged, MatrixSelector) else WindowEdges.PLAIN
        values, present, histograms = compute_range_function(
            node.function,
            value,
            times_ms,
            parameters,
            context.annotations,
            without_parentheses(node.arguments[0]).span,
            edges,
            context.lookback_ms,
        )
        if fetched is not None and fetched.windows is not None:
            if fetched.windows.values.shape[1] == 1 != steps:
                shape = (len(fetched.series), steps)
                windows = replace(
                    fetched.windows,
                    values=np.broadcast_to(fetched.windows.values, shape),
                    present=np.broadcast_to(fetched.windows.present, shape),
                )
                fetched = replace(fetched, windows=windows)
            return self._place(fetched, values, present, histograms)
        return Vector(value.labels, values, present, histograms, value.name_dropped)

    def _remark_no_counter(self, result: Vector, span: Span) -> None:
        """Remark on metrics that do not look like counters, if they have any result."""
        for name, kind in sorted(self.context.rules.names(result.labels)):
            if not name or not self._is_doubtful(name, kind):
                continue
            rows = [row for row, labels in enumerate(result.labels) if labels.metric_name == name]
            if not result.floats_present[rows].any():
                continue
            message = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            if self.context.type_and_unit:
                message = (
                    'metric might not be a counter, __type__ label is not set to "counter" or "histogram", '
                    f"got {quote(kind)}: "
                )
            self.context.annotations.inform(message + quote(name), span)

    def _is_doubtful(self, name: str, kind: str) -> bool:
        return kind not in _COUNTER_TYPES if self.context.type_and_unit else not name.endswith(_COUNTER_SUFFIXES)
