"""What is known of services: their operations, calls and how both went over time."""

from dataclasses import dataclass

from gnomon.model.timestamps import UnixNanoseconds


@dataclass(frozen=True, slots=True)
class RedTotals:
    """Sum up rate, errors and duration over a range; quantiles are null where nothing ran."""

    spans: int
    errors: int
    rate_per_s: float
    error_share: float
    p50_ns: float | None
    p95_ns: float | None
    p99_ns: float | None


@dataclass(frozen=True, slots=True)
class RedSeries:
    """Hold rate, errors and duration over time in parallel lists, one entry a step.

    Quantiles are null where nothing ran.
    """

    rate_per_s: tuple[float, ...]
    errors_per_s: tuple[float, ...]
    p50_ns: tuple[float | None, ...]
    p95_ns: tuple[float | None, ...]
    p99_ns: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """Sum up one service over a range.

    Rate, errors and durations are those of the spans in which it served (server and consumer), or of all its spans
    where it serves nobody.
    """

    service: str
    operations: int
    totals: RedTotals
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceList:
    """List the services seen in a range, the busiest first."""

    services: tuple[ServiceSummary, ...]


@dataclass(frozen=True, slots=True)
class OperationSummary:
    """Sum up one operation over a range, with its course; `total_ns` is the time spent in all its spans."""

    service: str
    name: str
    kind: str
    totals: RedTotals
    total_ns: int
    max_ns: int
    series: RedSeries


@dataclass(frozen=True, slots=True)
class OperationList:
    """List operations, the one that costs the most time first.

    `steps_ms` are the steps' starts in Unix milliseconds.

    `others` counts the operations beyond the limit.
    """

    step_s: int
    steps_ms: tuple[int, ...]
    totals: RedTotals
    series: RedSeries
    operations: tuple[OperationSummary, ...]
    others: int


@dataclass(frozen=True, slots=True)
class MapNode:
    """Show one service, or something that a service calls and that sends no spans itself (`kind`.

    `service`, `database`, `messaging`, `external`).
    """

    name: str
    kind: str
    totals: RedTotals


@dataclass(frozen=True, slots=True)
class MapEdge:
    """Show the calls from one service to another as the called one sees them.

    `kind` is `call`, `message` or the kind of the external node.
    """

    client: str
    server: str
    kind: str
    calls: int
    errors: int
    rate_per_s: float
    error_share: float
    mean_ns: float
    p50_ns: float
    p95_ns: float


@dataclass(frozen=True, slots=True)
class ServiceMap:
    """Show who calls whom.

    `sample_share` below 1 says that counts are scaled up from that share of the traces in busy minutes.
    """

    nodes: tuple[MapNode, ...]
    edges: tuple[MapEdge, ...]
    sample_share: float


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """Show one service as a row.

    Its course over the range, and the same figures for the range before (null: it was not there).
    """

    service: str
    totals: RedTotals
    before: RedTotals | None
    rate_per_s: tuple[float, ...]
    error_share: tuple[float | None, ...]
    p95_ns: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class OperationHealth:
    """Show one operation with the same figures for the range before."""

    service: str
    name: str
    kind: str
    totals: RedTotals
    before: RedTotals | None


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Show errors of the same operation and kind: the newest message and trace stand for all.

    `error_type` may be empty.
    """

    service: str
    name: str
    error_type: str
    message: str
    spans: int
    last_ns: UnixNanoseconds
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """Tell what is new: `new_service`, `new_version`, `new_operation`, `more_errors`, `slower` or `gone_service`.

    `before` and `after` are the figures or versions compared, as people read them; either may be empty.
    """

    kind: str
    service: str
    name: str
    before: str
    after: str
    at_ns: UnixNanoseconds | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Tell how the system does.

    Services (those with errors first, then the busiest), operations, errors and changes.
    """

    step_s: int
    steps_ms: tuple[int, ...]
    services: tuple[ServiceHealth, ...]
    busiest: tuple[OperationHealth, ...]
    failing: tuple[OperationHealth, ...]
    slowest: tuple[OperationHealth, ...]
    errors: tuple[ErrorGroup, ...]
    changes: tuple[Change, ...]
