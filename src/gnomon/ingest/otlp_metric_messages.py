"""OTLP's metrics (opentelemetry.proto.metrics.v1), with resources, scopes and attributes left as bytes.

These bytes name a series: they are looked up, and parsed only when they are new.
"""

from gnomon.ingest.messages import define_message

CUMULATIVE, DELTA = 2, 1
NO_RECORDED_VALUE = 1

_TIMES = {"start_time_unix_nano": (2, "fixed64"), "time_unix_nano": (3, "fixed64")}

MetricsRequest = define_message(
    "MetricsRequest",
    {
        "MetricsRequest": {"resource_metrics": (1, "ResourceMetrics*")},
        "ResourceMetrics": {
            "resource": (1, "bytes"),
            "scope_metrics": (2, "ScopeMetrics*"),
            "schema_url": (3, "bytes"),
        },
        "ScopeMetrics": {"scope": (1, "bytes"), "metrics": (2, "Metric*"), "schema_url": (3, "bytes")},
        "Metric": {
            "name": (1, "bytes"),
            "description": (2, "bytes"),
            "unit": (3, "bytes"),
            "gauge": (5, "Gauge"),
            "sum": (7, "Sum"),
            "histogram": (9, "Histogram"),
            "exponential_histogram": (10, "ExponentialHistogram"),
            "summary": (11, "Summary"),
        },
        "Gauge": {"data_points": (1, "NumberDataPoint*")},
        "Sum": {
            "data_points": (1, "NumberDataPoint*"),
            "aggregation_temporality": (2, "int64"),
            "is_monotonic": (3, "bool"),
        },
        "Histogram": {"data_points": (1, "HistogramDataPoint*"), "aggregation_temporality": (2, "int64")},
        "ExponentialHistogram": {
            "data_points": (1, "ExponentialHistogramDataPoint*"),
            "aggregation_temporality": (2, "int64"),
        },
        "Summary": {"data_points": (1, "SummaryDataPoint*")},
        "NumberDataPoint": _TIMES
        | {
            "as_double": (4, "double"),
            "exemplars": (5, "bytes*"),
            "as_int": (6, "sfixed64"),
            "attributes": (7, "bytes*"),
            "flags": (8, "uint64"),
        },
        "HistogramDataPoint": _TIMES
        | {
            "count": (4, "fixed64"),
            "sum": (5, "double"),
            "bucket_counts": (6, "fixed64*"),
            "explicit_bounds": (7, "double*"),
            "exemplars": (8, "bytes*"),
            "attributes": (9, "bytes*"),
            "flags": (10, "uint64"),
        },
        "ExponentialHistogramDataPoint": _TIMES
        | {
            "attributes": (1, "bytes*"),
            "count": (4, "fixed64"),
            "sum": (5, "double"),
            "scale": (6, "sint32"),
            "zero_count": (7, "fixed64"),
            "positive": (8, "Buckets"),
            "negative": (9, "Buckets"),
            "flags": (10, "uint64"),
            "exemplars": (11, "bytes*"),
            "zero_threshold": (14, "double"),
        },
        "Buckets": {"offset": (1, "sint32"), "bucket_counts": (2, "uint64*")},
        "SummaryDataPoint": _TIMES
        | {
            "count": (4, "fixed64"),
            "sum": (5, "double"),
            "quantile_values": (6, "ValueAtQuantile*"),
            "attributes": (7, "bytes*"),
            "flags": (8, "uint64"),
        },
        "ValueAtQuantile": {"quantile": (1, "double"), "value": (2, "double")},
    },
)
