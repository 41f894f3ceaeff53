"""Waits between attempts."""

import pytest

from gnomon.sdk.messaging import RejectedError, RetryPolicy


def test_waits_grow_up_to_the_bound() -> None:
    policy = RetryPolicy(first_delay_s=1.0, factor=3.0, max_delay_s=10.0, jitter=0.0)
    assert [policy.delay_s(attempt) for attempt in (1, 2, 3, 4, 5000)] == [1.0, 3.0, 9.0, 10.0, 10.0]


def test_jitter_spreads_waits_and_stays_within_its_share_and_the_bound() -> None:
    policy = RetryPolicy(first_delay_s=1.0, factor=1.0, max_delay_s=1.1, jitter=0.2)
    waits = {policy.delay_s(1) for _ in range(200)}
    assert len(waits) > 50
    assert 0.8 <= min(waits) < max(waits) <= 1.1


def test_an_attempt_is_the_last_by_number_or_by_error() -> None:
    policy = RetryPolicy(max_attempts=3, give_up_on=(KeyError,))
    assert [policy.gives_up(OSError(), attempt) for attempt in (1, 2, 3)] == [False, False, True]
    assert policy.gives_up(KeyError(), 1)
    assert policy.gives_up(RejectedError("unreadable"), 1)


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"first_delay_s": -1.0}, {"factor": 0.5}, {"jitter": 2.0}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]
