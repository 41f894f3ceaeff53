"""Logs in: OTLP lines a second acknowledged durable over loopback HTTP, beside VictoriaLogs.

Requests of 500 lines (ten words, 4 attributes, trace and span ids) from 4 connections, the sender on the same
machine. Gnomon syncs every request before it answers and builds its index of words; VictoriaLogs does not sync.
"""

from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import Load, run_load
from benchmarks.server import settle, wait_until_stored
from benchmarks.victoria_logs import find_victoria_logs, victoria_logs_running
from benchmarks.watch import Watch
from tests.gnomon_process import GnomonProcess

SECONDS = 30.0
PEER = "VictoriaLogs"


def measure(folder: Path) -> list[Figure]:
    """Return the rate of both, one after the other."""
    program = find_victoria_logs()
    peer = _measure_peer(program, folder / "peer") if program else None
    server = GnomonProcess(folder / "gnomon").start()
    try:
        run_load(Load(f"{server.otlp_http_url}/v1/logs", "logs", 3))
        before = settle(server, "logs")
        with Watch(server.pid) as seen:
            ours = run_load(Load(f"{server.otlp_http_url}/v1/logs", "logs", SECONDS))
        stored, _ = wait_until_stored(server, "logs", before + ours.items)
    finally:
        server.stop()
    rate, cpu_s, peak = (None, None, None) if peer is None else peer
    missing = "not measured: GNOMON_VICTORIA_LOGS names no program"
    return [
        Figure(
            "lines/s acknowledged durable",
            ours.rate,
            "lines/s",
            PEER,
            rate,
            "not behind VictoriaLogs" if rate else missing,
            None if rate is None else ours.rate >= rate,
        ),
        Figure("CPU a million lines", seen.cpu_s / ours.items * 1e6, "s", PEER, cpu_s),
        Figure(
            "acknowledged and not stored",
            before + ours.items - stored,
            "lines",
            target="0",
            met=stored == before + ours.items,
        ),
        Figure("resident memory, peak", seen.peak_bytes / 2**20, "MiB", PEER, peak),
    ]


def _measure_peer(program: str, folder: Path) -> tuple[float, float, float]:
    """Return lines a second, CPU seconds a million lines, and resident MiB."""
    with victoria_logs_running(program, folder) as peer:
        url = f"{peer.url}/insert/opentelemetry/v1/logs"
        run_load(Load(url, "logs", 2))
        with Watch(peer.pid) as seen:
            outcome = run_load(Load(url, "logs", SECONDS))
    return outcome.rate, seen.cpu_s / outcome.items * 1e6, seen.peak_bytes / 2**20
