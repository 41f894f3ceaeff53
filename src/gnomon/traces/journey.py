"""A trace as a story: its steps in order, with what it waited for."""

from gnomon.model.spans import ERROR, KINDS, STATUSES, TraceSummary
from gnomon.traces.critical_path import Segment
from gnomon.traces.span_tree import LATE_MS, SpanTree
from gnomon.traces.trace_views import CriticalSegment, Journey, JourneyStep
from gnomon.traces.waterfall import sum_service_times, warn_of_limit


def tell_journey(trace: TraceSummary, tree: SpanTree, limit: int) -> Journey:
    """Return the journey of a trace whose spans are in `tree`, with at most `limit` steps.

    Steps come in order of start; a parent comes before its children even if both began at the same moment.
    """
    table = tree.table
    path = tree.critical_path()
    critical_ns: dict[int, int] = {}
    for segment in path:
        critical_ns[segment.span] = critical_ns.get(segment.span, 0) + segment.end_ns - segment.start_ns
    # Sorting keeps the depth-first order among equal starts, and in that order parents come first.
    chronological = sorted(tree.order, key=tree.start_ns.__getitem__)
    start_ns = tree.trace_start_ns
    errors = sum(status == ERROR for status in table.status)
    return Journey(
        trace_id=trace.trace_id,
        root_service=trace.root_service,
        root_name=trace.root_name,
        start_ns=start_ns,
        duration_ns=tree.trace_end_ns - start_ns,
        status="error" if tree.failed() else "ok",
        complete=tree.complete and len(table) >= trace.spans,
        spans=max(trace.spans, len(table)),
        errors=max(trace.errors, errors),
        services=sum_service_times(tree),
        warnings=(*tree.warnings, *warn_of_limit(trace, table)),
        critical_path=tuple(_describe(tree, segment, start_ns) for segment in path),
        steps=tuple(_step(tree, span, start_ns, critical_ns.get(span, 0)) for span in chronological[:limit]),
        omitted_steps=max(trace.spans, len(table)) - min(limit, len(table)),
    )


def _describe(tree: SpanTree, segment: Segment, start_ns: int) -> CriticalSegment:
    table, span = tree.table, segment.span
    return CriticalSegment(
        span_id=table.span_id[span],
        service=table.service[span],
        name=table.name[span],
        start_offset_ns=segment.start_ns - start_ns,
        duration_ns=segment.end_ns - segment.start_ns,
    )


def _step(tree: SpanTree, span: int, start_ns: int, critical_ns: int) -> JourneyStep:
    table = tree.table
    return JourneyStep(
        span_id=table.span_id[span],
        parent_span_id=table.parent_id[span],
        depth=tree.depth[span],
        service=table.service[span],
        name=table.name[span],
        kind=name_of(table.kind[span], KINDS),
        start_ns=tree.start_ns[span],
        start_offset_ns=tree.start_ns[span] - start_ns,
        duration_ns=table.duration_ns[span],
        self_ns=tree.self_ns[span],
        critical_ns=critical_ns,
        status=name_of(table.status[span], STATUSES),
        status_message=table.status_message[span],
        warnings=_warnings(tree, span),
    )


def name_of(number: int, names: tuple[str, ...]) -> str:
    """Return the name of an enumerated value; a number that OpenTelemetry does not know means the first."""
    return names[number] if 0 <= number < len(names) else names[0]


def _warnings(tree: SpanTree, span: int) -> tuple[str, ...]:
    table = tree.table
    found = (
        ("missing_parent", span in tree.orphans),
        ("clock_skew", tree.moved_ns[span] != 0),
        ("late_spans", table.delay_ms[span] > LATE_MS),
        ("replaced_time", bool(table.replaced[span])),
    )
    return tuple(kind for kind, applies in found if applies)
