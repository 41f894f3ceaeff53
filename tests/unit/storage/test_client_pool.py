"""Many slow queries hold each other up, and nobody else."""

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from gnomon.storage.embedded import EmbeddedEngine, available_memory_bytes
from gnomon.storage.errors import QueryLimitError
from gnomon.storage.settings import EngineSettings, QuerySettings

SLOW = "SELECT sleepEachRow(0.5) FROM numbers(2)"


async def test_all_queries_together_stay_within_the_engines_memory(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, EngineSettings(memory_bytes=200_000_000), QuerySettings())
    await engine.start()
    try:
        with pytest.raises(QueryLimitError) as caught:
            await engine.query("SELECT length(groupArray(number)) FROM numbers(60000000)")
    finally:
        await engine.stop()

    assert "memory" in str(caught.value)


def test_without_a_setting_the_engine_gets_a_third_of_what_there_is(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, EngineSettings(), QuerySettings())

    assert engine._pool._memory_bytes == available_memory_bytes() // 3
    assert 0 < available_memory_bytes() <= psutil.virtual_memory().total


async def test_the_loader_and_health_do_not_wait_for_queries(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path, EngineSettings(), QuerySettings(concurrency=2))
    await engine.start()
    try:
        queries = [asyncio.create_task(engine.query(SLOW)) for _ in range(10)]
        await asyncio.sleep(0.2)
        began = time.monotonic()
        await engine.command("SELECT 1")
        waited_s = time.monotonic() - began
        for query in queries:
            query.cancel()
        await asyncio.gather(*queries, return_exceptions=True)
    finally:
        await engine.stop()

    assert waited_s < 0.5
