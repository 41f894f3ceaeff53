"""Calls are tried again when that may help, and only then."""

from collections.abc import Callable, Iterable

import httpx
import pytest

from examples.agent_platform.retries import RetryPolicy, call_with_retries

QUICK = RetryPolicy(attempts=3, first_delay_s=0.001, max_delay_s=0.002)


def answer_with(statuses: Iterable[int], asked: list[int]) -> Callable[[httpx.Request], httpx.Response]:
    remaining = list(statuses)

    def handle(_request: httpx.Request) -> httpx.Response:
        asked.append(remaining[0])
        return httpx.Response(remaining.pop(0))

    return handle


@pytest.mark.parametrize(
    ("statuses", "last"),
    [([200], 200), ([503, 200], 200), ([429, 502, 200], 200), ([503, 503, 503], 503), ([404], 404), ([504], 504)],
)
async def test_retries_until_an_answer_is_worth_keeping(statuses: list[int], last: int) -> None:
    asked: list[int] = []
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer_with(statuses, asked))) as client:
        response = await call_with_retries(lambda: client.get("http://peer/"), QUICK)
    assert (response.status_code, asked) == (last, statuses)


async def test_the_last_transport_error_reaches_the_caller() -> None:
    calls = []

    async def fail() -> httpx.Response:
        calls.append(1)
        message = "refused"
        raise httpx.ConnectError(message)

    with pytest.raises(httpx.ConnectError):
        await call_with_retries(fail, QUICK)
    assert len(calls) == 3


def test_delays_double_up_to_the_limit_and_heed_the_server() -> None:
    policy = RetryPolicy(first_delay_s=1.0, max_delay_s=3.0)
    for retry, longest_s in ((1, 1.0), (2, 2.0), (3, 3.0), (9, 3.0)):
        assert longest_s / 2 <= policy.delay_s(retry) <= longest_s
    assert policy.delay_s(1, retry_after_s=7.0) == 7.0
