"""Accept requests durably before the engine sees them, and load them in bulk.

    append ─► open segment of the stream ─ one fdatasync for all who wait ─► acknowledged
                      │ full, or old enough, or somebody wants to read
                      ▼
               closed segment ─ loader: one segment = one insert ─► deleted

An insert costs the engine the same however small it is, so requests are gathered into segments. While nobody reads,
segments close late; a reader that calls `catch_up` closes them at once and waits until they are loaded, so nobody
sees old data. A restart loads what is left: a segment's name is its insert's deduplication token, so no crash stores
it twice.
"""

import asyncio
import contextlib
import math
import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from prometheus_client import Counter, Gauge, Histogram

from gnomon.lifecycle import Clock
from gnomon.storage.engine import Engine
from gnomon.storage.errors import StorageUnavailableError
from gnomon.storage.loader import Loader, Segment
from gnomon.storage.repeats import RepeatMemory
from gnomon.storage.segments import encode_frame, repair_segment
from gnomon.storage.settings import JournalSettings
from gnomon.storage.streams import STREAMS

log = structlog.get_logger(__name__)

APPENDED_BYTES = Counter("gnomon_journal_appended_bytes_total", "Bytes of requests written to the journal.", ["stream"])
APPENDED_REQUESTS = Counter("gnomon_journal_appended_requests_total", "Requests written to the journal.", ["stream"])
REPEATED_REQUESTS = Counter(
    "gnomon_journal_repeated_requests_total", "Requests that were sent again and are stored once.", ["stream"]
)
REFUSED_REQUESTS = Counter(
    "gnomon_journal_refused_requests_total", "Requests refused for the time being, by reason.", ["stream", "reason"]
)
SYNC_SECONDS = Histogram(
    "gnomon_journal_sync_duration_seconds",
    "Time to write and sync one group of requests.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
BACKLOG_BYTES = Gauge("gnomon_journal_backlog_bytes", "Bytes that are acknowledged and not yet loaded into the engine.")
_GROUP = 256
_CATCH_UP_S = 1.0
_DRAIN_S = 10.0
_CLOSE_AGAIN_S = 0.5
# Under full load a segment holds about what loads in `_SEGMENT_LOAD_S`, and senders wait a little where more than what
# loads in `_LAG_S` is acknowledged and not loaded: the last acknowledged request can be queried within a second.
_SEGMENT_LOAD_S = 0.35
_LAG_S = 0.75
_PACE_S = 1.0
_PACE_AGAIN_S = 0.05
_RATE_WEIGHT = 0.3


@dataclass(slots=True)
class _Waiting:
    """A request that is not yet synced."""

    body: bytes
    fingerprint: bytes
    done: asyncio.Future[None]


class _StreamJournal:
    """The open segment of one stream and those who wait for its next sync."""

    def __init__(self, stream: str, folder: Path, repeats: RepeatMemory) -> None:
        self.stream = stream
        self.folder = folder
        self.repeats = repeats
        self.segment: Segment | None = None
        self.waiting: deque[_Waiting] = deque()
        self.pending: dict[bytes, asyncio.Future[None]] = {}
        self.wake = asyncio.Event()
        self.close_now = False
        # Bytes a second at which segments load; 0 until one of a size that tells was loaded.
        self.load_rate = 0.0
        self.paced_at = -math.inf
        self.advanced = asyncio.Event()


class Journal:
    """Accept requests of all streams (a Service): `append` returns when a request is on the disk.

    Owns the folder `directory`. Memory is bounded by `waiting_bytes` and by segments being files.
    """

    def __init__(
        self, directory: Path, engine: Engine, settings: JournalSettings, min_free_bytes: int, clock: Clock
    ) -> None:
        """Remember where and how; nothing happens before `start`."""
        self._directory = directory
        self._settings = settings
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._streams: dict[str, _StreamJournal] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._backlog_bytes = 0
        self._waiting_bytes = 0
        self._loaded = asyncio.Condition()
        # Bytes since the start, by stream: a segment is loaded after all that were appended before it.
        self._appended: dict[str, int] = dict.fromkeys(STREAMS, 0)
        self._stored: dict[str, int] = dict.fromkeys(STREAMS, 0)
        self._disk_full = False
        self._loader = Loader(engine, directory / "rejected", clock, self._note_loaded)
        self._number = time.time_ns()
        self._listeners: list[Callable[[str], None]] = []
        self._stopping = False

    @property
    def _busy_bytes(self) -> int:
        """Return from which size on a segment is worth an insert of its own."""
        return self._settings.segment_bytes // 8

    @property
    def _least_bytes(self) -> int:
        """Return the size to which a segment grows under full load at least.

        An insert costs the same however small it is: on a slow machine smaller ones would make it slower yet.
        """
        return self._settings.segment_bytes * 2 // 3

    @property
    def backlog_bytes(self) -> int:
        """Return how many acknowledged bytes are not yet loaded."""
        return self._backlog_bytes

    @property
    def refusal(self) -> str:
        """Return why requests are refused now, in words for people; empty while they are taken."""
        if self._disk_full:
            return f"Less than storage.min_free_bytes = {self._min_free_bytes} are free on the disk."
        if self._backlog_bytes > self._settings.backlog_bytes:
            return (
                self._loader.trouble
                or f"More than journal.backlog_bytes = {self._settings.backlog_bytes} wait to be loaded."
            )
        return ""

    @property
    def set_aside(self) -> int:
        """Return how many files of unreadable requests were set aside and are still there."""
        return self._loader.set_aside

    @property
    def complete_until_ms(self) -> int:
        """Return the time of receipt, in Unix milliseconds, before which this process stores nothing more."""
        return self._loader.complete_until_ms

    def complete_until_ms_of(self, *streams: str) -> int:
        """Return the same, of what comes in by some streams alone."""
        return self._loader.complete_until_ms_of(*streams)

    def on_loaded(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(stream)` after each loaded segment, in the event loop; returns the way to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def start(self) -> None:
        """Take up what a former process left, then accept."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._check_disk()
        for stream in STREAMS:
            folder = self._directory / stream
            repeats = RepeatMemory(folder / "repeats", self._settings.repeat_window_s, self._settings.repeat_entries)
            self._streams[stream] = _StreamJournal(stream, folder, repeats)
            await asyncio.to_thread(self._recover, self._streams[stream])
        self._tasks = [
            asyncio.create_task(self._write(stream), name=f"journal {name}") for name, stream in self._streams.items()
        ]
        self._tasks.append(asyncio.create_task(self._watch_disk(), name="disk watch"))
        self._loader.start()

    async def stop(self) -> None:
        """Refuse new requests, sync those that wait, load what can be loaded, and release the files."""
        if not self._tasks:
            return
        self._stopping = True
        for stream in self._streams.values():
            stream.wake.set()
        writers = self._tasks[: len(self._streams)]
        await asyncio.gather(*writers, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wait_until_loaded(dict(self._appended)), _DRAIN_S)
        await self._loader.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def append(self, stream: str, body: bytes, fingerprint: bytes) -> None:
        """Return when a request is on the disk; at once when it has been accepted before.

        `body` is a valid request of the stream, `fingerprint` 16 bytes that name it. Raises StorageUnavailableError
        with the reason `disk_full`, `backlog`, `overload` or `stopping`.
        """
        journal = self._streams[stream]
        if (pending := journal.pending.get(fingerprint)) is not None:
            REPEATED_REQUESTS.labels(stream).inc()
            await asyncio.shield(pending)
            return
        if fingerprint in journal.repeats:
            REPEATED_REQUESTS.labels(stream).inc()
            return
        self._refuse_if(self._stopping, stream, "stopping", "Gnomon is shutting down.")
        self._refuse_if(self._disk_full, stream, "disk_full", self.refusal)
        too_much = self._waiting_bytes + len(body) > self._settings.waiting_bytes and self._waiting_bytes > 0
        limit = self._settings.waiting_bytes
        self._refuse_if(
            too_much, stream, "overload", f"Requests with more than journal.waiting_bytes = {limit} wait for the disk."
        )
        done = asyncio.get_running_loop().create_future()
        done.add_done_callback(_retrieve)
        journal.pending[fingerprint] = done
        self._waiting_bytes += len(body)
        try:
            if self._is_ahead(journal):
                await self._pace(journal)
            if self._backlog_bytes > self._settings.backlog_bytes:
                await self._hold_back(stream)
            journal.waiting.append(_Waiting(body, fingerprint, done))
        except BaseException as error:
            self._settle(journal, fingerprint, len(body))
            done.set_exception(error if isinstance(error, StorageUnavailableError) else _gone())
            raise
        journal.wake.set()
        await asyncio.shield(done)

    async def catch_up(self, *streams: str) -> None:
        """Make what was acknowledged half a second ago queryable; waits a second at most, and only where that is due.

        Under full load segments close and load without anybody's asking, and a reader does not wait for them.
        """
        now = self._clock.monotonic()
        goals: dict[str, int] = {}
        for stream in streams:
            journal = self._streams[stream]
            segment = journal.segment
            goals[stream] = self._appended[stream]
            if segment is not None and segment.size:
                if now - segment.born < self._settings.segment_age_s:
                    goals[stream] -= segment.size
                else:
                    journal.close_now = True
                    journal.wake.set()
        if self._backlog_bytes < self._busy_bytes:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wait_until_loaded(goals), _CATCH_UP_S)

    async def flush(self) -> None:
        """Return when everything that is acknowledged is loaded, however long that takes."""
        for journal in self._streams.values():
            if journal.segment is not None and journal.segment.size:
                journal.close_now = True
                journal.wake.set()
        await self._wait_until_loaded(dict(self._appended))

    async def _wait_until_loaded(self, goals: dict[str, int]) -> None:
        async with self._loaded:
            await self._loaded.wait_for(lambda: all(self._stored[stream] >= goal for stream, goal in goals.items()))

    def _refuse_if(self, refused: bool, stream: str, reason: str, message: str) -> None:  # noqa: FBT001 - a sentence
        if refused:
            REFUSED_REQUESTS.labels(stream, reason).inc()
            explained = f"{message} Send the request again later."
            raise StorageUnavailableError(explained, reason=reason)

    def _is_ahead(self, journal: _StreamJournal) -> bool:
        """Tell whether more of a stream is acknowledged than its loader can load within `_LAG_S`."""
        ahead = self._appended[journal.stream] - self._stored[journal.stream]
        enough = journal.load_rate * _LAG_S if journal.load_rate else 2 * self._settings.segment_bytes
        return ahead > max(2 * self._least_bytes, enough)

    async def _pace(self, journal: _StreamJournal) -> None:
        """Let the loader catch up before a request is acknowledged; not for long, and not where the loader is stuck."""
        deadline = self._clock.monotonic() + _PACE_S
        while self._is_ahead(journal) and self._clock.monotonic() < deadline and not self._loader.trouble:
            journal.paced_at = self._clock.monotonic()
            self._refuse_if(self._stopping, journal.stream, "stopping", "Gnomon is shutting down.")
            journal.advanced.clear()
            timer = asyncio.get_running_loop().call_later(_PACE_AGAIN_S, journal.advanced.set)
            await journal.advanced.wait()
            timer.cancel()

    async def _hold_back(self, stream: str) -> None:
        """Wait until the loader has caught up, for so long as settings say."""
        deadline = self._clock.monotonic() + self._settings.hold_s
        while self._backlog_bytes > self._settings.backlog_bytes:
            self._refuse_if(self._stopping, stream, "stopping", "Gnomon is shutting down.")
            self._refuse_if(self._clock.monotonic() >= deadline, stream, "backlog", self.refusal)
            await self._clock.sleep(0.01)

    def _settle(self, journal: _StreamJournal, fingerprint: bytes, size: int) -> None:
        journal.pending.pop(fingerprint, None)
        self._waiting_bytes -= size

    async def _write(self, journal: _StreamJournal) -> None:
        """Write groups of waiting requests to the open segment until told to stop."""
        while not (self._stopping and not journal.waiting):
            # A timer, for `wait_for` would make a task for each group of requests.
            timer = asyncio.get_running_loop().call_later(self._time_until_close(journal), journal.wake.set)
            await journal.wake.wait()
            timer.cancel()
            journal.wake.clear()
            while journal.waiting:
                group = [journal.waiting.popleft() for _ in range(min(_GROUP, len(journal.waiting)))]
                await self._write_group(journal, group)
            segment = journal.segment
            if segment is not None and (journal.close_now or self._time_until_close(journal) == 0):
                journal.close_now = False
                await self._close_segment(journal, segment)
        if journal.segment is not None:
            await self._close_segment(journal, journal.segment)

    def _time_until_close(self, journal: _StreamJournal) -> float:
        segment = journal.segment
        if segment is None:
            return 60.0
        enough = max(self._least_bytes, journal.load_rate * _SEGMENT_LOAD_S) if journal.load_rate else segment.size + 1
        # Where senders were made to wait, the loader need not: it takes what there is.
        paced = self._clock.monotonic() - journal.paced_at < _PACE_S
        if paced and self._appended[journal.stream] - self._stored[journal.stream] == segment.size:
            enough /= 2
        if segment.size >= min(self._settings.segment_bytes, enough):
            return 0.0
        busy = segment.size >= self._busy_bytes
        age = self._settings.segment_age_s if busy else self._settings.idle_segment_age_s
        return max(0.0, segment.born + age - self._clock.monotonic())

    async def _write_group(self, journal: _StreamJournal, group: list[_Waiting]) -> None:
        now_s = self._clock.now_ns() // 10**9
        if journal.segment is None:
            self._number += 1
            path = journal.folder / f"{journal.stream}-{self._number:020d}.segment"
            journal.segment = Segment(journal.stream, path, self._clock.monotonic())
        segment = journal.segment
        try:
            written = await asyncio.to_thread(_append_group, segment, group, now_s)
        except OSError as error:
            log.error("journal cannot be written", stream=journal.stream, error=str(error))  # noqa: TRY400 - the cause says it all
            self._disk_full = True
            for request in group:
                self._settle(journal, request.fingerprint, len(request.body))
                REFUSED_REQUESTS.labels(journal.stream, "disk_full").inc()
                failure = StorageUnavailableError(
                    f"The journal cannot be written: {error}. Send again later.", reason="disk_full"
                )
                request.done.set_exception(failure)
            return
        segment.size += written
        self._backlog_bytes += written
        self._appended[journal.stream] += written
        BACKLOG_BYTES.set(self._backlog_bytes)
        APPENDED_BYTES.labels(journal.stream).inc(written)
        APPENDED_REQUESTS.labels(journal.stream).inc(len(group))
        for request in group:
            journal.repeats.add(request.fingerprint, now_s)
            segment.accepted.append((request.fingerprint, now_s))
            self._settle(journal, request.fingerprint, len(request.body))
            request.done.set_result(None)

    async def _close_segment(self, journal: _StreamJournal, segment: Segment) -> None:
        """Hand a segment to the loader; before that, its fingerprints are written down elsewhere.

        While the disk takes nothing the segment stays open: it is on the disk, and loads at the latest after a restart.
        """
        try:
            await asyncio.to_thread(journal.repeats.save, segment.accepted)
        except OSError as error:
            log.error("segment cannot be closed", segment=segment.path.name, error=str(error))  # noqa: TRY400
            self._disk_full = True
            await self._clock.sleep(_CLOSE_AGAIN_S)
            return
        segment.accepted = []
        journal.segment = None
        if segment.file >= 0:
            os.close(segment.file)
            segment.file = -1
        if segment.size:
            self._loader.put(segment)
        else:
            segment.path.unlink(missing_ok=True)

    def _recover(self, journal: _StreamJournal) -> None:
        """Read fingerprints back and queue the segments that a former process left."""
        now_s = self._clock.now_ns() // 10**9
        journal.repeats.restore(now_s)
        for path in sorted(journal.folder.glob("*.segment")):
            frames = repair_segment(path)
            recent = [frame for frame in frames if frame.accepted_s > now_s - self._settings.repeat_window_s]
            for frame in recent:
                journal.repeats.add(frame.fingerprint, now_s)
            journal.repeats.save((frame.fingerprint, frame.accepted_s) for frame in recent)
            segment = Segment(journal.stream, path, self._clock.monotonic(), path.stat().st_size)
            self._backlog_bytes += segment.size
            self._appended[journal.stream] += segment.size
            if segment.size:
                self._loader.put(segment)
            else:
                path.unlink()
            log.info("segment of a former process found", segment=path.name, requests=len(frames))
        BACKLOG_BYTES.set(self._backlog_bytes)

    async def _note_loaded(self, segment: Segment) -> None:
        """Settle the books after a segment has been stored and deleted."""
        self._backlog_bytes -= segment.size
        BACKLOG_BYTES.set(self._backlog_bytes)
        if segment.size >= self._busy_bytes and segment.load_s > 0:
            journal, rate = self._streams[segment.stream], segment.size / segment.load_s
            journal.load_rate += (rate - journal.load_rate) * (_RATE_WEIGHT if journal.load_rate else 1.0)
        async with self._loaded:
            self._stored[segment.stream] += segment.size
            self._loaded.notify_all()
        self._streams[segment.stream].advanced.set()
        self._streams[segment.stream].wake.set()
        for listener in tuple(self._listeners):
            listener(segment.stream)

    async def _watch_disk(self) -> None:
        while True:
            self._check_disk()
            await self._clock.sleep(1.0)

    def _check_disk(self) -> None:
        full = shutil.disk_usage(self._directory).free < self._min_free_bytes
        if full != self._disk_full:
            log.warning("disk is nearly full, ingest refuses" if full else "disk has room again, ingest accepts")
        self._disk_full = full


def _append_group(segment: Segment, group: list[_Waiting], now_s: int) -> int:
    """Write a group of requests and sync them; returns the number of bytes, and leaves nothing behind when it fails."""
    if segment.file < 0:
        segment.file = os.open(segment.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        _sync_directory(segment.path.parent)
    parts = [part for request in group for part in encode_frame(request.body, request.fingerprint, now_s)]
    try:
        with SYNC_SECONDS.time():
            written = _write_all(segment.file, b"".join(parts) if len(parts) > 900 else parts)  # noqa: PLR2004 - IOV_MAX is 1024
            os.fdatasync(segment.file)
    except OSError:
        os.ftruncate(segment.file, segment.size)
        raise
    return written


def _write_all(file: int, parts: list[bytes] | bytes) -> int:
    if isinstance(parts, list):
        total = sum(map(len, parts))
        written = os.writev(file, parts)
        if written == total:
            return total
        parts = b"".join(parts)
    else:
        total, written = len(parts), 0
    view = memoryview(parts)
    while written < total:
        written += os.write(file, view[written:])
    return total


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _retrieve(future: asyncio.Future[None]) -> None:
    """Mark an exception as seen: those who wait get it, and sometimes nobody does."""
    if not future.cancelled():
        future.exception()


def _gone() -> StorageUnavailableError:
    return StorageUnavailableError("The first sender of this request went away. Send it again.", reason="cancelled")
