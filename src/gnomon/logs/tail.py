"""Live tail: new lines to whoever follows, as fast as they can be sent, and an honest count of the rest."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gnomon.lifecycle import Clock
from gnomon.model.filter_language import parse_filter
from gnomon.model.filters import Filter
from gnomon.model.log_records import Arrivals, LogRecord, Origin

_HEARTBEAT_S = 10.0
_LONGEST_WAIT_S = 1.0
_SHORTEST_INTERVAL_S = 0.2
_MAX_BATCH = 10_000


class ArrivalReader(Protocol):
    """Read lines in the order in which they were stored."""

    async def wait_for_arrivals(self, mark: str, timeout_s: float) -> None:
        """Return when lines may have been stored since `mark`, or after `timeout_s`."""

    async def arrivals(self, tree: Filter, mark: str, *, limit: int) -> Arrivals:
        """Return the newest `limit` lines stored since `mark`; for an empty mark nothing but a mark to begin at.

        Raises InvalidInputError when the filter makes no sense for logs.
        """


@dataclass(frozen=True, slots=True)
class TailBatch:
    """Lines to show, oldest first; `skipped` were left out since the batch before, `skipped_total` since the start."""

    records: Sequence[LogRecord]
    origins: Mapping[str, Origin]
    skipped: int
    skipped_total: int


class LogTail:
    """Let people follow new lines.

    Nothing is buffered: whoever reads slowly gets, when the next batch is sent, the newest lines of the whole time
    since the last one and the number of those left out.
    """

    def __init__(self, reader: ArrivalReader, clock: Clock) -> None:
        """Read from `reader`."""
        self._reader = reader
        self._clock = clock

    async def follow(self, text: str) -> AsyncIterator[TailBatch | None]:
        """Return batches of the lines that a query finds from now on, and None now and then while there are none.

        Never ends by itself; raises InvalidInputError before the first batch.
        """
        tree = parse_filter(text)
        start = await self._reader.arrivals(tree, "", limit=0)
        return self._batches(tree, start.mark)

    async def _batches(self, tree: Filter, mark: str) -> AsyncIterator[TailBatch | None]:
        skipped_total = 0
        sent_at = self._clock.monotonic()
        while True:
            began = self._clock.monotonic()
            await self._reader.wait_for_arrivals(mark, _LONGEST_WAIT_S)
            found = await self._reader.arrivals(tree, mark, limit=_MAX_BATCH)
            mark = found.mark
            now = self._clock.monotonic()
            if found.records:
                skipped_total += found.skipped
                yield TailBatch(found.records, found.origins, found.skipped, skipped_total)
                sent_at = now
            elif now - sent_at > _HEARTBEAT_S:
                yield None
                sent_at = now
            await self._clock.sleep(max(0.0, began + _SHORTEST_INTERVAL_S - self._clock.monotonic()))
