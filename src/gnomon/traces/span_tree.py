"""Spans as a tree, as far as there is one: missing parents, repeated ids and circles are told, not hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

from gnomon.model.spans import ERROR, SpanTable
from gnomon.traces.clock_skew import find_clock_skew
from gnomon.traces.critical_path import Segment, find_critical_path
from gnomon.traces.trace_views import TraceWarning

LATE_MS = 60_000
"""A span that arrives so long after its end is called late, in milliseconds."""

_MILLISECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class SpanTree:
    """Hold the tree of a SpanTable; spans are indexes into it.

    `order` is depth-first, siblings by start. `start_ns` is corrected for clock skew by `moved_ns`. `orphans` are spans
    whose parent is not here; they stand beside the roots.
    """

    table: SpanTable
    order: Sequence[int]
    parent: Sequence[int]
    children: Sequence[Sequence[int]]
    depth: Sequence[int]
    start_ns: Sequence[int]
    moved_ns: Sequence[int]
    self_ns: Sequence[int]
    orphans: frozenset[int]
    root: int
    warnings: tuple[TraceWarning, ...]

    @property
    def trace_start_ns(self) -> int:
        """Return the first start."""
        return min(self.start_ns)

    @property
    def trace_end_ns(self) -> int:
        """Return the last end."""
        return max(map(int.__add__, self.start_ns, self.table.duration_ns))

    @property
    def complete(self) -> bool:
        """Return whether there is one root and every parent is here."""
        return not self.orphans and any(not parent for parent in self.table.parent_id)

    def critical_path(self) -> list[Segment]:
        """Return what the end of the trace waited for."""
        ends = list(map(int.__add__, self.start_ns, self.table.duration_ns))
        return find_critical_path(self.start_ns, ends, self.children, self.root)

    def failed(self) -> bool:
        """Return whether a root, or a span that stands in for one, failed."""
        return any(self.table.status[span] == ERROR for span in self.order if self.parent[span] < 0)


def build_span_tree(table: SpanTable) -> SpanTree:
    """Return the tree of at least one span."""
    parent, orphans, circular, repeated = _find_parents(table)
    children = _children_of(parent, table.start_ns)
    order, depth = _walk(parent, children, table.start_ns)
    moved = find_clock_skew(order, parent, table.service, table.kind, table.start_ns, table.duration_ns)
    start_ns: Sequence[int] = table.start_ns
    if any(moved):
        start_ns = list(map(int.__add__, table.start_ns, moved))
        children = _children_of(parent, start_ns)
        order, depth = _walk(parent, children, start_ns)
    warnings = _warn(table, moved, orphans, circular, repeated)
    tops = [span for span in order if parent[span] < 0]
    root = max(tops, key=lambda span: (not table.parent_id[span], table.duration_ns[span], -start_ns[span]))
    self_ns = _own_times(start_ns, table.duration_ns, children)
    return SpanTree(
        table, order, parent, children, depth, start_ns, moved, self_ns, frozenset(orphans), root, tuple(warnings)
    )


def _find_parents(table: SpanTable) -> tuple[list[int], set[int], int, int]:
    """Return each span's parent (-1: none), spans whose parent is missing, how many are circular, how many repeated."""
    by_id: dict[str, int] = {}
    for span, span_id in enumerate(table.span_id):
        by_id.setdefault(span_id, span)
    parent = [by_id.get(parent_id, -1) if parent_id else -1 for parent_id in table.parent_id]
    orphans = {span for span, above in enumerate(parent) if above < 0 and table.parent_id[span]}
    circular = 0
    # 0: not looked at, 1: on the way up from here, 2: known to end at a root
    seen = bytearray(len(parent))
    for span in range(len(parent)):
        way = []
        at = span
        while at >= 0 and not seen[at]:
            seen[at] = 1
            way.append(at)
            at = parent[at]
        if at >= 0 and seen[at] == 1:
            circular += 1
            parent[at] = -1
            orphans.add(at)
        for passed in way:
            seen[passed] = 2
    return parent, orphans, circular, len(parent) - len(by_id)


def _children_of(parent: Sequence[int], start_ns: Sequence[int]) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in parent]
    for span in sorted(range(len(parent)), key=start_ns.__getitem__):
        if parent[span] >= 0:
            children[parent[span]].append(span)
    return children


def _walk(
    parent: Sequence[int], children: Sequence[Sequence[int]], start_ns: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the depth-first order and each span's depth."""
    depth = [0] * len(parent)
    order: list[int] = []
    stack = sorted((span for span, above in enumerate(parent) if above < 0), key=start_ns.__getitem__, reverse=True)
    while stack:
        span = stack.pop()
        order.append(span)
        for child in reversed(children[span]):
            depth[child] = depth[span] + 1
            stack.append(child)
    return order, depth


def _own_times(start_ns: Sequence[int], duration_ns: Sequence[int], children: Sequence[Sequence[int]]) -> list[int]:
    """Return for each span the time in which none of its children ran."""
    own = list(duration_ns)
    for span, below in enumerate(children):
        if not below:
            continue
        covered_to = start_ns[span]
        end = covered_to + duration_ns[span]
        for child in below:
            child_end = min(start_ns[child] + duration_ns[child], end)
            uncovered_from = max(start_ns[child], covered_to)
            if child_end > uncovered_from:
                own[span] -= child_end - uncovered_from
                covered_to = child_end
    return own


def _warn(
    table: SpanTable, moved: Sequence[int], orphans: set[int], circular: int, repeated: int
) -> list[TraceWarning]:
    """Return what is not as it should be, the gravest first."""
    skewed = [abs(move) for move in moved if move]
    missing = len({table.parent_id[span] for span in orphans}) - circular
    apart_ms = max(skewed, default=0) / _MILLISECOND
    no_root = "The root span is not here: it is still open, was not sent, or is past retention."
    no_parents = "A parent span is" if missing == 1 else f"{missing} parent spans are"
    no_parents += " not here; the children stand at the top level."
    circles = "Spans name each other as parents; each circle was cut at one span."
    twice = "Span ids appear more than once; children were given to the span that began first."
    clocks = f"Clocks differ by up to {apart_ms:.3g} ms; spans that seemed to begin before their parents were moved."
    late = "Spans arrived more than a minute after they ended."
    absurd = "Start times were absurd as sent; the time of receipt stands in for them."
    counts = (
        ("missing_root", no_root, int("" not in table.parent_id)),
        ("missing_parent", no_parents, len(orphans) - circular),
        ("cycle", circles, circular),
        ("duplicate_span", twice, repeated),
        ("clock_skew", clocks, len(skewed)),
        ("late_spans", late, sum(delay > LATE_MS for delay in table.delay_ms)),
        ("replaced_time", absurd, sum(table.replaced)),
    )
    return [TraceWarning(kind, message, spans) for kind, message, spans in counts if spans]
