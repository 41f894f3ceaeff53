"""Alert conditions on logs and spans, beside PromQL: `log_count("level>=error", 5m) > 10`.

| function | value |
|---|---|
| `log_count(query, window)` | lines that match, in the window before the evaluation |
| `span_count(query, window)`, `span_rate(query, window)` | spans that match, and how many of them a second |
| `span_error_share(query, window)` | share of them that failed, 0 to 1 |
| `span_mean(query, window)`, `span_quantile(0.95, query, window)` | how long they took, in seconds |
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from gnomon.alerting.rule_results import Query, Result, RuleError
from gnomon.alerting.template_parser import unquote
from gnomon.model.errors import InvalidInputError
from gnomon.model.filter_language import parse_filter
from gnomon.model.filters import Filter
from gnomon.model.labels import EMPTY
from gnomon.model.prometheus_durations import parse_prometheus_duration_ms
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.span_condition_store import SpanMeasure

_NS = 1_000_000_000
_CONDITION = re.compile(
    r"""\s*(?P<function>log_count|span_(?:count|rate|error_share|mean|quantile))\(\s*
    (?:(?P<quantile>[0-9.]+)\s*,\s*)?(?P<query>"(?:[^"\\\n]|\\.)*")\s*,\s*(?P<window>\w+)\s*\)\s*
    (?P<comparison>>=|<=|==|!=|>|<)\s*(?P<threshold>[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?)\s*""",
    re.VERBOSE,
)
_BEGINNING = re.compile(r"\s*(?:log_count|span_(?:count|rate|error_share|mean|quantile))\(")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {
        ">": operator.gt,
        ">=": operator.ge,
        "<": operator.lt,
        "<=": operator.le,
        "==": operator.eq,
        "!=": operator.ne,
    }
)
_MEDIAN = 0.5


class LogCounter(Protocol):
    """Count log lines."""

    async def count(self, tree: Filter, time_range: TimeRange) -> int:
        """Return how many lines match in a range; raises GnomonError."""


class SpanMeter(Protocol):
    """Measure spans."""

    async def measure(self, tree: Filter, time_range: TimeRange, quantile: float) -> SpanMeasure:
        """Return what there is of the spans that match and began in a range; raises GnomonError."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, parsed; `quantile` is 0 to 1."""

    function: str
    tree: Filter
    window_ms: int
    comparison: str
    threshold: float
    quantile: float = _MEDIAN

    def holds(self, value: float) -> bool:
        """Tell whether a value is one to alert about."""
        return _COMPARISONS[self.comparison](value, self.threshold)


def is_condition(text: str) -> bool:
    """Tell whether an expression is meant to be a condition on logs or spans rather than PromQL."""
    return _BEGINNING.match(text) is not None


def parse_condition(text: str) -> Condition:
    """Return a condition; raises InvalidInputError."""
    found = _CONDITION.fullmatch(text)
    if found is None or (found["function"] == "span_quantile") != (found["quantile"] is not None):
        raise InvalidInputError(
            f'Invalid condition {text!r}. Write log_count("query", 5m) > 10 or span_quantile(0.95, "query", 5m) > 2.5.'
        )
    window_ms = parse_prometheus_duration_ms(found["window"])
    quantile = float(found["quantile"] or _MEDIAN)
    if window_ms == 0 or not 0 <= quantile <= 1:
        raise InvalidInputError(f"Invalid condition {text!r}: the window must be longer than 0, a quantile 0 to 1.")
    tree = parse_filter(unquote(found["query"]))
    return Condition(found["function"], tree, window_ms, found["comparison"], float(found["threshold"]), quantile)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What answers conditions."""

    logs: LogCounter
    spans: SpanMeter


def query_conditions(promql: Query, conditions: Conditions) -> Query:
    """Return what rules ask with: conditions are answered by logs and spans, all else by PromQL."""

    async def query(expression: str, time_ms: int) -> list[Result]:
        if not is_condition(expression):
            return await promql(expression, time_ms)
        try:
            condition = parse_condition(expression)
        except InvalidInputError as error:
            raise RuleError(str(error)) from error
        end_ns = time_ms * 1_000_000
        time_range = TimeRange(end_ns - condition.window_ms * 1_000_000, end_ns)
        value = await _measure(condition, time_range, conditions)
        return [Result(EMPTY, value)] if value is not None and condition.holds(value) else []

    return query


async def _measure(condition: Condition, time_range: TimeRange, conditions: Conditions) -> float | None:
    """Return a condition's value, None where there is none: no spans have no share and no duration."""
    if condition.function == "log_count":
        return float(await conditions.logs.count(condition.tree, time_range))
    found = await conditions.spans.measure(condition.tree, time_range, condition.quantile)
    match condition.function:
        case "span_count":
            return float(found.spans)
        case "span_rate":
            return found.spans / (time_range.duration_ns / _NS)
        case _ if not found.spans:
            return None
        case "span_error_share":
            return found.errors / found.spans
        case "span_mean":
            return found.mean_ns / _NS
        case _:
            return found.quantile_ns / _NS
