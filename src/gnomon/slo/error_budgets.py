"""The arithmetic of error budgets over counted events: what is attained, what is left, how fast it goes, until when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PARTS = 12
_FEWEST_PARTS = 3
# Student's t for 90 % of both sides with the freedom of so many parts, less one.
_T_90 = {3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015, 7: 1.943, 8: 1.895, 9: 1.860, 10: 1.833, 11: 1.812, 12: 1.796}


@dataclass(frozen=True, slots=True)
class Counts:
    """Good and all events of stretches of `step_ms` one after another; the last one ends at `end_ms`."""

    good: Floats
    total: Floats
    end_ms: int
    step_ms: int

    def last(self, window_ms: int) -> "Counts":
        """Return the newest stretches that lie within a window wholly."""
        steps = min(len(self.total), window_ms // self.step_ms)
        begin = len(self.total) - steps
        return Counts(self.good[begin:], self.total[begin:], self.end_ms, self.step_ms)

    def by_slices(self, slice_target: float) -> "Counts":
        """Return one event for each stretch that has any: a good one where enough of them were good."""
        seen = self.total > 0
        share = np.divide(self.good, self.total, out=np.zeros_like(self.good), where=seen)
        return Counts((seen & (share >= slice_target)).astype(float), seen.astype(float), self.end_ms, self.step_ms)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the budget is gone if errors go on as of late: `at_ms`, and an interval of 90 % for it.

    None stands for "not in the time to look at"; so `latest_ms` may be None where `at_ms` is not. `measured` tells
    whether there was enough to tell an interval by.
    """

    at_ms: int | None = None
    earliest_ms: int | None = None
    latest_ms: int | None = None
    measured: bool = False


def attained(counts: Counts) -> float | None:
    """Return the share of events that were good; None where there were none."""
    total = float(counts.total.sum())
    return float(counts.good.sum()) / total if total > 0 else None


def burn_rate(counts: Counts, target: float) -> float | None:
    """Return how many times as fast as allowed errors come; None where there were no events."""
    share = attained(counts)
    return None if share is None else (1 - share) / (1 - target)


def budget_left(counts: Counts, target: float) -> float | None:
    """Return the share of the error budget that is left, negative when more than all is spent."""
    burned = burn_rate(counts, target)
    return None if burned is None else 1 - burned


def forecast(counts: Counts, target: float, recent_ms: int, horizon_ms: int, *, rolling: bool) -> Forecast:
    """Return when the budget of these events will be gone, should the next go as those of the last `recent_ms`.

    In a rolling window the oldest events leave it meanwhile. The interval comes from how the error rate varied between
    parts of the recent time.
    """
    left, recent = budget_left(counts, target), counts.last(recent_ms)
    events, errors = float(recent.total.sum()), float((recent.total - recent.good).sum())
    if left is None or events <= 0:
        return Forecast()
    if left < 0:
        return Forecast(counts.end_ms, counts.end_ms, counts.end_ms, measured=True)
    steps = len(recent.total)
    rate = errors / events
    spread = _spread(recent)
    per_step = events / steps

    def gone_at(share: float) -> int | None:
        return _gone_at(counts, target, share, per_step, horizon_ms, rolling=rolling)

    at_ms = gone_at(rate)
    if spread is None:
        return Forecast(at_ms)
    return Forecast(at_ms, gone_at(min(1.0, rate + spread)), gone_at(max(0.0, rate - spread)), measured=True)


def _spread(recent: Counts) -> float | None:
    """Return how far the error rate may be from what it seems, either way; None where too little is known."""
    size = max(1, len(recent.total) // _PARTS)
    parts = min(_PARTS, len(recent.total) // size)
    begin = len(recent.total) - parts * size
    total = recent.total[begin:].reshape(parts, size).sum(axis=1)
    bad = (recent.total - recent.good)[begin:].reshape(parts, size).sum(axis=1)
    rates = bad[total > 0] / total[total > 0]
    if len(rates) < _FEWEST_PARTS:
        return None
    return float(_T_90[len(rates)] * rates.std(ddof=1) / np.sqrt(len(rates)))


def _gone_at(
    counts: Counts, target: float, share: float, per_step: float, horizon_ms: int, *, rolling: bool
) -> int | None:
    steps = max(0, horizon_ms // counts.step_ms)
    ahead = np.arange(1, steps + 1, dtype=np.float64)
    total = counts.total.sum() + per_step * ahead
    bad = (counts.total - counts.good).sum() + share * per_step * ahead
    if rolling:
        leaving = np.minimum(np.arange(1, steps + 1), len(counts.total))
        gone_total = np.concatenate(([0.0], np.cumsum(counts.total)))
        gone_bad = np.concatenate(([0.0], np.cumsum(counts.total - counts.good)))
        total = total - gone_total[leaving]
        bad = bad - gone_bad[leaving]
    # A hair's breadth for sums of floats: a budget that is spent just so is not overdrawn.
    over = np.flatnonzero(bad > (1 - target) * total * (1 + 1e-9))
    return None if not len(over) else counts.end_ms + int(ahead[over[0]]) * counts.step_ms
