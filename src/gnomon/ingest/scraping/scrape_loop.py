"""The scraping of one target, over and over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog
from prometheus_client import Counter, Histogram

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.negotiation import Format
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.series_cache import Batch, Report, SeriesCache
from gnomon.ingest.scraping.targets import Target
from gnomon.lifecycle import Clock
from gnomon.model.errors import GnomonError

log = structlog.get_logger(__name__)

SCRAPES = Counter(
    "gnomon_scrapes_total", "Scrapes of targets, by job and how they ended: good or failed.", ["job", "outcome"]
)
SCRAPE_SECONDS = Histogram(
    "gnomon_scrape_duration_seconds",
    "Time from a scrape's request to its samples' being written.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOST_SCRAPES = Counter("gnomon_scrapes_lost_total", "Scrapes whose samples could not be written, whatever the reason.")

Health = Literal["unknown", "up", "down"]
Fetched = tuple[bytes, Format]
Fetch = Callable[[Target], Awaitable[Fetched]]

_PROTOCOL = "scrape"
_NS_PER_MS = 1_000_000
_MS_PER_S = 1000
# A scrape this little late bears the time it was meant for: times in even steps take next to no room.
_TOLERANCE_MS = 10
_TOLERANCE_SHARE = 100
# Larger bodies are read in a thread: the loop serves others meanwhile.
_THREAD_FROM_BYTES = 64 * 1024


class Writer(Protocol):
    """Keep parts of write requests; SampleWriter does."""

    async def write(self, parts: list[bytes], *, protocol: str) -> None:
        """Return once all parts are on the disk."""


@dataclass(frozen=True, slots=True)
class LastScrape:
    """How the scrape before went; `time_ms` is 0 when there was none."""

    health: Health = "unknown"
    error: str = ""
    time_ms: int = 0
    duration_s: float = 0.0


class ScrapeLoop:
    """Scrape one target at its interval, always at the same offset within it."""

    def __init__(
        self,
        job: ScrapeJob,
        target: Target,
        fetch: Fetch,
        cache: SeriesCache,
        report: Report,
        writer: Writer,
        clock: Clock,
        *,
        seed: str,
    ) -> None:
        """Remember everything; nothing runs before `start`."""
        self.target = target
        self.cache = cache
        self.last = LastScrape()
        self.forced_error = ""
        self._job = job
        self._fetch = fetch
        self._report = report
        self._writer = writer
        self._clock = clock
        self._offset_ms = target.offset_ms(seed)
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether it has been started and not stopped."""
        return self._task is not None

    def retarget(self, target: Target) -> bool:
        """Take a target that is the same but for how it was discovered; return whether that is so."""
        own = self.target
        if (target.key, target.interval_ms, target.timeout_ms) != (own.key, own.interval_ms, own.timeout_ms):
            return False
        self.target = target
        return True

    def start(self) -> None:
        """Begin unless it runs; the first scrape comes at the target's offset."""
        if self._task is not None:
            return
        self._task = asyncio.create_task(self._run(), name=f"scrape {self.target.url}")

    async def stop(self) -> None:
        """End, without any marker: who takes over goes on where this one stopped."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def end(self) -> None:
        """End for good: write that all series of the target have ended."""
        await self.stop()
        if self.last.time_ms:
            now_ms = max(self._now_ms(), self.last.time_ms + 1)
            await self._write(self.cache.read_nothing(now_ms).parts + self._report.mark_stale(now_ms))

    async def scrape(self, time_ms: int) -> None:
        """Scrape once; `time_ms` is what the samples bear."""
        began = self._clock.monotonic()
        error, size, counts = "", 0, (0, 0, 0)
        batch = Batch([])
        try:
            if self.forced_error:
                raise ScrapeError(self.forced_error)  # noqa: TRY301 - told like every other failure
            async with asyncio.timeout(self.target.timeout_ms / _MS_PER_S):
                body, body_format = await self._fetch(self.target)
            size = len(body)
            if size < _THREAD_FROM_BYTES:
                batch = self.cache.read(body, body_format, time_ms)
            else:
                batch = await self._read_aside(body, body_format, time_ms)
        except TimeoutError:
            error = f'Get "{self.target.url}": context deadline exceeded'
        except ScrapeError as failure:
            error, counts = str(failure), (failure.scraped, failure.kept, 0)
        except ExpositionError as failure:
            error = str(failure)
        except Exception as failure:
            log.exception("scrape failed unexpectedly", job=self._job.name, target=self.target.url)
            error = f"{type(failure).__name__}: {failure}"
        if error:
            batch = self.cache.read_nothing(time_ms)
        else:
            counts = (batch.scraped, batch.kept, batch.added)
        duration_s = self._clock.monotonic() - began
        self.last = LastScrape("down" if error else "up", error, time_ms, duration_s)
        extra = (self.target.timeout_ms / _MS_PER_S, self._job.limits.samples, size)
        report = self._report.write((not error, duration_s, *counts, *extra), time_ms)
        await self._write(batch.parts + report)
        SCRAPES.labels(self._job.name, "failed" if error else "good").inc()
        SCRAPE_SECONDS.observe(self._clock.monotonic() - began)
        if batch.duplicates:
            log.warning("samples twice in one scrape", target=self.target.url, dropped=batch.duplicates)

    async def _run(self) -> None:
        interval_ms = self.target.interval_ms
        tolerance_ms = min(_TOLERANCE_MS, interval_ms // _TOLERANCE_SHARE)
        next_ms = self._next_after(self._now_ms())
        while True:
            await self._clock.sleep(max(0, next_ms - self._now_ms()) / _MS_PER_S)
            now_ms = self._now_ms()
            try:
                await self.scrape(next_ms if abs(now_ms - next_ms) <= tolerance_ms else now_ms)
            except Exception:
                log.exception("scrape could not be finished", job=self._job.name, target=self.target.url)
            # Whoever takes longer than the interval, or slept through some, goes on at the next one.
            next_ms = max(next_ms + interval_ms, self._next_after(self._now_ms() - interval_ms))

    async def _read_aside(self, body: bytes, body_format: Format, time_ms: int) -> Batch:
        """Read in a thread; whoever cancels waits for its end, since the cache is the next loop's then."""
        reading = asyncio.ensure_future(asyncio.to_thread(self.cache.read, body, body_format, time_ms))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            await asyncio.wait([reading])
            raise

    def _next_after(self, now_ms: int) -> int:
        """Return the first time of the target's own rhythm after `now_ms`."""
        interval_ms = self.target.interval_ms
        return now_ms + interval_ms - (now_ms - self._offset_ms) % interval_ms

    def _now_ms(self) -> int:
        return self._clock.now_ns() // _NS_PER_MS

    async def _write(self, parts: list[bytes]) -> None:
        try:
            await self._writer.write(parts, protocol=_PROTOCOL)
        except GnomonError as error:
            LOST_SCRAPES.inc()
            log.warning("samples of a scrape are lost", target=self.target.url, reason=str(error))
