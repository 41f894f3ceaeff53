"""The same configuration and the same alerts, in a real Alertmanager and in Gnomon: the same notifications."""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest

from gnomon.alerting.alertmanager_config import parse_alertmanager_config
from gnomon.alerting.fired_alerts import FiredAlert, parse_time_ns
from gnomon.alerting.matcher_syntax import parse_matchers
from gnomon.alerting.notification_service import NotificationService, NotificationSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.alerting.silences import Silence
from gnomon.lifecycle import SystemClock
from gnomon.model.labels import Labels
from gnomon.storage.state_store import StateStore
from tests.peers.alertmanager import alertmanager_running
from tests.webhook_recorder import Received, WebhookRecorder, recording

CONFIG = (Path(__file__).parent / "alertmanager" / "scenarios.yml").read_text(encoding="utf-8")
HOUR = timedelta(hours=1)
LAST_S = 8.3
SILENCED_S = 6.0
PLAYS = 3


@dataclass(frozen=True)
class Step:
    """Alerts that are told so many seconds after the start; `ends` is when they end after that, None for not said."""

    at_s: float
    alerts: Sequence[Mapping[str, str]]
    ends: timedelta | None = HOUR


OVER = timedelta()


def alert(scenario: str, name: str = "Down", **labels: str) -> dict[str, str]:
    return {"alertname": name, "scenario": scenario, **labels}


def one(scenario: str) -> list[dict[str, str]]:
    return [alert(scenario, instance="i1", job="x")]


TWO = [alert("group", instance="i1"), alert("group", "Slow", instance="i2")]
THREE = [*TWO, alert("group", instance="i3")]
STEPS = (
    Step(0, one("single")),
    Step(4, one("single"), OVER),
    Step(0, TWO),
    Step(2, THREE),
    Step(4, TWO[:1], OVER),
    Step(6, THREE, OVER),
    Step(0, one("silence")),
    Step(0, [alert("inhibition", severity="page", job="x"), alert("inhibition", "Slow", severity="ticket", job="x")]),
    Step(0, [alert("inhibition", "Other", severity="ticket", job="y")]),
    Step(4, [alert("inhibition", severity="page", job="x")], OVER),
    Step(0, [alert("continue", instance="i1"), alert("continue", instance="i2")]),
    Step(0, [*one("muted"), *one("inactive"), *one("active"), *one("nothing of the kind")]),
    Step(0, one("quiet end")),
    Step(2, one("quiet end"), OVER),
    Step(6, one("quiet end")),
    Step(0, one("repeat")),
    Step(0, one("flapping")),
    Step(2, one("flapping"), OVER),
    Step(4, one("flapping")),
    Step(6, one("flapping"), OVER),
    Step(0, one("over already"), OVER),
    Step(0, one("timeout"), None),
    Step(2, one("timeout"), None),
    Step(0, one("server error")),
    Step(0, one("client error")),
    Step(0, [alert("nested", team="a", instance="i1"), alert("nested", team="c"), alert("nested", team="d")]),
)


