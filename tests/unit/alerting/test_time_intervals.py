"""Named times: days, months and zones, at their edges."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gnomon.alerting.time_intervals import TimeInterval


def contains(content: dict[str, Any], when: str) -> bool:
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    return TimeInterval.model_validate(content).contains(int(moment.timestamp()) * 1_000_000_000)


@pytest.mark.parametrize(
    ("content", "when", "expected"),
    [
        ({}, "2026-01-01T00:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-01-01T09:00", True),
        ({"times": [{"start_time": "09:00", "end_time": "17:00"}]}, "2026-01-01T17:00", False),
        ({"times": [{"start_time": "22:00", "end_time": "24:00"}]}, "2026-01-01T23:59", True),
        ({"weekdays": ["monday:friday"]}, "2026-11-21T12:00", False),
        ({"weekdays": ["Saturday"]}, "2026-11-21T12:00", True),
        ({"weekdays": ["sunday"]}, "2026-11-22T00:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-29T12:00", True),
        ({"days_of_month": ["-1"]}, "2028-02-28T12:00", False),
        ({"days_of_month": ["31"]}, "2026-02-28T12:00", False),
        ({"days_of_month": ["25:31"]}, "2026-02-28T12:00", True),
        ({"days_of_month": ["1:-2"]}, "2026-04-30T12:00", False),
        ({"months": ["december", "1:2"]}, "2026-02-01T00:00", True),
        ({"months": ["march:may"]}, "2026-06-01T00:00", False),
        ({"years": ["2020:2025"]}, "2026-01-01T00:00", False),
        ({"times": [{"start_time": "00:00", "end_time": "01:00"}], "location": "Europe/Berlin"},
         "2026-07-01T22:30", True),
        ({"weekdays": ["sunday"], "location": "Asia/Tokyo"}, "2026-11-21T16:00", True),
    ],
)  # fmt: skip
def test_what_lies_in_it(content: dict[str, Any], when: str, expected: bool) -> None:
    assert contains(content, when) is expected
