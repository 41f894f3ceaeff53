"""Ten thousand series as a small platform exposes them, as remote write requests."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import cramjam
import numpy as np
from numpy.typing import NDArray

from gnomon.ingest.write_request import encode_labels
from gnomon.model.labels import Labels

INTERVAL_MS = 15_000
_JOBS, _INSTANCES = 10, 20
_BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")
_PATHS = ("/api/tasks", "/api/agents", "/login", "/health", "/static")
_SERIES_A_REQUEST = 100


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Labels and values of all series, one row a series."""

    labels: list[dict[str, str]]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of series."""
        return len(self.labels)


def make_metric_series(samples: int, seed: int = 1) -> MetricSeries:
    """Return 10,000 series: 2,000 counters of requests, 6,000 buckets, 667 gauges, 1,133 others, 200 of information."""
    draw, choose = np.random.default_rng(seed), random.Random(seed)
    labels: list[dict[str, str]] = []
    blocks: list[NDArray[np.float64]] = []
    targets = [
        {"job": f"job-{job}", "instance": f"host-{host}:9100"} for job in range(_JOBS) for host in range(_INSTANCES)
    ]
    for target in targets:
        labels += [
            {"__name__": "http_requests_total", **target, "path": path, "code": code}
            for path in _PATHS
            for code in ("200", "500")
        ]
    blocks.append(_counters(draw, 2_000, samples, 20))
    routes = [(target, route) for target in targets for route in range(5)][:500]
    for target, route in routes:
        for bound in _BOUNDS:
            name = "http_request_duration_seconds_bucket"
            labels.append({"__name__": name, **target, "route": f"r{route}", "le": bound})
        blocks.append(
            np.cumsum(np.cumsum(draw.poisson(2.0, (len(_BOUNDS), samples)), axis=0), axis=1, dtype=np.float64)
        )
    for number in range(667):
        target = targets[number % len(targets)]
        labels.append({"__name__": "memory_bytes", **target, "area": f"area-{number // len(targets)}"})
    blocks.append(np.abs(np.cumsum(draw.normal(0, 1e6, (667, samples)), axis=1) + 5e8))
    for number in range(1_133):
        target = targets[number % len(targets)]
        labels.append(
            {"__name__": f"queue_{choose.choice(['depth', 'age', 'rate'])}_{number // len(targets)}", **target}
        )
    blocks.append(draw.normal(100, 10, (1_133, samples)))
    labels += [
        {"__name__": "build_info", **target, "version": f"1.{choose.randrange(4)}", "team": "core"}
        for target in targets
    ]
    blocks.append(np.ones((200, samples)))
    return MetricSeries(labels, np.concatenate(blocks))


def _counters(draw: np.random.Generator, series: int, samples: int, speed: int) -> NDArray[np.float64]:
    """Return counters that are reset now and then."""
    grown = np.cumsum(draw.integers(0, speed, (series, samples)), axis=1).astype(np.float64)
    for row in range(0, series, 7):
        place = int(draw.integers(1, samples)) if samples > 1 else 0
        grown[row, place:] -= grown[row, place]
    return grown


def make_requests(
    series: MetricSeries, first_ms: int, columns: slice, samples_a_request: int = 20
) -> Iterator[tuple[int, bytes]]:
    """Yield a number for the series of each request, and its compressed body; times ascend for the same series."""
    labels = [encode_labels(Labels.of(one)) for one in series.labels]
    start, stop, _ = columns.indices(series.values.shape[1])
    for begin in range(start, stop, samples_a_request):
        chosen = slice(begin, min(begin + samples_a_request, stop))
        times_ms = first_ms + np.arange(chosen.start, chosen.stop) * INTERVAL_MS
        for row in range(0, len(series), _SERIES_A_REQUEST):
            rows = slice(row, row + _SERIES_A_REQUEST)
            body = _encode(labels[rows], series.values[rows, chosen], times_ms)
            yield row // _SERIES_A_REQUEST, bytes(cramjam.snappy.compress_raw(body))


def _encode(labels: list[bytes], values: NDArray[np.float64], times_ms: NDArray[np.int64]) -> bytes:
    """Return series side by side; every sample takes the same room."""
    times = [b"\x10" + _varint(int(time_ms)) for time_ms in times_ms]
    size = 11 + len(times[0])
    samples = np.empty((*values.shape, size), dtype=np.uint8)
    samples[..., :3] = np.frombuffer(bytes((0x12, size - 2, 0x09)), np.uint8)
    samples[..., 3:11] = np.ascontiguousarray(values).view(np.uint8).reshape(*values.shape, 8)
    samples[..., 11:] = np.frombuffer(b"".join(times), np.uint8).reshape(len(times), -1)
    parts = []
    for own, row in zip(labels, samples, strict=True):
        body = own + row.tobytes()
        parts.append(b"\x0a" + _varint(len(body)) + body)
    return b"".join(parts)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
