from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary

from gnomon.sdk.metrics import push

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def encoded(registry: CollectorRegistry) -> dict[str, Metric]:
    body = push.encode(registry.collect(), {"service.name": "shop"}, 2_000_000_000)
    request = ExportMetricsServiceRequest.FromString(body)
    (resource,) = request.resource_metrics
    assert resource.resource.attributes[0].value.string_value == "shop"
    return {metric.name: metric for metric in resource.scope_metrics[0].metrics}


def test_counters_become_cumulative_monotonic_sums_under_their_own_names() -> None:
    registry = CollectorRegistry()
    Counter("orders_total", "Orders.", ["shop"], registry=registry).labels("a").inc(
        3, {"trace_id": TRACE, "span_id": SPAN}
    )
    metric = encoded(registry)["orders_total"]
    assert metric.description == "Orders."
    assert metric.sum.is_monotonic
    assert metric.sum.aggregation_temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    (point,) = metric.sum.data_points
    assert point.as_double == 3
    assert point.time_unix_nano == 2_000_000_000
    assert [(pair.key, pair.value.string_value) for pair in point.attributes] == [("shop", "a")]
    assert point.exemplars[0].trace_id.hex() == TRACE
    assert point.exemplars[0].span_id.hex() == SPAN


def test_gauges_keep_names_that_look_like_counters() -> None:
    registry = CollectorRegistry()
    Gauge("agents_total", "Agents.", registry=registry).set(4)
    metric = encoded(registry)["agents_total"]
    assert metric.WhichOneof("data") == "gauge"
    assert metric.gauge.data_points[0].as_double == 4


def test_histograms_keep_bounds_counts_sum_and_exemplars() -> None:
    registry = CollectorRegistry()
    histogram = Histogram("took_seconds", "Took.", ["what"], buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.5, 0.7, 9):
        histogram.labels("x").observe(value)
    histogram.labels("x").observe(0.2, {"trace_id": TRACE})
    (point,) = encoded(registry)["took_seconds"].histogram.data_points
    assert list(point.explicit_bounds) == [0.1, 1]
    assert list(point.bucket_counts) == [1, 3, 1]
    assert point.count == 5
    assert point.sum == 0.05 + 0.5 + 0.7 + 9 + 0.2
    assert [exemplar.as_double for exemplar in point.exemplars] == [0.2]


def test_summaries_are_sent_too_and_empty_families_are_not() -> None:
    registry = CollectorRegistry()
    Summary("size_bytes", "Size.", registry=registry).observe(7)
    Counter("unused_total", "Unused.", ["label"], registry=registry)
    metrics = encoded(registry)
    assert set(metrics) == {"size_bytes"}
    (point,) = metrics["size_bytes"].summary.data_points
    assert (point.count, point.sum) == (1, 7)


def test_an_exemplar_that_names_no_trace_keeps_its_labels() -> None:
    registry = CollectorRegistry()
    Counter("orders_total", "Orders.", registry=registry).inc(1, {"order": "7"})
    (point,) = encoded(registry)["orders_total"].sum.data_points
    assert point.exemplars[0].filtered_attributes[0].key == "order"
