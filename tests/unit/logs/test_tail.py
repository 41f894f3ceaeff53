"""Following new lines: batches, counts of what was left out, heartbeats."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gnomon.logs.tail import LogTail, TailBatch
from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import Filter, Text
from gnomon.model.log_records import Arrivals, LogRecord


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def now_ns(self) -> int:
        return int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Reader:
    """Hands out prepared batches, then nothing; remembers the marks and filters that it was asked with."""

    def __init__(self, clock: Clock, batches: Sequence[tuple[int, int]]) -> None:
        self._clock = clock
        self._batches = list(batches)
        self.marks: list[str] = []
        self.trees: list[Filter] = []

    async def wait_for_arrivals(self, mark: str, timeout_s: float) -> None:
        if not self._batches:
            await self._clock.sleep(timeout_s)

    async def arrivals(self, tree: Filter, mark: str, *, limit: int) -> Arrivals:
        self.marks.append(mark)
        self.trees.append(tree)
        lines, skipped = self._batches.pop(0) if mark and self._batches else (0, 0)
        record = LogRecord("1", 1, 1, 9, "", "a", "hello", "1")
        return Arrivals([record] * lines, {}, skipped, str(len(self.marks)))


async def test_batches_follow_each_other_and_skipped_lines_add_up() -> None:
    clock = Clock()
    reader = Reader(clock, [(2, 0), (0, 0), (5, 100), (1, 7)])
    batches = await LogTail(reader, clock).follow("hello")
    found = [batch async for _, batch in _take(batches, 3)]
    assert [(len(batch.records), batch.skipped, batch.skipped_total) for batch in found if batch] == [
        (2, 0, 0),
        (5, 100, 100),
        (1, 7, 107),
    ]
    assert reader.marks == ["", "1", "2", "3", "4"]
    assert set(reader.trees) == {Text("hello")}


async def test_a_quiet_stream_shows_that_it_lives() -> None:
    clock = Clock()
    batches = await LogTail(Reader(clock, []), clock).follow("")
    found = [batch async for _, batch in _take(batches, 2)]
    assert found == [None, None]
    assert 20 <= clock.now < 30


async def test_a_wrong_query_is_refused_before_anything_is_sent() -> None:
    clock = Clock()
    with pytest.raises(InvalidInputError):
        await LogTail(Reader(clock, []), clock).follow('"')


async def _take(batches: AsyncIterator[TailBatch | None], count: int) -> AsyncIterator[tuple[int, TailBatch | None]]:
    number = 0
    async for batch in batches:
        yield number, batch
        number += 1
        if number == count:
            return
