"""PromQL beside Prometheus 3: the same 10,000 series over six hours, asked through both HTTP APIs"""

import math
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.figures import Figure
from benchmarks.metric_series import INTERVAL_MS, make_metric_series, make_requests
from benchmarks.server import wait_until_stored
from tests.gnomon_process import GnomonProcess
from tests.peers.prometheus import prometheus_running

HOURS = 6
SAMPLES = HOURS * 3_600_000 // INTERVAL_MS
STEP_S = 60
# Columns of samples that are sent only before the refresh.
_LATE_COLUMNS = 5
_CONNECTIONS = 4
# Nothing but the series of the benchmark.
_QUIET = {"GNOMON_OWN_METRICS__ENABLED": "false", "GNOMON_HOST_METRICS__ENABLED": "false"}
_ROUNDS = 5
# Gnomon is started so often for each query; the better of two answers counts, as on the other side.
_STARTS = 2
_SETTLED_S = 1.0
_OTHER_METRIC = "avg by (job) (queue_depth_0)"
# No query may be slower than Prometheus by more than this.
_FLOOR = 0.8
_RATE = "rate(http_requests_total[5m])"
RANGE_QUERIES = {
    "rate of a job": 'rate(http_requests_total{job="job-1"}[5m])',
    "rate, summed by job": f"sum by (job) ({_RATE})",
    "p99 by job": "histogram_quantile(0.99, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))",
    "max_over_time": "max_over_time(memory_bytes[10m])",
    "topk": f"topk(5, {_RATE})",
    "join": f"sum by (job, instance) ({_RATE}) * on (job, instance) group_left (version) build_info",
    "ratio of errors": f'sum by (job) (rate(http_requests_total{{code="500"}}[5m])) / sum by (job) ({_RATE})',
    "subquery": f"max_over_time(sum by (job) ({_RATE})[30m:1m])",
    "regex matchers": 'sum by (path) (rate(http_requests_total{path=~"/api/.*",instance!~"host-1.*"}[5m]))',
    "average of a gauge": "avg by (job) (memory_bytes)",
    "gauges of a job": 'memory_bytes{job="job-3"}',
    "resets": "sum(resets(http_requests_total[1h]))",
    "count": "count by (code) (http_requests_total)",
}
INSTANT_QUERIES = {
    "rates of 2,000 series": f"sum by (job) ({_RATE})",
    "2,000 series": "http_requests_total",
}
PANEL = 'sum by (code) (rate(http_requests_total{job="job-2",instance="host-3:9100"}[5m]))'


@dataclass(frozen=True, slots=True)
class Api:
    """One of the two servers, on one connection that is kept."""

    name: str
    connection: HTTPConnection

    @classmethod
    def at(cls, name: str, url: str) -> "Api":
        """Connect."""
        address = urlsplit(url)
        return cls(name, HTTPConnection(str(address.hostname), address.port, timeout=120))

    def ask(self, path: str, **parameters: object) -> float:
        """Return how many seconds an answer takes, read whole."""
        began = time.perf_counter()
        self.connection.request(
            "GET", f"/api/v1/{path}?{urlencode(parameters)}", headers={"Accept-Encoding": "identity"}
        )
        answer = self.connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        if answer.status != 200 or b'"result":[]' in body[:200]:
            raise AssertionError(f"{self.name} answered {answer.status} to {parameters}: {body[:200]!r}")
        return seconds


