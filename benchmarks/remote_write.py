"""Samples in: samples a second acknowledged durable over loopback remote write, beside Prometheus.

Requests of 2,000 samples (6 labels a series, 16,000 series) from 4 connections, snappy, the sender on the same
machine; both get the same stream. Gnomon syncs every request to disk before it answers, Prometheus does not.
"""

import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import Load, Outcome, finish_load, run_load, start_load
from benchmarks.server import settle, wait_until_stored
from benchmarks.watch import Watch
from tests.gnomon_process import GnomonProcess
from tests.peers.prometheus import prometheus_running

TURNS, TURN_S = 4, 5.0
SECONDS_BESIDE = 10.0
SAMPLES = 2000
NEW_SERIES_RATE = 10_000
HOUR_MS = 3_600_000


def measure(folder: Path) -> list[Figure]:
    """Return rate and cost of Gnomon under full load, beside Prometheus, and with many new series beside that.

    Both take turns, a few seconds each, so that a machine that others use, too, treats them alike.
    """
    first_ms = time.time_ns() // 10**6 - 30 * HOUR_MS
    quiet = (f"--set={name}.enabled=false" for name in ("own_traces", "own_metrics", "host_metrics", "span_metrics"))
    server = GnomonProcess(folder / "gnomon", tuple(quiet)).start()
    try:
        url = f"{server.url}/api/v1/write"
        with prometheus_running(folder / "prometheus") as prometheus:
            peer_url = f"{prometheus.url}/api/v1/write"
            for warm in (peer_url, url):
                run_load(_load(warm, 3, first_ms))
            before = settle(server, "samples")
            peer, ours = _Turns(), _Turns()
            for turn in range(1, TURNS + 1):
                peer.take(prometheus.pid, _load(peer_url, TURN_S, first_ms + turn * 3 * HOUR_MS))
                ours.take(server.pid, _load(url, TURN_S, first_ms + turn * 3 * HOUR_MS))
        outcome = ours.outcome
        stored, lag_s = wait_until_stored(server, "samples", before + outcome.items)
        fresh = start_load(
            Load(
                url, "new_series", SECONDS_BESIDE, connections=1, items=SAMPLES, rate=NEW_SERIES_RATE / SAMPLES,
                first_ms=first_ms + 18 * HOUR_MS,
            )
        )  # fmt: skip
        beside = run_load(_load(url, SECONDS_BESIDE - 1, first_ms + 18 * HOUR_MS))
        newcomers = finish_load(fresh)
    finally:
        server.stop()
    return [
        Figure("samples/s acknowledged durable", outcome.rate, "samples/s", "Prometheus, not synced", peer.outcome.rate,
               "≥ 1.3 ×", outcome.rate >= 1.3 * peer.outcome.rate),
        Figure("CPU a million samples", ours.cpu_s / outcome.items * 1e6, "s", "Prometheus",
               peer.cpu_s / peer.outcome.items * 1e6),
        Figure("acknowledgement p50", outcome.quantile(0.5) * 1e3, "ms", "Prometheus",
               peer.outcome.quantile(0.5) * 1e3),
        Figure("acknowledgement p99", outcome.quantile(0.99) * 1e3, "ms", "Prometheus",
               peer.outcome.quantile(0.99) * 1e3),
        Figure("refused requests", outcome.refused, "requests", "Prometheus", peer.outcome.refused or None,
               "0", outcome.refused == 0),
        Figure("acknowledged and not stored", max(0, before + outcome.items - stored), "samples", target="0",
               met=stored >= before + outcome.items),
        Figure("until the last acknowledged sample can be queried", lag_s, "s", target="≤ 1", met=lag_s <= 1),
        Figure("resident memory, peak", ours.peak_bytes / 2**20, "MiB", "Prometheus", peer.peak_bytes / 2**20),
        _beside(outcome, beside),
        Figure("… of them, new series acknowledged", newcomers.rate, "series/s", target="10,000",
               met=newcomers.rate >= 0.95 * NEW_SERIES_RATE),
    ]  # fmt: skip


class _Turns:
    """What one of the two did in all its turns."""

    def __init__(self) -> None:
        self.outcome = Outcome(0, 0, 0, 0.0, [])
        self.cpu_s = 0.0
        self.peak_bytes = 0

    def take(self, pid: int, load: Load) -> None:
        with Watch(pid) as seen:
            one = run_load(load)
        self.cpu_s += seen.cpu_s
        self.peak_bytes = max(self.peak_bytes, seen.peak_bytes)
        before = self.outcome
        self.outcome = Outcome(
            before.items + one.items,
            before.requests + one.requests,
            before.refused + one.refused,
            before.seconds + one.seconds,
            before.latencies + one.latencies,
        )


def _load(url: str, seconds: float, first_ms: int) -> Load:
    return Load(url, "samples", seconds, items=SAMPLES, first_ms=first_ms)


def _beside(alone: Outcome, beside: Outcome) -> Figure:
    """Return the rate with 10,000 new series a second beside it, compared with the rate alone."""
    return Figure(
        "samples/s with 10,000 new series/s beside them",
        beside.rate,
        "samples/s",
        "alone",
        alone.rate,
        "not stalled",
        beside.rate >= 0.5 * alone.rate,
    )
