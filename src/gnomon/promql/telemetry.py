"""What the query engine tells about itself in `/metrics`."""

from prometheus_client import Counter, Gauge, Histogram

CACHE_REQUESTS = Counter(
    "gnomon_promql_cache_requests_total",
    "Questions to the caches of PromQL: answers to range queries (results) and samples read lately (samples).",
    ["cache", "outcome"],
)
CACHE_BYTES = Gauge("gnomon_promql_cache_bytes", "Memory that a cache of PromQL takes.", ["cache"])
QUERY_SECONDS = Histogram(
    "gnomon_promql_query_seconds",
    "Time that PromQL queries take: to fetch from the store, and to compute.",
    ["part"],
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
