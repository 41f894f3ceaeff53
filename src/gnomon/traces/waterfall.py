"""A trace as a waterfall: every span, compactly, in the order of display."""

from collections.abc import Sequence

from gnomon.model.spans import ERROR, SpanTable, TraceSummary
from gnomon.traces.span_tree import LATE_MS, SpanTree
from gnomon.traces.trace_views import (
    CriticalPathColumns,
    ServiceTime,
    SpanColumns,
    TraceWarning,
    Waterfall,
)

MISSING_PARENT, MOVED, LATE, EVENTS, LINKS, MASKED, REPLACED, EXCEPTION = (1 << bit for bit in range(8))


def lay_out_waterfall(trace: TraceSummary, tree: SpanTree) -> Waterfall:
    """Return the waterfall of a trace whose spans are in `tree`, all of them or the first ones."""
    table, order = tree.table, tree.order
    start_ns = tree.trace_start_ns
    place = [0] * len(order)
    for position, span in enumerate(order):
        place[span] = position
    services, service_index = _index(table.service, order)
    names, name_index = _index(table.name, order)
    parents = [-1 if tree.parent[span] < 0 else place[tree.parent[span]] for span in order]
    descendants = _count_below(parents, [1] * len(order))
    path = tree.critical_path()
    return Waterfall(
        trace_id=trace.trace_id,
        root_service=trace.root_service,
        root_name=trace.root_name,
        start_ns=start_ns,
        duration_ns=tree.trace_end_ns - start_ns,
        complete=tree.complete and len(table) >= trace.spans,
        spans_total=max(trace.spans, len(table)),
        errors=max(trace.errors, sum(status == ERROR for status in table.status)),
        services=services,
        names=names,
        service_times=sum_service_times(tree),
        warnings=(*tree.warnings, *warn_of_limit(trace, table)),
        spans=SpanColumns(
            span_id=tuple(table.span_id[span] for span in order),
            parent=tuple(parents),
            depth=tuple(tree.depth[span] for span in order),
            descendants=descendants,
            failed_descendants=_count_below(parents, [int(table.status[span] == ERROR) for span in order]),
            service=service_index,
            name=name_index,
            kind=tuple(table.kind[span] for span in order),
            status=tuple(table.status[span] for span in order),
            flags=tuple(_flags(tree, span) for span in order),
            start_ns=tuple(tree.start_ns[span] - start_ns for span in order),
            duration_ns=tuple(table.duration_ns[span] for span in order),
            self_ns=tuple(tree.self_ns[span] for span in order),
        ),
        critical_path=CriticalPathColumns(
            span=tuple(place[segment.span] for segment in path),
            start_ns=tuple(segment.start_ns - start_ns for segment in path),
            end_ns=tuple(segment.end_ns - start_ns for segment in path),
        ),
    )


def sum_service_times(tree: SpanTree) -> tuple[ServiceTime, ...]:
    """Return each service's part in a trace, the one with the most own time first."""
    sums: dict[str, list[int]] = {}
    for service, status, own_ns in zip(tree.table.service, tree.table.status, tree.self_ns, strict=True):
        found = sums.setdefault(service, [0, 0, 0])
        found[0] += 1
        found[1] += status == ERROR
        found[2] += own_ns
    ordered = sorted(sums.items(), key=lambda item: (-item[1][2], item[0]))
    return tuple(ServiceTime(service, spans, errors, own_ns) for service, (spans, errors, own_ns) in ordered)


def warn_of_limit(trace: TraceSummary, table: SpanTable) -> tuple[TraceWarning, ...]:
    """Return a warning if spans were left out because there are too many."""
    left_out = trace.spans - len(table)
    if left_out <= 0:
        return ()
    message = f"The trace has {trace.spans} spans; the first {len(table)} by start are shown."
    return (TraceWarning("too_large", message, left_out),)


def _index(values: Sequence[str], order: Sequence[int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return the distinct values in order of appearance, and each span's index among them."""
    known: dict[str, int] = {}
    indexes = tuple(known.setdefault(values[span], len(known)) for span in order)
    return tuple(known), indexes


def _count_below(parents: list[int], amounts: list[int]) -> tuple[int, ...]:
    """Return the sum of the amounts below each span, itself not counted; parents come before children."""
    below = [0] * len(parents)
    for position in range(len(parents) - 1, -1, -1):
        if parents[position] >= 0:
            below[parents[position]] += below[position] + amounts[position]
    return tuple(below)


def _flags(tree: SpanTree, span: int) -> int:
    table = tree.table
    return (
        MISSING_PARENT * (span in tree.orphans)
        | MOVED * bool(tree.moved_ns[span])
        | LATE * (table.delay_ms[span] > LATE_MS)
        | EVENTS * bool(table.events[span])
        | LINKS * bool(table.links[span])
        | MASKED * bool(table.redacted[span])
        | REPLACED * bool(table.replaced[span])
        | EXCEPTION * bool(table.exceptions[span])
    )
