"""What there is to know about metrics beside their samples: labels, metadata, exemplars and what takes up room."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gnomon.model.cardinality import Cardinality, Counted, MetricLabels, RefusedSeries
from gnomon.model.labels import METRIC_NAME, Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.samples import Exemplar, MetricFamily
from gnomon.model.series import SeriesSet
from gnomon.storage.engine import Engine
from gnomon.storage.series_catalog import DAY_MS, SeriesCatalog
from gnomon.storage.series_ids import condition_on_ids, condition_on_times
from gnomon.storage.settings import MetricSettings

METRIC_TYPES = ("unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset")

_METADATA = """
SELECT name, type, help, unit, max(seen) AS last FROM metric_metadata
WHERE {name:String} = '' OR name = {name:String}
GROUP BY name, type, help, unit ORDER BY name, last DESC
"""


class SeriesExemplars(NamedTuple):
    """Exemplars of one series, by time."""

    labels: Labels
    exemplars: tuple[Exemplar, ...]


class MetricFacts:
    """Answer what people ask about metrics; times are Unix milliseconds, both ends included."""

    def __init__(self, engine: Engine, catalog: SeriesCatalog, settings: MetricSettings) -> None:
        """Answer from what a catalog knows, and from the tables beside it."""
        self._engine = engine
        self._catalog = catalog
        self._settings = settings

    async def label_names(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        """Return the names of all labels of series that satisfy every matcher, sorted."""
        await self._catalog.catch_up()
        async with self._catalog.lock:
            index = self._catalog.index
            return index.label_names(index.find_seen(matchers, start_ms // DAY_MS, end_ms // DAY_MS))

    async def label_values(self, name: str, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        """Return the values of a label among the series that satisfy every matcher, sorted."""
        await self._catalog.catch_up()
        async with self._catalog.lock:
            index = self._catalog.index
            return index.label_values(name, index.find_seen(matchers, start_ms // DAY_MS, end_ms // DAY_MS))

    async def metadata(self, metric: str = "") -> list[MetricFamily]:
        """Return what senders told about a metric, or about all; by name, what was told last comes first."""
        await self._catalog.catch_up()
        rows = (await self._engine.query(_METADATA, {"name": metric}, settings={"max_result_rows": 0})).rows()
        return [MetricFamily(row["name"], METRIC_TYPES[row["type"]], row["help"], row["unit"]) for row in rows]

    async def read_exemplars(self, series: SeriesSet, start_ms: int, end_ms: int) -> list[SeriesExemplars]:
        """Return the exemplars of series that have any, in the order of the series."""
        if not len(series):
            return []
        where = f"{condition_on_ids(series.ids, self._catalog.index)} AND {condition_on_times(start_ms - 1, end_ms)}"
        found = await self._engine.query(
            f"SELECT id, toUnixTimestamp64Milli(ts) AS time_ms, value, labels FROM exemplars WHERE {where}"
            " ORDER BY id, ts LIMIT 1 BY id, ts, value"
        )
        by_id: dict[int, list[Exemplar]] = {}
        for row in found.rows():
            by_id.setdefault(row["id"], []).append(Exemplar(Labels.of(row["labels"]), row["time_ms"], row["value"]))
        return [
            SeriesExemplars(labels, tuple(by_id[number]))
            for number, labels in zip(series.ids.tolist(), series.labels, strict=True)
            if number in by_id
        ]

    async def cardinality(self, limit: int = 10) -> Cardinality:
        """Return what takes up the room for series, the `limit` largest of each kind."""
        await self._catalog.catch_up()
        async with self._catalog.lock:
            index, settings = self._catalog.index, self._settings
            names, counts = index.count_values(METRIC_NAME)
            _names, active = index.count_values(METRIC_NAME, self._catalog.active_from_day())
            sizes = index.label_sizes()
            refused = sorted(self._catalog.refused.values(), key=lambda one: -one.samples)
            return Cardinality(
                series=len(index),
                active_series=int(active.sum()),
                series_limit=settings.series,
                metric_limit=settings.series_per_metric,
                label_pairs=sum(size.values for size in sizes),
                series_by_metric=_largest(
                    [Counted(names[place], int(counts[place])) for place in _top(counts, limit)], limit
                ),
                values_by_label=_largest([Counted(size.name, size.values) for size in sizes], limit),
                bytes_by_label=_largest([Counted(size.name, size.bytes) for size in sizes], limit),
                series_by_pair=_largest(index.largest_pairs(limit), limit),
                refused=tuple(self._explain(one) for one in refused[:limit]),
            )

    async def metric_labels(self, metric: str) -> MetricLabels:
        """Return how many values each label of a metric has."""
        await self._catalog.catch_up()
        async with self._catalog.lock:
            series, values = self._count_labels(metric)
            refused = self._catalog.refused.get(metric)
            return MetricLabels(metric, series, tuple(values), self._explain(refused) if refused else None)

    def _count_labels(self, metric: str) -> tuple[int, list[Counted]]:
        index = self._catalog.index
        positions = index.find([Matcher(METRIC_NAME, MatchOperator.EQUAL, metric)])
        counted = (
            Counted(name, index.count_distinct(name, positions))
            for name in index.label_names(positions)
            if name != METRIC_NAME
        )
        return len(positions), sorted(counted, key=lambda one: (-one.count, one.name))

    def _explain(self, refused: RefusedSeries) -> RefusedSeries:
        """Return a refusal with the label that makes the series of its metric so many."""
        _series, values = self._count_labels(refused.metric)
        return replace(refused, label=values[0].name, label_values=values[0].count) if values else refused


def _top(counts: NDArray[np.int64], limit: int) -> list[int]:
    if len(counts) <= limit:
        return list(range(len(counts)))
    top: list[int] = np.argpartition(counts, -limit)[-limit:].tolist()
    return top


def _largest(counted: Sequence[Counted], limit: int) -> tuple[Counted, ...]:
    return tuple(sorted((one for one in counted if one.count), key=lambda one: (-one.count, one.name))[:limit])
