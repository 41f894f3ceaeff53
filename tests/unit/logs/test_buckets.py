"""Buckets of time are round."""

import pytest

from gnomon.logs.buckets import ROUND_WIDTHS_NS, round_width_ns

S = 10**9


@pytest.mark.parametrize(
    ("duration_s", "buckets", "width_s"),
    [
        (3600, 60, 60), (3600, 61, 60), (3600, 59, 120), (86_400, 60, 1800), (0.005, 60, 0.001), (60, 60, 1), (61,
        60, 2),
        (7 * 86_400, 60, 10_800),
    ],
)  # fmt: skip
def test_width_is_the_smallest_round_one(duration_s: float, buckets: int, width_s: float) -> None:
    assert round_width_ns(int(duration_s * S), buckets) == int(width_s * S)


@pytest.mark.parametrize("duration_ns", [1, 10**6, 86_400 * S, 20 * 365 * 86_400 * S])
@pytest.mark.parametrize("buckets", [1, 60, 1000])
def test_there_are_no_more_buckets_than_asked_for(duration_ns: int, buckets: int) -> None:
    width_ns = round_width_ns(duration_ns, buckets)
    assert duration_ns <= width_ns * buckets
    assert width_ns in ROUND_WIDTHS_NS or width_ns % ROUND_WIDTHS_NS[-1] == 0
