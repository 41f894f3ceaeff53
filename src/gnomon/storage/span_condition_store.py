"""How many spans match a filter, how many of them failed, and how long they took: what alert conditions ask."""

from dataclasses import dataclass

from gnomon.model.filters import Filter
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.engine import Engine
from gnomon.storage.filter_sql import SPAN_FIELDS, compile_filter
from gnomon.storage.span_sql import during
from gnomon.storage.trace_store import STREAM, Freshness

_ERROR = 2


@dataclass(frozen=True, slots=True)
class SpanMeasure:
    """What there is of matching spans; durations are nanoseconds, 0 where there are no spans."""

    spans: int
    errors: int
    mean_ns: float
    quantile_ns: float


class SpanConditionStore:
    """Measure spans."""

    def __init__(self, engine: Engine, journal: Freshness) -> None:
        """Read from `engine`, after `journal` has caught up."""
        self._engine = engine
        self._journal = journal

    async def measure(self, tree: Filter, time_range: TimeRange, quantile: float) -> SpanMeasure:
        """Return what there is of the spans that match and began in a range; raises InvalidInputError."""
        await self._journal.catch_up(STREAM)
        statement = "SELECT DISTINCT arrayJoin(mapKeys(resource)) AS k FROM origins WHERE isValidUTF8(k)"
        keys = frozenset((await self._engine.query(statement)).column("k"))
        condition = compile_filter(tree, SPAN_FIELDS, resource_keys=keys)
        found = await self._engine.query(
            f"""
            SELECT count() AS spans, countIf(status = {_ERROR}) AS errors, avgOrDefault(duration) AS mean,
                quantileOrDefault({quantile:f})(duration) AS quantile
            FROM spans WHERE {during(time_range)} AND ({condition.sql})
            """,
            condition.parameters,
        )
        (row,) = found.rows()
        return SpanMeasure(int(row["spans"]), int(row["errors"]), float(row["mean"]), float(row["quantile"]))