def measure(folder: Path) -> list[Figure]:
    """Return times and ratios."""
    series = make_metric_series(SAMPLES)
    last_ms = int(time.time() * 1000) // 60_000 * 60_000
    first_ms = last_ms - (SAMPLES - 1) * INTERVAL_MS
    gnomon = GnomonProcess(folder / "gnomon", env=_QUIET).start()
    try:
        with prometheus_running(folder / "prometheus", flags=("--query.max-samples=100000000",)) as prometheus:
            urls = (prometheus.url, gnomon.url)
            for url in urls:
                send(url, make_requests(series, first_ms, slice(0, SAMPLES - _LATE_COLUMNS)))
            wait_until_stored(gnomon, "samples", len(series) * (SAMPLES - _LATE_COLUMNS))
            apis = Api.at("Prometheus", prometheus.url), Api.at("Gnomon", gnomon.url)
            end_s = last_ms // 1000 - 120
            _settle(apis, end_s)
            figures = _first_time(apis, end_s)
            figures += _opened(gnomon, apis[0], end_s)
            apis = apis[0], Api.at("Gnomon", gnomon.url)
            for url in urls:
                send(url, make_requests(series, first_ms, slice(SAMPLES - _LATE_COLUMNS, SAMPLES)))
            wait_until_stored(gnomon, "samples", len(series) * SAMPLES)
            _settle(apis, end_s)
            figures += _refreshed(apis, end_s)
            figures += _instant(apis, end_s)
            return figures + _panel(apis, end_s)
    finally:
        gnomon.stop()


def _settle(apis: tuple[Api, Api], end_s: int) -> None:
    """Wait until what was sent is no longer news: six hours of samples in one go are not how panels see them."""
    for _ in range(2):
        for api in apis:
            api.ask("query", query="count(build_info)", time=end_s)
        time.sleep(6)


