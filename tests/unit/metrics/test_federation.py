"""The newest samples as text for another Prometheus."""

from gnomon.metrics.federation import federate
from gnomon.model.labels import Labels
from gnomon.model.matchers import Matcher, MatchOperator
from gnomon.model.series import STALE
from gnomon.promql.memory_source import MemorySource

NOW_MS = 1_790_000_000_000
ALL = ((Matcher("__name__", MatchOperator.REGEX, ".+"),),)


def fill() -> MemorySource:
    """Return series of every kind."""
    source = MemorySource()
    source.add(Labels.of({"__name__": "up", "instance": "a", "job": "x"}), NOW_MS - 60_000, 0.0)
    source.add(Labels.of({"__name__": "up", "instance": "a", "job": "x"}), NOW_MS - 30_000, 1e6)
    source.add(Labels.of({"__name__": "up", "text": 'a"\\\n'}), NOW_MS, 0.5)
    source.add(Labels.of({"__name__": "old"}), NOW_MS - 400_000, 1.0)
    source.add(Labels.of({"__name__": "ended"}), NOW_MS - 60_000, 1.0)
    source.add(Labels.of({"__name__": "ended"}), NOW_MS - 50_000, STALE)
    source.add(Labels.of({"__name__": "http.requests", "http.status": "200"}), NOW_MS, 1.0)
    return source


async def test_the_newest_sample_of_each_series_is_shown() -> None:
    """Neither what is too old nor what has ended; series without an instance say so."""
    text = await federate(fill(), ALL, NOW_MS, 300_000, utf8_names=True)
    assert text.splitlines() == [
        '# TYPE "http.requests" untyped',
        '{"http.requests","http.status"="200",instance=""} 1 1790000000000',
        "# TYPE up untyped",
        'up{instance="a",job="x"} 1e+06 1789999970000',
        'up{text="a\\"\\\\\\n",instance=""} 0.5 1790000000000',
    ]


async def test_old_readers_get_underscores() -> None:
    """A reader that does not ask for UTF-8 names gets plain ones."""
    text = await federate(fill(), ALL, NOW_MS, 300_000, utf8_names=False)
    assert 'http_requests{http_status="200",instance=""} 1 1790000000000' in text.splitlines()


async def test_nothing_found_is_an_empty_text() -> None:
    """No series, no lines."""
    assert await federate(MemorySource(), ALL, NOW_MS, 300_000, utf8_names=True) == ""
