"""Tables of spans, written down shortly."""

from dataclasses import dataclass

from gnomon.model.spans import SpanTable, TraceSummary


@dataclass(frozen=True)
class Given:
    """One span; times in milliseconds."""

    id: str
    parent: str
    start: float
    end: float
    service: str = "gateway"
    name: str = ""
    kind: int = 1
    status: int = 0
    delay_ms: int = 0


def make_table(*spans: Given) -> SpanTable:
    ordered = sorted(spans, key=lambda span: span.start)
    nothing = [0] * len(ordered)
    return SpanTable(
        span_id=[span.id for span in ordered],
        parent_id=[span.parent for span in ordered],
        service=[span.service for span in ordered],
        name=[span.name or span.id for span in ordered],
        kind=[span.kind for span in ordered],
        status=[span.status for span in ordered],
        start_ns=[round(span.start * 1e6) for span in ordered],
        duration_ns=[round((span.end - span.start) * 1e6) for span in ordered],
        delay_ms=[span.delay_ms for span in ordered],
        events=nothing,
        links=nothing,
        exceptions=nothing,
        redacted=nothing,
        replaced=nothing,
        status_message=[""] * len(ordered),
    )


def summarize(table: SpanTable, *, spans: int | None = None) -> TraceSummary:
    return TraceSummary(
        trace_id="a" * 32,
        start_ns=min(table.start_ns),
        end_ns=max(map(int.__add__, table.start_ns, table.duration_ns)),
        spans=len(table) if spans is None else spans,
        errors=sum(status == 2 for status in table.status),
        root_service="gateway",
        root_name="root",
        services=(),
    )
