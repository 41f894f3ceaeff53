"""Clocks that disagree: spans that seem to begin before what caused them.

Nothing begins before its parent. Where a service's span does, the clocks of the two machines differ, and the span is
moved, together with everything below it in the same service. A server's span lies within the client's call; one that
does not is put into its middle, as if the way there took as long as the way back. Everything else is moved to its
parent's start. (Jaeger corrects in the same manner, but moves asynchronous work, too.)
"""

from collections.abc import Sequence

_SERVER = 2
_CLIENT = 3


def find_clock_skew(
    order: Sequence[int],
    parent: Sequence[int],
    service: Sequence[str],
    kind: Sequence[int],
    start_ns: Sequence[int],
    duration_ns: Sequence[int],
) -> list[int]:
    """Return by how many nanoseconds each span is to be moved; `order` has parents before children, -1 is no parent."""
    moves = [0] * len(start_ns)
    for span in order:
        above = parent[span]
        if above < 0:
            continue
        moves[span] = moves[above] if service[span] == service[above] else 0
        if service[span] == service[above]:
            continue
        begins = start_ns[above] + moves[above] - start_ns[span]
        spare = duration_ns[above] - duration_ns[span]
        is_call = kind[span] == _SERVER and kind[above] == _CLIENT and spare >= 0
        if is_call and (begins > 0 or spare < -begins):
            moves[span] = begins + spare // 2
        elif begins > 0:
            moves[span] = begins
    return moves
