"""Named times of the week, month and year, in which routes are muted or active, as Alertmanager's files write them."""

import calendar
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, model_validator

from gnomon.ingest.scraping.file_sections import Section

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = tuple(name.lower() for name in calendar.month_name)
_CLOCK = re.compile(r"(?:([01]\d|2[0-3]):([0-5]\d))|(24):(00)")
_LONGEST_MONTH, _SHORTEST_MONTH = 31, 28
_NS = 1_000_000_000

Range = tuple[int, int]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(f'"{text}" is not a whole number')
    return int(text)


def _weekday(text: str) -> int:
    if text not in _DAYS:
        raise ValueError(f"{text} is not a valid weekday")
    return _DAYS.index(text)


def _month(text: str) -> int:
    return _MONTHS.index(text) if text and text in _MONTHS else _whole(text)


def _range_of(member: Callable[[str], int], check: Callable[[int, int], None]) -> Callable[[object], object]:
    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = value.lower().split(":")
        if len(parts) > 2:  # noqa: PLR2004 - begin and end
            raise ValueError(f"couldn't parse range {value}, invalid format")
        begin, end = member(parts[0]), member(parts[-1])
        check(begin, end)
        return begin, end

    return read


def _check_order(kind: str) -> Callable[[int, int], None]:
    def check(begin: int, end: int) -> None:
        if begin > end:
            raise ValueError(f"end {kind} {end} is before start {kind} {begin}")

    return check


def _check_days_of_month(begin: int, end: int) -> None:
    for day in (begin, end):
        if day == 0 or abs(day) > _LONGEST_MONTH:
            raise ValueError(f"{day} is not a valid day of the month: out of range")
    if begin < 0 < end:
        raise ValueError("end day must be negative if start day is negative")
    if _least(begin) > _least(end):
        raise ValueError(f"end day {end} is always before start day {begin}")


def _least(day: int) -> int:
    return day if day > 0 else _SHORTEST_MONTH + day


def _minutes(text: str) -> int:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f"couldn't parse timestamp {text}, invalid format")
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def _location(value: object) -> object:
    if not isinstance(value, str) or not value:
        return value
    try:
        return ZoneInfo("UTC") if value == "Local" else ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {value}") from error


WeekdayRange = Annotated[Range, BeforeValidator(_range_of(_weekday, _check_order("day")))]
DayOfMonthRange = Annotated[Range, BeforeValidator(_range_of(_whole, _check_days_of_month))]
MonthRange = Annotated[Range, BeforeValidator(_range_of(_month, _check_order("month")))]
YearRange = Annotated[Range, BeforeValidator(_range_of(_whole, _check_order("year")))]


class TimeRange(Section):
    """A part of the day, from one minute to before another."""

    start_time: str = ""
    end_time: str = ""

    @model_validator(mode="after")
    def _check(self) -> "TimeRange":
        if not self.start_time or not self.end_time:
            raise ValueError("both start and end times must be provided")
        if _minutes(self.start_time) >= _minutes(self.end_time):
            raise ValueError("start time cannot be equal or greater than end time")
        return self

    def contains(self, minute: int) -> bool:
        """Tell whether a minute of the day lies in it."""
        return _minutes(self.start_time) <= minute < _minutes(self.end_time)


class TimeInterval(Section):
    """Times that fulfil every condition given; each condition holds where one of its ranges does."""

    times: tuple[TimeRange, ...] | None = None
    weekdays: tuple[WeekdayRange, ...] | None = None
    days_of_month: tuple[DayOfMonthRange, ...] | None = None
    months: tuple[MonthRange, ...] | None = None
    years: tuple[YearRange, ...] | None = None
    location: Annotated[Any, BeforeValidator(_location)] = None

    def contains(self, time_ns: int) -> bool:
        """Tell whether a time (Unix nanoseconds) lies in it."""
        when = datetime.fromtimestamp(time_ns / _NS, self.location or UTC)
        minute = when.hour * 60 + when.minute
        return (
            (self.times is None or any(part.contains(minute) for part in self.times))
            and (self.days_of_month is None or any(_holds_day(part, when) for part in self.days_of_month))
            and _holds(self.months, when.month)
            and _holds(self.weekdays, when.isoweekday() % 7)
            and _holds(self.years, when.year)
        )


class NamedTimeInterval(Section):
    """Time intervals under a name that routes use."""

    name: str = ""
    time_intervals: tuple[TimeInterval, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "NamedTimeInterval":
        if not self.name:
            raise ValueError("missing name in time interval")
        return self


def intervals_around(
    names: Sequence[str], intervals: Mapping[str, Sequence[TimeInterval]], time_ns: int
) -> tuple[str, ...]:
    """Return which of the named intervals hold a time (Unix nanoseconds)."""
    return tuple(name for name in names if any(part.contains(time_ns) for part in intervals[name]))


def _holds(ranges: Sequence[Range] | None, value: int) -> bool:
    return ranges is None or any(begin <= value <= end for begin, end in ranges)


def _holds_day(days: Range, when: datetime) -> bool:
    last = calendar.monthrange(when.year, when.month)[1]
    begin, end = (day if day > 0 else last + day + 1 for day in days)
    return begin <= last and max(begin, -last) <= when.day <= min(end, last)
