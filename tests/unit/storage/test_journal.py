"""The journal: what is acknowledged is stored, once, and soon."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from gnomon.model.errors import UnavailableError
from gnomon.storage.engine import Engine
from gnomon.storage.errors import StorageError
from gnomon.storage.settings import JournalSettings
from gnomon.storage.streams import Stream
from tests.opened_storage import OpenedStorage, open_storage
from tests.otlp_requests import make_log_request, make_trace_request

TRACES, LOGS = "otlp_traces", "otlp_logs"


async def _count(engine: Engine, table: str = "spans") -> int:
    return int((await engine.query(f"SELECT count() FROM {table}")).value())


async def _eventually(opened: OpenedStorage, table: str, rows: int) -> None:
    """Ask as a reader does until the rows are there; fails when they do not come."""
    async with asyncio.timeout(20):
        while True:
            await opened.journal.catch_up(TRACES, LOGS)
            if await _count(opened.engine, table) == rows:
                return
            await asyncio.sleep(0.05)


async def test_acknowledged_requests_can_be_queried(opened_storage: OpenedStorage) -> None:
    """After `catch_up` a reader sees what was acknowledged before, at the first read and while reading goes on."""
    journal = opened_storage.journal
    await journal.append(TRACES, make_trace_request(3), os.urandom(16))
    await journal.append(LOGS, make_log_request(["hello"]), os.urandom(16))
    await _eventually(opened_storage, "spans", 3)
    await _eventually(opened_storage, "logs", 1)
    await journal.append(TRACES, make_trace_request(4), os.urandom(16))
    await _eventually(opened_storage, "spans", 7)
    async with asyncio.timeout(20):
        while journal.backlog_bytes:  # noqa: ASYNC110 - a segment is put away after its rows can be seen
            await asyncio.sleep(0.01)


async def test_an_identical_request_is_stored_once(opened_storage: OpenedStorage) -> None:
    """Sent again while the first is under way, and after it was acknowledged: answered, and not stored."""
    body, fingerprint = make_trace_request(5), os.urandom(16)
    await asyncio.gather(*(opened_storage.journal.append(TRACES, body, fingerprint) for _ in range(5)))
    await opened_storage.journal.append(TRACES, body, fingerprint)
    await opened_storage.journal.flush()
    assert await _count(opened_storage.engine) == 5


async def test_a_restart_loads_what_is_left_and_knows_what_came(tmp_path: Path) -> None:
    """Segments of a former process are loaded once, and its requests are recognised when they come again."""
    data, body, fingerprint = tmp_path / "data", make_trace_request(6), os.urandom(16)
    copy = tmp_path / "journal as a crash left it"
    async with open_storage(data, settings=JournalSettings(idle_segment_age_s=60)) as opened:
        await opened.journal.append(TRACES, body, fingerprint)
        shutil.copytree(data / "journal", copy)
    with next((copy / TRACES).glob("*.segment")).open("ab") as segment:
        segment.write(b"\x05torn")
    shutil.rmtree(data / "journal")
    shutil.copytree(copy, data / "journal")
    async with open_storage(data) as opened:
        await opened.journal.flush()
        await opened.journal.append(TRACES, body, fingerprint)
        await opened.journal.flush()
        assert await _count(opened.engine) == 6
        assert not list((data / "journal" / TRACES).glob("*.segment"))


async def test_an_unreadable_request_is_set_aside_and_the_others_are_stored(tmp_path: Path) -> None:
    """Should validation ever let one pass, nobody else's data suffers and nothing is thrown away."""
    async with open_storage(tmp_path) as opened:
        bodies = [make_trace_request(2), b"\x0a\x05abcde", make_trace_request(2), make_trace_request(2)]
        await asyncio.gather(*(opened.journal.append(TRACES, body, os.urandom(16)) for body in bodies))
        await opened.journal.flush()
        assert await _count(opened.engine) == 6
        assert opened.journal.set_aside == 1
    [kept] = (tmp_path / "journal" / "rejected").iterdir()
    assert b"abcde" in kept.read_bytes()


