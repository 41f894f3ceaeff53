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


class Lot(NamedTuple):
    """Samples that became queryable together: the times of the oldest and the newest, in Unix milliseconds."""

    oldest_ms: int
    newest_ms: int


class Arrivals:
    """Remember the lots of samples, in the order in which they became queryable."""

    def __init__(self) -> None:
        """Begin with nothing; a token of 0 stands for the beginning."""
        self._count = 0
        self._lots: deque[Lot] = deque(maxlen=_REMEMBERED)

    @property
    def token(self) -> int:
        """Return the token that stands for now."""
        return self._count

    def add(self, lot: Lot) -> None:
        """Note that samples are queryable from now on."""
        self._count += 1
        self._lots.append(lot)

    def since(self, token: int) -> Late:
        """Return what came in since a token; all of time where that is too long ago to tell."""
        lots = self.lots_since(token)
        if lots is None:
            return Late(self._count, 0)
        return Late(self._count, min((lot.oldest_ms for lot in lots), default=None))

    def lots_since(self, token: int) -> list[Lot] | None:
        """Return the lots since a token; None where that is too long ago to tell."""
        news = self._count - token
        if news > len(self._lots):
            return None
        return [self._lots[place] for place in range(-news, 0)]
