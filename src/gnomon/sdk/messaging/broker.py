"""What a broker can do for Gnomon: one module each implements this."""

from collections.abc import Sequence
from typing import Protocol

from gnomon.sdk.messaging.messages import Delivery, Message


class Subscription(Protocol):
    """Hand over the messages of some topics to one consumer of a group.

    A message stays with the broker until it is acknowledged: whatever was handed over and not acknowledged when its
    lease ends or its consumer is gone is handed over again, to this consumer or to another of the group.
    """

    @property
    def delays(self) -> bool:
        """Return whether `release` can hold a message back for a while; else the consumer has to wait itself."""

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next message, or None when none came within the time."""

    async def acknowledge(self, delivery: Delivery) -> None:
        """Tell that a message is done with."""

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Give a message back after a failed attempt, to be handed over again after the delay where the broker can.

        Without a delay, no attempt was made: it is handed over again at once, and nothing is counted where the broker
        leaves that to us.
        """

    async def extend(self, delivery: Delivery) -> None:
        """Tell that a message is still being worked on."""

    async def close(self) -> None:
        """Stop receiving; what was not acknowledged goes to somebody else."""


class Broker(Protocol):
    """Publish and subscribe through one connection to a broker; raises MessagingError where it cannot."""

    @property
    def system(self) -> str:
        """Return the `messaging.system` of the OpenTelemetry conventions."""

    @property
    def address(self) -> str:
        """Return host or path, without credentials."""

    @property
    def port(self) -> int | None:
        """Return the port, or None where there is none."""

    async def publish(self, topic: str, message: Message) -> str:
        """Return a message's position once the broker has it for good; its headers go out as they are."""

    async def subscribe(self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int) -> Subscription:
        """Begin to receive, from the oldest message that the group has not acknowledged; makes missing topics."""

    async def close(self) -> None:
        """Close the connection."""
