"""What a span waited for: the chain of work that decided when it ended.

Walking back from the end, time belongs to the child that finished last before that moment; before the child began, to
the child that finished last before that; and to the span itself where no child had finished in time.

    root   ├───────────────────────────────────────────────┤
      a        ├─────────┤
      b            ├─────────────────────┤
        c              ├─────────┤
      d                                     ├──────────┤

    path   ├root───┤b──┤c─────────┤b─────┤root┤d─────────┤root
                    a finished after b began: nothing waited for it

A child that outlives its parent counts until the parent's end. Where work goes on after the root has ended, as behind a
queue, the path goes on to what ended last: before that work began, its forebears count as above, and between the end
of one and the beginning of the next nobody worked, so the path has a gap.

    root     ├─────────────────┤
      send        ├──┤
        work                        ├────────────┤

    path     ├root┤send                 ├work────────┤
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which the end waited for one span."""

    span: int
    start_ns: int
    end_ns: int


@dataclass(slots=True)
class _Frame:
    span: int
    lower: int
    upper: int
    moment: int
    next_child: int = 0


def find_critical_path(
    start_ns: Sequence[int], end_ns: Sequence[int], children: Sequence[Sequence[int]], root: int
) -> list[Segment]:
    """Return the path in order of time, from the root's start to the last end, with gaps only where work was handed on.

    Spans are indexes into the sequences. Children may come in any order; spans below `root` must form a tree.
    """
    heads = _find_heads(end_ns, children, root)
    path: list[Segment] = []
    until = end_ns[heads[-1]]
    for head in reversed(heads):
        path = _find_path_within(start_ns, end_ns, children, head, min(end_ns[head], until)) + path
        until = min(until, start_ns[head])
    return path


def _find_heads(end_ns: Sequence[int], children: Sequence[Sequence[int]], root: int) -> list[int]:
    """Return the root and, on the way from it to the span that ends last, each that ends later than all above it."""
    parents = {root: root}
    stack, last = [root], root
    while stack:
        span = stack.pop()
        if end_ns[span] > end_ns[last]:
            last = span
        for child in children[span]:
            parents[child] = span
            stack.append(child)
    way = [last]
    while way[-1] != root:
        way.append(parents[way[-1]])
    heads = [root]
    for span in reversed(way):
        if end_ns[span] > end_ns[heads[-1]]:
            heads.append(span)
    return heads


def _find_path_within(
    start_ns: Sequence[int], end_ns: Sequence[int], children: Sequence[Sequence[int]], root: int, end: int
) -> list[Segment]:
    """Return the path below one span from its start to `end`, without gaps; empty when it began later."""
    backwards: list[Segment] = []
    by_end: dict[int, list[int]] = {}

    def emit(span: int, start: int, end: int) -> None:
        if start < end:
            backwards.append(Segment(span, start, end))

    stack = [_Frame(root, start_ns[root], end, end)] if start_ns[root] < end else []
    while stack:
        frame = stack[-1]
        candidates = by_end.get(frame.span)
        if candidates is None:
            candidates = by_end[frame.span] = sorted(children[frame.span], key=lambda child: -end_ns[child])
        while frame.next_child < len(candidates):
            child = candidates[frame.next_child]
            frame.next_child += 1
            lower, upper = max(start_ns[child], frame.lower), min(end_ns[child], frame.upper)
            if lower < upper <= frame.moment:
                emit(frame.span, upper, frame.moment)
                frame.moment = lower
                stack.append(_Frame(child, lower, upper, upper))
                break
        else:
            emit(frame.span, frame.lower, frame.moment)
            stack.pop()
    return backwards[::-1]
