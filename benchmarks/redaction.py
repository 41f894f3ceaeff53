"""Masking secrets: what it adds to the CPU time of loading spans and lines in which there is none.

Segments of the ingest benchmark are inserted by the engine alone, with and without redaction, in turn.
"""

import asyncio
import os
import statistics
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.telemetry import RequestMaker, make_logs, make_traces
from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.migrations import migrate
from gnomon.storage.segments import encode_frame
from gnomon.storage.settings import EngineSettings, QuerySettings, RedactionSettings, RetentionSettings
from gnomon.storage.streams import STREAMS

ROUNDS, SEGMENTS, REQUESTS = 5, 3, 100


def measure(folder: Path) -> list[Figure]:
    """Return the CPU time a million items with redaction, beside that without."""
    return [
        _compare(folder, "otlp_traces", "spans", make_traces()),
        _compare(folder, "otlp_logs", "lines", make_logs()),
    ]


def _compare(folder: Path, stream: str, what: str, maker: RequestMaker) -> Figure:
    segment = folder / f"{stream}.segment"
    segment.write_bytes(
        b"".join(part for _ in range(REQUESTS) for part in encode_frame(bytes(maker.next()), os.urandom(16), 0))
    )
    seen: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        for enabled in (False, True):
            seen[enabled].append(asyncio.run(_load(folder / f"{stream}-{enabled}", stream, segment, enabled=enabled)))
    with_it, without = min(seen[True]), min(seen[False])
    return Figure(
        f"CPU a million {what} with redaction",
        with_it,
        "s",
        "without",
        without,
        "a few per cent more",
        with_it <= 1.08 * without,
    )


async def _load(directory: Path, stream: str, segment: Path, *, enabled: bool) -> float:
    """Return the CPU seconds that a million items take to insert, merges held back."""
    engine = EmbeddedEngine(directory, EngineSettings(), QuerySettings())
    await engine.start()
    await migrate(engine, RetentionSettings(), RedactionSettings(enabled=enabled))
    await engine.command("SYSTEM STOP MERGES")
    await engine.load(STREAMS[stream], segment, os.urandom(8).hex())
    took = []
    for _ in range(SEGMENTS):
        began = time.process_time()
        await engine.load(STREAMS[stream], segment, os.urandom(8).hex())
        took.append(time.process_time() - began)
    await engine.stop()
    return statistics.median(took) / (REQUESTS * 500) * 1e6
