"""Caches with a time to live: in this process, or in Redis."""

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from opentelemetry import trace

import gnomon

MOST_ENTRIES = 1_000
_tracer = trace.get_tracer(__name__)


class Store(Protocol):
    """Where entries are."""

    async def get(self, key: str) -> str | None:
        """Return an entry that has not run out, or None."""

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Keep an entry for a while."""

    async def drop(self, key: str) -> None:
        """Forget an entry."""

    async def close(self) -> None:
        """Let go of connections."""


class LocalStore:
    """Keep entries in this process, the least recently used give way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep nothing."""
        self._clock = clock
        self._entries: OrderedDict[str, tuple[float, str]] = OrderedDict()

    async def get(self, key: str) -> str | None:
        """Return an entry that has not run out, or None."""
        until_s, value = self._entries.get(key, (0.0, ""))
        if until_s <= self._clock():
            self._entries.pop(key, None)
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Keep an entry for a while."""
        self._entries[key] = (self._clock() + ttl_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > MOST_ENTRIES:
            self._entries.popitem(last=False)

    async def drop(self, key: str) -> None:
        """Forget an entry."""
        self._entries.pop(key, None)

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class RedisStore:
    """Keep entries in a Redis that services share; one that is away means that nothing is cached."""

    def __init__(self, url: str) -> None:
        """Connect when first used."""
        import redis.asyncio  # noqa: PLC0415 - an optional dependency
        import redis.exceptions  # noqa: PLC0415

        self._redis: Any = redis.asyncio.Redis.from_url(url, decode_responses=True)
        self._error = redis.exceptions.RedisError

    async def get(self, key: str) -> str | None:
        """Return an entry that has not run out, or None."""
        with suppress(self._error):
            found: str | None = await self._redis.get(key)
            return found
        return None

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        """Keep an entry for a while."""
        with suppress(self._error):
            await self._redis.set(key, value, px=int(ttl_s * 1000))

    async def drop(self, key: str) -> None:
        """Forget an entry."""
        with suppress(self._error):
            await self._redis.delete(key)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class Cache:
    """One named cache over a store; each look-up is a span and counts as hit or miss."""

    def __init__(self, name: str, store: Store, ttl_s: float) -> None:
        """Keep values as JSON for so many seconds."""
        self._name = name
        self._store = store
        self._ttl_s = ttl_s

    async def get(self, key: str) -> Any:
        """Return a value, or None."""
        with _tracer.start_as_current_span(f"cache get {self._name}", attributes={"cache.name": self._name}) as span:
            found = await self._store.get(f"{self._name}:{key}")
            span.set_attribute("cache.hit", found is not None)
        gnomon.cache_lookup(self._name, hit=found is not None)
        return None if found is None else json.loads(found)

    async def put(self, key: str, value: object) -> None:
        """Keep a value."""
        await self._store.put(f"{self._name}:{key}", json.dumps(value), self._ttl_s)

    async def drop(self, key: str) -> None:
        """Forget a value."""
        await self._store.drop(f"{self._name}:{key}")

    async def get_or_make(self, key: str, make: Callable[[], Awaitable[Any]]) -> Any:
        """Return a value, made and kept where there is none."""
        found = await self.get(key)
        if found is None:
            found = await make()
            await self.put(key, found)
        return found


def open_store(url: str) -> Store:
    """Return the store at `redis://…`, or one in this process for an empty URL; raises ValueError for others."""
    if not url:
        return LocalStore()
    if url.startswith(("redis://", "rediss://")):
        return RedisStore(url)
    message = f"Unknown cache: {url!r}. Use redis://host:port/number, or nothing for a cache in each process."
    raise ValueError(message)
