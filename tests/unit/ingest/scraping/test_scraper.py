"""The scraper, towards real HTTP servers on loopback."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gnomon.ingest.scraping.discovery_config import FileDiscovery, HttpDiscovery, TargetGroup
from gnomon.ingest.scraping.http_options import HttpOptions
from gnomon.ingest.scraping.jobs import Limits, ScrapeJob
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.scraping.scraper import ActiveTarget, OwnSource, Scraper
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import UnavailableError
from gnomon.web.listeners import bind_socket
from tests.scraped_samples import STALE, KeptSamples

TEXT = "text/plain; version=0.0.4"


@dataclass
class Exporter:
    """A target: what it answers with, and what it was asked."""

    address: str = ""
    body: bytes = b"a 1\n"
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": TEXT})
    delay_s: float = 0.0
    groups: list[dict[str, object]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.requests.append(request)
        await asyncio.sleep(self.delay_s)
        return Response(self.body, self.status, self.headers)

    async def redirect(self, _request: Request) -> Response:
        return RedirectResponse("/metrics")

    async def discover(self, _request: Request) -> Response:
        return JSONResponse(self.groups)

    @property
    def last(self) -> Request:
        return self.requests[-1]


@asynccontextmanager
async def exporting() -> AsyncIterator[Exporter]:
    exporter = Exporter()
    routes = [
        Route("/metrics", exporter.answer),
        Route("/moved", exporter.redirect),
        Route("/discovery", exporter.discover),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listener = bind_socket("127.0.0.1", 0, setting="port")
    exporter.address = f"127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(server._serve([listener]))
    try:
        yield exporter
    finally:
        server.should_exit = True
        await serving
        listener.close()


@pytest.fixture
async def exporter() -> AsyncIterator[Exporter]:
    async with exporting() as one:
        yield one


@asynccontextmanager
async def scraping(*jobs: ScrapeJob, own: tuple[OwnSource, ...] = ()) -> AsyncIterator[tuple[Scraper, KeptSamples]]:
    kept = KeptSamples()
    scraper = Scraper(kept, SystemClock(), jobs, own)
    await scraper.start()
    try:
        yield scraper, kept
    finally:
        await scraper.stop()


def job(exporter: Exporter | None, name: str = "shop", **fields: object) -> ScrapeJob:
    static = (TargetGroup(targets=(exporter.address,)),) if exporter else ()
    defaults: dict[str, object] = {"interval_ms": 250, "timeout_ms": 250, "static": static}
    return ScrapeJob(name, **(defaults | fields))  # type: ignore[arg-type]


async def until(true: Callable[[], object], timeout_s: float = 10.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not true():  # noqa: ASYNC110 - what is waited for happens in code that knows of no test
            await asyncio.sleep(0.01)


async def scrape_once(one: ScrapeJob) -> tuple[ActiveTarget, KeptSamples]:
    async with scraping(one) as (scraper, kept):
        await until(lambda: any(target.last_scrape_ms for target in scraper.targets().active))
        return scraper.targets().active[0], kept


async def test_a_target_is_scraped_again_and_again(exporter: Exporter) -> None:
    async with scraping(job(exporter)) as (scraper, kept):
        await until(lambda: len(kept.values("up")) >= 3)
        (target,) = scraper.targets().active
    assert (target.health, target.last_error, target.scrape_pool) == ("up", "", "shop")
    assert target.scrape_url == f"http://{exporter.address}/metrics"
    assert (target.scrape_interval, target.scrape_timeout) == ("250ms", "250ms")
    assert target.labels.to_dict() == {"job": "shop", "instance": exporter.address}
    assert target.discovered_labels.get("__address__") == exporter.address
    assert set(kept.values("up")) == {1.0}
    assert kept.values("scrape_series_added")[:2] == [1.0, 0.0]
    assert set(kept.values("scrape_samples_scraped")) == {1.0}
    # Stopping is not the end of a series: the next start goes on.
    assert STALE not in kept.values("a")
    assert len(kept.values("a")) == len(kept.values("up"))


async def test_a_scrape_says_what_it_wants(exporter: Exporter) -> None:
    await scrape_once(job(exporter, timeout_ms=1500, interval_ms=1500, params=(("x", ("1",)),)))
    headers = exporter.last.headers
    assert headers["accept"].startswith("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,")
    assert headers["user-agent"].startswith("Gnomon/")
    assert headers["x-prometheus-scrape-timeout-seconds"] == "1.5"
    assert headers["accept-encoding"] == "gzip"
    assert exporter.last.url.query == "x=1"


async def test_compressed_bodies_and_redirects(exporter: Exporter) -> None:
    exporter.body, exporter.headers["content-encoding"] = gzip.compress(b"a 7\n"), "gzip"
    target, kept = await scrape_once(job(exporter, metrics_path="/moved"))
    assert target.health == "up"
    assert kept.values("a")[0] == 7.0
    stays = HttpOptions.model_validate({"follow_redirects": False})
    target, _ = await scrape_once(job(exporter, metrics_path="/moved", http=stays))
    assert target.last_error == "server returned HTTP status 307 Temporary Redirect"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"basic_auth": {"username": "u", "password": "pä"}}, "Basic dTpww6Q="),
        ({"basic_auth": {"username": "u", "password_file": "secret"}}, "Basic dTpodXNo"),
        ({"authorization": {"credentials": "abc"}}, "Bearer abc"),
        ({"authorization": {"type": "Token", "credentials_file": "secret"}}, "Token hush"),
        ({"bearer_token_file": "secret"}, "Bearer hush"),
    ],
)
async def test_authorization(
    exporter: Exporter, tmp_path: Path, options: dict[str, dict[str, str] | str], expected: str
) -> None:
    """Secrets in files are read anew for each scrape."""
    (tmp_path / "secret").write_text("hush\n", encoding="utf-8")
    text = json.dumps(options).replace('"secret"', json.dumps(str(tmp_path / "secret")))
    http = HttpOptions.model_validate(json.loads(text))
    await scrape_once(job(exporter, http=http))
    assert exporter.last.headers["authorization"] == expected


async def test_headers_of_ones_own(exporter: Exporter) -> None:
    http = HttpOptions.model_validate({"http_headers": {"X-Tenant": {"values": ["a"], "secrets": ["b"]}}})
    await scrape_once(job(exporter, http=http))
    assert exporter.last.headers["x-tenant"] == "a, b"


async def test_a_secret_that_cannot_be_read_fails_the_scrape(exporter: Exporter) -> None:
    http = HttpOptions.model_validate({"bearer_token_file": "/nowhere/token"})
    target, _ = await scrape_once(job(exporter, http=http))
    assert target.last_error == "unable to read '/nowhere/token': No such file or directory"
    assert not exporter.requests


@pytest.mark.parametrize(
    ("answer", "fields", "error"),
    [
        ({"status": 503}, {}, "server returned HTTP status 503 Service Unavailable"),
        ({"delay_s": 5.0}, {}, "context deadline exceeded"),
        ({"body": b"a{ 1\n"}, {}, "Line 1: this is no sample ('a{ 1')."),
        ({"body": b"a 1\n" * 100}, {"limits": Limits(body_bytes=400)}, "body size limit exceeded"),
        ({"body": b"a 1\nb 1\n"}, {"limits": Limits(samples=1)}, "sample limit exceeded"),
        ({"headers": {"content-type": "text/html"}}, {}, 'received unsupported Content-Type "text/html"'),
    ],
)
async def test_a_target_that_is_down_says_why(
    exporter: Exporter, answer: dict[str, object], fields: dict[str, Any], error: str
) -> None:
    """Its series end, and `up` is 0."""
    async with scraping(job(exporter, **fields)) as (scraper, kept):
        await until(lambda: kept.values("up"))
        for name, value in answer.items():
            setattr(exporter, name, value)
        await until(lambda: scraper.targets().active[0].health == "down")
        assert error in scraper.targets().active[0].last_error
        await until(lambda: 0.0 in kept.values("up"))
    assert STALE in kept.values("a")


async def test_a_fallback_for_targets_that_do_not_say_what_they_send(exporter: Exporter) -> None:
    exporter.headers = {"content-type": ""}
    target, _ = await scrape_once(job(exporter, fallback_protocol="PrometheusText0.0.4"))
    assert target.health == "up"


async def test_nobody_there() -> None:
    target, kept = await scrape_once(job(Exporter(address="127.0.0.1:1")))
    assert target.last_error == 'Get "http://127.0.0.1:1/metrics": connect: connection refused'
    assert (target.health, kept.values("up")[0]) == ("down", 0.0)


class TestReload:
    """Another configuration, while scraping."""

    async def test_a_job_that_is_gone_has_ended(self, exporter: Exporter) -> None:
        async with scraping(job(exporter), job(exporter, "other")) as (scraper, kept):
            await until(lambda: len(scraper.targets().active) == 2)
            await until(lambda: all(target.last_scrape_ms for target in scraper.targets().active))
            await scraper.reconfigure([job(exporter, "other")])
            assert [target.scrape_pool for target in scraper.targets().active] == ["other"]
        assert kept.values("a", job="shop")[-1] == STALE
        assert kept.values("up", job="shop")[-1] == STALE
        assert STALE not in kept.values("a", job="other")

    async def test_an_unchanged_job_is_not_disturbed(self, exporter: Exporter) -> None:
        async with scraping(job(exporter)) as (scraper, _):
            await until(lambda: scraper.targets().active[0].last_scrape_ms)
            (loop,) = scraper._pools["shop"].loops
            await scraper.reconfigure([job(exporter)])
            assert scraper._pools["shop"].loops == [loop]
            assert loop.is_running

    async def test_a_changed_job_goes_on_with_the_same_series(self, exporter: Exporter) -> None:
        async with scraping(job(exporter)) as (scraper, kept):
            await until(lambda: scraper.targets().active[0].last_scrape_ms)
            await scraper.reconfigure([job(exporter, interval_ms=300)])
            assert scraper.targets().active[0].health == "up"
            seen = len(exporter.requests)
            await until(lambda: len(exporter.requests) > seen + 2)
        assert STALE not in kept.values("a")


class TestDiscovery:
    """Targets that come and go."""

    async def test_files_are_followed(self, exporter: Exporter, tmp_path: Path) -> None:
        path = tmp_path / "shop.yml"
        path.write_text(f"- targets: ['{exporter.address}']\n  labels: {{env: prod}}\n", encoding="utf-8")
        files = (FileDiscovery(files=(str(tmp_path / "*.yml"), str(tmp_path / "*.json")), refresh_interval=20),)
        async with scraping(job(None, files=files)) as (scraper, kept):
            (target,) = scraper.targets().active
            assert target.labels.get("env") == "prod"
            assert target.discovered_labels.get("__meta_filepath") == str(path)
            await until(lambda: kept.values("up"))
            path.write_text("- targets: [", encoding="utf-8")
            more = tmp_path / "more.json"
            more.write_text('[{"targets": ["127.0.0.1:1"]}]', encoding="utf-8")
            await until(lambda: len(scraper.targets().active) == 2)
            path.unlink()
            more.unlink()
            await until(lambda: not scraper.targets().active)
            await until(lambda: kept.values("up", env="prod")[-1:] == [STALE])
        assert kept.values("a")[-1] == STALE

    async def test_a_service_is_asked(self, exporter: Exporter) -> None:
        exporter.groups = [{"targets": [exporter.address], "labels": {"__meta_zone": "a"}}]
        services = (HttpDiscovery(url=f"http://{exporter.address}/discovery", refresh_interval=50),)
        rule = RelabelRule(source_labels=("__meta_zone",), target_label="zone")
        async with scraping(job(None, services=services, relabel_rules=(rule,))) as (scraper, kept):
            await until(lambda: scraper.targets().active)
            assert scraper.targets().active[0].labels.get("zone") == "a"
            await until(lambda: kept.values("a"))
            exporter.groups = []
            await until(lambda: not scraper.targets().active)

    async def test_dropped_targets_are_listed(self, exporter: Exporter) -> None:
        rule = RelabelRule(source_labels=("__address__",), action="drop")
        async with scraping(job(exporter, relabel_rules=(rule,))) as (scraper, _):
            targets = scraper.targets()
            assert not targets.active
            assert [dropped.discovered_labels.get("__address__") for dropped in targets.dropped] == [exporter.address]
            assert targets.dropped_counts == {"shop": 1}

    async def test_too_many_targets_fail_all(self, exporter: Exporter) -> None:
        static = (TargetGroup(targets=(exporter.address, "127.0.0.1:1")),)
        target, _ = await scrape_once(job(None, static=static, limits=Limits(targets=1)))
        assert target.health in {"down", "unknown"}
        assert not exporter.requests


async def test_parts_of_this_process_are_targets_too(exporter: Exporter) -> None:
    """A configured job of the same name takes their place."""

    async def render() -> tuple[bytes, str]:
        await asyncio.sleep(0)
        return b"own 1\n", "text"

    own = OwnSource(job(Exporter(address="host:1"), "gnomon"), render)  # type: ignore[arg-type]
    async with scraping(own=(own,)) as (scraper, kept):
        await until(lambda: kept.values("own"))
        assert scraper.targets().active[0].scrape_url == "http://host:1/metrics"
        await scraper.reconfigure([job(exporter, "gnomon")])
        await until(lambda: exporter.requests)
        await until(lambda: kept.values("own")[-1:] == [STALE])


async def test_samples_that_cannot_be_kept_do_not_end_the_scraping(exporter: Exporter) -> None:
    async with scraping(job(exporter)) as (_, kept):
        kept.failure = UnavailableError("the disk is full", reason="disk")
        await until(lambda: len(exporter.requests) > 2)
        assert not kept.samples
        kept.failure = None
        await until(lambda: kept.values("a"))


async def test_large_bodies_are_read_without_holding_up_others(exporter: Exporter) -> None:
    exporter.body = "".join(f'n{{i="{number}"}} {number}\n' for number in range(20_000)).encode()
    target, kept = await scrape_once(job(exporter, interval_ms=5000, timeout_ms=5000))
    assert target.health == "up"
    assert kept.values("scrape_samples_scraped") == [20_000.0]
