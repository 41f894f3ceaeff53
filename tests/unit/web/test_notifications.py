"""The APIs of alerts, notifications and receivers, around real channels."""

import asyncio
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx

from gnomon.alerting.alertmanager_config import parse_alertmanager_config
from gnomon.alerting.notification_service import NotificationSettings
from gnomon.alerting.outgoing_http import OutgoingSettings
from gnomon.model.api_keys import Scope
from gnomon.web.access_control import required_scope
from tests.unit.web.conftest import OpenApp
from tests.webhook_recorder import recording

CONFIG = """
route: {receiver: ops, group_wait: 0s, group_interval: 1s, routes: [{matchers: [team=a], receiver: empty}]}
receivers:
  - name: ops
    slack_configs: [{api_url: URL/services/SECRET, channel: '#ops', send_resolved: true}]
    telegram_configs: [{api_url: URL, bot_token: SECRET, chat_id: 1}]
  - name: empty
inhibit_rules: [{source_matchers: [severity=page], target_matchers: [severity=info], equal: [job]}]
"""


def settings(url: str) -> NotificationSettings:
    config = parse_alertmanager_config(CONFIG.replace("URL", url), Path("alertmanager.yml"))
    return NotificationSettings(config, OutgoingSettings((ip_network("127.0.0.0/8"),)), "http://g.example")


async def ended(client: httpx.AsyncClient, count: int) -> list[dict[str, Any]]:
    """Return notifications once so many are over."""
    found: list[dict[str, Any]] = []
    for _ in range(200):
        found = (await client.get("/api/notifications")).json()["notifications"]
        over: list[dict[str, Any]] = [one for one in found if one["state"] != "pending"]
        if len(over) >= count:
            return over
        await asyncio.sleep(0.05)
    raise AssertionError(found)


async def test_a_test_is_sent_by_every_channel_and_answers_are_told(open_app: OpenApp) -> None:
    with recording(lambda path, _body: (200, "ok") if "services" in path else (403, "bot was kicked")) as recorder:
        async with open_app(notifications=settings(recorder.url)) as app:
            answer = (await app.client.post("/api/receivers/ops/test")).json()
        assert [one["delivered"] for one in answer["outcomes"]] == [True, False]
        assert answer["outcomes"][1]["status"] == 403
        assert answer["outcomes"][1]["answer"] == "bot was kicked"
        assert len(recorder.received) == 2


async def test_a_preview_shows_messages_without_secrets_and_sends_nothing(open_app: OpenApp) -> None:
    with recording() as recorder:
        async with open_app(notifications=settings(recorder.url)) as app:
            message = {"alerts": [{"labels": {"alertname": "TooSlow"}, "annotations": {"summary": "s"}}]}
            answer = await app.client.post("/api/receivers/ops/preview", json=message)
            shown = answer.json()["messages"]
            listed = await app.client.get("/api/receivers")
            status = await app.client.get("/api/v2/status")
        assert [one["integration"] for one in shown] == ["slack[0]", "telegram[0]"]
        assert "TooSlow" in shown[0]["body"]
        assert not any("SECRET" in each.text for each in (answer, listed, status))
        assert recorder.received == []


async def test_every_attempt_is_on_record_and_a_failing_channel_is_shown(open_app: OpenApp) -> None:
    with recording(lambda path, _body: (200, "ok") if "services" in path else (400, "chat not found")) as recorder:
        async with open_app(notifications=settings(recorder.url)) as app:
            alerts = [{"labels": {"alertname": "Down", "job": "x"}, "annotations": {}}]
            assert (await app.client.post("/api/v2/alerts", json=alerts)).status_code == 200
            found = {one["integration"]: one for one in await ended(app.client, 2)}
            receivers = (await app.client.get("/api/receivers")).json()["receivers"]
            only_failed = (await app.client.get("/api/notifications", params={"state": "failed"})).json()
    slack, telegram = found["slack[0]"], found["telegram[0]"]
    assert (slack["state"], telegram["state"]) == ("delivered", "failed")
    assert slack["attempts"][0]["answer"] == "ok"
    (attempt,) = telegram["attempts"]
    assert (attempt["status"], attempt["reason"], attempt["answer"]) == (400, "client_error", "chat not found")
    assert {one["state"] for one in only_failed["notifications"]} == {"failed"}
    by_name = {one["name"]: one for one in receivers[0]["integrations"]}
    assert (by_name["slack[0]"]["failing"], by_name["telegram[0]"]["failing"]) == (False, True)
    assert "chat not found" in by_name["telegram[0]"]["problem"]


async def test_alerts_tell_what_silences_and_inhibits_them(open_app: OpenApp) -> None:
    with recording() as recorder:
        async with open_app(notifications=settings(recorder.url)) as app:
            client = app.client
            alerts = [
                {"labels": {"alertname": "Down", "severity": severity, "job": job}}
                for severity, job in (("page", "x"), ("info", "x"), ("info", "y"))
            ]
            await client.post("/api/v2/alerts", json=alerts)
            silence = {
                "matchers": [{"name": "job", "value": "y", "isRegex": False}],
                "startsAt": "2026-01-01T00:00:00Z",
                "endsAt": "2999-01-01T00:00:00Z",
                "createdBy": "me",
                "comment": "c",
            }
            silence_id = (await client.post("/api/v2/silences", json=silence)).json()["silenceID"]
            found = (await client.get("/api/v2/alerts")).json()
            active = (await client.get("/api/v2/alerts", params={"silenced": "false", "inhibited": "false"})).json()
            groups = (await client.get("/api/v2/alerts/groups", params={"filter": 'severity="info"'})).json()
            await client.delete(f"/api/v2/silence/{silence_id}")
            after = (await client.get("/api/v2/alerts", params={"filter": "job=y"})).json()
    states = {(one["labels"]["severity"], one["labels"]["job"]): one["status"] for one in found}
    source = next(one["fingerprint"] for one in found if one["labels"]["severity"] == "page")
    assert states["info", "x"]["inhibitedBy"] == [source]
    assert states["info", "y"]["silencedBy"] == [silence_id]
    assert [one["labels"]["severity"] for one in active] == ["page"]
    assert [len(group["alerts"]) for group in groups] == [2]
    assert after[0]["status"]["state"] == "active"


async def test_wrong_requests_are_answered_with_a_reason(open_app: OpenApp) -> None:
    with recording() as recorder:
        async with open_app(notifications=settings(recorder.url)) as app:
            client = app.client
            answers = [
                await client.post("/api/v2/alerts", json=[{"labels": {}}]),
                await client.post("/api/v2/alerts", content=b"{"),
                await client.post("/api/v2/silences", json={"matchers": []}),
                await client.get("/api/v2/alerts", params={"filter": "x"}),
                await client.get("/api/v2/silence/none"),
                await client.delete("/api/v2/silence/none"),
                await client.post("/api/receivers/none/test"),
            ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 400, 404, 404, 404]
    assert answers[0].json() == "at least one label pair required"


def test_telling_alerts_is_ingest_and_silencing_is_for_administrators() -> None:
    assert required_scope("/api/v2/alerts", "POST") is Scope.INGEST
    assert required_scope("/api/v2/alerts", "GET") is Scope.READ
    assert required_scope("/api/v2/silences", "POST") is Scope.ADMIN
    assert required_scope("/api/v2/silence/1", "DELETE") is Scope.ADMIN
    assert required_scope("/api/receivers/ops/test", "POST") is Scope.ADMIN
    assert required_scope("/api/receivers", "GET") is Scope.READ
