"""How often and how soon a message is tried again."""

import random
from dataclasses import dataclass

from gnomon.sdk.messaging.errors import DeliveryLimitError, RejectedError

_NEVER_RETRIED = (RejectedError, DeliveryLimitError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Try so often, waiting longer each time, never longer than the bound; then the message is dead-lettered."""

    max_attempts: int = 5
    first_delay_s: float = 0.5
    factor: float = 2.0
    max_delay_s: float = 60.0
    jitter: float = 0.2
    """Each wait is off by up to this share, so that those that failed together do not come back together."""
    give_up_on: tuple[type[Exception], ...] = ()
    """Errors that another attempt cannot cure, such as ValueError where a body cannot be read."""

    def __post_init__(self) -> None:
        """Refuse, with ValueError, numbers that make no sense."""
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is {self.max_attempts!r}; a message needs at least 1.")
        if self.first_delay_s < 0 or self.max_delay_s < 0 or self.factor < 1 or not 0 <= self.jitter <= 1:
            raise ValueError(f"{self!r} waits backwards: delays are ≥ 0, the factor ≥ 1, the jitter from 0 to 1.")

    def gives_up(self, error: Exception, attempt: int) -> bool:
        """Return whether this attempt, counted from 1, was the last."""
        return attempt >= self.max_attempts or isinstance(error, (*_NEVER_RETRIED, *self.give_up_on))

    def delay_s(self, attempt: int) -> float:
        """Return how long to wait after this failed attempt, counted from 1."""
        # Beyond some sixty doublings every delay is the bound, and a float would overflow.
        wanted_s = min(self.first_delay_s * self.factor ** min(attempt - 1, 60), self.max_delay_s)
        return min(wanted_s * random.uniform(1 - self.jitter, 1 + self.jitter), self.max_delay_s)  # noqa: S311
