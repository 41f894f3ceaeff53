"""Functions over instant vectors, scalars and strings."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from gnomon.model.series import Floats, Integers
from gnomon.promql.context import Context
from gnomon.promql.functions import elementwise, histogram_vectors, label_functions
from gnomon.promql.functions.absence import absent
from gnomon.promql.functions.sorting import sort_by_label, sort_by_value
from gnomon.promql.info_join import join_info
from gnomon.promql.merging import drop_names, merge_same_labels
from gnomon.promql.planner import without_parentheses
from gnomon.promql.syntax_tree import Call, Span
from gnomon.promql.values import Scalar, Text, Value, Vector

TIMED = frozenset({"timestamp", "start_timestamp"})
"""Functions that look at when a selector's samples were taken."""


@dataclass(frozen=True, slots=True)
class SampleTimes:
    """Times of a selector's samples, in seconds, instead of their values."""

    vector: Vector


@dataclass(frozen=True, slots=True)
class CallSite:
    """A call, and what its arguments have come to."""

    node: Call
    arguments: tuple[Value | SampleTimes, ...]
    context: Context

    @property
    def times_ms(self) -> Integers:
        """Return the times of evaluation."""
        return self.context.plan.grid_of(self.node).times_ms

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        return self.context.plan.grid_of(self.node).steps

    def vector(self, number: int) -> Vector:
        """Return an argument that is a vector."""
        argument = self.arguments[number]
        assert isinstance(argument, Vector)  # noqa: S101  # the parser has checked it
        return argument

    def scalar(self, number: int) -> Floats:
        """Return an argument that is a scalar."""
        argument = self.arguments[number]
        assert isinstance(argument, Scalar)  # noqa: S101  # the parser has checked it
        return argument.values

    def text(self, number: int) -> str:
        """Return an argument that is a string."""
        argument = self.arguments[number]
        assert isinstance(argument, Text)  # noqa: S101  # the parser has checked it
        return argument.value

    def texts(self, start: int) -> tuple[str, ...]:
        """Return all arguments from one on, which are strings."""
        return tuple(self.text(number) for number in range(start, len(self.arguments)))

    def span(self, number: int) -> Span:
        """Return where an argument stands."""
        return without_parentheses(self.node.arguments[number]).span

    def nameless(self, vector: Vector) -> Vector:
        """Return a vector without the metrics' names."""
        delayed = self.context.delayed_names
        return merge_same_labels(drop_names(vector, self.context.rules, delayed=delayed), delayed=delayed)


def evaluate_function(call: CallSite) -> Value:
    """Return the value of a call; raises ExecutionError for arguments that make no sense."""
    name = call.node.function
    with np.errstate(all="ignore"):
        if name in elementwise.ELEMENTWISE:
            return _map(call, elementwise.ELEMENTWISE[name])
        if name in histogram_vectors.ACCESSORS:
            return call.nameless(histogram_vectors.access(name, call.vector(0)))
        return _FUNCTIONS[name](call)


def _map(call: CallSite, function: Callable[[Floats], Floats]) -> Vector:
    if not call.arguments:
        # A function of the calendar, of the time of evaluation.
        return _one_row(function(np.floor(call.times_ms / 1000)))
    vector = call.vector(0).floats_only()
    return call.nameless(replace(vector, values=function(vector.values)))


def _one_row(values: Floats) -> Vector:
    return Vector((label_functions.NO_LABELS,), values[None, :], np.ones((1, len(values)), dtype=np.bool_))


def _clamp(call: CallSite, least: Floats, greatest: Floats) -> Vector:
    vector = call.vector(0).floats_only()
    values = elementwise.clamp(vector.values, least, greatest)
    return call.nameless(replace(vector, values=values, present=vector.present & ~(greatest < least)))


def _clamp_both(call: CallSite) -> Vector:
    return _clamp(call, call.scalar(1), call.scalar(2))


def _clamp_max(call: CallSite) -> Vector:
    return _clamp(call, np.full(call.steps, -np.inf), call.scalar(1))


def _clamp_min(call: CallSite) -> Vector:
    return _clamp(call, call.scalar(1), np.full(call.steps, np.inf))


def _round(call: CallSite) -> Vector:
    nearest = call.scalar(1) if len(call.arguments) > 1 else np.ones(call.steps)
    return _map(call, partial(elementwise.round_to, nearest=nearest))


def _scalar(call: CallSite) -> Scalar:
    vector = call.vector(0).floats_only()
    counts = vector.present.sum(axis=0)
    total = np.where(vector.present, vector.values, 0.0).sum(axis=0)
    return Scalar(np.where(counts == 1, total, np.nan))


def _vector(call: CallSite) -> Vector:
    return _one_row(call.scalar(0))


def _time(call: CallSite) -> Scalar:
    return Scalar(call.times_ms / 1000)


def _pi(call: CallSite) -> Scalar:
    return Scalar(np.full(call.steps, math.pi))


