"""What is promised: an objective with its indicator, its window and the policies of its alerts."""

from dataclasses import dataclass
from typing import Literal

from gnomon.slo.time_windows import TimeWindow

Operator = Literal["<=", "<", ">=", ">"]
Budgeting = Literal["Occurrences", "Timeslices"]

_MINUTE_MS = 60_000
_SLICE_MS = 5 * _MINUTE_MS
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class RatioIndicator:
    """Events that count out of all, as PromQL in which `{{.window}}` stands for a duration.

    `counted_bad` tells that what counts are the bad ones.
    """

    counted: str
    total: str
    counted_bad: bool = False


@dataclass(frozen=True, slots=True)
class ThresholdIndicator:
    """A value that is compared each `step_ms`; each comparison is an event."""

    query: str
    step_ms: int = _MINUTE_MS


Indicator = RatioIndicator | ThresholdIndicator


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Fire when the budget burns at this rate over a time, besides the standard pairs of windows."""

    name: str
    severity: str
    operator: Operator
    threshold: float
    lookback_ms: int
    for_ms: int = 0
    notification_targets: tuple[str, ...] = ()
    without_data: bool = False


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise: that `target` (a share) of events, or of slices of time, are good over a window.

    `name` is unique among all. `threshold` belongs to a ThresholdIndicator; `slice_target` (a share of events) and
    `slice_ms` to Timeslices.
    """

    name: str
    title: str
    file: str
    service: str
    description: str
    indicator: Indicator
    target: float
    window: TimeWindow
    budgeting: Budgeting = "Occurrences"
    threshold: tuple[Operator, float] | None = None
    slice_target: float = 1.0
    slice_ms: int = 0
    policies: tuple[AlertPolicy, ...] = ()

    @property
    def step_ms(self) -> int:
        """Return how long the stretches are that events are counted by."""
        if self.budgeting == "Timeslices":
            return self.slice_ms
        return _MINUTE_MS if self.window.length_ms <= _DAY_MS else _SLICE_MS
