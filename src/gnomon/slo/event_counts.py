"""Count an objective's events stretch by stretch, and keep what does not change any more."""

import numpy as np

from gnomon.model.errors import InvalidInputError
from gnomon.promql.engine import QueryEngine
from gnomon.promql.results import QueryResult
from gnomon.slo.error_budgets import Counts, Floats
from gnomon.slo.indicator_queries import event_queries
from gnomon.slo.objectives import Objective
from gnomon.slo.time_windows import RollingWindow

# Samples that come later than this are not counted any more.
_LATE_MS = 3_600_000
_STEPS_A_QUERY = 5_000


class EventCounts:
    """Hold the counts of one objective."""

    def __init__(self, engine: QueryEngine, objective: Objective) -> None:
        """Ask an engine that knows `anchored` ranges."""
        self._engine = engine
        self._objective = objective
        self._kept: Counts | None = None

    async def until(self, now_ms: int) -> Counts:
        """Return the counts of the running period up to the last whole stretch; raises what queries raise."""
        objective, step = self._objective, self._objective.step_ms
        period = objective.window.period(now_ms)
        phase = 0 if isinstance(objective.window, RollingWindow) else period.start_ms % step
        end = (now_ms - phase) // step * step + phase
        steps = objective.window.length_ms // step
        if not isinstance(objective.window, RollingWindow):
            steps = (end - period.start_ms) // step
        begin = end - steps * step
        kept = self._kept
        if kept is None or (kept.end_ms - end) % step or kept.end_ms < begin or kept.end_ms > end:
            counts = await self._count(begin, end)
        else:
            counts = await self._go_on(kept, begin, end)
        self._kept = counts
        return counts

    async def _go_on(self, kept: Counts, begin: int, end: int) -> Counts:
        """Count what is new, and what may have got samples since."""
        step = kept.step_ms
        kept_begin = kept.end_ms - len(kept.total) * step
        if kept_begin > begin:
            return await self._count(begin, end)
        late = -(-_LATE_MS // step)
        settled_end = max(begin, kept.end_ms - late * step)
        first, last = (begin - kept_begin) // step, (settled_end - kept_begin) // step
        newer = await self._count(settled_end, end)
        return Counts(
            np.concatenate((kept.good[first:last], newer.good)),
            np.concatenate((kept.total[first:last], newer.total)),
            end,
            step,
        )

    async def _count(self, begin: int, end: int) -> Counts:
        step = self._objective.step_ms
        queries = event_queries(self._objective, step, anchored=True)
        total = await self._range(queries.total, begin, end)
        if queries.bad:
            good = total - np.minimum(await self._range(queries.bad, begin, end), total)
        else:
            good = np.minimum(await self._range(queries.good, begin, end), total)
        return Counts(good, total, end, step)

    async def _range(self, query: str, begin: int, end: int) -> Floats:
        """Return a value for each stretch, 0 where the query has none."""
        step = self._objective.step_ms
        parts: list[Floats] = [np.empty(0)]
        for start in range(begin, end, _STEPS_A_QUERY * step):
            stop = min(end, start + _STEPS_A_QUERY * step)
            answer = await self._engine.range(query, start + step, stop, step)
            parts.append(_only_row(answer, (stop - start) // step, query))
        return np.concatenate(parts)


def _only_row(answer: QueryResult, steps: int, query: str) -> Floats:
    if len(answer) > 1:
        raise InvalidInputError(f"{query!r} has {len(answer)} series, where one is needed. Sum them up.")
    if not len(answer):
        return np.zeros(steps)
    values = np.where(answer.present[0] & np.isfinite(answer.values[0]), answer.values[0], 0.0)
    return np.maximum(values, 0.0)