def _step(call: CallSite) -> Scalar:
    grid = call.context.plan.grid
    return _constant(call, 0.0 if grid.start_ms == grid.end_ms else grid.step_ms / 1000)


def _range(call: CallSite) -> Scalar:
    grid = call.context.plan.grid
    return _constant(call, (grid.end_ms - grid.start_ms) / 1000)


def _start(call: CallSite) -> Scalar:
    return _constant(call, call.context.plan.grid.start_ms / 1000)


def _end(call: CallSite) -> Scalar:
    return _constant(call, call.context.plan.grid.end_ms / 1000)


def _constant(call: CallSite, value: float) -> Scalar:
    return Scalar(np.full(call.steps, value))


def _min_of(call: CallSite) -> Scalar:
    return Scalar(elementwise.lesser(call.scalar(0), call.scalar(1)))


def _max_of(call: CallSite) -> Scalar:
    return Scalar(elementwise.greater(call.scalar(0), call.scalar(1)))


def _timestamp(call: CallSite) -> Vector:
    argument = call.arguments[0]
    if isinstance(argument, SampleTimes):
        return call.nameless(argument.vector)
    vector = call.vector(0)
    times = np.broadcast_to(call.times_ms / 1000, vector.values.shape)
    return call.nameless(replace(vector, values=times, histograms=None))


def _start_timestamp(call: CallSite) -> Vector:
    argument = call.arguments[0]
    return call.nameless(argument.vector) if isinstance(argument, SampleTimes) else Vector.empty(call.steps)


def _absent(call: CallSite) -> Vector:
    return absent(call.vector(0), without_parentheses(call.node.arguments[0]), call.steps)


def _label_replace(call: CallSite) -> Vector:
    vector = label_functions.label_replace(call.vector(0), *call.texts(1))
    return merge_same_labels(vector, delayed=False)


def _label_join(call: CallSite) -> Vector:
    vector = label_functions.label_join(call.vector(0), call.text(1), call.text(2), call.texts(3))
    return merge_same_labels(vector, delayed=False)


def _sort(call: CallSite, *, descending: bool) -> Vector:
    vector = call.vector(0).floats_only()
    if _is_range(call):
        return vector
    return sort_by_value(vector, descending=descending)


def _sort_by_label(call: CallSite, *, descending: bool) -> Vector:
    if _is_range(call):
        return call.vector(0)
    return sort_by_label(call.vector(0), call.texts(1), descending=descending)


def _is_range(call: CallSite) -> bool:
    """Remark that the result of a range query has an order of its own."""
    if call.context.instant:
        return False
    call.context.annotations.warn(
        "sort is ineffective for range queries since results are always ordered by labels", call.node.span
    )
    return True


def _histogram_argument(call: CallSite, number: int) -> histogram_vectors.Argument:
    context = call.context
    return histogram_vectors.Argument(
        call.vector(number), call.span(number), call.times_ms, context.annotations, named=context.delayed_names
    )


def _histogram_quantile(call: CallSite) -> Vector:
    return call.nameless(histogram_vectors.quantile(call.scalar(0), call.span(0), _histogram_argument(call, 1)))


def _histogram_quantiles(call: CallSite) -> Vector:
    quantiles = [(call.scalar(number), call.span(number)) for number in range(2, len(call.arguments))]
    return call.nameless(histogram_vectors.labelled_quantiles(call.text(1), quantiles, _histogram_argument(call, 0)))


def _histogram_fraction(call: CallSite) -> Vector:
    return call.nameless(histogram_vectors.fraction(call.scalar(0), call.scalar(1), _histogram_argument(call, 2)))


def _info(call: CallSite) -> Vector:
    context = call.context
    return join_info(call.node, call.vector(0), context.fetched[id(call.node)], context.plan.selections[id(call.node)])


_FUNCTIONS: Mapping[str, Callable[[CallSite], Value]] = MappingProxyType(
    {
        "absent": _absent,
        "clamp": _clamp_both,
        "clamp_max": _clamp_max,
        "clamp_min": _clamp_min,
        "end": _end,
        "histogram_fraction": _histogram_fraction,
        "histogram_quantile": _histogram_quantile,
        "histogram_quantiles": _histogram_quantiles,
        "info": _info,
        "label_join": _label_join,
        "label_replace": _label_replace,
        "max_of": _max_of,
        "min_of": _min_of,
        "pi": _pi,
        "range": _range,
        "round": _round,
        "scalar": _scalar,
        "sort": partial(_sort, descending=False),
        "sort_by_label": partial(_sort_by_label, descending=False),
        "sort_by_label_desc": partial(_sort_by_label, descending=True),
        "sort_desc": partial(_sort, descending=True),
        "start": _start,
        "start_timestamp": _start_timestamp,
        "step": _step,
        "time": _time,
        "timestamp": _timestamp,
        "vector": _vector,
    }
)
