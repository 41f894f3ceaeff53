"""PromQL for indicators: good events and all events over a stretch of time."""

from dataclasses import dataclass

from gnomon.model.errors import InvalidInputError
from gnomon.model.prometheus_durations import format_prometheus_duration
from gnomon.promql.parser import parse
from gnomon.promql.printer import to_string
from gnomon.promql.syntax_tree import Aggregation, Expression, Features, VectorSelector
from gnomon.promql.value_types import value_type
from gnomon.slo.objectives import Objective, RatioIndicator, ThresholdIndicator

WINDOW = "{{.window}}"
"""Stands for a duration in queries, as in Sloth's."""

EXTENDED_RANGES = Features(frozenset({"promql-extended-range-selectors"}))
"""What queries with `anchored` need: windows side by side then count each event once."""


@dataclass(frozen=True, slots=True)
class EventQueries:
    """Expressions that count events; `good` has no value where no event was good."""

    good: str
    total: str
    bad: str = ""


def check_query(query: str, *, counter: bool) -> str:
    """Return a query with `{{.window}}` for a query of an OpenSLO file; raises InvalidInputError and ParseError.

    Of a counter that is named alone, or in a sum, the increase is taken; what is no counter is the number of events
    of one minute each.
    """
    if WINDOW in query or "{{ .window }}" in query:
        windowed = query.replace("{{ .window }}", WINDOW)
        _parse_instant(windowed.replace(WINDOW, "5m"))
        return windowed
    expression = _parse_instant(query)
    if not counter:
        return f"sum(sum_over_time(({query})[{WINDOW}:1m]))"
    selector = expression
    if isinstance(expression, Aggregation) and expression.operator == "sum":
        selector = expression.expression
    if not isinstance(selector, VectorSelector):
        message = (
            'a counter is written as a selector, such as http_requests_total{code!~"5.."}, or a sum of one. Write '
            f"other queries with {WINDOW} in their ranges, or say `counter: false`"
        )
        raise InvalidInputError(message)
    return f"sum(increase({to_string(selector)}[{WINDOW}]))"


def check_value_query(query: str) -> str:
    """Return a query as it was written once it parses."""
    _parse_instant(query)
    return query


def event_queries(objective: Objective, window_ms: int, *, anchored: bool = False) -> EventQueries:
    """Return what counts an objective's events over `window_ms`.

    With `anchored`, the increase of counters is that between the samples at the window's ends, without extrapolation.
    """
    duration = format_prometheus_duration(window_ms)
    match objective.indicator:
        case RatioIndicator() as ratio:
            range_end = "] anchored))" if anchored else "]))"
            counted, total = (
                text.replace(f"{WINDOW}]))", f"{WINDOW}{range_end}").replace(WINDOW, duration)
                if text.startswith("sum(increase(")
                else f"sum({text.replace(WINDOW, duration)})"
                for text in (ratio.counted, ratio.total)
            )
            if ratio.counted_bad:
                return EventQueries("", total, counted)
            return EventQueries(counted, total)
        case ThresholdIndicator(query, step_ms):
            operator, value = objective.threshold or ("<=", 0.0)
            step = format_prometheus_duration(step_ms)
            return EventQueries(
                f"sum(count_over_time((({query}) {operator} {value!r})[{duration}:{step}]))",
                f"sum(count_over_time(({query})[{duration}:{step}]))",
            )


def error_ratio(objective: Objective, window_ms: int) -> str:
    """Return an expression for the share of the budgeted that was bad over a window: events, or slices of time."""
    if objective.budgeting == "Timeslices":
        step = format_prometheus_duration(objective.slice_ms)
        inner = _good_ratio(event_queries(objective, objective.slice_ms))
        window = format_prometheus_duration(max(window_ms, objective.slice_ms))
        return f"1 - avg_over_time((({inner}) >= bool {objective.slice_target!r})[{window}:{step}])"
    queries = event_queries(objective, window_ms)
    if queries.bad:
        return f"({queries.bad} or 0 * {queries.total}) / ({queries.total} > 0)"
    return f"1 - {_good_ratio(queries)}"


def _good_ratio(queries: EventQueries) -> str:
    if queries.bad:
        return f"1 - ({queries.bad} or 0 * {queries.total}) / ({queries.total} > 0)"
    return f"({queries.good} or 0 * {queries.total}) / ({queries.total} > 0)"


def _parse_instant(query: str) -> Expression:
    expression = parse(query)
    if value_type(expression).value not in {"vector", "scalar"}:
        raise InvalidInputError(f"the query is a {value_type(expression).value}, where an instant vector is needed")
    return expression
