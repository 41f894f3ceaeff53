"""Odd expositions, scraped by a real Prometheus and by Gnomon: accepted or refused alike, and read alike."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gnomon.ingest.scraping.prometheus_file import load_prometheus_file
from gnomon.ingest.scraping.scraper import Scraper
from gnomon.lifecycle import SystemClock
from gnomon.model.labels import Labels
from tests.peers.fixtures import require
from tests.peers.installation import PROMETHEUS
from tests.peers.prometheus import prometheus_running
from tests.scraped_samples import KeptSamples

TEXT, OPEN = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
NOW_S = int(time.time())

# Two oddities are left out: Prometheus takes the blank before a name for a part of it, and a zero byte for the end.
TEXT_CASES = [
    "a 1\n",
    "a 1",
    "a{} 1\n",
    "a{,} 1\n",
    'a{b="1",} 1\n',
    'a{b="1",,} 1\n',
    'a{b="1" c="2"} 1\n',
    'a {b="1"} 1\n',
    'a{ b = "1" , c = "2" } 1\n',
    'a{b="1"}1\n',
    'a{b="1"}  1  \n',
    "a\t1\n",
    "a  1\n",
    f"a 1 {NOW_S}000\n",
    f"a 1 {NOW_S}000 \n",
    f"a 1 {NOW_S}000.5\n",
    "a 1 -5000\n",
    "a 1 1 1\n",
    "a NaN\nb nan\nc +Inf\nd -inf\ne Inf\nf infinity\n",
    "a +nan\n",
    "a 0x1p-2\n",
    "a 0x10\n",
    "a 1_000\n",
    "a 1e3\nb 1E3\nc .5\nd 5.\ne +5\nf -0\n",
    "a 1e400\n",
    "a one\n",
    "a\n",
    "a{b=1} 1\n",
    "a{b='1'} 1\n",
    'a{b="1} 1\n',
    'a{b="1"\n',
    'a{b="x\\"y\\\\z\\nw\\t"} 1\n',
    'a{b="}"} 1\nc{d="{"} 2\ne{f=" # {"} 3\n',
    'a{b="1",b="2"} 1\n',
    'a{b="1",b="1"} 1\n',
    'a{__name__="x"} 1\n',
    '{__name__="x"} 1\n',
    '{"my.metric"} 1\n',
    '{"my.metric",a="1","b.c"="2"} 1\n',
    '{a="1","my.metric"} 1\n',
    '{"a","b"} 1\n',
    'x{"y"} 1\n',
    '"x" 1\n',
    "1a 1\n",
    "a-b 1\n",
    "a:b 1\n:c 1\n",
    "größe 1\n",
    'a{größe="1"} 1\n',
    'a{b="größe"} 1\n',
    'a{1b="1"} 1\n',
    'a{b:c="1"} 1\n',
    "# just a remark\na 1\n",
    "#remark\na 1\n",
    "# HELP\na 1\n",
    "# HELP a\na 1\n",
    "# TYPE a\na 1\n",
    "# TYPE a counter \na 1\n",
    "# TYPE a sort\na 1\n",
    "# TYPE a untyped\na 1\n",
    "# TYPE a gauge\n# TYPE a counter\na 1\n",
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    '# TYPE s summary\ns{quantile="0.50"} 1\ns{quantile="1e-2"} 1\ns_sum 1\ns_count 1\n',
    '# TYPE g gauge\ng{le="1",quantile="1"} 1\n',
    '# TYPE h histogram\nh_bucket{le="x"} 1\n',
    "a 1\na 2\n",
    'a{b=""} 1\na 2\n',
    "\n\na 1\n\n",
    "a 1\r\n",
    "# EOF\na 1\n",
    "a 1\n# EOF\n",
    'a 1 # {x="1"} 5\n',
    "",
    "\n",
]
OPEN_CASES = [
    "a 1\n# EOF\n",
    "a 1\n# EOF",
    "a 1\n",
    "a 1\n# EOF\n\n",
    "a 1\n# EOF\nb 1\n",
    "# EOF\n",
    "",
    "a 1\n\n# EOF\n",
    "a  1\n# EOF\n",
    "a 1 \n# EOF\n",
    " a 1\n# EOF\n",
    "a\t1\n# EOF\n",
    "# remark\na 1\n# EOF\n",
    "#EOF\n",
    "# TYPE a counter\na_total 1\n# EOF\n",
    "# TYPE a counter\na 1\n# EOF\n",
    "# TYPE a untyped\na 1\n# EOF\n",
    "# TYPE a unknown\na 1\n# EOF\n",
    '# TYPE a info\na_info 1\n# TYPE b stateset\nb{b="x"} 1\n# TYPE c gaugehistogram\nc_bucket{le="1"} 1\n# EOF\n',
    "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n# EOF\n",
    "# UNIT a seconds\na 1\n# EOF\n",
    "# HELP a\na 1\n# EOF\n",
    "# HELP a \na 1\n# EOF\n",
    f"a 1 {NOW_S}\n# EOF\n",
    f"a 1 {NOW_S}.123\n# EOF\n",
    "a 1 x\n# EOF\n",
    "a 1 NaN\n# EOF\n",
    'a_total 1 # {trace_id="x"} 0.5\n# EOF\n',
    f'a_total 1 # {{trace_id="x"}} 0.5 {NOW_S}.5\n# EOF\n',
    f'a_total 1 {NOW_S} # {{trace_id="x"}} 0.5\n# EOF\n',
    "a_total 1 # {} 0.5\n# EOF\n",
    'a_total 1 # {trace_id="x"}\n# EOF\n',
    'a_total 1 # {trace_id="x"} y\n# EOF\n',
    'a_total 1 # trace_id="x" 1\n# EOF\n',
    'a_total{b=" # {"} 1 # {c="} 1"} 0.5\n# EOF\n',
    'a_total 1 #{trace_id="x"} 0.5\n# EOF\n',
    '{"my.metric",a="1"} 1\n# EOF\n',
    'a{b="1",} 1\n# EOF\n',
    'a{ b="1"} 1\n# EOF\n',
    'a {b="1"} 1\n# EOF\n',
    'a{b="1"}1\n# EOF\n',
    'a{b="x\\ny\\"\\\\"} 1\n# EOF\n',
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n# EOF\n',
    "a 1\na 2\n# EOF\n",
    "a 0x10\n# EOF\n",
    "a 1_0\n# EOF\n",
    "a 1\r\n# EOF\n",
]
CASES = [(TEXT, text) for text in TEXT_CASES] + [(OPEN, text) for text in OPEN_CASES]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        content_type, text = CASES[int(self.path.removeprefix("/"))]
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class says so
        pass


@contextmanager
def exposing() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_odd_expositions_are_read_as_prometheus_reads_them(tmp_path: Path) -> None:
    require(PROMETHEUS)
    with exposing() as address:
        jobs = [
            {"job_name": str(number), "metrics_path": f"/{number}", "static_configs": [{"targets": [address]}]}
            for number in range(len(CASES))
        ]
        config = {"global": {"scrape_interval": "2s", "scrape_timeout": "2s"}, "scrape_configs": jobs}
        with prometheus_running(tmp_path / "peer", config=config) as peer:
            kept = KeptSamples()
            scraper = Scraper(kept, SystemClock(), load_prometheus_file(tmp_path / "peer/prometheus.yml").jobs)
            await scraper.start()
            # Each target twice at least: the second scrape is read another way than the first.
            async with asyncio.timeout(90):
                known = False
                while not known:
                    await asyncio.sleep(5)
                    known = all(target["health"] != "unknown" for target in peer.data("targets")["activeTargets"])
            assert all(target.last_scrape_ms for target in scraper.targets().active)
            ours = {target.scrape_pool: (target.health, target.last_error) for target in scraper.targets().active}
            await scraper.stop()
            theirs = {
                target["scrapePool"]: (target["health"], target["lastError"])
                for target in peer.data("targets")["activeTargets"]
            }
            stored: dict[str, set[Labels]] = {name: set() for name in theirs}
            for labels in peer.data("series", {"match[]": '{job=~".+"}', "start": "0"}):
                stored[labels["job"]].add(Labels.of(labels))
    found: dict[str, set[Labels]] = {name: set() for name in ours}
    for labels, samples in kept.samples.items():
        if samples:
            found[labels.get("job")].add(labels)
    differences = []
    for number, (content_type, text) in enumerate(CASES):
        name = str(number)
        if ours[name][0] != theirs[name][0] or found[name] != stored[name]:
            differences.append(
                f"{content_type.partition(';')[0]} {text!r}: Gnomon {ours[name]}, Prometheus {theirs[name]}; "
                f"only Gnomon {found[name] - stored[name]}, only Prometheus {stored[name] - found[name]}"
            )
    assert not differences, "\n".join(differences)


pytestmark = pytest.mark.timeout(180)
