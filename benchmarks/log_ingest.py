"""Logs in: OTLP lines a second acknowledged durable over loopback HTTP, beside VictoriaLogs.

Requests of 500 lines (ten words, 4 attributes, trace and span ids) from 4 connections, the sender on the same
machine. Gnomon syncs every request before it answers and builds its index of words; VictoriaLogs does not sync.
"""

from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import Load, run_load
from benchmarks.server import settle, wait_until_stored
from benchmarks.watch import Watch
from tests.gnomon_process import GnomonProcess
from tests.peers.victoria_logs import victoria_logs_running

SECONDS = 30.0


def measure(folder: Path) -> list[Figure]:
    """Return the rate of both, one after the other."""
    with victoria_logs_running(folder / "peer") as peer:
        url = f"{peer.url}/insert/opentelemetry/v1/logs"
        run_load(Load(url, "logs", 2))
        with Watch(peer.pid) as peer_seen:
            theirs = run_load(Load(url, "logs", SECONDS))
    server = GnomonProcess(folder / "gnomon").start()
    try:
        run_load(Load(f"{server.otlp_http_url}/v1/logs", "logs", 3))
        before = settle(server, "logs")
        with Watch(server.pid) as seen:
            ours = run_load(Load(f"{server.otlp_http_url}/v1/logs", "logs", SECONDS))
        stored, _ = wait_until_stored(server, "logs", before + ours.items)
    finally:
        server.stop()
    peer_name = "VictoriaLogs"
    return [
        Figure(
            "lines/s acknowledged durable",
            ours.rate,
            "lines/s",
            peer_name,
            theirs.rate,
            "not behind",
            ours.rate >= theirs.rate,
        ),
        Figure(
            "CPU a million lines",
            seen.cpu_s / ours.items * 1e6,
            "s",
            peer_name,
            peer_seen.cpu_s / theirs.items * 1e6,
        ),
        Figure(
            "acknowledged and not stored",
            before + ours.items - stored,
            "lines",
            target="0",
            met=stored == before + ours.items,
        ),
        Figure("resident memory, peak", seen.peak_bytes / 2**20, "MiB", peer_name, peer_seen.peak_bytes / 2**20),
    ]
