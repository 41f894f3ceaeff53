"""A real Prometheus and Gnomon evaluate the same rules over the same series."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.gnomon_process import GnomonProcess
from tests.peers.prometheus import prometheus_running
from tests.write_requests import V1, Series, compress, sound_histogram, write_request

STEP_MS = 5_000
STEPS = 40
WAIT_S = 60.0

RULES: dict[str, Any] = {
    "groups": [
        {
            "name": "recording",
            "interval": "3s",
            "labels": {"team": "core"},
            "rules": [
                {"record": "job:requests:rate2m", "expr": "sum by (job) (rate(requests_total[2m]))"},
                {"record": "job:requests:double", "expr": "2 * job:requests:rate2m", "labels": {"kind": "derived"}},
                {"record": "job:latency:sum", "expr": "sum by (job) (latency)"},
                {"record": "twins", "expr": "requests_total", "labels": {"job": "x", "instance": "y"}},
            ],
        },
        {"name": "limited", "interval": "3s", "limit": 1, "rules": [{"record": "copy", "expr": "requests_total"}]},
        {
            "name": "alerts",
            "interval": "3s",
            "rules": [
                {
                    "alert": "Busy",
                    "expr": "requests_total > 100",
                    "for": "4s",
                    "labels": {"severity": "{{ if gt $value 500.0 }}page{{ else }}info{{ end }}"},
                    "annotations": {"summary": "{{ $labels.job }} on {{ $labels.instance }}: {{ $value | humanize }}"},
                },
                {"alert": "Never", "expr": "requests_total < 0", "keep_firing_for": "5m"},
            ],
        },
    ]
}


@dataclass(frozen=True)
class Both:
    """The addresses of a Prometheus and a Gnomon with the same rules and series."""

    prometheus: str
    gnomon: str

    def ask(self, path: str, **params: str) -> tuple[Any, Any]:
        """Return the data of both answers."""
        answers = [
            httpx.get(f"{url}/api/v1/{path}", params=params, timeout=30.0, trust_env=False).json()
            for url in (self.prometheus, self.gnomon)
        ]
        assert [answer["status"] for answer in answers] == ["success"] * 2, answers
        return answers[0]["data"], answers[1]["data"]

    def samples(self, metric: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all samples (floats or histograms) by labels and time."""
        found = []
        for data in self.ask("query", query=f"{metric}[2m]"):
            rows = data["result"]
            found.append(
                {
                    f"{sorted(row['metric'].items())} {at}": value
                    for row in rows
                    for at, value in [*row.get("values", []), *row.get("histograms", [])]
                }
            )
        return found[0], found[1]

    def wait_for_common(self, metric: str, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return both's samples once they share so many times of evaluation."""
        deadline = time.monotonic() + WAIT_S
        while True:
            theirs, ours = self.samples(metric)
            if len(theirs.keys() & ours.keys()) >= count:
                return theirs, ours
            assert time.monotonic() < deadline, (metric, theirs, ours)
            time.sleep(0.5)


def make_request(now_ms: int) -> bytes:
    times = [now_ms - (STEPS - 1 - step) * STEP_MS for step in range(STEPS)]
    series = []
    for job, instance, rate in (("api", "a", 3.0), ("api", "b", 17.0), ("web", "a", 0.25)):
        labels = [("__name__", "requests_total"), ("instance", instance), ("job", job)]
        series.append(Series(labels, [(at, rate * step) for step, at in enumerate(times)]))
    for instance in ("a", "b"):
        histogram = sound_histogram(
            timestamp=times[-1], sum=4.5, count_int=6, zero_count_int=1, positive_deltas=[2, -1, 1]
        )
        labels = [("__name__", "latency"), ("instance", instance), ("job", "api")]
        series.append(Series(labels, (), histograms=[histogram]))
    return write_request(series)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, prometheus_program: Path) -> Iterator[Both]:
    assert prometheus_program.exists()
    folder = tmp_path_factory.mktemp("rules")
    rules = folder / "rules.yml"
    rules.write_text(yaml.safe_dump(RULES), encoding="utf-8")
    prometheus_file = folder / "prometheus.yml"
    prometheus_file.write_text(yaml.safe_dump({"rule_files": [str(rules)]}), encoding="utf-8")
    settings = {
        "prometheus": str(prometheus_file),
        "own_metrics": {"enabled": False},
        "own_traces": {"enabled": False},
        "host_metrics": {"enabled": False},
    }
    config = folder / "gnomon.yml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    gnomon = GnomonProcess(folder / "gnomon", ("--config", str(config)))
    try:
        gnomon.start()
        with prometheus_running(folder / "prometheus", config={"rule_files": [str(rules)]}) as server:
            body = compress(make_request(int(time.time()) * 1000))
            for url in (server.url, gnomon.url):
                answer = httpx.post(f"{url}/api/v1/write", content=body, headers=V1, timeout=30.0, trust_env=False)
                assert answer.is_success, answer.text
            yield Both(server.url, gnomon.url)
    finally:
        gnomon.stop()


