"""How queries are answered, and how much one may cost."""

from dataclasses import dataclass, field

from gnomon.promql.syntax_tree import Features


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Limits and habits of the query engine; times in milliseconds or seconds as named, sizes in bytes.

    `delayed_names` and `type_and_unit_labels` are Prometheus' feature flags promql-delayed-name-removal and
    type-and-unit-labels; `start_timestamps` lets rate and its like use the start timestamps of counters. The caches
    are for sources that tell what came in since (TracksArrivals); 0 switches one off.
    """

    lookback_ms: int = 300_000
    subquery_step_ms: int = 60_000
    max_samples: int = 50_000_000
    max_series: int = 200_000
    max_points: int = 11_000
    timeout_s: float = 120.0
    sample_cache_bytes: int = 256 * 2**20
    result_cache_bytes: int = 64 * 2**20
    features: Features = field(default_factory=Features)
    delayed_names: bool = False
    type_and_unit_labels: bool = False
    start_timestamps: bool = False
