"""Pieces of SQL over spans."""

import re

import pytest

from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.span_sql import bucket, during_any, fixed_id

MINUTE = 60 * NANOSECONDS


def minutes_in(condition: str) -> list[tuple[int, int]]:
    found = re.findall(r"ts >= '1970-01-01 (\d\d):(\d\d):00.0+' AND ts < '1970-01-01 (\d\d):(\d\d):00.0+'", condition)
    return [(int(a) * 60 + int(b), int(c) * 60 + int(d)) for a, b, c, d in found]


def minutes(start: int, end: int) -> TimeRange:
    return TimeRange(start * MINUTE, end * MINUTE)


def test_ranges_that_touch_become_one() -> None:
    condition = during_any([minutes(5, 8), minutes(0, 5), minutes(6, 7), minutes(20, 31)])
    assert minutes_in(condition) == [(0, 8), (20, 31)]
    assert "toStartOfTenMinutes(ts) IN (0, 1200, 1800)" in condition


def test_of_many_ranges_the_longest_gaps_stay_out() -> None:
    starts = [*range(0, 200, 10), 205, 207]
    condition = during_any(minutes(start, start + 1) for start in starts)
    assert minutes_in(condition) == [*((start, start + 1) for start in range(0, 180, 10)), (180, 191), (205, 208)][-20:]


def test_very_long_ranges_name_no_bucket_each() -> None:
    condition = during_any([minutes(0, 20_000), minutes(30_000, 30_010)])
    assert "toStartOfTenMinutes(ts) BETWEEN toDateTime(0, 'UTC') AND toDateTime(1800600, 'UTC')" in condition


def test_a_bucket_begins_at_a_tenth_minute() -> None:
    assert bucket(1_795_251_472_905_158_530) == "toDateTime(1795251000, 'UTC')"
    assert bucket(-5) == "toDateTime(0, 'UTC')"


def test_only_hexadecimal_becomes_sql() -> None:
    assert fixed_id("00Ff") == "unhex('00ff')"
    with pytest.raises(ValueError, match="non-hexadecimal"):
        fixed_id("' OR 1")
