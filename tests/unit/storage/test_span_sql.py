"""Pieces of SQL over spans."""

import re

import pytest

from gnomon.model.time_ranges import TimeRange
from gnomon.storage.span_sql import bucket, during_any, fixed_id


def ranges_in(condition: str) -> list[tuple[int, int]]:
    found = re.findall(
        r"ts >= fromUnixTimestamp64Nano\((\d+)::\S+ 'UTC'\) AND ts < fromUnixTimestamp64Nano\((\d+)", condition
    )
    return [(int(start), int(end)) for start, end in found]


def test_ranges_that_touch_become_one() -> None:
    condition = during_any([TimeRange(5, 8), TimeRange(0, 5), TimeRange(6, 7), TimeRange(20, 30)])
    assert ranges_in(condition) == [(0, 8), (20, 30)]


def test_of_many_ranges_the_longest_gaps_stay_out() -> None:
    starts = [0, 10, 1000, 1010, 3000, 9000, 9010, 9020, 50_000]
    condition = during_any(TimeRange(start, start + 5) for start in starts)
    assert ranges_in(condition) == [(0, 15), (1000, 1015), (3000, 3005), (9000, 9025), (50_000, 50_005)]


def test_a_bucket_begins_at_a_tenth_minute() -> None:
    assert bucket(1_795_251_472_905_158_530) == "toDateTime(1795251000, 'UTC')"
    assert bucket(-5) == "toDateTime(0, 'UTC')"


def test_only_hexadecimal_becomes_sql() -> None:
    assert fixed_id("00Ff") == "unhex('00ff')"
    with pytest.raises(ValueError, match="non-hexadecimal"):
        fixed_id("' OR 1")
