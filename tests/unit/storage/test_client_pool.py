"""Many slow queries hold each other up, and nobody else."""

import asyncio
import time
from pathlib import Path

from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.settings import EngineSettings, QuerySettings

SLOW = "SELECT sleepEachRow(0.5) FROM numbers(2)"


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