class _StuckEngine:
    """An engine that does not answer until it is let."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.freed = asyncio.Event()
        self.dialect = engine.dialect

    async def load(self, stream: Stream, segment: Path, token: str) -> None:
        await self.freed.wait()
        await self._engine.load(stream, segment, token)

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)


async def test_a_loader_that_is_behind_makes_requests_wait_and_then_refuses(tmp_path: Path) -> None:
    """Beyond the backlog a request waits, is refused retryably, and is taken when the loader has caught up."""
    settings = JournalSettings(backlog_bytes=1, hold_s=0.1, segment_age_s=0.01, idle_segment_age_s=0.01)
    async with open_storage(tmp_path, settings=settings) as opened:
        stuck = _StuckEngine(opened.engine)
        opened.journal._loader._engine = stuck  # type: ignore[assignment]
        await opened.journal.append(TRACES, make_trace_request(1), os.urandom(16))
        body, fingerprint = make_trace_request(2), os.urandom(16)
        with pytest.raises(UnavailableError, match="backlog_bytes = 1") as refused:
            await opened.journal.append(TRACES, body, fingerprint)
        assert refused.value.reason == "backlog"
        stuck.freed.set()
        await opened.journal.flush()
        await opened.journal.append(TRACES, body, fingerprint)
        await opened.journal.flush()
        assert await _count(opened.engine) == 3


class _SlowEngine(_StuckEngine):
    """An engine that takes in 400 kB a second."""

    async def load(self, stream: Stream, segment: Path, token: str) -> None:
        await asyncio.sleep(segment.stat().st_size / 400_000)


async def test_senders_are_paced_by_the_loader(tmp_path: Path) -> None:
    """However much is sent, what was acknowledged last is loaded within about a second, and nobody is refused."""
    async with open_storage(tmp_path, settings=JournalSettings(segment_bytes=80_000, segment_age_s=0.1)) as opened:
        opened.journal._loader._engine = _SlowEngine(opened.engine)  # type: ignore[assignment]
        body, ends = make_trace_request(100), asyncio.get_running_loop().time() + 2.5

        async def send() -> None:
            while asyncio.get_running_loop().time() < ends:
                await opened.journal.append(TRACES, body, os.urandom(16))

        await asyncio.gather(*(send() for _ in range(4)))
        async with asyncio.timeout(1.5):
            await opened.journal.flush()


class _PickyEngine(_StuckEngine):
    """An engine that refuses one request for a reason that no protobuf reader would give."""

    async def load(self, stream: Stream, segment: Path, token: str) -> None:
        if b"picked" in segment.read_bytes():
            message = "Code: 349. DB::Exception: Cannot convert NULL value to non-Nullable type"
            raise StorageError(message, code=349)
        await self._engine.load(stream, segment, token)


async def test_a_stream_that_cannot_be_loaded_holds_up_no_other(tmp_path: Path) -> None:
    """While one stream's segment is tried again, another's is stored; then the refused request stands aside alone."""
    async with open_storage(tmp_path, settings=JournalSettings(segment_age_s=0.01)) as opened:
        opened.journal._loader._engine = _PickyEngine(opened.engine)  # type: ignore[assignment]
        for body in ("fine", "picked", "fine, too"):
            await opened.journal.append(LOGS, make_log_request([body]), os.urandom(16))
        await opened.journal.append(TRACES, make_trace_request(1), os.urandom(16))
        await _eventually(opened, "spans", 1)
        await opened.journal.flush()
        assert await _count(opened.engine, "logs") == 2
        assert opened.journal.set_aside == 1


async def test_a_full_disk_refuses_and_reads_go_on(tmp_path: Path) -> None:
    """Less free space than asked for: retryable, with the setting in the message."""
    async with open_storage(tmp_path, min_free_bytes=1 << 60) as opened:
        with pytest.raises(UnavailableError, match="min_free_bytes") as refused:
            await opened.journal.append(TRACES, make_trace_request(1), os.urandom(16))
        assert refused.value.reason == "disk_full"
        assert await _count(opened.engine) == 0


async def test_listeners_hear_of_loaded_segments(opened_storage: OpenedStorage) -> None:
    """A listener is called with the stream, until it is taken off."""
    heard: list[str] = []
    end = opened_storage.journal.on_loaded(heard.append)
    await opened_storage.journal.append(LOGS, make_log_request(["x"]), os.urandom(16))
    await opened_storage.journal.flush()
    end()
    await opened_storage.journal.append(LOGS, make_log_request(["y"]), os.urandom(16))
    await opened_storage.journal.flush()
    assert heard == [LOGS]
