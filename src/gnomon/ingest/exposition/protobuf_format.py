"""Prometheus' protobuf format: `io.prometheus.client.MetricFamily`, each with its length before it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic

from google.protobuf.message import DecodeError

from gnomon.ingest.exposition.errors import ExpositionError
from gnomon.ingest.exposition.floats import format_float
from gnomon.ingest.exposition.samples import Exemplar, Exposition, Metadata, Resolve, S, to_values
from gnomon.ingest.histogram_messages import Histogram
from gnomon.ingest.messages import define_message
from gnomon.model.labels import METRIC_NAME, Labels, Pair

MetricFamily = define_message(
    "MetricFamily",
    {
        "LabelPair": {"name": (1, "string"), "value": (2, "string")},
        "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "Exemplar": {"label": (1, "LabelPair*"), "value": (2, "double"), "timestamp": (3, "Timestamp")},
        "Gauge": {"value": (1, "double")},
        "Counter": {"value": (1, "double"), "exemplar": (2, "Exemplar")},
        "Quantile": {"quantile": (1, "double"), "value": (2, "double")},
        "Summary": {"sample_count": (1, "uint64"), "sample_sum": (2, "double"), "quantile": (3, "Quantile*")},
        "Untyped": {"value": (1, "double")},
        "Bucket": {
            "cumulative_count": (1, "uint64"),
            "upper_bound": (2, "double"),
            "exemplar": (3, "Exemplar"),
            "cumulative_count_float": (4, "double"),
        },
        "BucketSpan": {"offset": (1, "sint32"), "length": (2, "uint32")},
        "Histogram": {
            "sample_count": (1, "uint64"),
            "sample_sum": (2, "double"),
            "bucket": (3, "Bucket*"),
            "sample_count_float": (4, "double"),
            "schema": (5, "sint32"),
            "zero_threshold": (6, "double"),
            "zero_count": (7, "uint64"),
            "zero_count_float": (8, "double"),
            "negative_span": (9, "BucketSpan*"),
            "negative_delta": (10, "sint64*"),
            "negative_count": (11, "double*"),
            "positive_span": (12, "BucketSpan*"),
            "positive_delta": (13, "sint64*"),
            "positive_count": (14, "double*"),
            "exemplars": (16, "Exemplar*"),
        },
        "Metric": {
            "label": (1, "LabelPair*"),
            "gauge": (2, "Gauge"),
            "counter": (3, "Counter"),
            "summary": (4, "Summary"),
            "untyped": (5, "Untyped"),
            "timestamp_ms": (6, "int64"),
            "histogram": (7, "Histogram"),
        },
        "MetricFamily": {
            "name": (1, "string"),
            "help": (2, "string"),
            "type": (3, "int32"),
            "metric": (4, "Metric*"),
            "unit": (5, "string"),
        },
    },
)
_TYPES = ("counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram")
_SIMPLE = {"counter": "counter", "gauge": "gauge", "unknown": "untyped"}
_GAUGE_HINT = 3
_MORE = 0x80
_VARINT_BITS = 63

Key = tuple[str, tuple[Pair, ...]]


class ProtobufParser(Generic[S]):
    """Read one target's expositions in the protobuf format.

    With `native`, a histogram that has native buckets is one sample; `classic` keeps its classic buckets besides.
    """

    def __init__(self, resolve: Resolve[S], *, native: bool = False, classic: bool = False) -> None:
        """Make each new series into what `resolve` returns for its labels."""
        self._resolve = resolve
        self._native = native
        self._classic = classic
        self._known: dict[Key, S] = {}
        self._last: Sequence[S] = []

    def parse(self, body: bytes) -> Exposition[S]:
        """Return what is exposed; raises ExpositionError."""
        reading = _Reading[S](self._known, self._resolve)
        for family in _split(body):
            metric_type = _TYPES[family.type] if 0 <= family.type < len(_TYPES) else "unknown"
            about = Metadata(metric_type, _as_text(family.help), _as_text(family.unit))
            reading.metadata[_as_text(family.name)] = about
            for metric in family.metric:
                self._read_metric(family.name, metric_type, metric, reading)
        self._known = reading.known
        if self._last != reading.series:
            self._last = reading.series
        return Exposition(
            self._last,
            to_values(reading.values),
            reading.metadata,
            reading.times_ms,
            reading.exemplars,
            reading.histograms,
        )

    def _read_metric(self, name: str, metric_type: str, metric: Any, reading: "_Reading[S]") -> None:
        reading.begin(tuple((label.name, label.value) for label in metric.label), metric.timestamp_ms or None)
        if metric_type == "summary":
            summary = metric.summary
            reading.add(f"{name}_count", float(summary.sample_count))
            reading.add(f"{name}_sum", summary.sample_sum)
            for quantile in summary.quantile:
                reading.add(name, quantile.value, ("quantile", format_float(quantile.quantile)))
        elif metric_type in {"histogram", "gaugehistogram"}:
            native = self._native and _is_native(metric.histogram)
            if native:
                _add_native(name, metric.histogram, reading, gauge=metric_type == "gaugehistogram")
            if not native or (self._classic and metric.histogram.bucket):
                _add_classic(name, metric.histogram, reading)
        else:
            reading.add(name, getattr(metric, _SIMPLE[metric_type]).value)
            if metric_type == "counter" and metric.counter.HasField("exemplar"):
                reading.attach([_read_exemplar(metric.counter.exemplar)])


@dataclass(slots=True)
class _Reading(Generic[S]):
    """What has been read of one exposition."""

    earlier: dict[Key, S]
    resolve: Resolve[S]
    series: list[S] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    known: dict[Key, S] = field(default_factory=dict)
    metadata: dict[str, Metadata] = field(default_factory=dict)
    times_ms: dict[int, int] = field(default_factory=dict)
    exemplars: dict[int, list[Exemplar]] = field(default_factory=dict)
    histograms: dict[int, Any] = field(default_factory=dict)
    labels: tuple[Pair, ...] = ()
    time_ms: int | None = None

    def begin(self, labels: tuple[Pair, ...], time_ms: int | None) -> None:
        self.labels = labels
        self.time_ms = time_ms

    def add(self, name: str, value: float, *more: Pair) -> None:
        key = (name, (*self.labels, *more))
        series = self.earlier.get(key)
        if series is None:
            series = self.known.get(key)
        if series is None:
            series = self.resolve(_read_labels(*key))
        self.known[key] = series
        if self.time_ms is not None:
            self.times_ms[len(self.series)] = self.time_ms
        self.series.append(series)
        self.values.append(value)

    def attach(self, exemplars: list[Exemplar], histogram: Any = None) -> None:
        """Add to the sample that was added last."""
        position = len(self.series) - 1
        if exemplars:
            self.exemplars[position] = exemplars
        if histogram is not None:
            self.histograms[position] = histogram


def _read_labels(name: str, pairs: tuple[Pair, ...]) -> Labels:
    labels = {METRIC_NAME: name}
    for label, value in pairs:
        if label in labels:
            raise ExpositionError(f"The label {label!r} of {name!r} is there twice.")
        labels[_as_text(label)] = _as_text(value)
    return Labels.of(labels)


def _as_text(text: Any) -> str:
    """Return a field of type string; upb hands out bytes where they are not UTF-8."""
    if isinstance(text, bytes):
        raise ExpositionError(f"{text!r} is not UTF-8.")
    return str(text)


def _split(body: bytes) -> Iterator[Any]:
    position, end = 0, len(body)
    view = memoryview(body)
    while position < end:
        size = shift = 0
        while True:
            if position >= end or shift > _VARINT_BITS:
                raise ExpositionError(f"The message at byte {position} of {end} has no length: the body was cut off.")
            byte = body[position]
            position += 1
            size |= (byte & (_MORE - 1)) << shift
            shift += 7
            if byte < _MORE:
                break
        if position + size > end:
            raise ExpositionError(f"The message at byte {position} has {size} bytes, but the body ends at {end}.")
        try:
            yield MetricFamily.FromString(view[position : position + size])
        except (DecodeError, UnicodeDecodeError) as error:
            raise ExpositionError(f"The message at byte {position} is no MetricFamily: {error}.") from error
        position += size


def _is_native(histogram: Any) -> bool:
    return bool(
        histogram.positive_span or histogram.negative_span or histogram.zero_threshold > 0 or histogram.zero_count > 0
    )


def _add_classic(name: str, histogram: Any, reading: _Reading[S]) -> None:
    count = histogram.sample_count_float or float(histogram.sample_count)
    reading.add(f"{name}_count", count)
    reading.add(f"{name}_sum", histogram.sample_sum)
    bound = 0.0
    for bucket in histogram.bucket:
        bound = bucket.upper_bound
        in_bucket = bucket.cumulative_count_float or float(bucket.cumulative_count)
        reading.add(f"{name}_bucket", in_bucket, ("le", format_float(bound)))
        if bucket.HasField("exemplar"):
            reading.attach([_read_exemplar(bucket.exemplar)])
    if bound != math.inf:
        reading.add(f"{name}_bucket", count, ("le", "+Inf"))


def _add_native(name: str, histogram: Any, reading: _Reading[S], *, gauge: bool) -> None:
    floats = histogram.sample_count_float > 0 or histogram.zero_count_float > 0
    message = Histogram(
        sum=histogram.sample_sum,
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        reset_hint=_GAUGE_HINT if gauge else 0,
    )
    if floats:
        message.count_float, message.zero_count_float = histogram.sample_count_float, histogram.zero_count_float
        message.positive_counts.extend(histogram.positive_count)
        message.negative_counts.extend(histogram.negative_count)
    else:
        message.count_int, message.zero_count_int = histogram.sample_count, histogram.zero_count
        message.positive_deltas.extend(histogram.positive_delta)
        message.negative_deltas.extend(histogram.negative_delta)
    for spans, added in (
        (histogram.positive_span, message.positive_spans),
        (histogram.negative_span, message.negative_spans),
    ):
        offset = 0
        for span in spans:
            offset += span.offset
            # A lone span of nothing at zero marks a native histogram without observations.
            if span.length:
                added.add(offset=offset, length=span.length)
                offset = 0
    exemplars = histogram.exemplars or [bucket.exemplar for bucket in histogram.bucket if bucket.HasField("exemplar")]
    reading.add(name, 0.0)
    # Without a time of their own, one exemplar cannot be told from the same one seen again.
    reading.attach([_read_exemplar(one) for one in exemplars if one.HasField("timestamp")], message)


def _read_exemplar(exemplar: Any) -> Exemplar:
    labels = Labels((_as_text(label.name), _as_text(label.value)) for label in exemplar.label)
    if not exemplar.HasField("timestamp"):
        return Exemplar(labels, exemplar.value)
    return Exemplar(labels, exemplar.value, exemplar.timestamp.seconds * 1000 + exemplar.timestamp.nanos // 1_000_000)
