"""Load closed segments into the engine: one segment, one insert, for as long as it takes.

Each stream has a queue of its own, so that one that cannot be loaded holds up no other. What the engine refuses for
reasons that pass (no memory, no connection, no room) is tried again without end. What it refuses for what it is, at
once or time after time, is halved until the refused requests stand alone; those are kept aside, counted and shown,
never dropped.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge, Histogram

from gnomon.lifecycle import Clock
from gnomon.model.errors import LimitExceededError, UnavailableError
from gnomon.storage.engine import Engine
from gnomon.storage.errors import SegmentRejectedError, StorageError
from gnomon.storage.segments import Frame, read_frames
from gnomon.storage.streams import STREAMS

log = structlog.get_logger(__name__)

BACKLOG_SEGMENTS = Gauge("gnomon_journal_backlog_segments", "Closed segments that wait for the loader.")
LOADED_BYTES = Counter("gnomon_loader_loaded_bytes_total", "Bytes of requests loaded into the engine.", ["stream"])
LOAD_SECONDS = Histogram(
    "gnomon_loader_insert_duration_seconds",
    "Time to insert one segment.",
    ["stream"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOAD_RETRIES = Counter("gnomon_loader_retries_total", "Inserts that failed and are tried again.", ["stream"])
SET_ASIDE_REQUESTS = Counter(
    "gnomon_loader_set_aside_requests_total",
    "Requests that the engine could not store; they are kept in the folder `rejected` of the journal.",
    ["stream"],
)

_FIRST_DELAY_S, _LAST_DELAY_S = 0.1, 10.0
_TRIES = 4
# Memory, time, disk space, parts, locks, replicas, connections: what passes without anybody changing the request.
_PASSING_CODES = frozenset({0, 159, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 394, 425, 473, 516, 999, 1000})


@dataclass(slots=True)
class Segment:
    """A file of requests, open or closed; `accepted` holds the fingerprints not yet written down, with their second.

    `load_s` is how long its loading took, once that is done.
    """

    stream: str
    path: Path
    born: float
    size: int = 0
    accepted: list[tuple[bytes, int]] = field(default_factory=list)
    file: int = -1
    load_s: float = 0.0


class Loader:
    """Insert the segments of each stream, oldest first."""

    def __init__(
        self, engine: Engine, rejected: Path, clock: Clock, on_loaded: Callable[[Segment], Awaitable[None]]
    ) -> None:
        """Keep unreadable requests in `rejected`; `on_loaded` is awaited after each segment was stored and deleted."""
        self._engine = engine
        self._rejected = rejected
        self._clock = clock
        self._on_loaded = on_loaded
        self._queues: dict[str, asyncio.Queue[Segment]] = {stream: asyncio.Queue() for stream in STREAMS}
        self._tasks: list[asyncio.Task[None]] = []
        self._troubles: dict[str, str] = {}
        self._began_ms: dict[str, int] = {}

    @property
    def complete_until_ms(self) -> int:
        """Return the time of receipt, in Unix milliseconds, before which no insert will store anything more.

        Everything that an insert stores bears the time at which it began.
        """
        return self.complete_until_ms_of(*self._began_ms)

    def complete_until_ms_of(self, *streams: str) -> int:
        """Return the same, of inserts of some streams alone."""
        began_ms = (self._began_ms[stream] for stream in streams if stream in self._began_ms)
        return min(began_ms, default=self._clock.now_ns() // 1_000_000)

    @property
    def trouble(self) -> str:
        """Return why a segment cannot be loaded now, in words for people; empty when all goes well."""
        return next((trouble for trouble in self._troubles.values() if trouble), "")

    @property
    def set_aside(self) -> int:
        """Return how many requests stand aside."""
        return len(list(self._rejected.iterdir())) if self._rejected.exists() else 0

    def start(self) -> None:
        """Begin to load what was put."""
        self._tasks = [asyncio.create_task(self._run(stream), name=f"loader {stream}") for stream in STREAMS]

    async def stop(self) -> None:
        """Stop; what is not loaded stays in its files."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def put(self, segment: Segment) -> None:
        """Load a closed segment after those of its stream that were put before."""
        self._queues[segment.stream].put_nowait(segment)
        BACKLOG_SEGMENTS.inc()

    async def _run(self, stream: str) -> None:
        while True:
            segment = await self._queues[stream].get()
            began = self._clock.monotonic()
            if not await self._insert(stream, segment.path):
                await self._insert_parts(segment)
            await asyncio.to_thread(segment.path.unlink)
            segment.load_s = self._clock.monotonic() - began
            BACKLOG_SEGMENTS.dec()
            LOADED_BYTES.labels(stream).inc(segment.size)
            await self._on_loaded(segment)

    async def _insert(self, stream: str, path: Path) -> bool:
        """Insert a file; returns False when the engine refuses it for what it is."""
        delay_s, tries = _FIRST_DELAY_S, 0
        while True:
            self._began_ms[stream] = self._clock.now_ns() // 1_000_000
            try:
                with LOAD_SECONDS.labels(stream).time():
                    await self._engine.load(STREAMS[stream], path, path.name)
            except SegmentRejectedError as error:
                log.error("segment cannot be read whole", segment=path.name, error=str(error)[:500])  # noqa: TRY400
                return False
            except Exception as error:
                tries += 0 if _passes(error) else 1
                if tries == _TRIES:
                    log.exception("segment is refused time after time", segment=path.name)
                    return False
                self._troubles[stream] = f"The loader cannot insert: {str(error)[:300]}"
                LOAD_RETRIES.labels(stream).inc()
                log.warning("insert failed, trying again", segment=path.name, delay_s=delay_s, error=str(error)[:500])
                self._began_ms.pop(stream, None)
                await self._clock.sleep(delay_s)
                delay_s = min(delay_s * 2, _LAST_DELAY_S)
            else:
                self._troubles[stream] = ""
                return True
            finally:
                self._began_ms.pop(stream, None)

    async def _insert_parts(self, segment: Segment) -> None:
        """Halve a segment until the requests that the engine refuses stand alone, and keep those aside."""
        data = await asyncio.to_thread(segment.path.read_bytes)
        whole = list(read_frames(data))
        middle = (len(whole) + 1) // 2
        parts = [part for part in (whole[middle:], whole[:middle]) if part]
        while parts:
            frames = parts.pop()
            part = segment.path.with_suffix(f".{frames[0].start}-{frames[-1].end}.part")
            await asyncio.to_thread(part.write_bytes, data[frames[0].start : frames[-1].end])
            if not await self._insert(segment.stream, part):
                if len(frames) > 1:
                    middle = len(frames) // 2
                    parts += [frames[middle:], frames[:middle]]
                else:
                    await asyncio.to_thread(self._set_aside, segment.stream, part, frames[0])
            await asyncio.to_thread(part.unlink, missing_ok=True)
        self._troubles[segment.stream] = ""

    def _set_aside(self, stream: str, part: Path, frame: Frame) -> None:
        self._rejected.mkdir(exist_ok=True)
        shutil.copy(part, self._rejected / part.name)
        SET_ASIDE_REQUESTS.labels(stream).inc()
        log.error("request set aside", file=str(self._rejected / part.name), fingerprint=frame.fingerprint.hex())


def _passes(error: Exception) -> bool:
    """Tell whether a failure may pass without anybody changing the request."""
    if isinstance(error, StorageError):
        return error.code in _PASSING_CODES
    return isinstance(error, UnavailableError | LimitExceededError | OSError)
