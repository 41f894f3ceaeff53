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

A child that outlives its parent counts until the parent's end, and one that began later not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which the root waited for one span."""

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
    """Return the path in order of time; its stretches follow each other without gaps from the root's start to its end.

    Spans are indexes into the sequences. Children may come in any order; spans below `root` must form a tree.
    """
    backwards: list[Segment] = []
    by_end: dict[int, list[int]] = {}

    def emit(span: int, start: int, end: int) -> None:
        if start < end:
            backwards.append(Segment(span, start, end))

    stack = [_Frame(root, start_ns[root], end_ns[root], end_ns[root])]
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
