"""Incidents: things that really go wrong, caused from outside, for the telemetry to tell about."""

import asyncio
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gnomon.messaging import Publisher

LOCK_HELD_S = 0.7
LOCK_FREE_S = 0.25
KILL_EVERY_S = 15.0
STOPPED_S = 0.6
RUNNING_S = 0.15
POISON_EVERY_S = 3.0
POISON = (b"<task><type>answer</type></task>", b'{"id": "42", "type": "anser"}', b"\x80\x04\x95", b"null")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an incident can get at: the state folder, the broker, and the process ids of a service of the moment."""

    state_dir: Path
    list_pids: Callable[[str], list[int]]
    broker: str = ""
    topics: str = "tasks"


Incident = Callable[[Surroundings, threading.Event], None]


def slow_tool(surroundings: Surroundings, over: threading.Event) -> None:
    """Hold the ledger's write lock most of the time, as a careless backup job would: expenses wait, some give up."""
    connection = sqlite3.connect(surroundings.state_dir / "ledger.sqlite", timeout=5.0, isolation_level=None)
    while not over.is_set():
        connection.execute("BEGIN IMMEDIATE")
        over.wait(LOCK_HELD_S)
        connection.execute("ROLLBACK")
        over.wait(LOCK_FREE_S)
    connection.close()


def failing_file_store(surroundings: Surroundings, over: threading.Event) -> None:
    """Take the file store's folder away, as a lost mount would: searches, reads and writes fail until it is back."""
    with _detached(surroundings.state_dir / "files"):
        over.wait()


def crashing_workers(surroundings: Surroundings, over: threading.Event) -> None:
    """Kill a worker from time to time, as a lack of memory would: its tasks come again when their lease ends."""
    while not over.is_set():
        for pid in surroundings.list_pids("worker")[:1]:
            os.kill(pid, signal.SIGKILL)
        over.wait(KILL_EVERY_S)


def slow_model(surroundings: Surroundings, over: threading.Event) -> None:
    """Let the model run a fifth of the time, as a neighbour on its machine would: answers crawl, callers time out."""
    while not over.is_set():
        with _stopped(surroundings, "model"):
            over.wait(STOPPED_S)
        over.wait(RUNNING_S)


def stalled_scheduler(surroundings: Surroundings, over: threading.Event) -> None:
    """Stop the scheduler, as a paused machine would be: its runs are missed, as it will notice."""
    with _stopped(surroundings, "scheduler"):
        over.wait()


def poison_messages(surroundings: Surroundings, over: threading.Event) -> None:
    """Send what is no task to the queues, as a forgotten client would: nobody can ever work on it."""

    async def send() -> None:
        async with await Publisher.connect(surroundings.broker) as publisher:
            sent = 0
            while not over.is_set():
                await publisher.send(f"{surroundings.topics}.batch", POISON[sent % len(POISON)], key="legacy-exporter")
                sent += 1
                await asyncio.to_thread(over.wait, POISON_EVERY_S)

    asyncio.run(send())


def traffic_spike(surroundings: Surroundings, over: threading.Event) -> None:
    """Send crowds, as a mention in the news would: queues grow, budgets run out."""
    _signal(surroundings, "load", signal.SIGUSR1)
    over.wait()
    _signal(surroundings, "load", signal.SIGUSR2)


INCIDENTS: dict[str, Incident] = {
    "slow-tool": slow_tool,
    "failing-file-store": failing_file_store,
    "crashing-workers": crashing_workers,
    "slow-model": slow_model,
    "stalled-scheduler": stalled_scheduler,
    "poison-messages": poison_messages,
    "traffic-spike": traffic_spike,
}


@contextmanager
def _detached(folder: Path) -> Iterator[None]:
    aside = folder.with_name(f"{folder.name}.detached")
    folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


@contextmanager
def _stopped(surroundings: Surroundings, service: str) -> Iterator[None]:
    _signal(surroundings, service, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(surroundings, service, signal.SIGCONT)


def _signal(surroundings: Surroundings, service: str, number: signal.Signals) -> None:
    for pid in surroundings.list_pids(service):
        os.kill(pid, number)
