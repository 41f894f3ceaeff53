"""Keep the calls between services computed, minute by minute, as spans come in."""

import asyncio

from gnomon.lifecycle import Clock, PeriodicService
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.edge_store import MINUTE_NS, Edge, EdgeStore

_INTERVAL_S = 20.0
_FRESH_S = 2.0
_LOOK_BACK_NS = 120 * MINUTE_NS
_SETTLED_AFTER_NS = 5_000_000_000
_SPANS_AT_ONCE = 1_000_000
_FEW_SPANS = 500_000
_LATE_SHARE = 0.05


class ServiceEdges:
    """Compute each minute once it is over, and again when spans arrive late (a Service).

    A minute is computed again whenever it holds more spans than it did. While nothing arrives, one small query every
    twenty seconds is all that happens.
    """

    def __init__(self, store: EdgeStore, clock: Clock) -> None:
        """Write to `store`."""
        self._store = store
        self._clock = clock
        self._periodic = PeriodicService("service edges", self.update, _INTERVAL_S, clock)
        self._computed: dict[int, int] = {}
        self._computed_to_ns = 0
        self._updated = -_FRESH_S
        self._updating = asyncio.Lock()

    async def start(self) -> None:
        """Begin with the last two hours."""
        await self._periodic.start()

    async def stop(self) -> None:
        """End; what is half computed is computed again after the next start."""
        await self._periodic.stop()

    async def update(self) -> None:
        """Compute a few of the minutes that changed, the newest first."""
        async with self._updating:
            await self._update()
            self._updated = self._clock.monotonic()

    async def _update(self) -> None:
        now_ns = self._clock.now_ns()
        end_ns = (now_ns - _SETTLED_AFTER_NS) // MINUTE_NS * MINUTE_NS
        time_range = TimeRange(end_ns - _LOOK_BACK_NS, end_ns)
        counts = await self._store.count_spans(time_range)
        changed = [minute for minute, spans in counts.items() if self._differs(minute, spans)]
        spans_left = _SPANS_AT_ONCE
        for minute in sorted(changed, reverse=True):
            if spans_left <= 0:
                break
            await self._store.compute(minute, counts[minute], now_ns)
            self._computed[minute] = counts[minute]
            spans_left -= counts[minute]
        self._computed = {minute: spans for minute, spans in self._computed.items() if minute >= time_range.start_ns}
        self._computed_to_ns = end_ns

    def _differs(self, minute: int, spans: int) -> bool:
        """Return whether to compute a minute again: for any late span, or for a share of them where there are many."""
        known = self._computed.get(minute)
        return known is None or abs(spans - known) > max(spans - _FEW_SPANS, 0) * _LATE_SHARE

    async def read(self, time_range: TimeRange) -> list[Edge]:
        """Return the edges of a range; what is not computed yet of the last minutes is computed on the spot."""
        if self._clock.monotonic() - self._updated > _FRESH_S:
            await self.update()
        newest_ns = self._clock.now_ns() // MINUTE_NS * MINUTE_NS - 2 * MINUTE_NS
        return await self._store.read(time_range, max(self._computed_to_ns, newest_ns))
