"""PromQL queries, and what there is to query: series, labels, metadata, exemplars."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher
from gnomon.model.samples import MetricFamily
from gnomon.model.series import SeriesSet
from gnomon.promql.engine import QueryEngine
from gnomon.promql.parser import parse
from gnomon.promql.source import SeriesSource
from gnomon.promql.syntax_tree import Expression, Features
from gnomon.promql.tree_walk import selectors_of
from gnomon.storage.metric_facts import SeriesExemplars

MatcherSets = Sequence[Sequence[Matcher]]
"""Series are meant when they satisfy every matcher of any set; no set at all means all series."""


class MetricKnowledge(Protocol):
    """Know what there is besides samples; `gnomon.storage.metric_facts.MetricFacts` does."""

    async def label_names(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        """Return the names of all labels of series that satisfy every matcher, sorted."""

    async def label_values(self, name: str, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> list[str]:
        """Return the values of a label among the series that satisfy every matcher, sorted."""

    async def metadata(self, metric: str = "") -> list[MetricFamily]:
        """Return what senders told about a metric, or about all; by name, what was told last comes first."""

    async def read_exemplars(self, series: SeriesSet, start_ms: int, end_ms: int) -> list[SeriesExemplars]:
        """Return the exemplars of series that have any, in the order of the series."""


class MetricQueries:
    """Answer questions about metrics; times are Unix milliseconds, both ends included."""

    def __init__(self, engine: QueryEngine, source: SeriesSource, facts: MetricKnowledge) -> None:
        """Bring together the query engine, the store of series, and what is known about them."""
        self.engine = engine
        self.source = source
        self._facts = facts

    @property
    def features(self) -> Features:
        """Return which experimental parts of PromQL are enabled."""
        return self.engine.settings.features

    def parse(self, query: str) -> Expression:
        """Return the syntax tree of a query; raises ParseError."""
        return parse(query, self.features)

    async def series(self, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[Labels]:
        """Return the series that are meant, in order of their labels."""
        found: set[Labels] = set()
        ordered: list[Labels] = []
        for matchers in matcher_sets:
            labels = (await self.source.find_series(matchers, start_ms - 1, end_ms)).labels
            ordered = list(labels) if not found else sorted({*found, *labels})
            found.update(labels)
        return ordered

    async def label_names(self, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[str]:
        """Return the names of labels that the series have, sorted."""
        answers = [await self._facts.label_names(matchers, start_ms, end_ms) for matchers in _or_all(matcher_sets)]
        return _union(answers)

    async def label_values(self, name: str, matcher_sets: MatcherSets, start_ms: int, end_ms: int) -> list[str]:
        """Return the values of a label that the series have, sorted."""
        answers = [
            await self._facts.label_values(name, matchers, start_ms, end_ms) for matchers in _or_all(matcher_sets)
        ]
        return _union(answers)

    async def metadata(self, metric: str = "") -> list[MetricFamily]:
        """Return what senders told about a metric, or about all; by name."""
        return await self._facts.metadata(metric)

    async def exemplars(self, expression: Expression, start_ms: int, end_ms: int) -> list[SeriesExemplars]:
        """Return exemplars of all series that a query's selectors mean, in order of their labels."""
        found: dict[Labels, SeriesExemplars] = {}
        for selector in selectors_of(expression):
            series = await self.source.find_series(selector.matchers, start_ms - 1, end_ms)
            for exemplars in await self._facts.read_exemplars(series, start_ms, end_ms):
                found[exemplars.labels] = exemplars
        return [found[labels] for labels in sorted(found)]


def _or_all(matcher_sets: MatcherSets) -> MatcherSets:
    return matcher_sets or ((),)


def _union(answers: Sequence[Iterable[str]]) -> list[str]:
    return list(answers[0]) if len(answers) == 1 else sorted({text for answer in answers for text in answer})
