"""The byte budget: the oldest goes first, and no more than must."""

import os
from pathlib import Path

from prometheus_client import REGISTRY

from gnomon.lifecycle import SystemClock
from gnomon.storage.engine import Engine
from gnomon.storage.retention import Retention
from tests.opened_storage import OpenedStorage, open_storage
from tests.otlp_requests import make_log_request

FILL = """
INSERT INTO spans (ts, trace_id, span_id, service, name, status_message)
SELECT now() - toIntervalDay({day:UInt32}), toFixedString(randomString(16), 16), toFixedString(randomString(8), 8),
       'gateway', 'GET /', randomString(100)
FROM numbers(10000)
"""
SIZE = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()"


async def _days(engine: Engine) -> list[int]:
    found = await engine.query("SELECT dateDiff('day', ts, now()) AS day FROM spans GROUP BY day ORDER BY day")
    return list(found.column("day"))


async def test_the_oldest_day_goes_first(tmp_path: Path) -> None:
    """Over budget by one day's worth, one day goes; within it, nothing does."""
    async with open_storage(tmp_path) as opened:
        for day in range(4):
            await opened.engine.command(FILL, {"day": day})
        size = (await opened.engine.query(SIZE)).value()
        await Retention(opened.engine, size + 1, SystemClock()).enforce()
        assert await _days(opened.engine) == [0, 1, 2, 3]
        await Retention(opened.engine, int(size * 0.9), SystemClock()).enforce()
        assert await _days(opened.engine) == [0, 1, 2]


async def test_a_lone_day_loses_its_oldest_part(tmp_path: Path) -> None:
    """With one day left, its oldest rows go until the budget holds, and the newest stay."""
    async with open_storage(tmp_path) as opened:
        engine = opened.engine
        await engine.command(FILL.replace("toIntervalDay({day:UInt32})", "toIntervalMillisecond(number)"), {})
        size = (await engine.query(SIZE)).value()
        newest = (await engine.query("SELECT max(ts) FROM spans")).value()
        await Retention(engine, size // 2, SystemClock()).enforce()
        rows = (await engine.query("SELECT count() FROM spans")).value()
        assert 0 < rows < 10_000
        assert (await engine.query("SELECT max(ts) FROM spans")).value() == newest


async def test_masked_secrets_are_counted(opened_storage: OpenedStorage) -> None:
    """The number of values that hold a masked secret stands in the metrics."""
    await opened_storage.journal.append(
        "otlp_logs", make_log_request([f"token ghp_{'a' * 36}", "fine"]), os.urandom(16)
    )
    await opened_storage.journal.flush()
    await Retention(opened_storage.engine, 0, SystemClock()).enforce()
    assert REGISTRY.get_sample_value("gnomon_redacted_values", {"table": "logs"}) == 1
