import math

import numpy as np
import pytest

from gnomon.model.labels import Labels
from gnomon.model.native_histograms import CounterReset, NativeHistogram
from gnomon.model.series import is_stale
from gnomon.promql.errors import ParseError
from gnomon.promql.memory_source import MemorySource
from gnomon.promql.series_notation import format_histogram, parse_metric, parse_series


def values(text: str) -> list[float | NativeHistogram | None]:
    return [noted.value for noted in parse_series(f"x {text}").values]


def histogram(text: str) -> NativeHistogram:
    (found,) = values(text)
    assert isinstance(found, NativeHistogram)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 2.5 -3e2", [1, 2.5, -300]),
        ("0+10x3", [0, 10, 20, 30]),
        ("5-2x2", [5, 3, 1]),
        ("7x2", [7, 7, 7]),
        ("_ _x2 1", [None, None, None, 1]),
        ("Inf -Inf 1m30s -1mx1", [math.inf, -math.inf, 90, -60, -60]),
        ("", []),
    ],
)
def test_values_expand(text: str, expected: list[float | None]) -> None:
    assert values(text) == expected


def test_stale_is_the_staleness_marker() -> None:
    (value,) = values("stale")
    assert is_stale(np.array([value], np.float64)).tolist() == [True]


def test_histograms_are_read_key_by_key() -> None:
    found = histogram(
        "{{schema:1 sum:-3 count:9 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:-1 n_buckets:[5] "
        "n_offset:2 counter_reset_hint:gauge}}"
    )
    assert (found.schema, found.sum, found.count, found.zero_count, found.zero_threshold) == (1, -3, 9, 1, 0.5)
    assert found.positive.indices.tolist() == [-1, 0, 1]
    assert found.negative.indices.tolist() == [2]
    assert found.counter_reset is CounterReset.GAUGE


def test_histograms_grow_by_an_increment() -> None:
    grown = values("{{count:1 buckets:[1]}}+{{count:2 buckets:[1 1]}}x2")
    assert [str(one) for one in grown] == [
        "{count:1, sum:0, (0.5,1]:1}",
        "{count:3, sum:0, (0.5,1]:2, (1,2]:1}",
        "{count:5, sum:0, (0.5,1]:3, (1,2]:2}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{schema:1 count:9 sum:-3 z_bucket:1 z_bucket_w:0.5 counter_reset_hint:not_reset offset:-1 buckets:[1 0 2]}}",
        "{{schema:-53 count:3 custom_values:[5 10] buckets:[1 2]}}",
        "{{n_offset:2 n_buckets:[5]}}",
        "{{}}",
    ],
)
def test_what_is_written_reads_back(text: str) -> None:
    assert format_histogram(histogram(text)) == text


@pytest.mark.parametrize("text", ["1+", "a", "1,2", "{{count:x}}", "{{buckets:3}}", "1x", "{{foo:1}}"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_series(f"x {text}")


def test_metrics_are_named_before_or_within_braces() -> None:
    assert parse_metric('up{job="a\\"b", x=\'y\'}') == Labels.of({"__name__": "up", "job": 'a"b', "x": "y"})
    assert parse_metric('{"a.b", "c d"="e"}') == Labels.of({"__name__": "a.b", "c d": "e"})
    assert parse_metric("{}") == Labels()


async def test_a_counter_that_goes_on_is_handed_out_with_that_hint() -> None:
    source = MemorySource()
    for place, found in enumerate(values("{{count:1 buckets:[1]}} {{count:2 buckets:[2]}} {{count:1 buckets:[1]}}")):
        assert found is not None
        source.add(Labels.of({"__name__": "h"}), place * 1000, found)
    series = await source.find_series((), -1, 5000)
    samples = await source.read_samples(series, -1, 5000)
    assert samples.histograms is not None
    hints = [one.counter_reset for one in samples.histograms]
    assert hints == [CounterReset.UNKNOWN, CounterReset.NOT_RESET, CounterReset.UNKNOWN]


async def test_intervals_are_open_on_the_left() -> None:
    source = MemorySource()
    for time_ms in (1000, 2000, 3000):
        source.add(Labels.of({"__name__": "x"}), time_ms, float(time_ms))
    series = await source.find_series((), 1000, 2000)
    assert (await source.read_samples(series, 1000, 2000)).values.tolist() == [2000]
    assert len(await source.find_series((), 3000, 9000)) == 0
