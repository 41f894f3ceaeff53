"""OTLP metrics for tests, put together with the official protobuf classes, and what they came to as series."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric, ScopeMetrics

from tests.write_requests import WriteRequest

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
SHOP = {"service.name": "shop", "service.instance.id": "shop-1"}


def attributes_of(values: Mapping[str, Any]) -> list[KeyValue]:
    """Return attributes from Python values."""
    return [KeyValue(key=key, value=_any(value)) for key, value in values.items()]


class MetricsRequest:
    """A request of one resource and scope that metrics are added to."""

    def __init__(self, resource: Mapping[str, Any] | None = None, scope: str = "library") -> None:
        self.request = ExportMetricsServiceRequest()
        resource_metrics = self.request.resource_metrics.add()
        resource_metrics.resource.attributes.extend(attributes_of(SHOP if resource is None else resource))
        self.scope: ScopeMetrics = resource_metrics.scope_metrics.add(schema_url="https://example.test/schema")
        self.scope.scope.name, self.scope.scope.version = scope, "1.2"
        self.scope.scope.attributes.extend(attributes_of({"team": "core"}))

    def metric(self, name: str, unit: str = "", description: str = "") -> Metric:
        """Add a metric without data."""
        return self.scope.metrics.add(name=name, unit=unit, description=description)

    def gauge(
        self, name: str, value: float, time_ns: int, attributes: Mapping[str, Any] | None = None, **more: Any
    ) -> Any:
        """Add a gauge with one point and return the point."""
        metric = self.metric(name, more.pop("unit", ""))
        return metric.gauge.data_points.add(
            as_double=value, time_unix_nano=time_ns, attributes=attributes_of(attributes or {}), **more
        )

    def sum(
        self,
        name: str,
        value: float,
        time_ns: int,
        attributes: Mapping[str, Any] | None = None,
        *,
        unit: str = "",
        monotonic: bool = True,
        temporality: Any = CUMULATIVE,
        start_ns: int = 0,
        **more: Any,
    ) -> Any:
        """Add a sum with one point and return the point."""
        metric = self.metric(name, unit)
        metric.sum.is_monotonic, metric.sum.aggregation_temporality = monotonic, temporality
        point = metric.sum.data_points.add(
            time_unix_nano=time_ns, start_time_unix_nano=start_ns, attributes=attributes_of(attributes or {}), **more
        )
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
        return point

    def histogram(self, name: str, time_ns: int, *, unit: str = "", temporality: Any = CUMULATIVE, **more: Any) -> Any:
        """Add an explicit histogram with one point and return the point."""
        metric = self.metric(name, unit)
        metric.histogram.aggregation_temporality = temporality
        return metric.histogram.data_points.add(time_unix_nano=time_ns, **more)

    def exponential(self, name: str, time_ns: int, *, temporality: Any = CUMULATIVE, **more: Any) -> Any:
        """Add an exponential histogram with one point and return the point."""
        metric = self.metric(name)
        metric.exponential_histogram.aggregation_temporality = temporality
        return metric.exponential_histogram.data_points.add(time_unix_nano=time_ns, **more)

    def summary(self, name: str, time_ns: int, quantiles: Sequence[tuple[float, float]], **more: Any) -> Any:
        """Add a summary with one point and return the point."""
        point = self.metric(name).summary.data_points.add(time_unix_nano=time_ns, **more)
        for quantile, value in quantiles:
            point.quantile_values.add(quantile=quantile, value=value)
        return point

    def encode(self) -> bytes:
        """Return the bytes of the request."""
        return self.request.SerializeToString()


def read_series(body: bytes) -> dict[tuple[tuple[str, str], ...], Any]:
    """Return the series of a write request by their labels."""
    found = {}
    for series in WriteRequest.FromString(body).timeseries:
        labels = tuple((label.name.decode(), label.value.decode()) for label in series.labels)
        found[labels] = series
    return found


def read_values(body: bytes) -> dict[str, float]:
    """Return the last sample of each series in Prometheus' notation, without job and instance."""
    values = {}
    for labels, series in read_series(body).items():
        name = dict(labels)["__name__"]
        shown = ",".join(f'{key}="{value}"' for key, value in labels if key not in {"__name__", "job", "instance"})
        for sample in series.samples:
            values[f"{name}{{{shown}}}" if shown else name] = sample.value
    return values


def _any(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            any_value = AnyValue()
            any_value.array_value.values.extend(map(_any, value))
            return any_value
        case dict():
            any_value = AnyValue()
            any_value.kvlist_value.values.extend(attributes_of(value))
            return any_value
        case None:
            return AnyValue()
        case _:
            return AnyValue(string_value=value)
