"""Searching 10 million stored lines: a rare word, a histogram of a day by level, a common phrase.

The lines are made inside the engine, spread over the last day; every word of a line comes from a list of 40, and one
line in a hundred thousand has a word of its own.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.server import count_rows
from benchmarks.telemetry import WORDS
from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.migrations import migrate
from gnomon.storage.settings import EngineSettings, QuerySettings, RetentionSettings
from tests.gnomon_process import GnomonProcess

LINES = int(os.environ.get("GNOMON_BENCH_LINES", "10_000_000"))
BLOCK = 1_000_000
TIMES = 40
RARE_S, HISTOGRAM_S, PHRASE_S = 0.150, 0.150, 0.500

FILL = """
INSERT INTO logs (ts, observed_ts, received, trace_id, span_id, severity, severity_text, service, body, body_type,
                  attributes, attribute_types)
WITH
    sipHash64(number) AS h,
    now64(9) - toIntervalNanosecond((86400000000000 * (({lines:UInt64} - number) / {lines:UInt64}))::UInt64) AS at,
    {words:Array(String)} AS words
SELECT
    at, at, now64(3), reinterpretAsFixedString(toUInt128(h)), reinterpretAsFixedString(h),
    [5, 9, 9, 9, 9, 13, 17][1 + h % 7], ['DEBUG', 'INFO', 'INFO', 'INFO', 'INFO', 'WARN', 'ERROR'][1 + h % 7],
    ['gateway', 'router', 'worker', 'tool-executor'][1 + h % 4],
    concat(arrayStringConcat(arrayMap(i -> words[1 + sipHash64(number, i) % length(words)], range(10)), ' '),
           ' id=', toString(h % 1000000), ' took ', toString(h % 977), ' ms',
           if(number % 100000 = 7, concat(' rare', toString(intDiv(number, 100000))), ''),
           if(h % 50 = 3, ' connection reset by peer', '')),
    1, map('task.id', concat('task-', toString(h % 1000000)), 'logger', 'app'), [1, 1]
FROM numbers({first:UInt64}, {count:UInt64})
"""


def measure(folder: Path) -> list[Figure]:
    """Return latencies over HTTP, the answer read whole."""
    asyncio.run(_fill(folder / "gnomon"))
    server = GnomonProcess(folder / "gnomon").start()
    chosen = random.Random(1)
    day = {"from": "now-24h", "to": "now"}
    asks: dict[str, tuple[float, str, Callable[[], str]]] = {
        "a rare word over all lines": (RARE_S, "search", lambda: f"rare{chosen.randrange(LINES // 100_000)}"),
        "a word that no line has": (RARE_S, "search", lambda: f"absent{chosen.randrange(10**6)}"),
        "histogram of 24 h by level": (HISTOGRAM_S, "histogram", lambda: ""),
        "histogram of 24 h of a rare word": (HISTOGRAM_S, "histogram", lambda: f"rare{chosen.randrange(50)}"),
        "a common phrase": (PHRASE_S, "search", lambda: '"connection reset by peer"'),
        "histogram of a common phrase": (PHRASE_S, "histogram", lambda: '"connection reset by peer"'),
    }
    figures = []
    try:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for name, (most, path, query) in asks.items():
                took = []
                for _ in range(TIMES + 3):
                    began = time.monotonic()
                    client.get(f"/api/logs/{path}", params=day | {"q": query()}).raise_for_status()
                    took.append(time.monotonic() - began)
                p50, p95 = sorted(took[3:])[TIMES // 2], sorted(took[3:])[int(TIMES * 0.95)]
                figures += [
                    Figure(f"{name}, p50", p50 * 1e3, "ms"),
                    Figure(f"{name}, p95", p95 * 1e3, "ms", target=f"< {most * 1e3:g}", met=p95 < most),
                ]
        figures.insert(0, Figure("lines stored", count_rows(server, "logs"), "lines"))
    finally:
        server.stop()
    return figures


async def _fill(directory: Path) -> None:
    engine = EmbeddedEngine(directory, EngineSettings(), QuerySettings(time_s=600))
    await engine.start()
    await migrate(engine, RetentionSettings())
    for first in range(0, LINES, BLOCK):
        await engine.command(FILL, {"first": first, "count": BLOCK, "lines": LINES, "words": list(WORDS)})
    while (await engine.query("SELECT count() FROM system.merges")).value():  # noqa: ASYNC110 - merges end untold
        await asyncio.sleep(1)
    await engine.stop()
