"""The query engine: PromQL in, values on a grid of steps out."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gnomon.model.errors import InvalidInputError, LimitExceededError
from gnomon.model.labels import Labels
from gnomon.model.series import Grid, Samples
from gnomon.promql.annotations import Annotations
from gnomon.promql.arrivals import SettledArrivals
from gnomon.promql.context import Context
from gnomon.promql.errors import ExecutionError, QueryCancelledError, QueryTimeoutError
from gnomon.promql.evaluator import Evaluator
from gnomon.promql.fetching import Fetched, Limits, fetch
from gnomon.promql.label_sets import LabelRules
from gnomon.promql.parser import parse
from gnomon.promql.planner import Plan, PlanSettings, plan_query
from gnomon.promql.result_cache import Kept, Key, ResultCache, alone, can_be_kept, join, keep, lead_of
from gnomon.promql.results import QueryResult, QueryStatistics, ResultKind
from gnomon.promql.sample_cache import SampleCache
from gnomon.promql.settings import EngineSettings
from gnomon.promql.source import SeriesSource, TracksArrivals
from gnomon.promql.syntax_tree import Expression, ValueType
from gnomon.promql.telemetry import QUERY_SECONDS
from gnomon.promql.value_types import value_type
from gnomon.promql.values import RangeVector, Scalar, Text, Value, Vector

# A computation over fewer cells is done at once: handing it to a thread would take longer.
_SMALL = 200_000
_TOO_DEEP = "the query is nested too deeply"


@dataclass(slots=True)
class _Stop:
    """Tell a computation in another thread to stop."""

    deadline_s: float
    timeout_s: float
    cancelled: threading.Event

    def check(self) -> None:
        if self.cancelled.is_set():
            raise QueryCancelledError("The query was cancelled.")
        if time.monotonic() > self.deadline_s:
            raise _timeout(self.timeout_s)


@dataclass(frozen=True, slots=True)
class CacheStatistics:
    """What is kept of results and of samples, and how often it was of use."""

    result_bytes: int
    result_hits: int
    result_misses: int
    sample_bytes: int
    sample_hits: int
    sample_misses: int


class QueryEngine:
    """Answer queries about the series of a source."""

    def __init__(
        self,
        source: SeriesSource,
        settings: EngineSettings | None = None,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take a source; `now` returns Unix seconds, `monotonic` seconds of a clock that nobody sets."""
        self._settings = settings or EngineSettings()
        self._arrivals = SettledArrivals(source, monotonic=monotonic) if isinstance(source, TracksArrivals) else None
        self._samples: SampleCache | None = None
        if self._arrivals is not None and self._settings.sample_cache_bytes:
            self._samples = SampleCache(source, self._arrivals, self._settings.sample_cache_bytes, now=now)
        self._source: SeriesSource = self._samples or source
        self._results = ResultCache(self._settings.result_cache_bytes)
        self._rules = LabelRules()

    @property
    def settings(self) -> EngineSettings:
        """Return the limits and habits."""
        return self._settings

    @property
    def cached(self) -> CacheStatistics:
        """Return what is kept in memory, and how often that was enough."""
        samples = self._samples
        return CacheStatistics(
            self._results.size_bytes,
            self._results.hits,
            self._results.misses,
            0 if samples is None else samples.size_bytes,
            0 if samples is None else samples.hits,
            0 if samples is None else samples.misses,
        )

    async def instant(
        self,
        query: str | Expression,
        time_ms: int,
        *,
        lookback_ms: int | None = None,
        timeout_s: float | None = None,
        max_series: int | None = None,
    ) -> QueryResult:
        """Answer a query at one time.

        Raises ParseError, ExecutionError, LimitExceededError, QueryTimeoutError, UnavailableError.
        """
        expression, text = self._parse(query)
        value, run = await self._run(
            expression, Grid(time_ms, time_ms, 1), lookback_ms, timeout_s, max_series=max_series
        )
        return _as_result(value, run, text, _INSTANT_KINDS.get(value_type(expression), ResultKind.VECTOR))

    async def range(
        self,
        query: str | Expression,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        lookback_ms: int | None = None,
        timeout_s: float | None = None,
        max_series: int | None = None,
    ) -> QueryResult:
        """Answer a query at each step from start to end, both included; rows are ordered by labels."""
        expression, text = self._parse(query)
        kind = value_type(expression)
        if kind not in {ValueType.VECTOR, ValueType.SCALAR}:
            name = {ValueType.MATRIX: "range vector", ValueType.STRING: "string"}[kind]
            raise InvalidInputError(
                f'invalid expression type "{name}" for range query, must be Scalar or instant Vector'
            )
        grid = Grid(start_ms, end_ms, step_ms)
        self._check_grid(grid)

        async def compute(steps: Grid) -> "tuple[QueryResult, _Run]":
            value, run = await self._run(expression, steps, lookback_ms, timeout_s, max_series=max_series)
            return _as_result(value, run, text, ResultKind.MATRIX), run

        if self._arrivals is None or not text or not self._settings.result_cache_bytes or not can_be_kept(expression):
            return _sort_rows((await compute(grid))[0])
        key = Key(text, step_ms, start_ms % step_ms, lookback_ms or self._settings.lookback_ms)
        return _sort_rows(await self._range_with_cache(key, grid, compute, self._arrivals))

    async def _range_with_cache(
        self,
        key: Key,
        grid: Grid,
        compute: "Callable[[Grid], Awaitable[tuple[QueryResult, _Run]]]",
        arrivals: SettledArrivals,
    ) -> QueryResult:
        """Compute only the steps after those that are kept and still hold."""
        kept = self._still_valid(key, arrivals)
        kept = kept if kept is not None and kept.grid.start_ms <= grid.start_ms else None
        usable = None if kept is None else kept.between(grid.start_ms, grid.end_ms)
        grid = Grid(grid.start_ms, grid.start_ms + (grid.steps - 1) * grid.step_ms, grid.step_ms)
        if usable is None:
            self._results.count(hit=False)
            token = arrivals.token()
            result, run = await compute(grid)
            lead_ms = lead_of(run.plan)
        else:
            self._results.count(hit=True)
            token, lead_ms = usable.token, usable.lead_ms
            if usable.grid.end_ms >= grid.end_ms:
                return alone(usable, QueryResult(ResultKind.MATRIX, grid.times_ms))
            newer, _ = await compute(Grid(usable.grid.end_ms + grid.step_ms, grid.end_ms, grid.step_ms))
            if newer.histograms is not None or newer.warnings:
                self._results.drop(key)
                return (await compute(grid))[0]
            result = join(usable, newer, grid)
        found = keep(result, grid, token, lead_ms)
        if found is not None:
            self._results.put(key, found)
        return result

    def _still_valid(self, key: Key, arrivals: SettledArrivals) -> Kept | None:
        """Return what is kept of a query, without the steps that samples have come for since."""
        kept = self._results.get(key)
        if kept is None:
            return None
        token, oldest_ms = arrivals.token(), arrivals.oldest_since(kept.token)
        if oldest_ms is not None:
            # A step sees samples up to its own time and the lead.
            last_ms = oldest_ms - kept.lead_ms - 1
            remaining = kept.between(kept.grid.start_ms, last_ms) if last_ms >= kept.grid.start_ms else None
            if remaining is None:
                self._results.drop(key)
                return None
            kept = remaining
        return replace(kept, token=token)

    def _check_grid(self, grid: Grid) -> None:
        if grid.step_ms < 1:
            raise InvalidInputError(
                "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        if grid.end_ms < grid.start_ms:
            raise InvalidInputError("end timestamp must not be before start time")
        if grid.steps > self._settings.max_points:
            raise LimitExceededError(
                f"exceeded maximum resolution of {self._settings.max_points:,} points per timeseries "
                f"(query.max_points): {grid.steps:,} were asked for. Try decreasing the query resolution (?step=XX)",
                setting="query.max_points",
                value=self._settings.max_points,
            )

    def _parse(self, query: str | Expression) -> tuple[Expression, str]:
        return (parse(query, self._settings.features), query) if isinstance(query, str) else (query, "")

    async def _run(
        self,
        expression: Expression,
        grid: Grid,
        lookback_ms: int | None,
        timeout_s: float | None,
        *,
        max_series: int | None,
    ) -> "tuple[Value, _Run]":
        settings = self._settings
        lookback_ms = lookback_ms or settings.lookback_ms
        timeout_s = settings.timeout_s if timeout_s is None else min(timeout_s, settings.timeout_s)
        limits = Limits(settings.max_samples, min(max_series or settings.max_series, settings.max_series))
        try:
            plan = plan_query(expression, grid, PlanSettings(lookback_ms, settings.subquery_step_ms))
        except RecursionError as error:
            raise ExecutionError(_TOO_DEEP) from error
        stop = _Stop(time.monotonic() + timeout_s, timeout_s, threading.Event())
        began_s = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s):
                fetched = await fetch(plan, self._source, limits)
        except TimeoutError as error:
            raise _timeout(timeout_s) from error
        fetched_s = time.perf_counter()
        if not settings.start_timestamps:
            fetched = {node: _without_starts(found) for node, found in fetched.items()}
        context = Context(
            plan,
            fetched,
            self._rules,
            Annotations(),
            limits,
            lookback_ms,
            stop.check,
            settings.delayed_names,
            settings.type_and_unit_labels,
        )
        value = await self._compute(context, stop)
        statistics = QueryStatistics(
            *_count(fetched),
            fetch_s=fetched_s - began_s,
            compute_s=time.perf_counter() - fetched_s,
            resolution_ms=max((found.resolution_ms for found in fetched.values()), default=0),
        )
        QUERY_SECONDS.labels("fetch").observe(statistics.fetch_s)
        QUERY_SECONDS.labels("compute").observe(statistics.compute_s)
        return value, _Run(plan, context.annotations, statistics)

    async def _compute(self, context: Context, stop: _Stop) -> Value:
        _, samples = _count(context.fetched)
        cells = max((plan.steps.steps for plan in context.plan.subqueries.values()), default=1)
        series = sum(len(found.series) for found in context.fetched.values())
        try:
            if samples + series * max(cells, context.plan.grid.steps) < _SMALL:
                return Evaluator(context).run()
            try:
                return await asyncio.to_thread(Evaluator(context).run)
            except asyncio.CancelledError:
                stop.cancelled.set()
                raise
        except RecursionError as error:
            raise ExecutionError(_TOO_DEEP) from error


