"""The query engine's façade: what it answers, what it refuses, and how it stops."""

import asyncio

import numpy as np
import pytest

from gnomon.model.errors import InvalidInputError, LimitExceededError
from gnomon.model.labels import Labels
from gnomon.model.series import Grid, Samples, SeriesSet
from gnomon.promql.engine import QueryEngine
from gnomon.promql.errors import ExecutionError, ParseError, QueryCancelledError, QueryTimeoutError
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.results import ResultKind
from gnomon.promql.settings import EngineSettings
from gnomon.promql.source import Windows

MINUTE_MS = 60_000


@pytest.fixture
def source() -> MemorySource:
    """Return six counters that grow by 1 a second, for ten minutes."""
    source = MemorySource()
    for number in range(6):
        labels = Labels.of({"__name__": "requests_total", "job": f"j{number % 2}", "instance": str(number)})
        for second in range(0, 600, 15):
            source.add(labels, second * 1000, float(second))
    return source


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("1 + 1", ResultKind.SCALAR),
        ("'text'", ResultKind.STRING),
        ("requests_total", ResultKind.VECTOR),
        ("requests_total[1m]", ResultKind.MATRIX),
    ],
)
async def test_an_instant_query_answers_with_the_kind_of_its_expression(
    source: MemorySource, query: str, kind: ResultKind
) -> None:
    result = await QueryEngine(source).instant(query, 5 * MINUTE_MS)
    assert result.kind is kind


async def test_a_range_query_orders_series_by_labels(source: MemorySource) -> None:
    result = await QueryEngine(source).range("sum by (job) (rate(requests_total[1m]))", 0, 5 * MINUTE_MS, MINUTE_MS)
    assert [labels.to_dict() for labels in result.labels] == [{"job": "j0"}, {"job": "j1"}]
    assert np.allclose(result.values[:, 2:], 3.0)
    assert result.times_ms.tolist() == [minute * MINUTE_MS for minute in range(6)]


async def test_a_window_of_an_instant_query_holds_only_its_own_samples(source: MemorySource) -> None:
    result = await QueryEngine(source).instant('requests_total{instance="1"}[1m]', 5 * MINUTE_MS)
    assert result.samples is not None
    assert result.samples.times_ms.tolist() == [255_000, 270_000, 285_000, 300_000]


async def test_mistakes_are_told_apart(source: MemorySource) -> None:
    engine = QueryEngine(source)
    with pytest.raises(ParseError):
        await engine.instant("sum(", 0)
    with pytest.raises(ExecutionError, match="many-to-many matching not allowed"):
        await engine.instant("requests_total * on (job) requests_total", MINUTE_MS)
    with pytest.raises(InvalidInputError, match="must be Scalar or instant Vector"):
        await engine.range("requests_total[1m]", 0, MINUTE_MS, MINUTE_MS)
    with pytest.raises(ExecutionError, match="nested too deeply"):
        await engine.instant("1" + "+1" * 2_000, 0)


@pytest.mark.parametrize(
    ("settings", "setting", "value"),
    [
        (EngineSettings(max_samples=100), "query.max_samples", 100),
        (EngineSettings(max_series=5), "query.max_series", 5),
        (EngineSettings(max_points=10), "query.max_points", 10),
    ],
)
async def test_a_refused_query_names_the_limit_and_its_value(
    source: MemorySource, settings: EngineSettings, setting: str, value: int
) -> None:
    with pytest.raises(LimitExceededError) as caught:
        await QueryEngine(source, settings).range("requests_total", 0, 10 * MINUTE_MS, 15_000)
    assert (caught.value.setting, caught.value.value) == (setting, value)
    assert setting in str(caught.value)
    assert str(value) in str(caught.value)


class SlowSource(MemorySource):
    """Take longer than anybody waits."""

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        await asyncio.sleep(60)
        return None

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        await asyncio.sleep(60)
        return await super().read_samples(series, start_ms, end_ms)


async def test_a_query_that_takes_too_long_is_stopped() -> None:
    source = SlowSource()
    source.add(Labels.of({"__name__": "a"}), 1000, 1.0)
    with pytest.raises(QueryTimeoutError, match=r"0.05 s that query.time allows"):
        await QueryEngine(source, EngineSettings(timeout_s=0.05)).instant("a", 2000)


async def test_a_cancelled_query_stops_computing(source: MemorySource, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that computes finds out between two parts of the query."""
    monkeypatch.setattr("gnomon.promql.engine._SMALL", 0)
    engine = QueryEngine(source)
    parts = " + ".join("sum(quantile_over_time(0.5, requests_total[5m]))" for _ in range(200))
    task = asyncio.create_task(engine.range(parts, 0, 10 * MINUTE_MS, 1_000))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises((asyncio.CancelledError, QueryCancelledError)):
        await task


async def test_the_same_selector_is_read_once(source: MemorySource) -> None:
    reads = []

    class CountingSource(MemorySource):
        async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
            reads.append((start_ms, end_ms))
            return await source.read_samples(series, start_ms, end_ms)

        async def find_series(self, *arguments: object) -> SeriesSet:
            return await source.find_series(*arguments)  # type: ignore[arg-type]

    await QueryEngine(CountingSource()).instant("requests_total / requests_total + requests_total", MINUTE_MS)
    assert len(reads) == 1