class Failing:
    """Answer the first requests to some paths with errors."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, path: str, _body: str) -> tuple[int, str]:
        with self._lock:
            count = self._counts[path] = self._counts.get(path, 0) + 1
        if path == "/server-error" and count <= 2:
            return 503, "later"
        if path == "/client-error" and count == 1:
            return 400, "no"
        return 200, ""


@dataclass(frozen=True)
class Outcome:
    """What each side told, by path; and what Gnomon told about channels that fail, which Alertmanager never does."""

    theirs: dict[str, list[Any]]
    ours: dict[str, list[Any]]
    about_channels: list[Received]


def told(received: Sequence[Received]) -> dict[str, list[Any]]:
    """Return messages by path and group, without what differs from run to run, in the order of each group."""
    messages: dict[str, dict[str, list[Any]]] = {}
    for request in received:
        content = request.json
        del content["externalURL"]
        for each in content["alerts"]:
            ended = each["endsAt"] != "0001-01-01T00:00:00Z"
            each["startsAt"], each["endsAt"] = "some time", ended
        content["alerts"].sort(key=lambda each: each["fingerprint"])
        groups = messages.setdefault(request.path, {})
        groups.setdefault(content["groupKey"], []).append((request.status, content))
    return {path: sorted(groups.items()) for path, groups in messages.items()}


async def play(url: str, service: NotificationService) -> None:
    """Tell all alerts to both sides, each at its time."""
    until = datetime.now(UTC) + timedelta(seconds=SILENCED_S)
    await silence(url, service, until)
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for at_s in sorted({step.at_s for step in STEPS}):
            await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))
            content = [entry for step in STEPS if step.at_s == at_s for entry in entries(step)]
            answer, _ = await asyncio.gather(
                client.post(f"{url}/api/v2/alerts", json=content), service.put([read(entry) for entry in content])
            )
            assert answer.is_success, answer.text
        await asyncio.sleep(max(0.0, began + LAST_S - time.monotonic()))


async def silence(url: str, service: NotificationService, until: datetime) -> None:
    matcher = {"name": "scenario", "value": "sil.*", "isRegex": True, "isEqual": True}
    content = {
        "matchers": [matcher],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": until.isoformat(),
        "createdBy": "a test",
        "comment": "",
    }
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        assert (await client.post(f"{url}/api/v2/silences", json=content)).is_success
    now_ns = service.now_ns()
    ends_ns = round(until.timestamp() * 1e9)
    await service.silences.set(Silence("", parse_matchers('scenario=~"sil.*"'), now_ns, ends_ns, "a test", ""))


def entries(step: Step) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for labels in step.alerts:
        entry: dict[str, Any] = {"labels": labels, "annotations": {"summary": f"{labels['alertname']} <b>"}}
        if step.ends is not None:
            entry |= {"endsAt": (now + step.ends).isoformat()}
        yield entry


def read(entry: Mapping[str, Any]) -> FiredAlert:
    ends_at_ns = parse_time_ns(entry["endsAt"]) if "endsAt" in entry else 0
    return FiredAlert(Labels.of(entry["labels"]), entry["annotations"], 0, ends_at_ns)


@pytest.fixture(scope="module")
def outcome(alertmanager_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Play all scenarios, on both sides at the same time.

    A busy machine may hold one side back by more than the second between events and looks: then once more, and the
    last outcome counts.
    """
    found = compare(tmp_path_factory.mktemp("alertmanager"))
    for _ in range(PLAYS - 1):
        if found.ours != found.theirs or len(found.about_channels) != 2:
            found = compare(tmp_path_factory.mktemp("alertmanager"))
    return found


def compare(folder: Path) -> Outcome:
    with ExitStack() as stack:
        theirs, ours = stack.enter_context(recording(Failing())), stack.enter_context(recording(Failing()))
        peer = stack.enter_context(alertmanager_running(folder, CONFIG.replace("HOOK", theirs.url)))
        asyncio.run(run(peer.url, folder, ours))
        about_channels = [request for request in ours.received if "GnomonNotificationsFailing" in request.body]
        others = [request for request in ours.received if request not in about_channels]
        return Outcome(told(theirs.received), told(others), about_channels)


async def run(url: str, folder: Path, recorder: WebhookRecorder) -> None:
    clock = SystemClock()
    state = StateStore(folder, None, clock)
    await state.start()
    config = parse_alertmanager_config(CONFIG.replace("HOOK", recorder.url), folder / "alertmanager.yml")
    outgoing = OutgoingSettings((ip_network("127.0.0.0/8"),))
    service = NotificationService(state, clock, lambda: NotificationSettings(config, outgoing))
    await service.start()
    try:
        await play(url, service)
    finally:
        await service.stop()
        await state.stop()


PATHS = (
    *("default", "single", "group", "group-two", "silence", "inhibition", "continue-one", "continue-two", "active"),
    *("quiet-end", "repeat", "flapping", "timeout", "server-error", "client-error", "nested", "nested-a-Down"),
)
QUIET = ("muted", "inactive", "over-already", "nested-never")


@pytest.mark.parametrize("path", PATHS)
def test_both_tell_the_same(outcome: Outcome, path: str) -> None:
    theirs = outcome.theirs[f"/{path}"]
    assert outcome.ours[f"/{path}"] == theirs


@pytest.mark.parametrize("path", QUIET)
def test_both_tell_nothing(outcome: Outcome, path: str) -> None:
    assert f"/{path}" not in outcome.theirs
    assert f"/{path}" not in outcome.ours


def test_nothing_else_was_told(outcome: Outcome) -> None:
    assert set(outcome.ours) == set(outcome.theirs) == {f"/{path}" for path in PATHS}


def test_a_channel_that_fails_is_told_of_by_another_and_so_is_its_recovery(outcome: Outcome) -> None:
    began, ended = outcome.about_channels
    assert (began.path, ended.path) == ("/default", "/default")
    assert (began.json["status"], ended.json["status"]) == ("firing", "resolved")
    assert began.json["alerts"][0]["labels"]["receiver"] == "client-error"
    assert "status 400" in began.json["alerts"][0]["annotations"]["description"]
