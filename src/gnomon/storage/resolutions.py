"""Which samples answer which steps: raw ones as long as they are kept, put-together ones for what is older.

    ┌───────── by the hour ─────────┬──── by five minutes ────┬────── as they came ──────┐
    now - metrics_1h          now - metrics_5m           now - metrics               now

A query that would read more raw samples than it may takes put-together ones for younger steps, too, where its step
and window are no finer than they are.
"""

from dataclasses import dataclass

from gnomon.model.series import Grid
from gnomon.storage.settings import RetentionSettings

RAW_MS, FIVE_MINUTES_MS, HOUR_MS = 0, 300_000, 3_600_000
RESOLUTIONS_MS = (FIVE_MINUTES_MS, HOUR_MS)
# Scraped at this pace, where nothing better is known.
_USUAL_STEP_MS = 15_000


@dataclass(frozen=True, slots=True)
class Part:
    """Steps that are answered from samples of one resolution (0: raw): `first` to `first + grid.steps` of all steps."""

    grid: Grid
    first: int
    resolution_ms: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is: from when on there are samples of each resolution, and until when they have been put together."""

    raw_from_ms: int
    five_minutes_from_ms: int
    until_ms: dict[int, int]

    @classmethod
    def at(cls, now_ms: int, retention: RetentionSettings, until_s: dict[int, int]) -> "Kept":
        """Return what there is at a time, by the settings."""
        until_ms = {resolution * 1000: until * 1000 for resolution, until in until_s.items()}
        return cls(now_ms - retention.metrics_s * 1000, now_ms - retention.metrics_5m_s * 1000, until_ms)

    def resolution_at(self, begin_ms: int, end_ms: int, finest_ms: int = RAW_MS) -> int:
        """Return the resolution that answers for `(begin_ms, end_ms]`, none finer than asked for.

        Raw samples answer for what has not been put together yet.
        """
        if begin_ms >= self.raw_from_ms and finest_ms == RAW_MS:
            return RAW_MS
        if begin_ms >= self.five_minutes_from_ms and finest_ms <= FIVE_MINUTES_MS:
            return FIVE_MINUTES_MS if end_ms <= self.until_ms.get(FIVE_MINUTES_MS, 0) else RAW_MS
        if end_ms <= self.until_ms.get(HOUR_MS, 0):
            return HOUR_MS
        return self.resolution_at(begin_ms, end_ms, FIVE_MINUTES_MS) if finest_ms == HOUR_MS else RAW_MS

    def split(self, grid: Grid, window_ms: int, finest_ms: int = RAW_MS) -> list[Part]:
        """Return the parts of a grid, in order; each step falls into one."""
        if grid.start_ms - window_ms >= self.raw_from_ms and finest_ms == RAW_MS:
            return [Part(grid, 0, RAW_MS)]
        found: list[Part] = []
        first = 0
        resolutions = [
            self.resolution_at(time_ms - window_ms, time_ms, finest_ms) for time_ms in grid.times_ms.tolist()
        ]
        for step in range(1, grid.steps + 1):
            if step == grid.steps or resolutions[step] != resolutions[first]:
                start_ms = grid.start_ms + first * grid.step_ms
                end_ms = grid.start_ms + (step - 1) * grid.step_ms
                found.append(Part(Grid(start_ms, end_ms, grid.step_ms), first, resolutions[first]))
                first = step
        return found


def finest_for(series: int, grid: Grid, window_ms: int, most_samples: int) -> int:
    """Return the finest resolution at which a query reads no more samples than it may; raw where none is fit."""
    span_ms = grid.end_ms - grid.start_ms + window_ms
    if series * span_ms // _USUAL_STEP_MS <= most_samples:
        return RAW_MS
    fit = [one for one in RESOLUTIONS_MS if grid.step_ms >= one and window_ms >= one and grid.steps > 1]
    enough = [one for one in fit if series * span_ms // one <= most_samples]
    return enough[0] if enough else (fit[-1] if fit else RAW_MS)
