"""The application's metrics as OTLP, pushed: for processes too short-lived or too hidden to be scraped.

The registry's families become cumulative sums, gauges and histograms with explicit bounds, exemplars included. Source:
opentelemetry-proto, metrics/v1, and OpenTelemetry's Prometheus compatibility specification.
"""

import math
import os
import struct
import time
from collections.abc import Iterable, Mapping

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from gnomon.sdk import wire
from gnomon.sdk.metrics import families
from gnomon.sdk.outbox import Outbox

_CUMULATIVE = b"\x10\x02"
_MONOTONIC = b"\x18\x01"
_TIMES = struct.Struct("<BQBQ").pack
_DOUBLE = struct.Struct("<Bd").pack
_FIXED = struct.Struct("<BQ").pack
_TRACE_ID_DIGITS = 32
_SPAN_ID_DIGITS = 16

_started_ns = [time.time_ns()]


def push(outbox: Outbox, resource: Mapping[str, object], timeout_s: float) -> bool:
    """Post every metric of this process now; return whether it was accepted."""
    body = encode(families.registry().collect(), resource, time.time_ns())
    return outbox.post("/v1/metrics", body, timeout_s).accepted


def encode(collected: Iterable[Metric], resource: Mapping[str, object], now_ns: int) -> bytes:
    """Return an ExportMetricsServiceRequest."""
    metrics = [wire.field(b"\x12", encoded) for family in collected if (encoded := _metric(family, now_ns))]
    scope = wire.field(b"\x0a", wire.text(b"\x0a", "gnomon.sdk"))
    inner = wire.field(b"\x0a", wire.key_values(b"\x0a", resource)) + wire.field(b"\x12", scope + b"".join(metrics))
    return wire.field(b"\x0a", inner)


def _metric(family: Metric, now_ns: int) -> bytes:
    name = family.name
    if family.type == "counter":
        points = [
            wire.field(b"\x0a", _number(sample, now_ns)) for sample in family.samples if sample.name.endswith("_total")
        ]
        data = wire.field(b"\x3a", b"".join(points) + _CUMULATIVE + _MONOTONIC)
        name += "_total"
    elif family.type == "histogram":
        points = [wire.field(b"\x0a", point) for point in _histograms(family, now_ns)]
        data = wire.field(b"\x4a", b"".join(points) + _CUMULATIVE)
    elif family.type == "summary":
        points = [wire.field(b"\x0a", point) for point in _summaries(family, now_ns)]
        data = wire.field(b"\x5a", b"".join(points))
    else:
        points = [
            wire.field(b"\x0a", _number(sample, now_ns))
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]
        data = wire.field(b"\x2a", b"".join(points))
        if family.samples:
            name = family.samples[0].name
    if not points:
        return b""
    return wire.text(b"\x0a", name) + wire.text(b"\x12", family.documentation) + data


def _number(sample: Sample, now_ns: int) -> bytes:
    exemplar = wire.field(b"\x2a", _exemplar(sample, now_ns)) if sample.exemplar else b""
    return (
        _TIMES(0x11, _started_ns[0], 0x19, now_ns)
        + _DOUBLE(0x21, sample.value)
        + exemplar
        + wire.key_values(b"\x3a", sample.labels)
    )


def _histograms(family: Metric, now_ns: int) -> Iterable[bytes]:
    for labels, samples in _by_labels(family, "le"):
        buckets = sorted(
            (float(sample.labels["le"]), sample.value, sample) for sample in samples if sample.name.endswith("_bucket")
        )
        if not buckets:
            continue
        counts = [int(value) for _bound, value, _sample in buckets]
        each = [count - before for count, before in zip(counts, [0, *counts[:-1]], strict=True)]
        bounds = [bound for bound, _value, _sample in buckets if not math.isinf(bound)]
        total = next((sample.value for sample in samples if sample.name.endswith("_sum")), 0.0)
        exemplars = [wire.field(b"\x42", _exemplar(sample, now_ns)) for *_, sample in buckets if sample.exemplar]
        yield b"".join(
            (
                _TIMES(0x11, _started_ns[0], 0x19, now_ns),
                _FIXED(0x21, counts[-1]),
                _DOUBLE(0x29, total),
                wire.field(b"\x32", struct.pack(f"<{len(each)}Q", *each)),
                wire.field(b"\x3a", struct.pack(f"<{len(bounds)}d", *bounds)),
                *exemplars,
                wire.key_values(b"\x4a", labels),
            )
        )


def _summaries(family: Metric, now_ns: int) -> Iterable[bytes]:
    for labels, samples in _by_labels(family, "quantile"):
        by_suffix = {sample.name.removeprefix(family.name): sample.value for sample in samples}
        quantiles = [
            wire.field(b"\x32", _DOUBLE(0x09, float(sample.labels["quantile"])) + _DOUBLE(0x11, sample.value))
            for sample in samples
            if "quantile" in sample.labels
        ]
        yield b"".join(
            (
                _TIMES(0x11, _started_ns[0], 0x19, now_ns),
                _FIXED(0x21, int(by_suffix.get("_count", 0))),
                _DOUBLE(0x29, by_suffix.get("_sum", 0.0)),
                *quantiles,
                wire.key_values(b"\x3a", labels),
            )
        )


def _by_labels(family: Metric, own: str) -> Iterable[tuple[Mapping[str, str], list[Sample]]]:
    groups: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in family.samples:
        key = tuple(pair for pair in sorted(sample.labels.items()) if pair[0] != own)
        groups.setdefault(key, []).append(sample)
    return ((dict(key), samples) for key, samples in groups.items())


def _exemplar(sample: Sample, now_ns: int) -> bytes:
    exemplar = sample.exemplar
    if exemplar is None:
        return b""
    at = now_ns if exemplar.timestamp is None else int(float(exemplar.timestamp) * 1e9)
    labels = dict(exemplar.labels)
    trace_id, span_id = labels.pop("trace_id", ""), labels.pop("span_id", "")
    parts = [_FIXED(0x11, at), _DOUBLE(0x19, exemplar.value)]
    if len(span_id) == _SPAN_ID_DIGITS:
        parts.append(wire.field(b"\x22", bytes.fromhex(span_id)))
    if len(trace_id) == _TRACE_ID_DIGITS:
        parts.append(wire.field(b"\x2a", bytes.fromhex(trace_id)))
    parts.append(wire.key_values(b"\x3a", labels))
    return b"".join(parts)


def _begin_anew() -> None:
    _started_ns[0] = time.time_ns()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