def send(url: str, requests: Iterable[tuple[int, bytes]]) -> None:
    """Send requests over a few connections, those of the same series over the same one."""
    shares: list[list[bytes]] = [[] for _ in range(_CONNECTIONS)]
    for number, body in requests:
        shares[number % _CONNECTIONS].append(body)
    threads = [threading.Thread(target=_send_share, args=(url, share)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send_share(url: str, bodies: list[bytes]) -> None:
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=120)
    headers = {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    for body in bodies:
        connection.request("POST", "/api/v1/write", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise AssertionError(f"{url} answered {answer.status}: {text[:200]!r}")


def _range(query: str, end_s: int) -> dict[str, object]:
    return {"query": query, "start": end_s - (HOURS * 3600 - 900), "end": end_s, "step": STEP_S}


def _times(
    apis: tuple[Api, Api], ask: Callable[[Api, int], float], rounds: int = _ROUNDS
) -> tuple[list[float], list[float]]:
    """Return both servers' times, taking turns."""
    seen: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for api, times in zip(apis, seen, strict=True):
            times.append(ask(api, number))
    return seen


def _first_time(apis: tuple[Api, Api], end_s: int) -> list[Figure]:
    """Ask each query as if for the first time, of samples read lately: each round another way to write it."""
    figures: list[Figure] = []
    ratios: list[float] = []
    for name, query in RANGE_QUERIES.items():

        def ask(api: Api, number: int, query: str = query) -> float:
            return api.ask("query_range", **_range(query + " " * (number + 1), end_s))

        peer, own = _times(apis, ask)
        figures.append(_figure(f"{name}, first time", own, peer, _FLOOR))
        ratios.append(min(peer) / min(own))
    return [*figures, *_summary("all, first time", ratios)]


def _opened(gnomon: GnomonProcess, peer: Api, end_s: int) -> list[Figure]:
    """Ask each query of a Gnomon that holds none of its samples in memory: it is started anew for each.

    A panel somebody opens comes after a question about another metric; the very first question comes right after the
    start. Prometheus keeps running, and has not been asked the query in these words.
    """
    figures: list[Figure] = []
    opened: list[float] = []
    very_first: list[float] = []
    for number, (name, query) in enumerate(RANGE_QUERIES.items()):
        times: dict[bool, tuple[list[float], list[float]]] = {}
        for warm in (True, False):
            own, theirs = times[warm] = ([], [])
            for turn in range(_STARTS if warm else 1):
                gnomon.stop()
                gnomon.start()
                time.sleep(_SETTLED_S if warm else 0.0)
                api = Api.at("Gnomon", gnomon.url)
                asked = _range(query + " " * (_ROUNDS + 1 + 2 * turn + warm), end_s)
                if warm:
                    for one in (peer, api):
                        one.ask("query_range", **_range(_OTHER_METRIC + " " * (number + turn * 20), end_s))
                theirs.append(peer.ask("query_range", **asked))
                own.append(api.ask("query_range", **asked))
                api.connection.close()
        figures.append(_figure(f"{name}, opened", times[True][0], times[True][1], _FLOOR))
        opened.append(min(times[True][1]) / min(times[True][0]))
        very_first.append(min(times[False][1]) / min(times[False][0]))
    return [
        *figures,
        *_summary("all, opened: samples read from disk", opened),
        _mean("all, asked first of all after a start", very_first),
        _least("all, asked first of all after a start", very_first),
    ]


def _summary(name: str, ratios: list[float]) -> list[Figure]:
    return [_mean(name, ratios, 1.5), _least(name, ratios, _FLOOR)]


def _refreshed(apis: tuple[Api, Api], end_s: int) -> list[Figure]:
    """Ask each query again, one step later than before."""
    figures, ratios = [], []
    for name, query in RANGE_QUERIES.items():
        for api in apis:
            api.ask("query_range", **_range(query, end_s))
        peer: list[float] = []
        own: list[float] = []
        for api, times in zip(apis, (peer, own), strict=True):
            times.append(api.ask("query_range", **_range(query, end_s + STEP_S)))
            times.append(api.ask("query_range", **_range(query, end_s + 2 * STEP_S)))
        figures.append(_figure(f"{name}, refreshed", own, peer))
        ratios.append(min(peer) / min(own))
    return [*figures, _mean("all, refreshed", ratios, 5.0)]


def _instant(apis: tuple[Api, Api], end_s: int) -> list[Figure]:
    figures = []
    for name, query in INSTANT_QUERIES.items():

        def ask(api: Api, number: int, query: str = query) -> float:
            return api.ask("query", query=query, time=end_s - number)

        peer, own = _times(apis, ask, 15)
        value = statistics.median(own) * 1000
        figures.append(
            Figure(
                f"instant: {name}", value, "ms", "Prometheus", statistics.median(peer) * 1000, "≤ 25 ms", value <= 25
            )
        )
    return figures


def _panel(apis: tuple[Api, Api], end_s: int) -> list[Figure]:
    def ask(api: Api, number: int) -> float:
        end = end_s - 7 * number
        return api.ask("query_range", query=PANEL, start=end - 3600, end=end, step=15)

    peer, own = _times(apis, ask, 30)
    value = statistics.median(own) * 1000
    name = "panel of a handful of series, p50"
    return [Figure(name, value, "ms", "Prometheus", statistics.median(peer) * 1000, "≤ 10 ms", value <= 10)]


def _figure(name: str, own: list[float], peer: list[float], least: float | None = None) -> Figure:
    ratio = min(peer) / min(own)
    return Figure(
        name,
        min(own) * 1000,
        "ms",
        "Prometheus",
        min(peer) * 1000,
        f"{ratio:.2f} times as fast" + (f", ≥ {least:g}" if least else ""),
        ratio >= least if least else None,
    )


def _mean(name: str, ratios: list[float], least: float | None = None) -> Figure:
    mean = math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))
    return _ratio(f"{name}: geometric mean", mean, least)


def _least(name: str, ratios: list[float], least: float | None = None) -> Figure:
    slowest = min(ratios)
    query = list(RANGE_QUERIES)[ratios.index(slowest)]
    return _ratio(f"{name}: the slowest query, {query}", slowest, least)


def _ratio(name: str, ratio: float, least: float | None) -> Figure:
    if least is None:
        return Figure(name, ratio, "times as fast")
    return Figure(name, ratio, "times as fast", target=f"≥ {least:g}", met=ratio >= least)
