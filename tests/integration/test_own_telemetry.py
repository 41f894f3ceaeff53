"""Gnomon watches itself without watching itself watch."""

import time
from pathlib import Path

import httpx

from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.settings import EngineSettings, QuerySettings
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


async def _own_spans(data_dir: Path) -> list[tuple[str, str]]:
    """Return trace id and name of each stored span of Gnomon's own."""
    engine = EmbeddedEngine(data_dir, EngineSettings(), QuerySettings())
    await engine.start()
    try:
        statement = "SELECT lower(hex(trace_id)) AS trace_id, name FROM spans WHERE service = 'gnomon' ORDER BY ts"
        return [(row["trace_id"], row["name"]) for row in (await engine.query(statement)).rows()]
    finally:
        await engine.stop()


def _use(server: GnomonProcess) -> None:
    parent = {"traceparent": f"00-{TRACE_ID}-b7ad6b7169203331-01"}
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        client.get("/api/status", headers=parent)
        for path in ("/health/live", "/health/ready", "/metrics", "/assets/none.js"):
            client.get(path)
        client.post("/ingest/jsonl", content=b'{"message": "hello"}\n')
    time.sleep(1.5)


async def test_own_requests_are_traced_but_not_probes_scrapes_assets_or_ingest(gnomon_server: GnomonProcess) -> None:
    _use(gnomon_server)
    assert gnomon_server.stop() == 0

    assert await _own_spans(gnomon_server.data_dir) == [(TRACE_ID, "GET /api/status")]


async def test_own_traces_can_be_switched_off(launch_gnomon: LaunchGnomon) -> None:
    server = launch_gnomon("--set", "own_traces.enabled=false").start()
    _use(server)
    server.stop()

    assert await _own_spans(server.data_dir) == []


def test_metrics_count_requests_ingest_and_queries(gnomon_server: GnomonProcess) -> None:
    with httpx.Client(base_url=gnomon_server.url, trust_env=False) as client:
        client.post("/ingest/jsonl", content=b'{"message": "hello"}\n{"message": "again"}\n')
        client.get("/api/storage")
        metrics = client.get("/metrics").text

    assert 'gnomon_ingest_items_total{protocol="jsonl",signal="logs"} 2.0' in metrics
    assert 'route="/ingest/jsonl"' in metrics
    assert 'route="/api/storage"' in metrics
    assert "gnomon_engine_query_duration_seconds_count" in metrics
    assert "gnomon_journal_backlog_bytes" in metrics
