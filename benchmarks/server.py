"""A Gnomon server to measure, and how to see what it holds."""

import time

import httpx

from tests.gnomon_process import GnomonProcess


def count_rows(server: GnomonProcess, table: str) -> int:
    """Return how many rows a table holds."""
    answer = httpx.get(f"{server.url}/api/storage", timeout=60)
    answer.raise_for_status()
    tables = answer.json()["tables"]
    return next((int(entry["rows"]) for entry in tables if entry["name"] == table), 0)


def wait_until_stored(server: GnomonProcess, table: str, expected: int) -> tuple[int, float]:
    """Return the stored rows and how many seconds it took until all that are expected were there, a minute at most.

    Each time a search is asked before, as whoever looks for the last one would: that is what makes it come.
    """
    search = f"{server.url}/api/{'tracing' if table == 'spans' else 'logs'}/search"
    began = time.monotonic()
    while (stored := count_rows(server, table)) < expected and time.monotonic() < began + 60:
        httpx.get(search, params={"from": "now-1s", "to": "now", "limit": 1}, timeout=60).raise_for_status()
    return stored, time.monotonic() - began


def settle(server: GnomonProcess, table: str) -> int:
    """Return the rows of a table once no more come."""
    stored = -1
    while (now := count_rows(server, table)) != stored:
        stored = now
        time.sleep(1.0)
    return stored
