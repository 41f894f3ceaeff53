"""How each promise fares, as the API and the journal tell it."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

SlaState = Literal["met", "at_risk", "violated", "no_data"]


class BurnView(BaseModel):
    """A standard pair of windows: the burn rates, None without events, and the rate above which both raise an alert."""

    severity: str
    short_window: str
    long_window: str
    short_burn: float | None
    long_burn: float | None
    factor: float
    exceeded: bool


class ExhaustionView(BaseModel):
    """When the error budget will be gone at the current rate: None where that does not come within the window.

    `earliest` and `latest` bound it with 90 % by how the burn varied; `measured` is false where too little is known
    for that.
    """

    at: AwareDatetime | None
    earliest: AwareDatetime | None
    latest: AwareDatetime | None
    measured: bool


class SlaStatus(BaseModel):
    """One promise. Figures are None without events: no data is neither met nor violated."""

    name: str
    title: str
    service: str
    description: str
    file: str
    state: SlaState
    target: float = Field(description="Share of events, or of slices of time, that must be good.")
    attained: float | None = Field(description="Share that was good so far.")
    margin: float | None = Field(description="Attained less target.")
    budget_left: float | None = Field(description="Share of the error budget that is left; negative: overdrawn.")
    burn: float | None = Field(description="How many times as fast as allowed errors come now; 1 spends it just so.")
    burn_window: str = Field(description="The time that `burn` and the forecast look at.")
    burns: list[BurnView]
    exhaustion: ExhaustionView
    budgeting: Literal["Occurrences", "Timeslices"]
    window_start: AwareDatetime
    window_end: AwareDatetime
    counted_until: AwareDatetime | None
    good: float = Field(description="Good events, or slices of time.")
    total: float = Field(description="All of them.")
    problem: str = Field(description="Why it could not be judged; empty otherwise.")


class SlaReport(BaseModel):
    """All promises, those in trouble first."""

    evaluated_at: AwareDatetime
    slas: list[SlaStatus]
