"""Answers to range queries, kept so that a panel that refreshes computes only the steps that are new."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

import numpy as np

from gnomon.model.labels import Labels
from gnomon.model.series import Floats, Grid, Mask
from gnomon.promql.planner import Plan, depends_on_range, walk
from gnomon.promql.results import QueryResult
from gnomon.promql.syntax_tree import Expression, Subquery, VectorSelector
from gnomon.promql.telemetry import CACHE_BYTES, CACHE_REQUESTS

_BYTES_A_ROW = 500
# What is said of every step alike.
_LASTING_REMARK = "PromQL info: metric might not be a counter"


@dataclass(frozen=True, slots=True)
class Key:
    """A query and its steps: which text, how far apart, at which times within that, and how far back it looks."""

    query: str
    step_ms: int
    phase_ms: int
    lookback_ms: int


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer at the steps of a grid; `lead_ms` is how much later than a step its samples may be."""

    grid: Grid
    token: int
    lead_ms: int
    labels: tuple[Labels, ...]
    values: Floats
    present: Mask
    infos: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return roughly how many bytes this takes."""
        return self.values.nbytes + self.present.nbytes + _BYTES_A_ROW * len(self.labels)

    def between(self, start_ms: int, end_ms: int) -> "Kept | None":
        """Return the part at the steps from start to end; None when there is none."""
        first = max(0, -((self.grid.start_ms - start_ms) // self.grid.step_ms))
        after = min(self.grid.steps, (end_ms - self.grid.start_ms) // self.grid.step_ms + 1)
        if first >= after:
            return None
        grid = Grid(
            self.grid.start_ms + first * self.grid.step_ms,
            self.grid.start_ms + (after - 1) * self.grid.step_ms,
            self.grid.step_ms,
        )
        columns = slice(first, after)
        return replace(self, grid=grid, values=self.values[:, columns], present=self.present[:, columns])


class ResultCache:
    """Keep answers, those that were asked for last, up to so many bytes."""

    def __init__(self, max_bytes: int) -> None:
        """Keep at most so many bytes."""
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.size_bytes = 0
        self.hits = 0
        self.misses = 0

    def get(self, key: Key) -> Kept | None:
        """Return what is kept of a query."""
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Keep an answer in place of the one before."""
        self.drop(key)
        if kept.size > self._max_bytes:
            return
        self._kept[key] = kept
        self._resize(kept.size)
        while self.size_bytes > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._resize(-oldest.size)

    def drop(self, key: Key) -> None:
        """Forget an answer."""
        before = self._kept.pop(key, None)
        if before is not None:
            self._resize(-before.size)

    def count(self, *, hit: bool) -> None:
        """Note whether what is kept was of use."""
        self.hits += hit
        self.misses += not hit
        CACHE_REQUESTS.labels("results", "hit" if hit else "miss").inc()

    def _resize(self, by_bytes: int) -> None:
        self.size_bytes += by_bytes
        CACHE_BYTES.labels("results").inc(by_bytes)


def can_be_kept(expression: Expression) -> bool:
    """Tell whether the answer at a step depends on nothing but that step and the samples around it."""
    fixed = any(isinstance(node, VectorSelector | Subquery) and node.at_s is not None for node in walk(expression))
    return not fixed and not depends_on_range(expression)


def lead_of(plan: Plan) -> int:
    """Return how much later than a step its newest samples may be."""
    leads = [selection.end_ms - plan.grid.end_ms for selection in plan.selections.values()]
    return max([0, *leads])


def keep(result: QueryResult, grid: Grid, token: int, lead_ms: int) -> Kept | None:
    """Return an answer as it can be kept; None for one with histograms, or with remarks on single steps."""
    lasting = all(info.startswith(_LASTING_REMARK) for info in result.infos)
    if result.histograms is not None or result.warnings or not lasting:
        return None
    return Kept(grid, token, lead_ms, result.labels, result.values, result.present, result.infos)


def join(older: Kept, newer: QueryResult, grid: Grid) -> QueryResult:
    """Return what is kept, and after it the steps that have been computed since, on the grid of both."""
    rows = {one: row for row, one in enumerate(older.labels)}
    for one in newer.labels:
        rows.setdefault(one, len(rows))
    split = older.grid.steps
    values, present = np.zeros((len(rows), grid.steps)), np.zeros((len(rows), grid.steps), dtype=np.bool_)
    values[: len(older.labels), :split] = older.values
    present[: len(older.labels), :split] = older.present
    places = np.array([rows[one] for one in newer.labels], dtype=np.int64)
    values[places, split:] = newer.values
    present[places, split:] = newer.present
    labels = older.labels if len(rows) == len(older.labels) else tuple(rows)
    joined = replace(
        newer,
        times_ms=grid.times_ms,
        labels=labels,
        values=values,
        present=present,
        infos=list(dict.fromkeys([*older.infos, *newer.infos])),
    )
    return without_empty_rows(joined)


def alone(kept: Kept, like: QueryResult) -> QueryResult:
    """Return an answer of nothing but what is kept."""
    return without_empty_rows(
        replace(
            like,
            times_ms=kept.grid.times_ms,
            labels=kept.labels,
            values=kept.values,
            present=kept.present,
            infos=kept.infos,
        )
    )


def without_empty_rows(result: QueryResult) -> QueryResult:
    """Return only the rows that have a value at any step."""
    filled = np.asarray(result.present.any(axis=1))
    if filled.all():
        return result
    places = np.flatnonzero(filled)
    return replace(
        result,
        labels=tuple(result.labels[place] for place in places.tolist()),
        values=result.values[places],
        present=result.present[places],
    )
