"""Incidents: things that really go wrong, caused from outside, for the telemetry to tell about."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOCK_HELD_S = 0.7
LOCK_FREE_S = 0.25
KILL_EVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an incident can get at: the state folder, and the process ids of the workers of the moment."""

    state_dir: Path
    list_worker_pids: Callable[[], list[int]]


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
        for pid in surroundings.list_worker_pids()[:1]:
            os.kill(pid, signal.SIGKILL)
        over.wait(KILL_EVERY_S)


INCIDENTS: dict[str, Incident] = {
    "slow-tool": slow_tool,
    "failing-file-store": failing_file_store,
    "crashing-workers": crashing_workers,
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
