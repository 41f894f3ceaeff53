"""What a search for traces answers."""

from dataclasses import dataclass

from gnomon.model.timestamps import UnixNanoseconds


@dataclass(frozen=True, slots=True)
class ServiceShare:
    """Tell how many of a trace's spans, and how much of the time spent in them, belong to one service.

    `share` is of the spans' own time (children not counted twice), 0 to 1.
    """

    service: str
    spans: int
    errors: int
    share: float


@dataclass(frozen=True, slots=True)
class TraceRow:
    """Sum up one trace; `matched_spans` counts the spans that meet the query.

    `root_service` is empty while the root is missing.
    """

    trace_id: str
    root_service: str
    root_name: str
    start_ns: UnixNanoseconds
    duration_ns: int
    spans: int
    errors: int
    matched_spans: int
    services: tuple[ServiceShare, ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Hold one page of traces.

    Where `complete` is false, `note` says what was left out. `next_cursor` asks for the next page; null after the last.
    """

    traces: tuple[TraceRow, ...]
    complete: bool
    note: str
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ScatterPoints:
    """Hold one point a trace in parallel lists.

    Start in Unix milliseconds, duration in nanoseconds, errors in the trace.

    `found` counts all traces that match, of which the points are a fair sample if there are more than asked for; it is
    an estimate where `complete` is false, and then `note` says why.
    """

    trace_id: tuple[str, ...]
    start_ms: tuple[float, ...]
    duration_ns: tuple[int, ...]
    errors: tuple[int, ...]
    found: int
    complete: bool
    note: str


@dataclass(frozen=True, slots=True)
class TagName:
    """Name a field that a query can use; `kind` is `builtin`, `attribute` or `resource`."""

    name: str
    kind: str
    spans: int


@dataclass(frozen=True, slots=True)
class TagNames:
    """List names, the most frequent first; `sampled` where only the newest spans were looked at."""

    tags: tuple[TagName, ...]
    sampled: bool


@dataclass(frozen=True, slots=True)
class ValueCount:
    """Count the spans that carry one value."""

    value: str
    spans: int


@dataclass(frozen=True, slots=True)
class TagValues:
    """List the values of one field, the most frequent first; `sampled` where only the newest spans were looked at."""

    values: tuple[ValueCount, ...]
    sampled: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """Count the matching spans by the values of one field; `others` are the spans whose values are not listed."""

    field: str
    values: tuple[ValueCount, ...]
    others: int


@dataclass(frozen=True, slots=True)
class Facets:
    """Break the matching spans down by field; counts are scaled up where `sampled`, and then rounded."""

    spans: int
    facets: tuple[Facet, ...]
    sampled: bool


@dataclass(frozen=True, slots=True)
class DifferingValue:
    """Set how often a value occurs among the selected spans against the rest; shares are 0 to 1."""

    value: str
    selected: int
    rest: int
    selected_share: float
    rest_share: float


@dataclass(frozen=True, slots=True)
class DifferingField:
    """Tell how differently one field is distributed; `score` is 0 (alike) to 1 (nothing in common)."""

    field: str
    score: float
    values: tuple[DifferingValue, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """Compare the matching spans of selected traces with those of the others, the most telling field first."""

    selected_spans: int
    rest_spans: int
    fields: tuple[DifferingField, ...]
    sampled: bool
