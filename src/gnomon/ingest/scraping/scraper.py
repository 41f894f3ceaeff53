"""The scraper: every job's pool, started, reconfigured and stopped together."""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from gnomon.ingest.exposition.samples import Metadata
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.scrape_loop import ScrapeLoop, Writer
from gnomon.ingest.scraping.scrape_pool import HttpTransport, OwnTransport, Render, ScrapePool, Transport
from gnomon.ingest.scraping.series_cache import MetadataLog
from gnomon.lifecycle import Clock
from gnomon.model.labels import Labels
from gnomon.model.prometheus_durations import format_prometheus_duration

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveTarget:
    """A target that is scraped, in the terms of Prometheus' `/api/v1/targets`; times are Unix milliseconds, or 0."""

    discovered_labels: Labels
    labels: Labels
    scrape_pool: str
    scrape_url: str
    last_error: str
    last_scrape_ms: int
    last_scrape_duration_s: float
    health: str
    scrape_interval: str
    scrape_timeout: str


@dataclass(frozen=True, slots=True)
class DroppedTarget:
    """A target that relabeling dropped."""

    discovered_labels: Labels
    scrape_pool: str


@dataclass(frozen=True, slots=True)
class Targets:
    """Everything that discovery found; `dropped_counts` is by scrape pool, also where not all are kept."""

    active: tuple[ActiveTarget, ...]
    dropped: tuple[DroppedTarget, ...]
    dropped_counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OwnSource:
    """A part of this process that is scraped like a target: its job, and what gives its exposition."""

    job: ScrapeJob
    render: Render


class Scraper:
    """Scrape all targets of all jobs."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        jobs: Iterable[ScrapeJob] = (),
        own: Iterable[OwnSource] = (),
        *,
        seed: str = "",
        extra_metrics: bool = False,
    ) -> None:
        """Write through `writer`. A configured job replaces an own source of its name."""
        self._writer = writer
        self._clock = clock
        self._own = {source.job.name: source for source in own}
        self._wanted = self._merge(jobs)
        self._seed = seed or socket.gethostname()
        self._extra_metrics = extra_metrics
        self._metadata_log = MetadataLog()
        self._pools: dict[str, ScrapePool] = {}
        self._lock = asyncio.Lock()
        self._running = False

    @property
    def pools(self) -> tuple[str, ...]:
        """Return the names of all jobs."""
        return tuple(self._pools)

    async def start(self) -> None:
        """Begin to scrape."""
        self._running = True
        await self._apply()

    async def stop(self) -> None:
        """Stop without marking anything as ended: the next start goes on."""
        self._running = False
        async with self._lock:
            await asyncio.gather(*(pool.stop() for pool in self._pools.values()), return_exceptions=True)
            self._pools.clear()

    async def reconfigure(self, jobs: Iterable[ScrapeJob]) -> None:
        """Take another configuration: unchanged jobs go on undisturbed, series of jobs that are gone have ended."""
        self._wanted = self._merge(jobs)
        if self._running:
            await self._apply()

    def targets(self) -> Targets:
        """Return every target with how its last scrape went."""
        active: list[ActiveTarget] = []
        dropped: list[DroppedTarget] = []
        counts = {}
        for name, pool in sorted(self._pools.items()):
            active += (_describe(name, loop) for loop in sorted(pool.loops, key=lambda loop: loop.target.url))
            kept = pool.job.limits.dropped_targets_kept
            found = pool.resolved.dropped
            counts[name] = len(found)
            dropped += (DroppedTarget(labels, name) for labels in (found[:kept] if kept else found))
        return Targets(tuple(active), tuple(dropped), counts)

    def target_metadata(self) -> list[tuple[Labels, str, Metadata]]:
        """Return what each target says about its metric families, as `/api/v1/targets/metadata` does."""
        return [
            (loop.target.labels, name, metadata)
            for pool in self._pools.values()
            for loop in pool.loops
            for name, metadata in loop.cache.metadata.items()
        ]

    def _merge(self, jobs: Iterable[ScrapeJob]) -> dict[str, ScrapeJob]:
        return {name: source.job for name, source in self._own.items()} | {job.name: job for job in jobs}

    async def _apply(self) -> None:
        async with self._lock:
            wanted = self._wanted
            gone = [pool for name, pool in self._pools.items() if name not in wanted]
            self._pools = {name: pool for name, pool in self._pools.items() if name in wanted}
            changes: list[Any] = [pool.end() for pool in gone]
            for name, job in wanted.items():
                pool = self._pools.get(name)
                if pool is None:
                    pool = self._pools[name] = self._open_pool(job)
                    changes.append(pool.start())
                elif pool.job != job:
                    changes.append(pool.reconfigure(job))
            await asyncio.gather(*changes)
            log.info("scraping", jobs=len(self._pools), targets=sum(len(pool.loops) for pool in self._pools.values()))

    def _open_pool(self, job: ScrapeJob) -> ScrapePool:
        return ScrapePool(
            job,
            self._open_transport,
            self._writer,
            self._clock,
            self._metadata_log,
            seed=self._seed,
            extra_metrics=self._extra_metrics,
        )

    def _open_transport(self, job: ScrapeJob) -> Transport:
        source = self._own.get(job.name)
        return OwnTransport(source.render) if source is not None and source.job == job else HttpTransport(job)


def _describe(name: str, loop: ScrapeLoop) -> ActiveTarget:
    target, last = loop.target, loop.last
    return ActiveTarget(
        discovered_labels=target.discovered,
        labels=target.labels,
        scrape_pool=name,
        scrape_url=target.url,
        last_error=last.error,
        last_scrape_ms=last.time_ms,
        last_scrape_duration_s=last.duration_s,
        health=last.health,
        scrape_interval=format_prometheus_duration(target.interval_ms),
        scrape_timeout=format_prometheus_duration(target.timeout_ms),
    )
