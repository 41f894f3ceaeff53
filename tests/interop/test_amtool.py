"""amtool, a real Prometheus and Gnomon's own rules, all against one `gnomon serve`."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gnomon_process import GnomonProcess
from tests.peers.alertmanager import amtool
from tests.peers.prometheus import prometheus_running
from tests.webhook_recorder import WebhookRecorder, recording

ALERTMANAGER = """
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
  routes: [{matchers: ['severity="page"'], receiver: pager}]
receivers:
  - {name: hook, webhook_configs: [{url: URL/hook}]}
  - {name: pager, webhook_configs: [{url: URL/pager}]}
"""
RULES = """
groups:
  - name: own
    interval: 1s
    rules:
      - alert: OwnRule
        expr: vector(7) > 5
        labels: {severity: page}
        annotations: {summary: 'is {{ $value }}'}
"""
SHORT_RULES = """
rules:
  - name: OwnSpans
    spans: 'service:gnomon'
    condition: count(5m) > 0
    notification: [pager]
    summary: 'saw {{ $value }}'
"""
PROMETHEUS = """
global: {evaluation_interval: 1s, external_labels: {cluster: c1}}
rule_files: [theirs.yml]
alerting: {alertmanagers: [{static_configs: [{targets: ['ADDRESS']}]}]}
"""


@dataclass(frozen=True)
class Gnomon:
    process: GnomonProcess
    recorder: WebhookRecorder
    folder: Path

    def amtool(self, *arguments: str) -> str:
        answer = amtool(*arguments, url=self.process.url)
        assert answer.status == 0, answer
        return answer.output

    def told(self, path: str, chosen: Callable[[Any], bool], timeout_s: float = 30) -> Any:
        """Return the first message to a receiver that is chosen."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for request in list(self.recorder.received):
                if request.path == path and chosen(request.json):
                    return request.json
            time.sleep(0.05)
        raise AssertionError([request.body for request in self.recorder.received])


