"""Prometheus' own test scripts, against the query engine over the real store."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gnomon.ingest.histogram_messages import encode_histogram
from gnomon.ingest.write_request import encode_labels, encode_series
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.promql.engine import QueryEngine
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.parser import EVERYTHING
from gnomon.promql.settings import EngineSettings
from tests.conformance.promql_script import (
    Clear,
    Load,
    MismatchError,
    check_as_it_stands,
    later,
    load,
    read_script,
)
from tests.conformance.test_promql import SCRIPTS
from tests.opened_metrics import OpenedMetrics, open_metrics
from tests.opened_storage import OpenedStorage

# A store keeps nothing of 1970: everything happens later, by a time that steps of subqueries fall together with again.
_EVERY_STEP_S = 37_800
LATER_MS = (int(time.time()) // _EVERY_STEP_S - 8) * _EVERY_STEP_S * 1000
_TABLES = ("series", "samples", "native_histograms", "sample_starts", "known_series")
# Storing what scripts load takes most of the time: the others run when GNOMON_PROMQL_STORAGE=all.
_QUICK = (
    "limit.test",
    "name_label_dropping.test",
    "operators.test",
    "selectors.test",
    "staleness.test",
    "subquery.test",
)
_SLOW = ("aggregators.test", "fill-modifier.test", "histograms.test", "native_histograms.test", "range_queries.test")
NAMES = (*_QUICK, *(_SLOW if os.environ.get("GNOMON_PROMQL_STORAGE") == "all" else ()))


class StoredSeries:
    """Keep what scripts load until it is asked for, then store it."""

    def __init__(self, storage: OpenedStorage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder
        self._memory = MemorySource()
        self._stack = AsyncExitStack()
        self._opened: OpenedMetrics | None = None
        self._count = 0
        self._stale = True

    def load(self, command: Load) -> None:
        load(command, self._memory)
        self._stale = True

    async def clear(self) -> None:
        """Forget everything."""
        self._memory.clear()
        await self.close()
        for table in _TABLES:
            await self._storage.engine.command(f"TRUNCATE TABLE {table}")

    async def close(self) -> None:
        await self._stack.aclose()
        self._stack, self._opened = AsyncExitStack(), None

    async def engine(self, *, cached: bool) -> QueryEngine:
        """Return an engine over all that is loaded."""
        if self._opened is None or self._stale:
            await self.close()
            self._opened = await self._stack.enter_async_context(open_metrics(self._storage, self._folder))
            await self._opened.load(*self._requests(), token=f"load-{self._count}")
            self._count += 1
            self._stale = False
        settings = EngineSettings(features=EVERYTHING, delayed_names=True, sample_cache_bytes=cached * 2**26)
        return QueryEngine(self._opened.store, settings)

    def _requests(self) -> Iterator[bytes]:
        for labels in self._memory.labels():
            yield _encode(labels, self._memory.values(labels))


def _encode(labels: Labels, values: dict[int, float | NativeHistogram]) -> bytes:
    floats = [(time_ms + LATER_MS, value) for time_ms, value in values.items() if isinstance(value, float)]
    histograms = [
        encode_histogram(value, time_ms + LATER_MS)
        for time_ms, value in values.items()
        if isinstance(value, NativeHistogram)
    ]
    return encode_series(encode_labels(labels), floats, histograms)


@pytest.fixture
async def stored_series(opened_storage: OpenedStorage, tmp_path: Path) -> AsyncIterator[StoredSeries]:
    """Return an empty store."""
    series = StoredSeries(opened_storage, tmp_path)
    yield series
    await series.close()


@pytest.mark.slow
@pytest.mark.parametrize("cached", [True, False], ids=["kept samples", "windows"])
@pytest.mark.parametrize("name", NAMES)
async def test_script(stored_series: StoredSeries, name: str, cached: bool) -> None:
    """What does not depend on the time itself gives what the script says."""
    path = SCRIPTS / name
    if not path.exists():
        pytest.skip(f"Prometheus' test scripts are not at {SCRIPTS}: set GNOMON_PROMQL_TESTS.")
    problems, asked = [], 0
    for command in read_script(path):
        if isinstance(command, Clear):
            await stored_series.clear()
        elif isinstance(command, Load):
            stored_series.load(command)
        else:
            engine = await stored_series.engine(cached=cached)
            evaluation = later(command, LATER_MS, engine)
            if evaluation is None:
                continue
            asked += 1
            try:
                await check_as_it_stands(evaluation, engine)
            except MismatchError as error:
                problems.append(str(error))
    assert asked
    assert not problems
