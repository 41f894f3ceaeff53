"""kill -9 under load, again and again: what was acknowledged is there, and nothing is there twice."""

import http.client
import os
import random
import threading
import time
from pathlib import Path

import pytest

from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.settings import EngineSettings, QuerySettings
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon
from tests.otlp_requests import make_log_request, make_trace_request

KILLS = 20
ITEMS = 20


class _Sender(threading.Thread):
    """Send requests one after the other; a request without an answer is sent again, as exporters do."""

    def __init__(self, server: GnomonProcess, signal: str) -> None:
        super().__init__(daemon=True)
        self._server, self._signal = server, signal
        self._unanswered: bytes | None = None
        self.acknowledged = 0
        self.tries = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not (self.ended.is_set() and self._unanswered is None):
            if self._unanswered is None:
                self._unanswered = self._make()
            self.tries += 1
            if self._send(self._unanswered):
                self._unanswered = None
                self.acknowledged += 1
            else:
                time.sleep(0.05)

    def _make(self) -> bytes:
        if self._signal == "traces":
            return make_trace_request(ITEMS)
        return make_log_request([os.urandom(8).hex() for _ in range(ITEMS)])

    def _send(self, body: bytes) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.otlp_http_port, timeout=20)
        try:
            connection.request("POST", f"/v1/{self._signal}", body, {"Content-Type": "application/x-protobuf"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer.status == http.client.OK


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_no_crash_loses_or_doubles_what_was_acknowledged(launch_gnomon: LaunchGnomon, tmp_path: Path) -> None:
    """Twenty kills at random moments under load of two signals, with senders that send again what was not answered."""
    server = launch_gnomon(data_dir=tmp_path / "data").start()
    senders = [_Sender(server, signal) for signal in ("traces", "traces", "logs")]
    for sender in senders:
        sender.start()
    moments = random.Random(20)
    try:
        for _ in range(KILLS):
            time.sleep(moments.uniform(0.1, 1.2))  # noqa: ASYNC251 - senders are threads, nothing else runs here
            server.kill()
            server.start()
    finally:
        for sender in senders:
            sender.ended.set()
        for sender in senders:
            sender.join(60)
    assert server.stop() == 0
    traces, logs = sum(s.acknowledged for s in senders[:2]), senders[2].acknowledged
    assert min(traces, logs) > KILLS
    engine = EmbeddedEngine(tmp_path / "data", EngineSettings(), QuerySettings())
    await engine.start()
    stored = await engine.query(
        "SELECT (SELECT (count(), uniqExact(trace_id, span_id)) FROM spans WHERE service = 'gateway') AS spans,"
        " (SELECT (count(), uniqExact(body)) FROM logs WHERE service = 'gateway') AS logs,"
        " (SELECT sum(spans) FROM trace_summaries WHERE has(services, 'gateway')) AS summed"
    )
    await engine.stop()
    assert stored.rows() == [
        {"spans": (traces * ITEMS, traces * ITEMS), "logs": (logs * ITEMS, logs * ITEMS), "summed": traces * ITEMS}
    ]
