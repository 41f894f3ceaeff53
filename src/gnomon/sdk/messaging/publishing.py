"""Send messages that carry the trace, the work and the time of sending."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from gnomon.sdk.messaging.broker import Broker
from gnomon.sdk.messaging.messages import HeaderValue, Message
from gnomon.sdk.messaging.propagation import CONTEXT_HEADERS, context_headers
from gnomon.sdk.messaging.registry import connect
from gnomon.sdk.messaging.spans import sending, unobserved


class Publisher:
    """Publish to the topics of one broker; safe for concurrent use in one event loop."""

    def __init__(self, broker: Broker) -> None:
        """Publish through a broker; use `connect` to get both at once."""
        self.broker = broker

    @classmethod
    async def connect(cls, url: str) -> Self:
        """Return a publisher for the broker at a URL as `messaging.connect` takes it."""
        return cls(await connect(url))

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self.close()

    async def send(
        self,
        topic: str,
        body: bytes | str,
        *,
        key: bytes | str | None = None,
        headers: Mapping[str, HeaderValue] | Iterable[tuple[str, HeaderValue]] = (),
    ) -> str:
        """Return the message's position once the broker has it for good; raises MessagingError when it has not."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        message = Message(
            body.encode() if isinstance(body, str) else bytes(body),
            key.encode() if isinstance(key, str) else key,
            tuple(pair for pair in pairs if pair[0] not in CONTEXT_HEADERS),
        )
        broker = self.broker
        with sending(
            broker.system, topic, address=broker.address, port=broker.port, body_bytes=len(message.body)
        ) as span:
            carrying = message.with_headers(context_headers().items())
            with unobserved():
                position = await broker.publish(topic, carrying)
            span.set_attribute("messaging.message.id", position)
        return position

    async def close(self) -> None:
        """Close the connection."""
        await self.broker.close()
