"""The time that an objective is judged over: rolling, or by the calendar of a time zone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

CalendarUnit = Literal["h", "d", "w", "M", "Q", "Y"]
_MONTHS: dict[CalendarUnit, int] = {"M": 1, "Q": 3, "Y": 12}
_DAYS: dict[CalendarUnit, int] = {"d": 1, "w": 7}
_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
# Long enough for one unit of each kind, to begin the search near its end.
_SHORTEST_MS: dict[CalendarUnit, int] = {
    "h": _HOUR_MS,
    "d": 23 * _HOUR_MS,
    "w": 167 * _HOUR_MS,
    "M": 28 * _DAY_MS - _HOUR_MS,
    "Q": 89 * _DAY_MS,
    "Y": 365 * _DAY_MS,
}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time, in Unix milliseconds; the end is no part of it."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Return how long it is."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class RollingWindow:
    """The last `length_ms` before now."""

    length_ms: int

    def period(self, now_ms: int) -> Period:
        """Return what counts now: all of it is over."""
        return Period(now_ms - self.length_ms, now_ms)


@dataclass(frozen=True, slots=True)
class CalendarWindow:
    """Periods of `count` units one after another, from a first one on that begins at `first` by the clock of `zone`.

    Days, weeks, months, quarters and years follow that clock through its changes; a first day that a month does not
    have is its last one.
    """

    count: int
    unit: CalendarUnit
    first: datetime
    zone: ZoneInfo

    @property
    def length_ms(self) -> int:
        """Return about how long a period is."""
        months = self.count * _MONTHS.get(self.unit, 0)
        return months * 365 * _DAY_MS // 12 if months else self._start(1) - self._start(0)

    def period(self, now_ms: int) -> Period:
        """Return the period that now lies in; before the first one, those before it."""
        number = (now_ms - self._start(0)) // (_SHORTEST_MS[self.unit] * self.count)
        while self._start(number) > now_ms:
            number -= 1
        while self._start(number + 1) <= now_ms:
            number += 1
        return Period(self._start(number), self._start(number + 1))

    def _start(self, number: int) -> int:
        steps = number * self.count
        if self.unit == "h":
            return _unix_ms(self.first, self.zone) + steps * _HOUR_MS
        if self.unit in _DAYS:
            return _unix_ms(self.first + timedelta(days=steps * _DAYS[self.unit]), self.zone)
        months = self.first.year * 12 + self.first.month - 1 + steps * _MONTHS[self.unit]
        year, month = divmod(months, 12)
        day = min(self.first.day, _days_in(year, month + 1))
        return _unix_ms(self.first.replace(year=year, month=month + 1, day=day), self.zone)


TimeWindow = RollingWindow | CalendarWindow


def _unix_ms(wall: datetime, zone: ZoneInfo) -> int:
    return round(wall.replace(tzinfo=zone).timestamp() * 1000)


def _days_in(year: int, month: int) -> int:
    later = datetime(year + month // 12, month % 12 + 1, 1)  # noqa: DTZ001 - a date by the wall clock
    return (later - timedelta(days=1)).day
