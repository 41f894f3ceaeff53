"""At rest and under a trickle: CPU of the whole process, with nobody looking and with somebody looking.

The trickle is 100 spans/s and 100 lines/s, in requests of 10.
"""

import threading
import time
from pathlib import Path

import httpx

from benchmarks.figures import Figure
from benchmarks.load import Load, finish_load, start_load
from benchmarks.watch import Watch, Watched
from tests.gnomon_process import GnomonProcess

SECONDS = 30.0
LOOK_S = 5.0
IDLE_SHARE, TRICKLE_SHARE = 0.01, 0.06


def measure(folder: Path) -> list[Figure]:
    """Return the share of one core, at rest, under a trickle, and while a page is refreshed."""
    server = GnomonProcess(folder / "gnomon").start()
    try:
        time.sleep(35)
        with Watch(server.pid) as idle:
            time.sleep(SECONDS)
        unseen = _watch_trickle(server, looking=False)
        seen = _watch_trickle(server, looking=True)
    finally:
        server.stop()
    rows = (
        ("idle", idle, f"≤ {IDLE_SHARE:.0%} of a core", IDLE_SHARE),
        ("trickle of 100 spans/s and 100 lines/s", unseen, f"≤ {TRICKLE_SHARE:.0%}", TRICKLE_SHARE),
        (f"the same while a search is asked every {LOOK_S:g} s", seen, "", None),
    )
    figures = []
    for name, watched, target, most in rows:
        share = watched.cpu_s / watched.seconds
        figures.append(
            Figure(name, share * 100, "% of a core", target=target, met=None if most is None else share <= most)
        )
    return [*figures, Figure("resident memory, idle", idle.peak_bytes / 2**20, "MiB")]


def _watch_trickle(server: GnomonProcess, *, looking: bool) -> Watched:
    ended = threading.Event()
    looker = threading.Thread(target=_look, args=(server, ended))
    loads = [
        start_load(Load(f"{server.otlp_http_url}/v1/{signal}", signal, SECONDS + 12, 1, 10, 10.0))
        for signal in ("traces", "logs")
    ]
    if looking:
        looker.start()
    time.sleep(8)
    with Watch(server.pid) as watched:
        time.sleep(SECONDS)
    for load in loads:
        finish_load(load)
    ended.set()
    if looking:
        looker.join()
    else:
        time.sleep(30)
    return watched


def _look(server: GnomonProcess, ended: threading.Event) -> None:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while not ended.wait(LOOK_S):
            client.get("/api/logs/search", params={"from": "now-1h", "to": "now"}).raise_for_status()
            client.get("/api/tracing/search", params={"from": "now-1h", "to": "now"}).raise_for_status()
