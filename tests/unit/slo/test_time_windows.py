"""Periods of the calendar begin and end by the clock of their zone."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gnomon.slo.time_windows import CalendarUnit, CalendarWindow, RollingWindow

BERLIN = ZoneInfo("Europe/Berlin")


def unix_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("unit", "first", "now", "start", "end"),
    [
        ("M", "2020-01-01", "2026-03-31T23:30:00+02:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"),
        ("M", "2020-01-31", "2026-03-01T00:00:00+01:00", "2026-02-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00"),
        ("d", "2020-01-01", "2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
        ("w", "2020-01-06", "2026-11-21T21:00:00+01:00", "2026-11-16T00:00:00+01:00", "2026-11-23T00:00:00+01:00"),
        ("Q", "2020-01-01", "2026-11-21T21:00:00+01:00", "2026-10-01T00:00:00+02:00", "2027-01-01T00:00:00+01:00"),
        ("Y", "2020-01-01", "2026-11-21T21:00:00+01:00", "2026-01-01T00:00:00+01:00", "2027-01-01T00:00:00+01:00"),
        ("h", "2020-01-01", "2026-11-21T21:10:00+01:00", "2026-11-21T21:00:00+01:00", "2026-11-21T22:00:00+01:00"),
        ("M", "2030-01-01", "2026-11-21T21:00:00+01:00", "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00"),
    ],
)
def test_the_period_that_now_lies_in(unit: CalendarUnit, first: str, now: str, start: str, end: str) -> None:
    period = CalendarWindow(1, unit, datetime.fromisoformat(first), BERLIN).period(unix_ms(now))

    assert (period.start_ms, period.end_ms) == (unix_ms(start), unix_ms(end))


def test_a_rolling_window_ends_now() -> None:
    period = RollingWindow(1000).period(5000)

    assert (period.start_ms, period.end_ms, period.length_ms) == (4000, 5000, 1000)
