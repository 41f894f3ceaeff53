"""The loops of one job: started and ended as its targets come and go."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from gnomon.ingest.exposition.negotiation import accept_header, find_format
from gnomon.ingest.scraping.discovery import Discovery
from gnomon.ingest.scraping.http_client import HttpClient
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.scrape_loop import Fetched, ScrapeLoop, Writer
from gnomon.ingest.scraping.series_cache import MetadataLog, Report, SeriesCache
from gnomon.ingest.scraping.targets import Resolved, Target, resolve_targets
from gnomon.lifecycle import Clock
from gnomon.model.labels import Labels

log = structlog.get_logger(__name__)

_MS_PER_S = 1000

Render = Callable[[], Awaitable[Fetched]]


class Transport(Protocol):
    """Fetch what targets expose."""

    async def fetch(self, target: Target) -> Fetched:
        """Return a body and its format; raises ScrapeError and ExpositionError."""

    async def aclose(self) -> None:
        """Close every connection."""


class HttpTransport:
    """Ask targets over HTTP."""

    def __init__(self, job: ScrapeJob) -> None:
        """Ask by the options of a job."""
        self._client = HttpClient(job.http)
        self._fallback = job.fallback_protocol
        self._max_bytes = job.limits.body_bytes
        self._headers = {
            "Accept": accept_header(job.protocols, job.escaping),
            "Accept-Encoding": "gzip" if job.compression else "identity",
        }

    async def fetch(self, target: Target) -> Fetched:
        """Return a body and its format; raises ScrapeError and ExpositionError."""
        timeout_s = f"{target.timeout_ms / _MS_PER_S:g}"
        headers = {**self._headers, "X-Prometheus-Scrape-Timeout-Seconds": timeout_s}
        body, content_type = await self._client.get(target.url, headers, max_bytes=self._max_bytes)
        return body, find_format(content_type, self._fallback)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class OwnTransport:
    """Ask a part of this very process, without a detour over the network."""

    def __init__(self, render: Render) -> None:
        """Take what `render` returns for the answer of every target."""
        self._render = render

    async def fetch(self, _target: Target) -> Fetched:
        """Return a body and its format."""
        return await self._render()

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


class ScrapePool:
    """Scrape all targets of one job."""

    def __init__(
        self,
        job: ScrapeJob,
        open_transport: Callable[[ScrapeJob], Transport],
        writer: Writer,
        clock: Clock,
        metadata_log: MetadataLog,
        *,
        seed: str,
        extra_metrics: bool,
    ) -> None:
        """Remember everything; nothing runs before `start`."""
        self.job = job
        self.resolved = Resolved((), (), ())
        self._open_transport = open_transport
        self._transport = open_transport(job)
        self._writer = writer
        self._clock = clock
        self._metadata_log = metadata_log
        self._seed = seed
        self._extra_metrics = extra_metrics
        self._loops: dict[tuple[Labels, str], ScrapeLoop] = {}
        self._changed = asyncio.Event()
        self._discovery = Discovery(job, clock, self._changed.set)
        self._updating = asyncio.Lock()
        self._updater: asyncio.Task[None] | None = None

    @property
    def loops(self) -> list[ScrapeLoop]:
        """Return the loops of all active targets."""
        return list(self._loops.values())

    async def start(self) -> None:
        """Begin with the targets that are known without asking anybody."""
        await self._begin({})

    async def stop(self) -> None:
        """End without any marker: the next start goes on."""
        await self._stop_scraping()
        self._loops = {}

    async def end(self) -> None:
        """End for good: the series of all targets are marked as ended."""
        await self._stop_following()
        await asyncio.gather(*(loop.end() for loop in self._loops.values()))
        self._loops = {}
        await self._transport.aclose()

    async def reconfigure(self, job: ScrapeJob) -> None:
        """Go on with another configuration; targets that stay the same keep what is known of them."""
        before = self._loops
        await self._stop_scraping()
        earlier = self._discovery
        self.job = job
        self._transport = self._open_transport(job)
        self._discovery = Discovery(job, self._clock, self._changed.set, earlier)
        self._loops = {}
        for loop in before.values():
            loop.cache.adopt(job)
        await self._begin(before)

    async def _stop_scraping(self) -> None:
        await self._stop_following()
        await asyncio.gather(*(loop.stop() for loop in self._loops.values()))
        await self._transport.aclose()

    async def _begin(self, before: dict[tuple[Labels, str], ScrapeLoop]) -> None:
        self._discovery.start()
        await self._update(before)
        self._changed.clear()
        self._updater = asyncio.create_task(self._follow(), name=f"targets of {self.job.name}")

    async def _stop_following(self) -> None:
        if self._updater is not None:
            async with self._updating:
                self._updater.cancel()
            await asyncio.gather(self._updater, return_exceptions=True)
            self._updater = None
        await self._discovery.stop()

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            async with self._updating:
                await self._update(self._loops)

    async def _update(self, before: dict[tuple[Labels, str], ScrapeLoop]) -> None:
        """Start loops for targets that are new, keep those that run already, and end the others."""
        resolved = self.resolved = resolve_targets(self.job, self._discovery.groups)
        for fault in resolved.faults:
            log.warning("target cannot be scraped", job=self.job.name, reason=fault)
        limit = self.job.limits.targets
        over = limit and len(resolved.active) > limit
        forced = f"target_limit exceeded (number of targets: {len(resolved.active)}, limit: {limit})" if over else ""
        loops: dict[tuple[Labels, str], ScrapeLoop] = {}
        for target in resolved.active:
            loop = before.get(target.key)
            if loop is None or not loop.is_running or not loop.retarget(target):
                loop = self._open_loop(target, loop)
            loop.forced_error = forced
            loops[target.key] = loop
        gone = [loop for key, loop in before.items() if key not in loops]
        replaced = [loop for key, loop in before.items() if key in loops and loops[key] is not loop]
        self._loops = loops
        await asyncio.gather(*(loop.stop() for loop in replaced))
        for loop in loops.values():
            loop.start()
        await asyncio.gather(*(loop.end() for loop in gone))

    def _open_loop(self, target: Target, earlier: ScrapeLoop | None) -> ScrapeLoop:
        loop = ScrapeLoop(
            self.job,
            target,
            self._transport.fetch,
            earlier.cache if earlier else SeriesCache(self.job, target.labels, self._metadata_log),
            Report(target.labels, extra=self._extra_metrics),
            self._writer,
            self._clock,
            seed=self._seed,
        )
        if earlier is not None:
            loop.last = earlier.last
        return loop
