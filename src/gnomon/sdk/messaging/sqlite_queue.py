"""A durable queue in one SQLite file, for several processes of one machine: `sqlite:///path`.

A topic is one queue: each message goes to one consumer, whatever its group. A message that is handed over is leased;
when its consumer dies, the lease runs out and another one gets it with the next attempt number.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from gnomon.sdk.messaging.errors import BrokerAddressError, BrokerUnavailableError
from gnomon.sdk.messaging.messages import Delivery, Message, dump_headers, load_headers

_SCHEMA = """
CREATE TABLE IF NOT EXISTS gnomon_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    key BLOB,
    body BLOB NOT NULL,
    headers TEXT NOT NULL,
    sent_at REAL NOT NULL,
    available_at REAL NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    first_failed_at REAL,
    retry_due_at REAL,
    lease TEXT
);
CREATE INDEX IF NOT EXISTS gnomon_message_to_claim ON gnomon_message (topic, available_at, id);
"""
_CLAIM = """
UPDATE gnomon_message SET attempt = attempt + 1, lease = ?, available_at = ?
WHERE id = (
    SELECT id FROM gnomon_message WHERE topic IN ({topics}) AND available_at <= ? ORDER BY available_at, id LIMIT 1
)
RETURNING id, topic, key, body, headers, sent_at, attempt, first_failed_at, retry_due_at
"""
_POLL_FIRST_S = 0.005
_POLL_AT_MOST_S = 0.1


async def open_broker(url: str) -> "SqliteBroker":
    """Open the file that a URL names, creating it when needed; raises BrokerAddressError, BrokerUnavailableError."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or len(path) <= 1:
        raise BrokerAddressError(f"{url!r} names no file. Write sqlite:///relative.db or sqlite:////absolute.db.")
    # As SQLAlchemy has it: three slashes and a relative path, four and an absolute one.
    broker = SqliteBroker(path[1:])
    await broker.open()
    return broker


class SqliteBroker:
    """Keep the messages of all topics in one file; whoever opens the file shares them."""

    system = "sqlite"
    port: int | None = None

    def __init__(self, path: str) -> None:
        """Name the file."""
        self.address = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    async def open(self) -> None:
        """Open the file."""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        try:
            connection = sqlite3.connect(self.address, timeout=10.0, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA journal_mode = WAL")
            # A message that was taken must survive a power cut.
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise BrokerUnavailableError(f"Cannot open the queue {self.address!r}: {error}.") from error
        self._connection = connection

    async def publish(self, topic: str, message: Message) -> str:
        """Store a message; returns its number once it is on disk."""
        now_s = time.time()
        rows = await self.execute(
            "INSERT INTO gnomon_message (topic, key, body, headers, sent_at, available_at) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (topic, message.key, message.body, dump_headers(message.headers), now_s, now_s),
        )
        return str(rows[0][0])

    async def subscribe(
        self, topics: Sequence[str], *, group: str, lease_s: float, prefetch: int
    ) -> "SqliteSubscription":
        """Begin to receive; `group` and `prefetch` mean nothing here."""
        del group, prefetch
        return SqliteSubscription(self, tuple(topics), lease_s)

    async def count(self, topic: str) -> int:
        """Return how many messages a topic holds, leased and delayed ones included."""
        rows = await self.execute("SELECT count(*) FROM gnomon_message WHERE topic = ?", (topic,))
        return int(rows[0][0])

    async def close(self) -> None:
        """Close the file."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def execute(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        """Run one statement in a thread and return its rows; raises BrokerUnavailableError."""
        return await asyncio.to_thread(self._execute, statement, parameters)

    def _execute(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        with self._lock:
            if self._connection is None:
                raise BrokerUnavailableError(f"The queue {self.address!r} is closed. Open it with connect.")
            try:
                return self._connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise BrokerUnavailableError(f"The queue {self.address!r} did not answer: {error}.") from error


@dataclass(frozen=True, slots=True)
class _Receipt:
    id: int
    lease: str


class SqliteSubscription:
    """Claim messages, the longest available first."""

    delays = True

    def __init__(self, broker: SqliteBroker, topics: tuple[str, ...], lease_s: float) -> None:
        """Claim from these topics."""
        self._broker = broker
        self._topics = topics
        self._lease_s = lease_s
        self._claim = _CLAIM.format(topics=", ".join("?" for _ in topics))

    async def receive(self, timeout_s: float) -> Delivery | None:
        """Return the next message; looks again and again, ever less often, until the time is over."""
        deadline_s = time.monotonic() + timeout_s
        poll_s = _POLL_FIRST_S
        while True:
            lease = uuid4().hex
            now_s = time.time()
            rows = await self._broker.execute(self._claim, (lease, now_s + self._lease_s, *self._topics, now_s))
            if rows:
                return _to_delivery(rows[0], lease)
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return None
            await asyncio.sleep(min(poll_s, left_s))
            poll_s = min(poll_s * 2, _POLL_AT_MOST_S)

    async def acknowledge(self, delivery: Delivery) -> None:
        """Delete the message, unless its lease ran out and somebody else has it."""
        receipt: _Receipt = delivery.receipt
        await self._broker.execute("DELETE FROM gnomon_message WHERE id = ? AND lease = ?", (receipt.id, receipt.lease))

    async def release(self, delivery: Delivery, delay_s: float | None = None) -> None:
        """Make the message available again after the delay."""
        receipt: _Receipt = delivery.receipt
        now_s = time.time()
        failed_at_s = None if delay_s is None else now_s
        await self._broker.execute(
            "UPDATE gnomon_message SET lease = NULL, available_at = ?1, retry_due_at = ?1, attempt = attempt - ?2,"
            " first_failed_at = coalesce(first_failed_at, ?3) WHERE id = ?4 AND lease = ?5",
            (now_s + (delay_s or 0.0), delay_s is None, failed_at_s, receipt.id, receipt.lease),
        )

    async def extend(self, delivery: Delivery) -> None:
        """Lease the message for the full time again."""
        receipt: _Receipt = delivery.receipt
        await self._broker.execute(
            "UPDATE gnomon_message SET available_at = ? WHERE id = ? AND lease = ?",
            (time.time() + self._lease_s, receipt.id, receipt.lease),
        )

    async def close(self) -> None:
        """End; leases run out by themselves."""


def _to_delivery(row: Sequence[Any], lease: str) -> Delivery:
    message_id, topic, key, body, headers, sent_at_s, attempt, first_failed_at_s, retry_due_at_s = row
    return Delivery(
        Message(bytes(body), None if key is None else bytes(key), load_headers(headers)),
        topic,
        str(message_id),
        attempt=attempt,
        sent_at_s=sent_at_s,
        available_at_s=retry_due_at_s,
        first_failed_at_s=first_failed_at_s,
        receipt=_Receipt(message_id, lease),
    )
