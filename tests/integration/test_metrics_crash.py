"""kill -9 while series come and samples go on: whatever was acknowledged is found by its labels, once."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.ingest.write_request import encode_labels, encode_sample
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon
from tests.write_requests import V1, compress

KILLS = 4
KNOWN = NEW = 50


class _Sender(threading.Thread):
    """Send samples of known and of new series; a request without an answer is sent again, as Prometheus does."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = f"{url}/api/v1/write"
        self.acknowledged = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            body = compress(self._make(self.acknowledged))
            while not self._send(body):
                time.sleep(0.05)
            self.acknowledged += 1

    def _make(self, number: int) -> bytes:
        now_ms = time.time_ns() // 1_000_000
        series = [("known", place) for place in range(KNOWN)] + [("new", number * NEW + place) for place in range(NEW)]
        return b"".join(
            encode_sample(encode_labels((("__name__", name), ("place", str(place)))), now_ms, float(place))
            for name, place in series
        )

    def _send(self, body: bytes) -> bool:
        try:
            return httpx.post(self._url, content=body, headers=V1, timeout=20, trust_env=False).is_success
        except httpx.TransportError:
            return False


def _ask(server: GnomonProcess, query: str) -> float:
    answer: Any = httpx.get(f"{server.url}/api/v1/query", params={"query": query}, timeout=60, trust_env=False).json()
    result = answer["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_no_crash_loses_samples_or_the_labels_of_their_series(
    launch_gnomon: LaunchGnomon, tmp_path: Path
) -> None:
    """Four kills at random moments: all acknowledged samples are there, each once, and each under its labels."""
    quiet = tuple(
        f"--set={name}.enabled=false" for name in ("own_metrics", "host_metrics", "own_traces", "span_metrics")
    )
    server = launch_gnomon(*quiet, data_dir=tmp_path / "data").start()
    sender = _Sender(server.url)
    sender.start()
    moments = random.Random(6)
    try:
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.3, 2.0))  # noqa: ASYNC251 - the sender is a thread, nothing else runs here
            server.kill()
            server.start()
    finally:
        sender.ended.set()
        sender.join(60)
    time.sleep(1)  # noqa: ASYNC251 - as above
    assert sender.acknowledged > KILLS
    assert _ask(server, "sum(count_over_time(known[1h]))") == sender.acknowledged * KNOWN
    assert _ask(server, "sum(count_over_time(new[1h]))") == sender.acknowledged * NEW
    assert _ask(server, "count(last_over_time(new[1h]))") == sender.acknowledged * NEW
    assert _ask(server, 'count(last_over_time(new{place=~".+"}[1h]) == bool 0)') == sender.acknowledged * NEW
    assert _ask(server, "sum(last_over_time(new[1h]))") == sum(range(sender.acknowledged * NEW))
