"""Run test scripts in Prometheus' language: load made-up series, evaluate queries, compare.

The language is described in the README beside the scripts (Prometheus' `promql/promqltest`).
"""

import dataclasses
import math
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from gnomon.model.errors import GnomonError
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, Buckets
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import STALE_BITS
from gnomon.promql.engine import QueryEngine
from gnomon.promql.lexer import parse_number, unquote
from gnomon.promql.parser import parse
from gnomon.promql.planner import children
from gnomon.promql.results import QueryResult, ResultKind
from gnomon.promql.series_notation import NotedValue, parse_series
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

_LOAD = re.compile(r"^load(?:_(with_nhcb))?\s+(.+)$", re.IGNORECASE)
_INSTANT = re.compile(r"^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)$", re.IGNORECASE)
_RANGE = re.compile(
    r"^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+?)\s+(.+)$", re.IGNORECASE
)
_EXPECT = re.compile(r"^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$")
_EXPECT_RANGE = re.compile(r"^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$")
_EXPECT_STRING = re.compile(r"^expect string\s+(.+)$")
_EPSILON = 1e-6
_SMALLEST_NORMAL = 2.0**-1022
_TIME_DEPENDENT = frozenset(
    {"days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year"}
    | {"predict_linear", "time", "timestamp", "start_timestamp", "start", "end", "range", "step"}
)
_TELLS_TIME = frozenset({"ts_of_first_over_time", "ts_of_last_over_time", "ts_of_max_over_time", "ts_of_min_over_time"})
MINUTE_MS = 60_000


class Store(Protocol):
    """Where a script's series go."""

    def clear(self) -> None:
        """Forget everything."""

    def add(self, labels: Labels, time_ms: int, value: float | NativeHistogram, *, start_ms: int = 0) -> None:
        """Add a sample."""


@dataclass
class Expectations:
    """What a script says of one query."""

    mode: str = ""
    series: dict[Labels, tuple[int, tuple[NotedValue, ...]]] = field(default_factory=dict)
    scalar: float | None = None
    string: str | None = None
    window: tuple[int, int, int] | None = None
    lines: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        return self.mode == "fail" or "fail" in self.lines

    @property
    def ordered(self) -> bool:
        return self.mode == "ordered" or "ordered" in self.lines


@dataclass
class Evaluation:
    """One `eval` line: a range query when it has an end."""

    line: int
    query: str
    start_ms: int
    end_ms: int | None
    step_ms: int
    expected: Expectations

    def __str__(self) -> str:
        return f"line {self.line}: {self.query}"


@dataclass
class Load:
    """One `load` command."""

    step_ms: int
    series: list[tuple[Labels, tuple[NotedValue, ...]]]
    starts: dict[Labels, tuple[NotedValue, ...]]
    with_custom_buckets: bool


class Clear:
    """The `clear` command."""


class MismatchError(AssertionError):
    """Tell that a query's answer is not what the script says."""


