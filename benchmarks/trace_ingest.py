"""Traces in: spans a second acknowledged durable over loopback HTTP, beside Jaeger.

Requests of 500 spans (8 attributes, 1 event) from 4 connections, the sender on the same machine. Gnomon syncs every
request to disk before it answers; Jaeger in memory keeps nothing, and on Badger writes without syncing.
"""

import time
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.load import Load, Outcome, finish_load, run_load, start_load
from benchmarks.server import settle, wait_until_stored
from benchmarks.watch import Watch
from tests.gnomon_process import GnomonProcess
from tests.peers.jaeger import Storage, jaeger_running

SECONDS = 60.0
PEER_SECONDS = 15.0
HEALTH = ("live", "ready", "startup", "detail")


def measure(folder: Path) -> list[Figure]:
    """Return rate, memory, lag and health of Gnomon under full load, beside two Jaegers."""
    memory = _measure_jaeger(folder / "jaeger-memory", "memory")
    badger = _measure_jaeger(folder / "jaeger-badger", "badger")
    server = GnomonProcess(folder / "gnomon", ("--set", "own_traces.enabled=false")).start()
    try:
        run_load(Load(f"{server.otlp_http_url}/v1/traces", "traces", 3))
        before = settle(server, "spans")
        with Watch(server.pid) as seen:
            sending = start_load(Load(f"{server.otlp_http_url}/v1/traces", "traces", SECONDS))
            health_s = _ask_health(server, SECONDS - 5)
            outcome = finish_load(sending)
            stored, lag_s = wait_until_stored(server, "spans", before + outcome.items)
    finally:
        server.stop()
    rate = outcome.rate
    return [
        Figure("spans/s acknowledged durable, 60 s", rate, "spans/s", "Jaeger, memory", memory.rate,
               "≥ 200,000, ahead of Jaeger in memory", rate >= 200_000 and rate > memory.rate),
        Figure("… beside Jaeger on Badger", rate, "spans/s", "Jaeger, Badger", badger.rate,
               "≥ 10 ×", rate >= 10 * badger.rate),
        Figure("acknowledged and not stored", before + outcome.items - stored, "spans", target="0",
               met=stored == before + outcome.items),
        Figure("until the last acknowledged span can be queried", lag_s, "s", target="≤ 1", met=lag_s <= 1.0),
        Figure("acknowledgement p50", outcome.quantile(0.5) * 1e3, "ms", "Jaeger, memory", memory.quantile(0.5) * 1e3),
        Figure("acknowledgement p99", outcome.quantile(0.99) * 1e3, "ms",
               "Jaeger, memory", memory.quantile(0.99) * 1e3),
        Figure("refused requests", outcome.refused, "requests"),
        Figure("CPU a million spans", seen.cpu_s / outcome.items * 1e6, "s"),
        Figure("resident memory, peak", seen.peak_bytes / 2**20, "MiB", target="< 1 GB", met=seen.peak_bytes < 1e9),
        Figure("resident memory, last third over middle third", seen.growth, "",
               target="flat", met=seen.growth < 1.1),
        Figure("slowest health probe under that load", max(health_s) * 1e3, "ms",
               target="< 100", met=max(health_s) < 0.1),
    ]  # fmt: skip


def _measure_jaeger(folder: Path, storage: Storage) -> Outcome:
    with jaeger_running(folder, storage) as jaeger:
        run_load(Load(f"{jaeger.otlp_http_url}/v1/traces", "traces", 2))
        return run_load(Load(f"{jaeger.otlp_http_url}/v1/traces", "traces", PEER_SECONDS))


def _ask_health(server: GnomonProcess, seconds: float) -> list[float]:
    """Return how long each probe took, asked ten times a second."""
    took, end = [], time.monotonic() + seconds
    with httpx.Client(base_url=server.url, timeout=10) as client:
        while time.monotonic() < end:
            for probe in HEALTH:
                began = time.monotonic()
                client.get(f"/health/{probe}")
                took.append(time.monotonic() - began)
                time.sleep(0.1)
    return took
