"""What came in lately, with room for samples that become visible a little after they were told of."""

import time
from collections import deque
from collections.abc import Callable

from gnomon.promql.source import TracksArrivals

_SETTLE_S = 5.0


class SettledArrivals:
    """Tell the oldest sample that came in since a token; what came in during the last seconds is told again."""

    def __init__(self, arrivals: TracksArrivals, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Ask a source; `monotonic` returns seconds."""
        self._arrivals = arrivals
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque([(-_SETTLE_S, 0)])

    def token(self) -> int:
        """Return a token that leaves out what came in during the last seconds."""
        now_s, token = self._monotonic(), self._arrivals.late_since(self._seen[-1][1]).token
        if token != self._seen[-1][1]:
            self._seen.append((now_s, token))
        # The newest token that was seen long enough ago.
        while len(self._seen) > 1 and self._seen[1][0] <= now_s - _SETTLE_S:
            self._seen.popleft()
        return self._seen[0][1]

    def oldest_since(self, token: int) -> int | None:
        """Return the time of the oldest sample that came in since a token, in milliseconds; None when none did."""
        return self._arrivals.late_since(token).oldest_ms
