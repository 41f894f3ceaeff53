"""What can be set about storage, with units in the names."""

from dataclasses import dataclass, field
from pathlib import Path

GIB = 1 << 30
MIB = 1 << 20
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long each signal is kept, in seconds; metrics as they came, put together by five minutes, and by the hour.

    `tasks_s` is for what is derived of tasks, agents and calls of models.
    """

    traces_s: int = 7 * DAY_S
    logs_s: int = 7 * DAY_S
    metrics_s: int = 30 * DAY_S
    metrics_5m_s: int = 90 * DAY_S
    metrics_1h_s: int = 400 * DAY_S
    tasks_s: int = 30 * DAY_S

    @property
    def series_s(self) -> int:
        """Return how long series are known: as long as anything of them is kept."""
        return max(self.metrics_s, self.metrics_5m_s, self.metrics_1h_s)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine may use.

    `memory_bytes` bounds all queries and inserts together (0: a third of the machine's memory), `threads` one query
    (0: one for each core). `cluster_url` (`clickhouse://user:password@host:8123/database`) takes a ClickHouse server or
    cluster instead of the embedded engine; `cluster_name` names the cluster in its configuration, and empty means a
    lone server.
    """

    memory_bytes: int = 0
    threads: int = 0
    cluster_url: str = ""
    cluster_name: str = ""


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """What one query may use before it is refused."""

    time_s: float = 30.0
    memory_bytes: int = 2 * GIB
    result_rows: int = 1_000_000
    concurrency: int = 8


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How the journal gathers, and when it holds back.

    A segment closes at `segment_bytes`; `segment_age_s` after its first request when much came in, or when somebody
    reads; and `idle_segment_age_s` after it in any case. With more accepted than loads in about a second, requests
    wait a little; with more than `backlog_bytes` accepted and not yet loaded, they wait for up to `hold_s` and are then
    refused with a retryable error; requests whose bodies add up to more than `waiting_bytes` are refused at once.
    Requests are recognised as repeated for at least `repeat_window_s`, or the last `repeat_entries` of them.
    """

    segment_bytes: int = 24 * MIB
    segment_age_s: float = 0.5
    idle_segment_age_s: float = 10.0
    backlog_bytes: int = 256 * MIB
    waiting_bytes: int = 64 * MIB
    hold_s: float = 5.0
    repeat_window_s: float = 600.0
    repeat_entries: int = 500_000


@dataclass(frozen=True, slots=True)
class MetricSettings:
    """How many series may be active (seen today or yesterday), and how much of them one query may read.

    New series of a metric that has `series_per_metric` of them are refused, and all new ones from `series` on.
    `retention` tells which samples are raw, and which are kept put together.
    """

    series: int = 2_000_000
    series_per_metric: int = 200_000
    query_samples: int = 50_000_000
    retention: RetentionSettings = field(default_factory=RetentionSettings)


@dataclass(frozen=True, slots=True)
class RedactionSettings:
    """Which secrets are masked: well-known shapes, and whatever matches `patterns` (RE2, without groups)."""

    enabled: bool = True
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where data lives, how much of it and for how long.

    `max_bytes` is the budget of the data directory (0: none); the oldest data goes first. With less than
    `min_free_bytes` left on the disk, ingest refuses and reads go on.
    """

    data_dir: Path = Path("gnomon-data")
    max_bytes: int = 50_000_000_000
    min_free_bytes: int = GIB
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    query: QuerySettings = field(default_factory=QuerySettings)
    journal: JournalSettings = field(default_factory=JournalSettings)
    metrics: MetricSettings = field(default_factory=MetricSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
