"""What channels over HTTP do beside telling that something fires: ends, acknowledgements, refusals, secrets."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from gnomon.alerting.channel_registry import make_channel
from gnomon.alerting.channels.apprise import Apprise, AppriseConfig
from gnomon.alerting.channels.channel import Reason, Tools
from gnomon.alerting.channels.opsgenie import OpsgenieConfig
from gnomon.alerting.channels.pagerduty import Pagerduty, PagerdutyConfig
from gnomon.alerting.channels.slack import SlackConfig
from gnomon.alerting.channels.unsupported import MattermostConfig
from gnomon.alerting.channels.webhook import WebhookConfig
from gnomon.alerting.config_values import HttpConfig
from gnomon.alerting.fired_alerts import FiredAlert
from gnomon.alerting.message_templates import MessageTemplates
from gnomon.alerting.message_values import Message
from gnomon.alerting.outgoing_http import OutgoingHttp, OutgoingSettings
from gnomon.model.labels import Labels
from tests.webhook_recorder import WebhookRecorder, recording

NOW = 1_800_000_000_000_000_000
LABELS = Labels.of({"alertname": "TooSlow", "team": "a"})
TOOLS = Tools(MessageTemplates(), OutgoingHttp(OutgoingSettings((ip_network("127.0.0.0/8"),))))
OPTIONS = HttpConfig()


def message(*, resolved: bool = False) -> Message:
    alert = FiredAlert(LABELS, {"summary": "slow"}, NOW - 60_000_000_000, NOW if resolved else 0)
    return Message("ops", "{}:{}", LABELS.keep({"alertname"}), (alert,), NOW, "http://g.example")


def answer(path: str, _body: str) -> tuple[int, str]:
    match path:
        case "/slack/refused":
            return 200, '{"ok": false, "error": "channel_not_found"}'
        case "/slack/busy":
            return 200, '{"ok": false, "error": "ratelimited"}'
        case "/limited":
            return 429, "slow down"
        case _:
            return 202, "{}"


@pytest.fixture
def recorder() -> Iterator[WebhookRecorder]:
    with recording(answer) as running:
        yield running


async def test_pagerduty_is_told_of_acknowledgement_and_end_under_the_same_key(recorder: WebhookRecorder) -> None:
    channel = Pagerduty(PagerdutyConfig(routing_key="k", url=f"{recorder.url}/"), OPTIONS, TOOLS)
    assert (await channel.send(message())).delivered
    assert (await channel.acknowledge(message())).delivered
    assert (await channel.send(message(resolved=True))).delivered
    sent = [request.json for request in recorder.received]
    assert [one["event_action"] for one in sent] == ["trigger", "acknowledge", "resolve"]
    assert len({one["dedup_key"] for one in sent}) == 1
    assert sent[0]["payload"]["severity"] == "error"
    assert "payload" not in sent[2]


async def test_opsgenie_closes_its_alert_and_updates_it_where_that_is_wanted(recorder: WebhookRecorder) -> None:
    config = OpsgenieConfig(api_key="k", api_url=recorder.url, update_alerts=True)
    channel = make_channel("opsgenie", config, OPTIONS, TOOLS)
    assert (await channel.send(message())).delivered
    assert (await channel.send(message(resolved=True))).delivered
    paths = [request.path for request in recorder.received]
    alias = recorder.received[0].json["alias"]
    assert paths == [
        "/v2/alerts",
        f"/v2/alerts/{alias}/message?identifierType=alias",
        f"/v2/alerts/{alias}/description?identifierType=alias",
        f"/v2/alerts/{alias}/close?identifierType=alias",
    ]


@pytest.mark.parametrize(("path", "recoverable"), [("/slack/refused", False), ("/slack/busy", True)])
async def test_slack_may_refuse_with_a_status_of_200(recorder: WebhookRecorder, path: str, recoverable: bool) -> None:
    config = SlackConfig(app_token="t", app_url=recorder.url + path, channel="c")
    outcome = await make_channel("slack", config, OPTIONS, TOOLS).send(message())
    assert (outcome.delivered, outcome.recoverable) == (False, recoverable)
    assert outcome.answer in {"channel_not_found", "ratelimited"}


async def test_a_limited_rate_is_worth_another_try(recorder: WebhookRecorder) -> None:
    channel = make_channel("webhook", WebhookConfig(url=f"{recorder.url}/limited"), OPTIONS, TOOLS)
    outcome = await channel.send(message())
    assert (outcome.reason, outcome.recoverable, outcome.status) == (Reason.RATE_LIMITED, True, 429)


async def test_secrets_are_read_from_files_each_time_and_never_shown(recorder: WebhookRecorder, tmp_path: Path) -> None:
    file = tmp_path / "url"
    channel = make_channel("webhook", WebhookConfig(url_file=str(file)), OPTIONS, TOOLS)
    missing = await channel.send(message())
    assert (missing.reason, missing.recoverable) == (Reason.SECRET, True)
    file.write_text(f"{recorder.url}/hidden-token\n", encoding="utf-8")
    assert (await channel.send(message())).delivered
    assert recorder.received[-1].path == "/hidden-token"
    (composed,) = await channel.compose(message())
    assert composed.target == "<secret>"
    shown = repr(PagerdutyConfig(routing_key="hidden-key")) + repr(SlackConfig(api_url="https://x.example/hidden-key"))
    assert "hidden-key" not in shown


async def test_a_template_that_cannot_be_filled_in_is_not_tried_again(recorder: WebhookRecorder) -> None:
    config = WebhookConfig(url=f"{recorder.url}/{{{{ .Nothing }}}}")
    outcome = await make_channel("webhook", config, OPTIONS, TOOLS).send(message())
    assert (outcome.reason, outcome.recoverable) == (Reason.TEMPLATE, False)
    assert recorder.received == []


async def test_what_gnomon_does_not_send_to_fails_aloud() -> None:
    config = MattermostConfig(webhook_url="https://x.example/")
    outcome = await make_channel("mattermost", config, OPTIONS, TOOLS).send(message())
    assert (outcome.reason, outcome.recoverable) == (Reason.NOT_SUPPORTED, False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a plugin of Apprise's
async def test_apprise_tells_what_it_knows_of(recorder: WebhookRecorder) -> None:
    channel = Apprise(AppriseConfig(urls=(recorder.url.replace("http://", "json://"),)), TOOLS)
    assert (await channel.send(message())).delivered
    content: Any = recorder.received[-1].json
    assert content["title"] == "[FIRING:1] TooSlow (a)"
    assert "slow" in content["message"]
    unknown = await Apprise(AppriseConfig(urls=("nonsense://",)), TOOLS).send(message())
    assert (unknown.delivered, unknown.recoverable) == (False, False)
