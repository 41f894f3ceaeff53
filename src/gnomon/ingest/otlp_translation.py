"""Translate OTLP data points into Prometheus samples, one after the other."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import sub
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.metrics.v1.metrics_pb2 import Exemplar

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.histogram_messages import Histogram, find_fault, replace_buckets
from gnomon.ingest.otlp_deltas import DeltaSums, ExponentialSum, Total, index_counts
from gnomon.ingest.otlp_metric_messages import CUMULATIVE, DELTA, NO_RECORDED_VALUE
from gnomon.ingest.otlp_names import MetricKind, translate_unit
from gnomon.ingest.otlp_series import MetricSeries, PointSeries, ResourceSeries, SeriesCache
from gnomon.ingest.otlp_values import format_plain, format_value
from gnomon.ingest.write_request import encode_exemplar, encode_sample, encode_series
from gnomon.model.errors import InvalidInputError
from gnomon.model.histogram_buckets import CUSTOM_SCHEMA, MAXIMAL_SCHEMA, MINIMAL_SCHEMA
from gnomon.model.series import STALE

Metadata = tuple[str, str, str, str]

_MS = 1_000_000
_MAX_SHOWN = 3
_MAX_EXEMPLAR_CHARACTERS = 128
_ZERO_THRESHOLD = 1e-128
_MAX_EMPTY_SHARE = 4
# Half of the time that an instant query looks back, so that target_info is found wherever there are points.
_TARGET_INFO_EVERY_MS = 150_000
_MAX_TARGET_INFO = 1000
_KINDS = {
    "gauge": MetricKind.GAUGE,
    "histogram": MetricKind.HISTOGRAM,
    "exponential_histogram": MetricKind.HISTOGRAM,
    "summary": MetricKind.SUMMARY,
}
_DATA = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
_WITH_TEMPORALITY = frozenset({"sum", "histogram", "exponential_histogram"})


class Translation:
    """One request on its way to series: `parts` of a write request, and the metadata of what they belong to."""

    def __init__(self, series: SeriesCache, sums: DeltaSums, latest_ms: int) -> None:
        """Refuse points that are later than `latest_ms`."""
        self.parts: list[bytes] = []
        self.metadata: dict[Metadata, None] = {}
        self._series = series
        self._sums = sums
        self._latest_ms = latest_ms
        self._points = 0
        self._counts: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._faults: list[str] = []
        self._target_infos: set[tuple[bytes, int]] = set()
        self._span: list[int] = []

    def checked(self, body: bytes, metadata: int) -> Checked:
        """Return the outcome, with `body` as what is to be stored, `metadata` entries among it."""
        counts = self._counts
        counts["series"] = len(self.parts)
        counts["samples"] = len(self.parts) - counts["histograms"]
        counts["metadata"] = metadata
        rejected = self._rejected.total()
        message = ""
        if rejected:
            total = rejected + self._points
            message = f"{rejected} of {total} data points were rejected; the first: {' '.join(self._faults)}"
        return Checked(body, self._points, dict(self._rejected), message, dict(+counts))

    def add(self, request: Any) -> None:
        """Translate a whole request; raises MalformedRequestError."""
        for resource_metrics in request.resource_metrics:
            resource = self._series.resource(resource_metrics.resource)
            self._span = []
            for scope_metrics in resource_metrics.scope_metrics:
                url = scope_metrics.schema_url.decode(errors="replace")
                for metric in scope_metrics.metrics:
                    self._add_metric(resource, scope_metrics.scope, url, metric)
            if self._span:
                self._add_target_info(resource)

    def _add_metric(self, resource: ResourceSeries, scope: bytes, schema_url: str, metric: Any) -> None:
        data_name = next((name for name in _DATA if metric.HasField(name)), "")
        if not data_name:
            return
        data = getattr(metric, data_name)
        points = data.data_points
        try:
            name, unit, description = metric.name.decode(), metric.unit.decode(), metric.description.decode()
        except UnicodeDecodeError as error:
            text = f"The body is no ExportMetricsServiceRequest: a metric's name is no UTF-8: {error}."
            raise MalformedRequestError(text) from error
        kind = _KINDS.get(data_name) or (MetricKind.COUNTER if data.is_monotonic else MetricKind.UP_DOWN_COUNTER)
        try:
            series = resource.scope(scope, schema_url).metric(name, unit, kind)
        except MalformedRequestError:
            raise
        except InvalidInputError as error:
            self._reject("name", str(error), len(points))
            return
        temporality = data.aggregation_temporality if data_name in _WITH_TEMPORALITY else CUMULATIVE
        if temporality not in {CUMULATIVE, DELTA}:
            fault = f"The metric {name!r} has the aggregation temporality {temporality}: cumulative or delta is needed."
            self._reject("temporality", fault, len(points))
            return
        self.metadata[series.name, kind.metadata_type, description, translate_unit(unit)] = None
        self._add_points(data_name, points, series, delta=temporality == DELTA)

    def _add_points(self, kind: str, points: Any, series: MetricSeries, *, delta: bool) -> None:
        match kind:
            case "gauge":
                self._add_gauge(points, series)
            case "sum":
                self._add_sum(points, series, delta=delta)
            case "histogram":
                self._add_histogram(points, series, delta=delta)
            case "exponential_histogram":
                self._add_exponential_histogram(points, series, delta=delta)
            case _:
                self._add_summary(points, series)

    def _add_gauge(self, points: Any, series: MetricSeries) -> None:
        for point in points:
            found = self._find(series, point)
            if found is not None:
                value = STALE if point.flags & NO_RECORDED_VALUE else _read_number(point)
                self.parts.append(encode_sample(found.encode(), point.time_unix_nano // _MS, value))

    def _add_sum(self, points: Any, series: MetricSeries, *, delta: bool) -> None:
        for point in points:
            found = self._find(series, point)
            if found is None:
                continue
            labels = found.encode()
            value = STALE if point.flags & NO_RECORDED_VALUE else _read_number(point)
            start_ns, time_ns = point.start_time_unix_nano, point.time_unix_nano
            if delta and not point.flags & NO_RECORDED_VALUE:
                total = self._sum_up((labels,), Total(start_ns, time_ns, (value,)), series)
                if total is None:
                    continue
                start_ns, value = total.start_ns, total.parts[0]
            if point.exemplars:
                exemplars = self._read_exemplars(point.exemplars)
                encoded = [exemplar for _, exemplar in exemplars]
                sample = (time_ns // _MS, value)
                self.parts.append(encode_series(labels, (sample,), exemplars=encoded, start_ms=start_ns // _MS))
            else:
                self.parts.append(encode_sample(labels, time_ns // _MS, value, start_ns // _MS))

    def _add_histogram(self, points: Any, series: MetricSeries, *, delta: bool) -> None:
        to_native = self._series.settings.convert_histograms_to_nhcb
        for point in points:
            found = self._find(series, point)
            if found is None:
                continue
            # Its sum and count, then the counts of its buckets.
            parts = (point.sum, point.count, *point.bucket_counts)
            times = point.start_time_unix_nano, point.time_unix_nano
            total: Total | None = Total(*times, parts, tuple(point.explicit_bounds))
            if delta and total and not point.flags & NO_RECORDED_VALUE:
                total = self._sum_up((found.encode("_count"), point.HasField("sum")), total, series)
            if total is None:
                continue
            if to_native:
                self._add_custom_buckets(point, found, total)
            else:
                self._add_classic_buckets(point, found, total)

    def _add_classic_buckets(self, point: Any, found: PointSeries, total: Total) -> None:
        time_ms, start_ms = total.time_ns // _MS, total.start_ns // _MS
        stale = bool(point.flags & NO_RECORDED_VALUE)
        if point.HasField("sum"):
            value = STALE if stale else float(total.parts[0])
            self.parts.append(encode_sample(found.encode("_sum"), time_ms, value, start_ms))
        count = STALE if stale else float(total.parts[1])
        self.parts.append(encode_sample(found.encode("_count"), time_ms, count, start_ms))
        counts = total.parts[2 : 2 + len(total.bounds)]
        bounds = total.bounds[: len(counts)]
        values = [STALE if stale else float(value) for value in accumulate(counts)]
        values.append(count)
        labels = found.encode_buckets(bounds)
        if point.exemplars:
            self._add_buckets_with_exemplars(point, labels, bounds, values, start_ms)
            return
        for label, value in zip(labels, values, strict=True):
            self.parts.append(encode_sample(label, time_ms, value, start_ms))

    def _add_custom_buckets(self, point: Any, found: PointSeries, total: Total) -> None:
        message = Histogram(timestamp=total.time_ns // _MS, schema=CUSTOM_SCHEMA, custom_values=total.bounds)
        if total.start_ns:
            message.start_timestamp = total.start_ns // _MS
        if point.flags & NO_RECORDED_VALUE:
            message.count_int, message.sum = 0, STALE
        else:
            message.sum, message.count_int = total.parts[0], int(total.parts[1])
            filled = [(place, count) for place, count in enumerate(total.parts[2:]) if count]
            replace_buckets(message, "positive", filled, floats=False)
        self._add_native(point, found, message)

    def _add_native(self, point: Any, found: PointSeries, message: Any) -> None:
        """Add a histogram with its exemplars, or reject it."""
        if fault := find_fault(message):
            self._points -= 1
            self._reject("histogram", f"{found.name!r}: {fault}.")
            return
        exemplars = [encoded for _, encoded in self._read_exemplars(point.exemplars)]
        self._counts["histograms"] += 1
        self.parts.append(encode_series(found.encode(), (), (message.SerializeToString(),), exemplars))

    def _add_buckets_with_exemplars(
        self, point: Any, labels: Sequence[bytes], bounds: Sequence[float], values: Sequence[float], start_ms: int
    ) -> None:
        exemplars: list[list[bytes]] = [[] for _ in labels]
        for value, encoded in self._read_exemplars(point.exemplars):
            exemplars[bisect_left(bounds, value)].append(encoded)
        time_ms = point.time_unix_nano // _MS
        for label, value, own in zip(labels, values, exemplars, strict=True):
            self.parts.append(encode_series(label, ((time_ms, value),), exemplars=own, start_ms=start_ms))

    def _add_exponential_histogram(self, points: Any, series: MetricSeries, *, delta: bool) -> None:
        for point in points:
            found = self._find(series, point)
            if found is None:
                continue
            if point.scale < MINIMAL_SCHEMA:
                self._points -= 1
                self._reject("scale", f"{series.name!r} has the scale {point.scale}, coarser than {MINIMAL_SCHEMA}.")
                continue
            labels = found.encode()
            message = Histogram(timestamp=point.time_unix_nano // _MS)
            if point.start_time_unix_nano:
                message.start_timestamp = point.start_time_unix_nano // _MS
            if point.flags & NO_RECORDED_VALUE:
                message.count_int, message.zero_count_int, message.sum = 0, 0, STALE
            elif delta or not _copy_buckets(message, point):
                total: Total | None = _read_exponential(point)
                if delta and total:
                    total = self._sum_up((labels, "exponential"), total, series)
                if total is None or not self._fill_histogram(message, total, series):
                    continue
            exemplars = [encoded for _, encoded in self._read_exemplars(point.exemplars)]
            self._counts["histograms"] += 1
            self.parts.append(encode_series(labels, (), (message.SerializeToString(),), exemplars))

    def _fill_histogram(self, message: Any, total: Total, series: MetricSeries) -> bool:
        """Fill a histogram, or reject it and return False."""
        exponential = total.exponential
        if exponential is not None:
            message.sum, message.count_int = total.parts[0], int(total.parts[1])
            message.schema = exponential.scale
            message.zero_threshold, message.zero_count_int = exponential.zero_threshold, exponential.zero_count
            if total.start_ns:
                message.start_timestamp = total.start_ns // _MS
            for side, buckets in (("positive", exponential.positive), ("negative", exponential.negative)):
                # OTLP counts buckets from their lower bound, Prometheus from their upper one.
                replace_buckets(message, side, sorted((at + 1, count) for at, count in buckets.items()), floats=False)
        fault = find_fault(message)
        if fault:
            self._points -= 1
            self._reject("histogram", f"{series.name!r}: {fault}.")
        return not fault

    def _add_summary(self, points: Any, series: MetricSeries) -> None:
        for point in points:
            found = self._find(series, point)
            if found is None:
                continue
            time_ms, start_ms = point.time_unix_nano // _MS, point.start_time_unix_nano // _MS
            stale = bool(point.flags & NO_RECORDED_VALUE)
            for suffix, value in (("_sum", point.sum), ("_count", float(point.count))):
                self.parts.append(encode_sample(found.encode(suffix), time_ms, STALE if stale else value, start_ms))
            for quantile in point.quantile_values:
                labels = found.encode("", "quantile", format_plain(quantile.quantile))
                self.parts.append(encode_sample(labels, time_ms, STALE if stale else quantile.value))

    def _find(self, series: MetricSeries, point: Any) -> PointSeries | None:
        """Return the series of a point and count it, or None where it has to be rejected."""
        time_ns = point.time_unix_nano
        time_ms = time_ns // _MS
        if not 0 < time_ms <= self._latest_ms:
            what = "has no time" if not time_ms else f"lies too far in the future: time_unix_nano is {time_ns}"
            self._reject("future" if time_ms else "time", f"A point of {series.name!r} {what}.")
            return None
        if point.start_time_unix_nano > time_ns:
            point.start_time_unix_nano = 0
        self._span.append(time_ms)
        try:
            found = series.find(tuple(point.attributes))
        except MalformedRequestError:
            raise
        except InvalidInputError as error:
            self._reject("labels", f"{series.name!r}: {error}")
            return None
        self._points += 1
        return found

    def _sum_up(self, key: tuple[object, ...], point: Total, series: MetricSeries) -> Total | None:
        total = self._sums.add(key, point)
        if total is None:
            self._points -= 1
            when = f"time_unix_nano is {point.time_ns}"
            self._reject("delta_order", f"A delta point of {series.name!r} is not later than the one before: {when}.")
        return total

    def _reject(self, reason: str, fault: str, points: int = 1) -> None:
        self._rejected[reason] += points
        if len(self._faults) < _MAX_SHOWN:
            self._faults.append(fault)

    def _read_exemplars(self, raw: Iterable[bytes]) -> list[tuple[float, bytes]]:
        """Return the exemplars' values and what they are encoded to."""
        found = []
        for one in raw:
            try:
                exemplar = Exemplar.FromString(one)
            except DecodeError as error:
                message = f"The body is no ExportMetricsServiceRequest: an exemplar cannot be read: {error}."
                raise MalformedRequestError(message) from error
            value = float(exemplar.as_int) if exemplar.HasField("as_int") else exemplar.as_double
            time_ms = exemplar.time_unix_nano // _MS
            if time_ms > self._latest_ms:
                self._counts["exemplars_dropped"] += 1
                continue
            self._counts["exemplars"] += 1
            found.append((value, encode_exemplar(_exemplar_labels(exemplar), time_ms, value)))
        return found

    def _add_target_info(self, resource: ResourceSeries) -> None:
        labels = resource.target_info
        if not labels:
            return
        first, last = min(self._span), max(self._span)
        step = max(_TARGET_INFO_EVERY_MS, (last - first) // _MAX_TARGET_INFO)
        for time_ms in (*range(first, last, step), last):
            if (labels, time_ms) not in self._target_infos:
                self._target_infos.add((labels, time_ms))
                self.parts.append(encode_sample(labels, time_ms, 1.0))
        self.metadata["target_info", "gauge", "Target metadata", ""] = None


def _read_number(point: Any) -> float:
    return float(point.as_int) if point.HasField("as_int") else point.as_double


def _copy_buckets(message: Any, point: Any) -> bool:
    """Fill a histogram from a point that needs no other layout; tells whether it is such a point, and sound."""
    if point.scale > MAXIMAL_SCHEMA:
        return False
    total = point.zero_count
    for side in ("positive", "negative"):
        buckets = getattr(point, side)
        counts = buckets.bucket_counts[:]
        if not counts:
            continue
        if counts.count(0) * _MAX_EMPTY_SHARE > len(counts):
            return False
        getattr(message, f"{side}_spans").add(offset=buckets.offset + 1, length=len(counts))
        getattr(message, f"{side}_deltas").extend(map(sub, counts, [0, *counts]))
        total += sum(counts)
    message.sum, message.count_int, message.schema = point.sum, point.count, point.scale
    message.zero_threshold, message.zero_count_int = point.zero_threshold or _ZERO_THRESHOLD, point.zero_count
    return bool(total == point.count)


def _read_exponential(point: Any) -> Total:
    total = ExponentialSum(
        point.scale,
        point.zero_threshold or _ZERO_THRESHOLD,
        point.zero_count,
        index_counts(point.positive.offset, point.positive.bucket_counts),
        index_counts(point.negative.offset, point.negative.bucket_counts),
    ).rescale(min(point.scale, MAXIMAL_SCHEMA))
    parts = (point.sum, point.count)
    return Total(point.start_time_unix_nano, point.time_unix_nano, parts, exponential=total)


def _exemplar_labels(exemplar: Exemplar) -> list[tuple[str, str]]:
    labels = {}
    if any(exemplar.trace_id):
        labels["trace_id"] = exemplar.trace_id.hex()
    if any(exemplar.span_id):
        labels["span_id"] = exemplar.span_id.hex()
    more = {pair.key: format_value(pair.value) for pair in exemplar.filtered_attributes}
    if sum(len(name) + len(value) for name, value in (labels | more).items()) <= _MAX_EXEMPLAR_CHARACTERS:
        labels |= {name: value for name, value in more.items() if name}
    return sorted(labels.items())
