"""Calls that are tried again with exponential back-off and jitter, every retry an event of the current span."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx
from opentelemetry import trace

RETRYABLE_STATUSES = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
"""The other side did nothing yet; after a 504 it may still be at work, and the same call again would add to it."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to try, and how long to wait: up to `first_delay_s`, doubled by each retry up to `max_delay_s`."""

    attempts: int = 3
    first_delay_s: float = 0.2
    max_delay_s: float = 2.0

    def delay_s(self, retry: int, retry_after_s: float = 0.0) -> float:
        """Return the wait before a retry, counted from 1: half of it random, and no less than the server asked for."""
        longest_s = min(self.first_delay_s * 2 ** (retry - 1), self.max_delay_s)
        jittered_s: float = longest_s * random.uniform(0.5, 1.0)
        return max(retry_after_s, jittered_s)


async def call_with_retries(call: Callable[[], Awaitable[httpx.Response]], policy: RetryPolicy) -> httpx.Response:
    """Return the first response that no retry can better; raises the last transport error when none came."""
    span = trace.get_current_span()
    for retry in range(1, policy.attempts + 1):
        last = retry == policy.attempts
        retry_after_s = 0.0
        try:
            response = await call()
        except httpx.TransportError as error:
            if last:
                raise
            reason = type(error).__name__
        else:
            if last or response.status_code not in RETRYABLE_STATUSES:
                return response
            reason = str(response.status_code)
            retry_after_s = float(response.headers.get("Retry-After", 0.0))
        delay_s = policy.delay_s(retry, retry_after_s)
        span.add_event("retry", {"retry.number": retry, "retry.delay_s": delay_s, "error.type": reason})
        span.set_attribute("retry.count", retry)
        _logger.warning("Retry %d of %d in %.2f s after %s", retry, policy.attempts - 1, delay_s, reason)
        await asyncio.sleep(delay_s)
    message = f"Invalid number of attempts: {policy.attempts!r}. Use 1 or more."
    raise ValueError(message)
