"""What the query engine asks of a store of series."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from gnomon.model.matchers import Matcher
from gnomon.model.series import Grid, Samples, SeriesSet, Windows

__all__ = ["SeriesSource", "Windows"]


class SeriesSource(Protocol):
    """Hand out series and samples. Intervals are open on the left and closed on the right: `(start_ms, end_ms]`.

    Errors: LimitExceededError when a limit stops the work, UnavailableError when the store cannot be asked now.
    """

    async def find_series(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesSet:
        """Return series that satisfy every matcher and may have samples in the interval."""

    async def read_samples(self, series: SeriesSet, start_ms: int, end_ms: int) -> Samples:
        """Return all samples of these series in the interval."""

    async def read_windows(self, series: SeriesSet, function: str, grid: Grid, window_ms: int) -> Windows | None:
        """Compute `function` over `(t - window_ms, t]` at every step `t`; None when the store does not know how.

        `function` is the name of a PromQL range function over float samples (`rate`, `max_over_time` …), staleness
        markers left out; or `last`, the instant selector: the newest sample, nothing when that is a marker.
        """


class LateSamples(Protocol):
    """What became queryable since a token: the token to ask with the next time, and the oldest sample's time."""

    @property
    def token(self) -> int:
        """Return the token that stands for now."""

    @property
    def oldest_ms(self) -> int | None:
        """Return the time of the oldest sample that became queryable; None when nothing did."""


@runtime_checkable
class TracksArrivals(Protocol):
    """A source that tells when what was read before is no longer all that there is."""

    def late_since(self, token: int) -> LateSamples:
        """Return what became queryable since a token (0 stands for the beginning)."""
