"""What Gnomon scrapes without being told to: itself, and the machine that it runs on."""

import asyncio
import socket

from prometheus_client import REGISTRY
from prometheus_client.openmetrics.exposition import generate_latest

from gnomon.ingest.host_metrics.host import HostMetrics
from gnomon.ingest.scraping.discovery_config import TargetGroup
from gnomon.ingest.scraping.jobs import DEFAULT_TIMEOUT_MS, ScrapeJob
from gnomon.ingest.scraping.scrape_loop import Fetched
from gnomon.ingest.scraping.scraper import OwnSource
from gnomon.ingest.settings import HostMetricsSettings, OwnMetricsSettings

OWN_JOB, HOST_JOB = "gnomon", "node"

_MS_PER_S = 1000


def own_sources(port: int, own: OwnMetricsSettings, host: HostMetricsSettings) -> list[OwnSource]:
    """Return the sources that are switched on; `port` is where this process listens."""
    name = socket.gethostname()
    sources = []
    if own.enabled:
        sources.append(OwnSource(_job(OWN_JOB, own.interval_s, f"{name}:{port}"), _expose_own_metrics))
    if host.enabled:
        machine = HostMetrics(host.process_groups)

        async def expose_machine() -> Fetched:
            # A network filesystem that hangs would hold the loop.
            return await asyncio.to_thread(machine.expose), "text"

        sources.append(OwnSource(_job(HOST_JOB, host.interval_s, name), expose_machine))
    return sources


def _job(name: str, interval_s: float, address: str) -> ScrapeJob:
    interval_ms = max(1, round(interval_s * _MS_PER_S))
    return ScrapeJob(
        name,
        interval_ms=interval_ms,
        timeout_ms=min(DEFAULT_TIMEOUT_MS, interval_ms),
        static=(TargetGroup(targets=(address,)),),
    )


async def _expose_own_metrics() -> Fetched:
    exposition: bytes = generate_latest(REGISTRY)  # type: ignore[no-untyped-call]
    return exposition, "open_metrics"
