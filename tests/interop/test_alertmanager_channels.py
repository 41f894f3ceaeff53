"""What leaves by each channel: the same requests as those of a real Alertmanager with the same configuration."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.alerting.alertmanager_config import parse_alertmanager_config
from gnomon.alerting.fired_alerts import FiredAlert, parse_time_ns
from gnomon.alerting.notification_service import NotificationService, NotificationSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.lifecycle import SystemClock
from gnomon.model.labels import Labels
from gnomon.storage.state_store import StateStore
from tests.peers.alertmanager import alertmanager_running
from tests.webhook_recorder import Received, WebhookRecorder, recording

CONFIG = (Path(__file__).parent / "alertmanager" / "channels.yml").read_text(encoding="utf-8")
TEMPLATES = """
{{ define "own.name" }}{{ .Receiver | toUpper }}{{ end }}
{{ define "own.title" }}[{{ .Status }}] {{ .GroupLabels.SortedPairs.Values | join "," }}: {{ len .Alerts }}
{{- range .CommonLabels.Remove (stringSlice "team") | len | printf "%d" }}{{ end }}{{ end }}
"""
LABELS = {"alertname": "Too Slow", "team": "checkout", "severity": "critical", "instance": "i1"}
ANNOTATIONS = {"summary": "5 < 7 & more"}
PATHS = (
    *("/webhook", "/moved-to", "/slack", "/slack-app", "/pagerduty", "/discord", "/msteams", "/msteamsv2"),
    *("/telegram/botbot:1/sendMessage", "/opsgenie/v2/alerts"),
)
HEADERS = ("authorization", "content-type", "x-team")


def answer(path: str, _body: str) -> tuple[int, str]:
    if path == "/moved":
        return 307, "/moved-to"
    if path.startswith("/telegram"):
        # Alertmanager looks into the message that Telegram says it sent, and falls over where none is told.
        return 200, '{"ok": true, "result": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}}'
    return 200, '{"ok": true}'


Requests = Mapping[str, Received]


def by_path(received: list[Received]) -> Requests:
    return {request.path: request for request in received}


@pytest.fixture(scope="module")
def requests(alertmanager_program: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Requests, Requests]:
    """Tell one alert to both sides and return what each sent."""
    folder = tmp_path_factory.mktemp("channels")
    (folder / "own.tmpl").write_text(TEMPLATES.replace("{{- range", "{{- with"), encoding="utf-8")
    with ExitStack() as stack:
        theirs, ours = stack.enter_context(recording(answer)), stack.enter_context(recording(answer))
        peer = stack.enter_context(alertmanager_running(folder, CONFIG.replace("HOOK", theirs.url)))
        asyncio.run(tell(peer.url, folder, ours))
        count = len(PATHS) + 1
        return by_path(theirs.wait_for(count, 60)), by_path(ours.wait_for(count))


async def tell(url: str, folder: Path, recorder: WebhookRecorder) -> None:
    clock = SystemClock()
    state = StateStore(folder, None, clock)
    await state.start()
    config = parse_alertmanager_config(CONFIG.replace("HOOK", recorder.url), folder / "alertmanager.yml")
    outgoing = OutgoingSettings((ip_network("127.0.0.0/8"),))
    service = NotificationService(state, clock, lambda: NotificationSettings(config, outgoing))
    await service.start()
    starts, ends = "2026-11-20T10:00:00Z", (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    entry = {"labels": LABELS, "annotations": ANNOTATIONS, "startsAt": starts, "endsAt": ends}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert (await client.post(f"{url}/api/v2/alerts", json=[entry])).is_success
    await service.put([FiredAlert(Labels.of(LABELS), ANNOTATIONS, parse_time_ns(starts), parse_time_ns(ends))])
    try:
        await asyncio.to_thread(recorder.wait_for, len(PATHS) + 1, 30)
    finally:
        await service.stop()
        await state.stop()


def plain(request: Received) -> Any:
    """Return what a request says: numbers as text, without what is empty, and where the sender itself is."""
    content = request.json
    content.pop("externalURL", None)
    return _plain(content)


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _plain(value) for name, value in content.items() if value not in ("", None)}
    if isinstance(content, list):
        return [_plain(value) for value in content]
    return str(content).lower() if isinstance(content, bool | int) else content


@pytest.mark.parametrize("path", PATHS)
def test_the_same_is_sent(requests: tuple[Requests, Requests], path: str) -> None:
    theirs, ours = (side[path] for side in requests)
    assert plain(ours) == plain(theirs)
    assert {name: ours.headers.get(name) for name in HEADERS} == {name: theirs.headers.get(name) for name in HEADERS}


def test_nothing_else_is_sent(requests: tuple[Requests, Requests]) -> None:
    theirs, ours = requests
    assert set(ours) == set(theirs) == {*PATHS, "/moved"}
