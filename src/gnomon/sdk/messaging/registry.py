"""Which broker a URL means."""

import importlib
from urllib.parse import SplitResult, urlsplit

from gnomon.sdk.messaging.broker import Broker
from gnomon.sdk.messaging.errors import BrokerAddressError

_BROKERS = {
    "kafka": ("gnomon.sdk.messaging.kafka", "kafka"),
    "redis": ("gnomon.sdk.messaging.redis_streams", "redis"),
    "rediss": ("gnomon.sdk.messaging.redis_streams", "redis"),
    "amqp": ("gnomon.sdk.messaging.rabbitmq", "rabbitmq"),
    "amqps": ("gnomon.sdk.messaging.rabbitmq", "rabbitmq"),
    "nats": ("gnomon.sdk.messaging.nats", "nats"),
    "sqlite": ("gnomon.sdk.messaging.sqlite_queue", ""),
}


async def connect(url: str) -> Broker:
    """Return the broker at `kafka://host:port`, `redis://…`, `amqp://…`, `nats://…` or `sqlite:///path`.

    Raises BrokerAddressError for a URL of another kind or a missing client library, BrokerUnavailableError where
    nobody answers.
    """
    parts = urlsplit(url)
    if parts.scheme not in _BROKERS:
        known = ", ".join(f"{scheme}://" for scheme in sorted(_BROKERS))
        raise BrokerAddressError(f"{_redact(parts)!r} names no broker that Gnomon knows. Begin it with one of {known}.")
    module, extra = _BROKERS[parts.scheme]
    try:
        implementation = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("gnomon"):
            raise
        raise BrokerAddressError(
            f"{parts.scheme}:// needs the Python package {error.name!r}. Run `pip install gnomon[{extra}]`."
        ) from error
    broker: Broker = await implementation.open_broker(url)
    return broker


def _redact(parts: SplitResult) -> str:
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
