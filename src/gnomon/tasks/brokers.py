"""Brokers by name, as the configuration lists them."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from gnomon.model.errors import InvalidInputError

# messaging.system of the OpenTelemetry conventions, by the scheme of a URL.
SYSTEMS = {
    "kafka": "kafka",
    "redis": "redis",
    "rediss": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
    "nats": "nats",
    "sqlite": "sqlite",
}


def parse_brokers(texts: Iterable[str]) -> dict[str, str]:
    """Return the URLs of `NAME=URL` by name; raises InvalidInputError for what names no broker."""
    brokers = {}
    for text in texts:
        name, equals, url = text.strip().partition("=")
        if not equals or not name or urlsplit(url).scheme not in SYSTEMS:
            known = ", ".join(f"{scheme}://" for scheme in sorted(SYSTEMS))
            raise InvalidInputError(f"Invalid broker {name!r}. Write NAME=URL, the URL with one of {known}.")
        brokers[name] = url
    return brokers


def system_of(url: str) -> str:
    """Return the `messaging.system` of a broker's URL."""
    return SYSTEMS.get(urlsplit(url).scheme, "")
