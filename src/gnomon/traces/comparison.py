"""Two traces side by side: spans with the same service, name and ancestors stand in the same row."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gnomon.model.spans import ERROR, TraceSummary
from gnomon.traces.span_tree import SpanTree
from gnomon.traces.trace_views import ComparedSpans, ComparedStep, ComparedTrace, TraceComparison

_Place = tuple[str, str]


@dataclass(slots=True)
class _Node:
    """One place in both trees; `spans` are indexes, left and right."""

    place: _Place
    depth: int
    spans: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    below: dict[_Place, "_Node"] = field(default_factory=dict)


def compare_traces(traces: tuple[TraceSummary, TraceSummary], trees: tuple[SpanTree, SpanTree]) -> TraceComparison:
    """Return the alignment, parents first, siblings by when they first began on either side."""
    top = _Node(("", ""), -1)
    for side, tree in enumerate(trees):
        nodes: dict[int, _Node] = {}
        for span in tree.order:
            above = nodes.get(tree.parent[span], top)
            place = (tree.table.service[span], tree.table.name[span])
            node = above.below.get(place)
            if node is None:
                node = above.below[place] = _Node(place, above.depth + 1)
            node.spans[side].append(span)
            nodes[span] = node
    steps: list[ComparedStep] = []
    stack = _ordered(top, trees)
    while stack:
        node = stack.pop()
        steps.append(_step(node, trees))
        stack.extend(_ordered(node, trees))
    return TraceComparison(_trace(traces[0], trees[0]), _trace(traces[1], trees[1]), tuple(steps))


def _ordered(node: _Node, trees: tuple[SpanTree, SpanTree]) -> list[_Node]:
    """Return the children, the first to begin last: that is how a stack wants them."""

    def first_start(child: _Node) -> int:
        offsets = (_offset(tree, spans) for tree, spans in zip(trees, child.spans, strict=True) if spans)
        return min(offsets)

    return sorted(node.below.values(), key=first_start, reverse=True)


def _step(node: _Node, trees: tuple[SpanTree, SpanTree]) -> ComparedStep:
    left, right = (_sum(tree, spans) for tree, spans in zip(trees, node.spans, strict=True))
    change_ns = (right.duration_ns if right else 0) - (left.duration_ns if left else 0)
    return ComparedStep(node.depth, *node.place, left, right, change_ns)


def _sum(tree: SpanTree, spans: Sequence[int]) -> ComparedSpans | None:
    if not spans:
        return None
    return ComparedSpans(
        spans=len(spans),
        errors=sum(tree.table.status[span] == ERROR for span in spans),
        duration_ns=sum(tree.table.duration_ns[span] for span in spans),
        self_ns=sum(tree.self_ns[span] for span in spans),
        start_offset_ns=_offset(tree, spans),
        first_span_id=tree.table.span_id[min(spans, key=tree.start_ns.__getitem__)],
    )


def _offset(tree: SpanTree, spans: Sequence[int]) -> int:
    return min(tree.start_ns[span] for span in spans) - tree.trace_start_ns


def _trace(trace: TraceSummary, tree: SpanTree) -> ComparedTrace:
    start_ns = tree.trace_start_ns
    return ComparedTrace(
        trace_id=trace.trace_id,
        root_service=trace.root_service,
        root_name=trace.root_name,
        start_ns=start_ns,
        duration_ns=tree.trace_end_ns - start_ns,
        spans=trace.spans,
        errors=trace.errors,
    )
