"""How old the samples are that came in lately: results that were computed before them may have to be computed again."""

from collections import deque
from typing import NamedTuple

_REMEMBERED = 4096


class Late(NamedTuple):
    """What came in since a token: the `token` to ask with the next time, and the oldest sample's time.

    `oldest_ms` is None where nothing came in.
    """

    token: int
    oldest_ms: int | None


class Arrivals:
    """Remember the oldest sample of each lot of samples, in the order in which they became queryable."""

    def __init__(self) -> None:
        """Begin with nothing; a token of 0 stands for the beginning."""
        self._count = 0
        self._oldest: deque[int] = deque(maxlen=_REMEMBERED)

    def add(self, oldest_ms: int) -> None:
        """Note that samples are queryable from now on."""
        self._count += 1
        self._oldest.append(oldest_ms)

    def since(self, token: int) -> Late:
        """Return what came in since a token; all of time where that is too long ago to tell."""
        news = self._count - token
        if news <= 0:
            return Late(self._count, None)
        if news > len(self._oldest):
            return Late(self._count, 0)
        return Late(self._count, min(self._oldest[place] for place in range(-news, 0)))