@pytest.fixture(scope="module")
def gnomon(amtool_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    folder = tmp_path_factory.mktemp("gnomon")
    with recording() as recorder:
        (folder / "alertmanager.yml").write_text(ALERTMANAGER.replace("URL", recorder.url), encoding="utf-8")
        (folder / "own.yml").write_text(RULES, encoding="utf-8")
        (folder / "prometheus.yml").write_text(
            "global: {evaluation_interval: 1s}\nrule_files: [own.yml]\n", encoding="utf-8"
        )
        (folder / "short.yaml").write_text(SHORT_RULES, encoding="utf-8")
        settings = {
            "prometheus": "prometheus.yml",
            "alertmanager": "alertmanager.yml",
            "own_traces": {"sample_ratio": 1},
            "alerting": {
                "rules": ["short.yaml"],
                "allowed_networks": ["127.0.0.0/8"],
                "heartbeat_url": f"{recorder.url}/heartbeat",
            },
        }
        (folder / "gnomon.yml").write_text(json.dumps(settings), encoding="utf-8")
        process = GnomonProcess(folder / "data", ("--config", str(folder / "gnomon.yml")))
        process.start()
        try:
            yield Gnomon(process, recorder, folder)
        finally:
            process.stop()


def test_amtool_adds_and_finds_alerts(gnomon: Gnomon) -> None:
    gnomon.amtool("alert", "add", "alertname=FromAmtool", "instance=i1", "--annotation=summary=hello")
    found = json.loads(gnomon.amtool("alert", "query", "instance=i1", "-o", "json"))
    assert [alert["labels"] for alert in found] == [{"alertname": "FromAmtool", "instance": "i1"}]
    assert found[0]["receivers"] == [{"name": "hook"}]
    gnomon.told("/hook", lambda message: message["commonLabels"]["alertname"] == "FromAmtool")


def test_amtool_adds_finds_changes_and_ends_silences(gnomon: Gnomon) -> None:
    silence_id = gnomon.amtool("silence", "add", "alertname=~Quiet.*", "-c", "planned", "-a", "me", "-d", "2h").strip()
    gnomon.amtool("alert", "add", "QuietOne")
    assert "QuietOne" not in gnomon.amtool("alert", "query")
    assert "QuietOne" in gnomon.amtool("alert", "query", "--silenced")
    assert gnomon.amtool("silence", "query", "-q").strip() == silence_id
    gnomon.amtool("silence", "update", silence_id, "-d", "3h", "-c", "longer")
    assert "longer" in gnomon.amtool("silence", "query")
    gnomon.amtool("silence", "expire", *gnomon.amtool("silence", "query", "-q").split())
    assert not gnomon.amtool("silence", "query", "-q").strip()
    assert silence_id in gnomon.amtool("silence", "query", "--expired", "-q")


def test_amtool_reads_the_configuration_and_tests_routes(gnomon: Gnomon) -> None:
    assert gnomon.amtool("config", "routes", "test", "severity=page").strip() == "pager"
    assert gnomon.amtool("config", "routes", "test", "severity=ticket").strip() == "hook"
    assert 'severity="page"' in gnomon.amtool("config", "routes", "show")
    shown = gnomon.amtool("config", "show")
    assert "<secret>" in shown
    assert gnomon.recorder.url not in shown


def test_a_prometheus_server_tells_its_alerts(gnomon: Gnomon, prometheus_program: Path) -> None:
    folder = gnomon.folder / "prometheus"
    folder.mkdir()
    (folder / "theirs.yml").write_text(RULES.replace("OwnRule", "TheirRule"), encoding="utf-8")
    config = PROMETHEUS.replace("ADDRESS", gnomon.process.url.removeprefix("http://"))
    # It knows its Alertmanagers some seconds after its first alert only.
    with prometheus_running(folder, config=config, flags=("--rules.alert.resend-delay=1s",)):
        message = gnomon.told("/pager", lambda each: each["commonLabels"]["alertname"] == "TheirRule")
    (alert,) = message["alerts"]
    assert alert["labels"] == {"alertname": "TheirRule", "severity": "page", "cluster": "c1"}
    assert alert["annotations"] == {"summary": "is 7"}


def test_own_rules_are_told_and_their_end_too_once_the_rule_finds_nothing(gnomon: Gnomon) -> None:
    def is_own(status: str) -> Callable[[Any], bool]:
        return lambda each: each["commonLabels"]["alertname"] == "OwnRule" and each["status"] == status

    message = gnomon.told("/pager", is_own("firing"))
    assert message["alerts"][0]["annotations"] == {"summary": "is 7"}
    assert message["alerts"][0]["generatorURL"].startswith(gnomon.process.url)
    rules = gnomon.folder / "own.yml"
    rules.write_text(RULES.replace("vector(7) > 5", "vector(7) > 9"), encoding="utf-8")
    assert httpx.post(f"{gnomon.process.url}/-/reload", trust_env=False).is_success
    gnomon.told("/pager", is_own("resolved"))
    firing = [each for each in gnomon.recorder.received if each.path == "/pager" and is_own("firing")(each.json)]
    assert len(firing) == 1


def test_a_rule_on_spans_from_a_file_tells_the_receivers_that_it_names(gnomon: Gnomon) -> None:
    message = gnomon.told("/pager", lambda each: each["commonLabels"]["alertname"] == "OwnSpans")
    (alert,) = message["alerts"]
    assert alert["labels"] == {"alertname": "OwnSpans", "severity": "warning", "notification": "pager"}
    assert float(alert["annotations"]["summary"].removeprefix("saw ")) > 0


def test_a_rule_on_logs_made_by_the_api_is_evaluated_at_once_and_ends_when_it_is_deleted(gnomon: Gnomon) -> None:
    url = gnomon.process.url
    rule = {"name": "Errors", "logs": 'level:error "disk full"', "condition": "count(5m) > 1", "severity": "page"}
    answer = httpx.post(f"{url}/api/alerting/rules", json=rule, trust_env=False)
    assert answer.status_code == 201, answer.text
    now_ns = time.time_ns()
    values = [[str(now_ns + place), f"disk full on volume {place}"] for place in range(2)]
    lines = {"streams": [{"stream": {"service_name": "shop", "level": "error"}, "values": values}]}
    assert httpx.post(f"{url}/loki/api/v1/push", json=lines, trust_env=False).is_success
    gnomon.told("/pager", lambda each: each["commonLabels"]["alertname"] == "Errors")
    assert 'log_count("level:error \\"disk full\\"", 5m) > 1' in [
        one["query"] for each in ask_rules(url) for one in each["rules"]
    ]
    created = answer.json()
    deleted = httpx.delete(f"{url}/api/alerting/rules/{created['id']}", params={"version": 1}, trust_env=False)
    assert deleted.status_code == 204
    assert "Errors" not in [one["name"] for each in ask_rules(url) for one in each["rules"]]


def ask_rules(url: str) -> Any:
    return httpx.get(f"{url}/api/v1/rules", trust_env=False).json()["data"]["groups"]


def test_heartbeats_are_sent_while_all_is_well(gnomon: Gnomon) -> None:
    assert "/heartbeat" in {request.path for request in gnomon.recorder.received}