def read_script(path: Path) -> Iterator[Load | Evaluation | Clear]:
    """Yield the commands of a script."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
    lines = ["" if line.startswith("#") else line for line in lines]
    place = 0
    while place < len(lines):
        line = lines[place]
        block_end = place + 1
        if not line:
            place += 1
            continue
        if line.lower() == "clear":
            yield Clear()
        else:
            while block_end < len(lines) and lines[block_end]:
                block_end += 1
            block = lines[place + 1 : block_end]
            if line.lower().startswith("load"):
                yield _read_load(line, block)
            elif line.lower().startswith("eval"):
                # A number ends the expectations: whatever follows is a command of its own.
                evaluation, used = _read_evaluation(place + 1, line, block)
                yield evaluation
                block_end = place + 1 + used
            else:
                raise ValueError(f"{path}:{place + 1}: unknown command {line!r}")
        place = block_end


def _read_load(line: str, block: list[str]) -> Load:
    found = _LOAD.match(line)
    if found is None:
        raise ValueError(f"invalid load command {line!r}")
    series, starts = [], {}
    for definition in block:
        noted = parse_series(definition)
        if noted.start_timestamps:
            starts[noted.labels] = noted.values
        else:
            series.append((noted.labels, noted.values))
    return Load(duration_ms(found[2]), series, starts, found[1] is not None)


def _read_evaluation(number: int, line: str, block: list[str]) -> tuple[Evaluation, int]:
    expected = Expectations()
    if found := _INSTANT.match(line):
        expected.mode = (found[1] or "").lower()
        evaluation = Evaluation(number, found[3], duration_ms(found[2] or "0"), None, 1, expected)
    elif found := _RANGE.match(line):
        expected.mode = (found[1] or "").lower()
        start, end, step = (duration_ms(text) for text in found.groups()[1:4])
        evaluation = Evaluation(number, found[5], start, end, step, expected)
    else:
        raise ValueError(f"line {number}: invalid evaluation {line!r}")
    position = 0
    for used, text in enumerate(block, 1):
        if found := _EXPECT_RANGE.match(text):
            expected.window = (duration_ms(found[1]), duration_ms(found[2]), duration_ms(found[3]))
        elif found := _EXPECT_STRING.match(text):
            expected.string = unquote(found[1], text, 0)
        elif found := _EXPECT.match(text):
            expected.lines.setdefault(found[1], []).append((found[2] or "", (found[3] or "").strip()))
        elif re.fullmatch(r"[-+]?(?:[\d.]+(?:e[-+]?\d+)?|inf|nan)", text, re.IGNORECASE):
            expected.scalar = parse_number(text)
            return evaluation, used
        else:
            position += 1
            noted = parse_series(text)
            expected.series[noted.labels] = (position, noted.values)
    return evaluation, len(block)


def duration_ms(text: str) -> int:
    """Return a duration in Prometheus' notation, or plain seconds."""
    if re.fullmatch(r"[\d.]+", text):
        return round(float(text) * 1000)
    return round(sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", text)))


_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


# Loading


def load(command: Load, store: Store) -> None:
    """Put a command's series into a store, as Prometheus' own storage would hand them out again."""
    # Of a series that is written twice, the last counts.
    for labels, items in dict(command.series).items():
        starts = command.starts.get(labels, ())
        for number, item in enumerate(items):
            if item.value is None:
                continue
            time_ms = number * command.step_ms
            offset = starts[number].value if number < len(starts) else None
            start_ms = time_ms + round(offset * 1000) if isinstance(offset, float) else 0
            store.add(labels, time_ms, item.value, start_ms=start_ms)
    if command.with_custom_buckets:
        _add_custom_histograms(command, store)


def _add_custom_histograms(command: Load, store: Store) -> None:
    """Make native histograms with custom buckets of classic ones."""
    found: dict[Labels, dict[int, dict[str, float]]] = {}
    for labels, items in command.series:
        name, _, suffix = labels.metric_name.rpartition("_")
        if suffix not in {"bucket", "count", "sum"} or (suffix == "bucket" and "le" not in labels):
            continue
        key = suffix if suffix != "bucket" else labels.get("le")
        own = labels.drop({"le"}).replace({METRIC_NAME: name})
        for number, item in enumerate(items):
            if isinstance(item.value, float):
                found.setdefault(own, {}).setdefault(number * command.step_ms, {})[key] = item.value
    for labels, by_time in found.items():
        for time_ms, parts in by_time.items():
            if histogram := _custom_histogram(parts):
                store.add(labels, time_ms, histogram)


def _custom_histogram(parts: dict[str, float]) -> NativeHistogram | None:
    buckets = sorted((float(key), value) for key, value in parts.items() if key not in {"count", "sum"})
    if not buckets:
        return None
    count = parts.get("count", buckets[-1][1])
    if buckets[-1][0] != math.inf:
        buckets.append((math.inf, count))
    counts = np.diff([0.0, *(value for _, value in buckets)])
    indices = np.flatnonzero(counts)
    return NativeHistogram(
        CUSTOM_SCHEMA,
        count,
        parts.get("sum", 0.0),
        positive=Buckets(indices, counts[indices]),
        custom_values=tuple(bound for bound, _ in buckets[:-1]),
    )


# Evaluating


async def check(evaluation: Evaluation, engine: QueryEngine) -> None:
    """Raise MismatchError unless the query's answer is what the script says, in every way to ask for it."""
    if evaluation.end_ms is not None:
        await _check_once(evaluation, engine, evaluation.query, evaluation.start_ms)
        return
    at_ms = evaluation.start_ms
    await _check_once(evaluation, engine, evaluation.query, at_ms)
    fixed = (
        _fix_times(parse(evaluation.query, engine.settings.features), at_ms) if _parses(evaluation, engine) else None
    )
    if fixed is not None:
        for time_ms in {0, 10 * at_ms} if at_ms else {-1000, 1000}:
            await _check_once(evaluation, engine, fixed, time_ms)


def _parses(evaluation: Evaluation, engine: QueryEngine) -> bool:
    try:
        parse(evaluation.query, engine.settings.features)
    except GnomonError:
        return False
    return True


async def _check_once(evaluation: Evaluation, engine: QueryEngine, query: str | Expression, at_ms: int) -> None:
    expected = evaluation.expected
    instant = evaluation.end_ms is None
    try:
        if evaluation.end_ms is None:
            result = await engine.instant(query, at_ms)
        else:
            result = await engine.range(query, evaluation.start_ms, evaluation.end_ms, evaluation.step_ms)
    except GnomonError as error:
        if not expected.fails:
            raise MismatchError(f"{evaluation}: failed with {error}") from error
        _check_failure(evaluation, error)
        return
    if expected.fails:
        raise MismatchError(f"{evaluation}: should have failed")
    _check_annotations(evaluation, result, positions=isinstance(query, str))
    _compare(evaluation, result, at_ms)
    if instant and expected.string is None and expected.window is None and not expected.ordered:
        ranged = await engine.range(query, at_ms - MINUTE_MS, at_ms + MINUTE_MS, MINUTE_MS)
        if not _depends_on_range(query, engine):
            _compare(evaluation, _middle(ranged, result.kind), at_ms)


def _depends_on_range(query: str | Expression, engine: QueryEngine) -> bool:
    expression = parse(query, engine.settings.features) if isinstance(query, str) else query
    return any(
        (isinstance(node, Call) and node.function in {"start", "end", "range", "step"})
        or (isinstance(node, VectorSelector | Subquery) and node.at is not None)
        or "()" in repr(getattr(node, "range", ""))
        for node in _walk(expression)
    ) or "StepCall" in repr(expression)


def _walk(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in children(expression):
        yield from _walk(child)


def _middle(result: QueryResult, kind: ResultKind) -> QueryResult:
    """Return the middle of three steps as an instant query's result."""
    filled = np.flatnonzero(result.present[:, 1]) if len(result) else np.empty(0, dtype=np.int64)
    return dataclasses.replace(
        result,
        kind=kind,
        labels=tuple(result.labels[row] for row in filled),
        values=result.values[filled, 1:2],
        present=result.present[filled, 1:2],
        histograms=None if result.histograms is None else result.histograms[filled, 1:2],
    )


def _check_failure(evaluation: Evaluation, error: GnomonError) -> None:
    for kind, wanted in evaluation.expected.lines.get("fail", []):
        reason = getattr(error, "reason", None)
        texts = {str(error), str(reason)}
        if not any(_matches(kind, wanted, text) for text in texts):
            raise MismatchError(f"{evaluation}: failed with {error}, expected {kind} {wanted}")


def _matches(kind: str, wanted: str, text: str) -> bool:
    if kind == "msg":
        # The scripts write invalid bytes as Go's %q does.
        return wanted.strip('"') == text or wanted == text
    return re.search(wanted.strip('"'), text) is not None if kind == "regex" else True


def _check_annotations(evaluation: Evaluation, result: QueryResult, *, positions: bool) -> None:
    expected = evaluation.expected
    for kind, found in (("warn", result.warnings), ("info", result.infos)):
        wanted = expected.lines.get(kind, [])
        if expected.mode == kind and not found:
            raise MismatchError(f"{evaluation}: expected {kind}, got none")
        if f"no_{kind}" in expected.lines and found:
            raise MismatchError(f"{evaluation}: unexpected {kind} {found}")
        if wanted and not positions:
            wanted = [(how, re.sub(r" \\?\([^()]*\)$", "", text)) for how, text in wanted]
        for how, text in wanted:
            if not any(_matches(how, text, message) for message in found):
                raise MismatchError(f"{evaluation}: expected {kind} {text}, got {found}")
        for message in found if wanted else []:
            if not any(_matches(how, text, message) for how, text in wanted):
                raise MismatchError(f"{evaluation}: unexpected {kind} {message}")


def _compare(evaluation: Evaluation, result: QueryResult, at_ms: int) -> None:
    expected = evaluation.expected
    if expected.string is not None:
        if result.text != expected.string:
            raise MismatchError(f"{evaluation}: expected {expected.string!r}, got {result.text!r}")
        return
    if result.kind is ResultKind.SCALAR:
        if expected.scalar is None:
            raise MismatchError(f"{evaluation}: got the scalar {result.values}")
        if not nearly_equal(float(result.values[0, 0]), expected.scalar):
            raise MismatchError(f"{evaluation}: expected {expected.scalar}, got {result.values[0, 0]}")
        return
    if expected.scalar is not None:
        raise MismatchError(f"{evaluation}: expected a scalar, got a {result.kind}")
    step_ms, start_ms = evaluation.step_ms, at_ms if evaluation.end_ms is None else evaluation.start_ms
    if expected.window is not None:
        start_ms, _, step_ms = expected.window
    _compare_series(evaluation, result, start_ms, step_ms)


def _compare_series(evaluation: Evaluation, result: QueryResult, start_ms: int, step_ms: int) -> None:
    expected = evaluation.expected
    instant = evaluation.end_ms is None and result.samples is None
    found = dict(_points(result))
    for position, (labels, points) in enumerate(found.items(), 1):
        if labels not in expected.series:
            raise MismatchError(f"{evaluation}: unexpected {labels} {list(points.values())}")
        place, items = expected.series[labels]
        if expected.ordered and place != position:
            raise MismatchError(f"{evaluation}: {labels} stands at {position}, expected at {place}")
        if instant:
            # A step's time is not looked at: the middle of three steps stands for an instant query, too.
            points = {start_ms: next(iter(points.values()))}  # noqa: PLW2901
        wanted = {start_ms + number * step_ms: item for number, item in enumerate(items) if item.value is not None}
        if set(wanted) != set(points):
            raise MismatchError(f"{evaluation}: {labels} has points at {list(points)}, expected {list(wanted)}")
        for time_ms, item in wanted.items():
            if not same(item, points[time_ms]):
                raise MismatchError(f"{evaluation}: {labels} is {points[time_ms]!r} at {time_ms}, expected {item!r}")
    for labels, (_, items) in expected.series.items():
        if labels not in found and any(item.value is not None for item in items):
            raise MismatchError(f"{evaluation}: {labels} is missing")


def _points(result: QueryResult) -> Iterator[tuple[Labels, dict[int, float | NativeHistogram]]]:
    if result.samples is not None:
        samples = result.samples
        for row, labels in enumerate(result.labels):
            part = range(int(samples.offsets[row]), int(samples.offsets[row + 1]))
            cells = samples.histograms
            yield (
                labels,
                {
                    int(samples.times_ms[place]): (
                        float(samples.values[place]) if cells is None or cells[place] is None else cells[place]
                    )
                    for place in part
                },
            )
        return
    for row, labels in enumerate(result.labels):
        points: dict[int, float | NativeHistogram] = {}
        for column in np.flatnonzero(result.present[row]).tolist():
            cell = None if result.histograms is None else result.histograms[row, column]
            time_ms = int(result.times_ms[min(column, len(result.times_ms) - 1)])
            points[time_ms] = float(result.values[row, column]) if cell is None else cell
        yield labels, points


def same(expected: NotedValue, found: float | NativeHistogram) -> bool:
    """Tell whether a value is the expected one, but for rounding."""
    if isinstance(expected.value, NativeHistogram):
        if not isinstance(found, NativeHistogram):
            return False
        if expected.hint_given and expected.value.counter_reset is not found.counter_reset:
            return False
        return same_histograms(expected.value.compact(), found.compact())
    return isinstance(found, float) and expected.value is not None and nearly_equal(expected.value, found)


def same_histograms(one: NativeHistogram, two: NativeHistogram) -> bool:
    """Tell whether layouts are the same, and counts but for rounding."""
    return (
        one.schema == two.schema
        and one.zero_threshold == two.zero_threshold
        and one.custom_values == two.custom_values
        and all(
            nearly_equal(left, right)
            for left, right in ((one.count, two.count), (one.sum, two.sum), (one.zero_count, two.zero_count))
        )
        and all(
            np.array_equal(left.indices, right.indices)
            and all(nearly_equal(a, b) for a, b in zip(left.counts.tolist(), right.counts.tolist(), strict=True))
            for left, right in ((one.positive, two.positive), (one.negative, two.negative))
        )
    )


def nearly_equal(one: float, two: float, epsilon: float = _EPSILON) -> bool:
    """Compare as Prometheus' test framework does."""
    stale = [np.float64(value).view(np.uint64) == STALE_BITS for value in (one, two)]
    if any(stale):
        return all(stale)
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    if one == two:
        return True
    size, difference = abs(one) + abs(two), abs(one - two)
    if one == 0 or two == 0 or size < _SMALLEST_NORMAL:
        return difference < epsilon * _SMALLEST_NORMAL
    return difference / min(size, 1.7976931348623157e308) < epsilon


# The same query at a fixed time


def _fix_times(expression: Expression, at_ms: int) -> Expression | None:
    """Return a query whose outermost selectors are all fixed to a time (@), None where time matters beyond them."""
    if any(isinstance(node, Call) and node.function in _TIME_DEPENDENT for node in _walk(expression)):
        return None
    if "StepCall" in repr(expression):
        return None
    return _fix(expression, at_ms / 1000)


def _fix(node: Expression, at_s: float) -> Expression:
    match node:
        case VectorSelector():
            return node if node.at_s is not None or node.at is not None else dataclasses.replace(node, at_s=at_s)
        case MatrixSelector():
            selector = _fix(node.selector, at_s)
            assert isinstance(selector, VectorSelector)
            return dataclasses.replace(node, selector=selector)
        case Subquery():
            return node if node.at_s is not None or node.at is not None else dataclasses.replace(node, at_s=at_s)
        case Call():
            return dataclasses.replace(node, arguments=tuple(_fix(argument, at_s) for argument in node.arguments))
        case Aggregation():
            parameter = None if node.parameter is None else _fix(node.parameter, at_s)
            return dataclasses.replace(node, expression=_fix(node.expression, at_s), parameter=parameter)
        case Binary():
            return dataclasses.replace(node, left=_fix(node.left, at_s), right=_fix(node.right, at_s))
        case Parentheses() | Unary():
            return dataclasses.replace(node, expression=_fix(node.expression, at_s))
        case _:
            return node


async def run_script(path: Path, store: Store, engine: QueryEngine) -> AsyncIterator[tuple[Evaluation, str | None]]:
    """Yield each evaluation of a script, and what is wrong with its answer, if anything."""
    for command in read_script(path):
        if isinstance(command, Clear):
            store.clear()
        elif isinstance(command, Load):
            load(command, store)
        else:
            try:
                await check(command, engine)
            except MismatchError as error:
                yield command, str(error)
            else:
                yield command, None


def later(evaluation: Evaluation, by_ms: int, engine: QueryEngine) -> Evaluation | None:
    """Return an evaluation at a later time, for the same series so much later; None where time itself matters."""
    if not _parses(evaluation, engine):
        return evaluation
    for node in _walk(parse(evaluation.query, engine.settings.features)):
        timed = isinstance(node, VectorSelector | Subquery) and node.at_s is not None
        if timed or (isinstance(node, Call) and node.function in _TIME_DEPENDENT | _TELLS_TIME):
            return None
    expected = dataclasses.replace(evaluation.expected)
    if expected.window is not None:
        from_ms, to_ms, step_ms = expected.window
        expected.window = (from_ms + by_ms, to_ms + by_ms, step_ms)
    end_ms = None if evaluation.end_ms is None else evaluation.end_ms + by_ms
    return dataclasses.replace(evaluation, start_ms=evaluation.start_ms + by_ms, end_ms=end_ms, expected=expected)


async def check_as_it_stands(evaluation: Evaluation, engine: QueryEngine) -> None:
    """Raise MismatchError unless the query's answer is what the script says, asked as it stands."""
    await _check_once(evaluation, engine, evaluation.query, evaluation.start_ms)