@pytest.mark.parametrize(
    ("metric", "series"), [("job:requests:rate2m", 2), ("job:requests:double", 2), ("job:latency:sum", 1)]
)
def test_recorded_series_have_the_same_samples_at_the_same_times(both: Both, metric: str, series: int) -> None:
    theirs, ours = both.wait_for_common(metric, 3 * series)
    for key in theirs.keys() & ours.keys():
        if isinstance(theirs[key], str):
            assert float(ours[key]) == pytest.approx(float(theirs[key]), rel=1e-9), key
        else:
            assert _numbers(ours[key]) == pytest.approx(_numbers(theirs[key]), rel=1e-9), key


def test_alerts_are_the_same(both: Both) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        theirs, ours = both.ask("alerts")
        firing = [sum(alert["state"] == "firing" for alert in data["alerts"]) for data in (theirs, ours)]
        if firing == [2, 2]:
            break
        assert time.monotonic() < deadline, (theirs, ours)
        time.sleep(0.5)
    assert _alerts(ours["alerts"]) == _alerts(theirs["alerts"])
    both.wait_for_common("ALERTS", 2)
    both.wait_for_common("ALERTS_FOR_STATE", 2)


def test_rules_are_described_alike(both: Both) -> None:
    both.wait_for_common("job:requests:double", 4)
    theirs, ours = both.ask("rules")
    assert [_describe(group) for group in _by_name(ours)] == [_describe(group) for group in _by_name(theirs)]


@pytest.mark.parametrize(
    "params",
    [
        {"type": "record"},
        {"type": "alert", "exclude_alerts": "true"},
        {"rule_name[]": "Busy"},
        {"rule_group[]": "limited"},
        {"match[]": '{team="core"}'},
        {"group_limit": "1"},
        {"file[]": "nothing"},
    ],
    ids=str,
)
def test_rules_are_chosen_alike(both: Both, params: dict[str, str]) -> None:
    theirs, ours = both.ask("rules", **params)
    assert ours.keys() == theirs.keys()
    names = [[[rule["name"] for rule in group["rules"]] for group in _by_name(data)] for data in (ours, theirs)]
    if "group_limit" in params:
        assert len(names[0]) == len(names[1]) == 1
    else:
        assert names[0] == names[1]


def _numbers(histogram: dict[str, Any]) -> list[float]:
    """Return count, sum and buckets in a row; the last digit of a bucket's bound may differ."""
    cells = [cell for bucket in histogram["buckets"] for cell in bucket]
    return [float(cell) for cell in (histogram["count"], histogram["sum"], *cells)]


def _by_name(data: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(data["groups"], key=lambda group: str(group["name"]))


def _describe(group: dict[str, Any]) -> dict[str, Any]:
    """Return a group without what differs from one evaluation to the next."""
    changing = {"evaluationTime", "lastEvaluation", "alerts", "state"}
    assert {"evaluationTime", "lastEvaluation"} <= group.keys()
    rules = [{key: value for key, value in rule.items() if key not in changing} for rule in group["rules"]]
    return {key: value for key, value in group.items() if key not in changing} | {"rules": rules}


def _alerts(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    without_time = [{key: value for key, value in alert.items() if key != "activeAt"} for alert in alerts]
    return sorted(without_time, key=lambda alert: str(sorted(alert["labels"].items())))
