"""Made-up series with all that makes queries hard: gaps, resets, ends, NaN, infinities, histograms of both kinds."""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gnomon.model.histogram_buckets import Buckets
from gnomon.model.labels import Labels
from gnomon.model.native_histograms import NativeHistogram
from gnomon.model.series import STALE
from gnomon.promql.memory_source import MemorySource
from tests.write_requests import Series, write_request

INTERVAL_MS = 15_000
SAMPLES = 120
_BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")


@dataclass
class MadeUpSeries:
    """One series; a histogram sample is a schema with counts of neighbouring buckets and a sum."""

    labels: dict[str, str]
    floats: list[tuple[int, float]] = field(default_factory=list)
    histograms: list[tuple[int, int, list[int], float]] = field(default_factory=list)


def make_series(seed: int, start_ms: int) -> list[MadeUpSeries]:
    """Return the same series for the same seed."""
    choose = random.Random(seed)
    made: list[MadeUpSeries] = []
    for a in "xyz":
        for b in "12":
            labels = {"a": a, "b": b}
            made += [
                MadeUpSeries({"__name__": "gauge", **labels}, _gauge(choose, start_ms)),
                MadeUpSeries({"__name__": "odd", **labels}, _odd(choose, start_ms)),
                MadeUpSeries({"__name__": "events_total", **labels, "c": "k"}, _counter(choose, start_ms)),
                MadeUpSeries({"__name__": "other_total", **labels}, _counter(choose, start_ms)),
                MadeUpSeries({"__name__": "sizes", **labels}, histograms=_histograms(choose, start_ms)),
            ]
            made += _buckets(choose, start_ms, labels)
        made.append(MadeUpSeries({"__name__": "one", "a": a, "d": f"d{a}"}, _gauge(choose, start_ms)))
    made.append(MadeUpSeries({"__name__": "mixed", "a": "x"}, *_mixed(choose, start_ms)))
    return made


def _times(choose: random.Random, start_ms: int) -> Iterable[int]:
    """Yield times of samples, some a little late, some missing, and for some series an early end."""
    end = choose.choice([SAMPLES, SAMPLES, SAMPLES, SAMPLES // 2])
    begin = choose.choice([0, 0, 0, SAMPLES // 3])
    lost = choose.choice([0.0, 0.05, 0.5])
    late = choose.choice([0, 0, 700])
    for number in range(begin, end):
        if choose.random() >= lost:
            yield start_ms + number * INTERVAL_MS + (choose.randrange(late) if late else 0)


def _gauge(choose: random.Random, start_ms: int) -> list[tuple[int, float]]:
    level = choose.uniform(-100, 100)
    samples = []
    for time_ms in _times(choose, start_ms):
        level += choose.gauss(0, 10)
        samples.append((time_ms, STALE if choose.random() < 0.01 else level))
    return samples


def _odd(choose: random.Random, start_ms: int) -> list[tuple[int, float]]:
    values = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, 1.0, 2.0, -3.5, 1e-9, 1e9]
    return [(time_ms, choose.choice(values)) for time_ms in _times(choose, start_ms)]


def _counter(choose: random.Random, start_ms: int) -> list[tuple[int, float]]:
    count, speed = float(choose.randrange(1000)), choose.choice([0, 1, 50])
    samples = []
    for time_ms in _times(choose, start_ms):
        count = 0.0 if choose.random() < 0.03 else count + choose.randrange(speed + 1)
        samples.append((time_ms, count))
    return samples


def _buckets(choose: random.Random, start_ms: int, labels: dict[str, str]) -> list[MadeUpSeries]:
    made = [MadeUpSeries({"__name__": "latency_bucket", **labels, "le": bound}) for bound in _BOUNDS]
    counts = [0] * len(_BOUNDS)
    for time_ms in _times(choose, start_ms):
        if choose.random() < 0.02:
            counts = [0] * len(_BOUNDS)
        grown = 0
        for place, one in enumerate(made):
            grown += choose.randrange(5)
            counts[place] += grown
            one.floats.append((time_ms, float(counts[place])))
    return made


def _histograms(choose: random.Random, start_ms: int) -> list[tuple[int, int, list[int], float]]:
    schema, counts, total = choose.choice([0, 1, 3]), [0] * 6, 0.0
    samples = []
    for time_ms in _times(choose, start_ms):
        if choose.random() < 0.03:
            counts, total = [0] * 6, 0.0
        counts = [count + choose.randrange(4) for count in counts]
        total += choose.uniform(0, 20)
        samples.append((time_ms, schema, counts, total))
    return samples


def _mixed(
    choose: random.Random, start_ms: int
) -> tuple[list[tuple[int, float]], list[tuple[int, int, list[int], float]]]:
    """Return floats in the first half, and histograms in the second."""
    middle_ms = start_ms + SAMPLES // 2 * INTERVAL_MS
    floats = [sample for sample in _gauge(choose, start_ms) if sample[0] < middle_ms]
    return floats, [sample for sample in _histograms(choose, start_ms) if sample[0] >= middle_ms]


def to_memory(series: Iterable[MadeUpSeries], source: MemorySource) -> None:
    """Put series into memory."""
    for one in series:
        labels = Labels.of(one.labels)
        for time_ms, value in one.floats:
            source.add(labels, time_ms, value)
        for time_ms, schema, counts, total in one.histograms:
            source.add(labels, time_ms, _native(schema, counts, total))


def _native(schema: int, counts: list[int], total: float) -> NativeHistogram:
    return NativeHistogram(
        schema,
        float(sum(counts)),
        total,
        0.001,
        float(counts[0]),
        Buckets(np.arange(1, len(counts)), np.array(counts[1:], dtype=np.float64)),
    )


def to_requests(series: Iterable[MadeUpSeries]) -> list[bytes]:
    """Return remote write requests, one a series."""
    return [write_request([_to_request(one)]) for one in series]


def _to_request(one: MadeUpSeries) -> Series:
    histograms = [_fields(*sample) for sample in one.histograms]
    return Series(sorted(one.labels.items()), one.floats, histograms)


def _fields(time_ms: int, schema: int, counts: list[int], total: float) -> dict[str, Any]:
    deltas = [after - before for before, after in zip([0, *counts[1:-1]], counts[1:], strict=True)]
    return {
        "count_int": sum(counts),
        "sum": total,
        "schema": schema,
        "zero_threshold": 0.001,
        "zero_count_int": counts[0],
        "positive_spans": [{"offset": 1, "length": len(counts) - 1}],
        "positive_deltas": deltas,
        "timestamp": time_ms,
    }
