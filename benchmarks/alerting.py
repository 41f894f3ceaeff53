"""Rules: 1,000 alerting rules over 10,000 series that go on growing, evaluated every 15 s; CPU of the whole process."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.metric_series import INTERVAL_MS, MetricSeries, make_metric_series, make_requests
from benchmarks.watch import Watch
from tests.gnomon_process import GnomonProcess

RULES, GROUPS = 1_000, 20
HISTORY = 40
WARM, MEASURED = 3, 6
SHARE = 0.5
_INTERVAL_S = INTERVAL_MS / 1000
_QUIET = {"GNOMON_OWN_METRICS__ENABLED": "false", "GNOMON_HOST_METRICS__ENABLED": "false"}


def measure(folder: Path) -> list[Figure]:
    """Return the share of one core, and how many evaluations were late."""
    (folder / "rules.yml").write_text(json.dumps({"groups": list(_groups())}), encoding="utf-8")
    prometheus = {"global": {"evaluation_interval": "15s"}, "rule_files": ["rules.yml"]}
    (folder / "prometheus.yml").write_text(json.dumps(prometheus), encoding="utf-8")
    arguments = ("--set", f"prometheus={folder / 'prometheus.yml'}")
    server = GnomonProcess(folder / "gnomon", arguments, _QUIET).start()
    try:
        series = make_metric_series(HISTORY + WARM + MEASURED)
        first_ms = (time.time_ns() // 1_000_000) - HISTORY * INTERVAL_MS
        _send(server, series, first_ms, slice(0, HISTORY))
        _grow(server, series, first_ms, HISTORY, WARM)
        before = _counts(server)
        with Watch(server.pid) as watched:
            _grow(server, series, first_ms, HISTORY + WARM, MEASURED)
        after = _counts(server)
    finally:
        server.stop()
    share = watched.cpu_s / watched.seconds
    evaluated = after["evaluations"] - before["evaluations"]
    missed = after["missed"] - before["missed"]
    due = RULES * watched.seconds / _INTERVAL_S
    return [
        Figure("CPU, ingest of 667 samples/s included", share * 100, "% of a core", target="< 50 %", met=share < SHARE),
        Figure("rule evaluations", evaluated, "", target=f"{due:,.0f} due", met=evaluated >= due - RULES),
        Figure("evaluations of groups that came too late", missed, "", target="0, and counted", met=missed == 0),
        Figure("evaluations that failed", after["failures"] - before["failures"], "", target="0"),
        Figure("CPU for one evaluation of a rule, at most", watched.cpu_s / max(1, evaluated) * 1000, "ms"),
        Figure("firing alerts", after["alerts"], ""),
        Figure("resident memory", watched.peak_bytes / 2**20, "MiB"),
    ]


def _groups() -> Iterator[dict[str, object]]:
    rules = list(_rules())
    size = RULES // GROUPS
    for number in range(GROUPS):
        yield {"name": f"group-{number}", "rules": rules[number * size : (number + 1) * size]}


def _rules() -> Iterator[dict[str, object]]:
    """Yield five rules for each of 200 targets; together they read all series but those of information."""
    for job in range(10):
        for host in range(20):
            target = f'job="job-{job}",instance="host-{host}:9100"'
            buckets = f"http_request_duration_seconds_bucket{{{target}}}"
            expressions = {
                "ErrorShare": f'sum(rate(http_requests_total{{{target},code="500"}}[5m]))'
                f" / sum(rate(http_requests_total{{{target}}}[5m])) > 0.9",
                "Slow": f"histogram_quantile(0.99, sum by (le) (rate({buckets}[5m]))) > 1",
                "Memory": f"max_over_time(memory_bytes{{{target}}}[5m]) > 5.2e8",
                "Queue": f'{{__name__=~"queue_.*",{target}}} > 125',
                "Gone": f"absent(build_info{{{target}}})",
            }
            for name, expression in expressions.items():
                yield {
                    "alert": name,
                    "expr": expression,
                    "for": "30s",
                    "labels": {"severity": "ticket", "target": f"{job}-{host}"},
                    "annotations": {"summary": "{{ $labels.instance }} is at {{ $value | humanize }}"},
                }


def _grow(server: GnomonProcess, series: MetricSeries, first_ms: int, column: int, columns: int) -> None:
    """Send one column of samples an interval, each at its time."""
    for number in range(column, column + columns):
        due_s = (first_ms + number * INTERVAL_MS) / 1000
        time.sleep(max(0.0, due_s - time.time()))
        _send(server, series, first_ms, slice(number, number + 1))
    time.sleep(max(0.0, (first_ms + (column + columns) * INTERVAL_MS) / 1000 - time.time()))


def _send(server: GnomonProcess, series: MetricSeries, first_ms: int, columns: slice) -> None:
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
    with httpx.Client(timeout=60, trust_env=False) as client:
        for _number, body in make_requests(series, first_ms, columns):
            client.post(f"{server.url}/api/v1/write", content=body, headers=headers).raise_for_status()


def _counts(server: GnomonProcess) -> dict[str, float]:
    """Return what the server counts about rules."""
    lines = httpx.get(f"{server.url}/metrics", timeout=60, trust_env=False).text.splitlines()

    def total(name: str) -> float:
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))

    alerts = httpx.get(f"{server.url}/api/v1/alerts", timeout=60, trust_env=False).json()["data"]["alerts"]
    return {
        "evaluations": total("gnomon_rule_evaluations_total"),
        "failures": total("gnomon_rule_evaluation_failures_total"),
        "missed": total("gnomon_rule_group_iterations_missed_total"),
        "alerts": sum(alert["state"] == "firing" for alert in alerts),
    }