@dataclass(frozen=True, slots=True)
class _Run:
    plan: Plan
    annotations: Annotations
    statistics: QueryStatistics


_NO_LABELS = Labels()
_INSTANT_KINDS = {
    ValueType.SCALAR: ResultKind.SCALAR,
    ValueType.STRING: ResultKind.STRING,
    ValueType.MATRIX: ResultKind.MATRIX,
}


def _timeout(timeout_s: float) -> QueryTimeoutError:
    return QueryTimeoutError(
        f"query timed out: it took longer than the {timeout_s:g} s that query.time allows.",
        setting="query.time",
        value=timeout_s,
    )


def _without_starts(found: Fetched) -> Fetched:
    if found.samples is None or found.samples.starts_ms is None:
        return found
    return replace(found, samples=replace(found.samples, starts_ms=None))


def _count(fetched: dict[int, Fetched]) -> tuple[int, int]:
    """Return how many series and samples were read."""
    different = {id(found): found for found in fetched.values()}.values()
    samples = sum(
        (0 if found.samples is None else len(found.samples))
        + (0 if found.windows is None else found.windows.values.size)
        for found in different
    )
    return sum(len(found.series) for found in different), samples


def _as_result(value: Value, run: _Run, text: str, kind: ResultKind) -> QueryResult:
    times_ms = run.plan.grid.times_ms
    empty = QueryResult(
        kind,
        times_ms,
        warnings=run.annotations.warnings(text),
        infos=run.annotations.infos(text),
        statistics=run.statistics,
    )
    match value:
        case Vector():
            return replace(
                empty, labels=value.labels, values=value.values, present=value.present, histograms=value.histograms
            )
        case Scalar():
            values = value.values[None, :]
            return replace(empty, labels=(_NO_LABELS,), values=values, present=np.ones(values.shape, dtype=np.bool_))
        case Text():
            return replace(empty, text=value.value)
        case RangeVector():
            return _as_matrix(empty, value)


def _as_matrix(empty: QueryResult, vector: RangeVector) -> QueryResult:
    """Return samples in the order of their series' labels; series without any are left out."""
    samples = vector.samples
    counts = np.diff(samples.offsets)
    rows = [row for row in range(len(vector.labels)) if counts[row]]
    rows.sort(key=lambda row: vector.labels[row].pairs)
    places = np.concatenate(
        [np.arange(samples.offsets[row], samples.offsets[row + 1]) for row in rows] or [np.empty(0, dtype=np.int64)]
    )
    ordered = Samples(
        np.concatenate(([0], np.cumsum(counts[rows]))).astype(np.int64),
        samples.times_ms[places],
        samples.values[places],
        None if samples.histograms is None else samples.histograms[places],
    )
    return replace(empty, labels=tuple(vector.labels[row] for row in rows), samples=ordered)


def _sort_rows(result: QueryResult) -> QueryResult:
    keys = [labels.pairs for labels in result.labels]
    if all(one <= two for one, two in pairwise(keys)):
        return result
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return replace(
        result,
        labels=tuple(result.labels[row] for row in order),
        values=result.values[order],
        present=result.present[order],
        histograms=None if result.histograms is None else result.histograms[order],
    )
