"""Judge one promise by the events that were counted."""

from datetime import UTC, datetime

from gnomon.model.prometheus_durations import format_prometheus_duration
from gnomon.slo.burn_rates import WindowPair, pairs_of
from gnomon.slo.error_budgets import Counts, Forecast, attained, budget_left, burn_rate, forecast
from gnomon.slo.objectives import Objective
from gnomon.slo.sla_views import BurnView, ExhaustionView, SlaState, SlaStatus
from gnomon.slo.time_windows import RollingWindow

# A 120th of the window is 6 hours of 30 days.
_RECENT_SHARE = 120
_FEWEST_STEPS = 12
_SHORTEST_MS = 3_600_000


def judge(objective: Objective, counts: Counts | None, now_ms: int, problem: str = "") -> SlaStatus:
    """Return how a promise fares; without counts, that it could not be judged and why."""
    period, rolling = objective.window.period(now_ms), isinstance(objective.window, RollingWindow)
    recent_ms = recent_window_ms(objective)
    if counts is not None and objective.budgeting == "Timeslices":
        counts = counts.by_slices(objective.slice_target)
    share = None if counts is None else attained(counts)
    burns = [_burn(objective, pair, counts) for pair in pairs_of(objective)]
    foreseen, burn, left = Forecast(), None, None
    if counts is not None:
        horizon_ms = period.length_ms if rolling else period.end_ms - counts.end_ms
        burn = burn_rate(counts.last(recent_ms), objective.target)
        left = budget_left(counts, objective.target)
        foreseen = forecast(counts, objective.target, recent_ms, horizon_ms, rolling=rolling)
    return SlaStatus(
        name=objective.name,
        title=objective.title,
        service=objective.service,
        description=objective.description,
        file=objective.file,
        state=_state(share, objective.target, foreseen, burns),
        target=objective.target,
        attained=share,
        margin=None if share is None else share - objective.target,
        budget_left=left,
        burn=burn,
        burn_window=format_prometheus_duration(recent_ms),
        burns=burns,
        exhaustion=ExhaustionView(
            at=_time(foreseen.at_ms),
            earliest=_time(foreseen.earliest_ms),
            latest=_time(foreseen.latest_ms),
            measured=foreseen.measured,
        ),
        budgeting=objective.budgeting,
        window_start=datetime.fromtimestamp(period.start_ms / 1000, UTC),
        window_end=datetime.fromtimestamp(period.end_ms / 1000, UTC),
        counted_until=None if counts is None else _time(counts.end_ms),
        good=0.0 if counts is None else float(counts.good.sum()),
        total=0.0 if counts is None else float(counts.total.sum()),
        problem=problem,
    )


def recent_window_ms(objective: Objective) -> int:
    """Return the time that the current rate is taken from, in whole stretches."""
    steps = max(_SHORTEST_MS, objective.window.length_ms // _RECENT_SHARE) // objective.step_ms
    return max(_FEWEST_STEPS, steps) * objective.step_ms


def _state(share: float | None, target: float, foreseen: Forecast, burns: list[BurnView]) -> SlaState:
    if share is None:
        return "no_data"
    if share < target:
        return "violated"
    return "at_risk" if foreseen.at_ms is not None or any(burn.exceeded for burn in burns) else "met"


def _burn(objective: Objective, pair: WindowPair, counts: Counts | None) -> BurnView:
    short, long = (
        None if counts is None else burn_rate(counts.last(window_ms), objective.target)
        for window_ms in (pair.short_ms, pair.long_ms)
    )
    factor = pair.factor(objective.window.length_ms)
    return BurnView(
        severity=pair.severity,
        short_window=format_prometheus_duration(pair.short_ms),
        long_window=format_prometheus_duration(pair.long_ms),
        short_burn=short,
        long_burn=long,
        factor=factor,
        exceeded=short is not None and long is not None and short > factor and long > factor,
    )


def _time(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else datetime.fromtimestamp(unix_ms / 1000, UTC)
