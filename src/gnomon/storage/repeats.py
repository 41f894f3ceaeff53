"""Recognise requests that are sent again, also after a restart.

A sender whose answer was lost sends the same bytes again. Fingerprints of accepted requests are kept in two
generations: the younger fills for one window, then becomes the older, and the oldest is forgotten. So each is known
for at least one window, unless there are more than `repeat_entries` of them.
"""

import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import Counter

EARLY_TURNS = Counter(
    "gnomon_journal_repeat_memory_full_total",
    "Times that fingerprints of requests were forgotten before their window ended, because there were too many.",
)

_ENTRY = struct.Struct("<16sQ")


class RepeatMemory:
    """Remember fingerprints of 16 bytes for at least `window_s` seconds, in memory and in two files of a folder."""

    def __init__(self, folder: Path, window_s: float, entries: int) -> None:
        """Name the folder and bounds; nothing is read before `restore`."""
        self._folder = folder
        self._window_s = window_s
        self._entries = entries
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._born_s = 0.0

    def __contains__(self, fingerprint: bytes) -> bool:
        """Tell whether a request with this fingerprint was accepted."""
        return fingerprint in self._young or fingerprint in self._old

    def restore(self, now_s: float) -> None:
        """Read back what a former process wrote and is still within its window."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._born_s = now_s
        for path in (self._path("old"), self._path("young")):
            if path.exists():
                data = path.read_bytes()
                whole = len(data) - len(data) % _ENTRY.size
                self._young |= {
                    fingerprint
                    for fingerprint, at_s in _ENTRY.iter_unpack(data[:whole])
                    if at_s > now_s - self._window_s
                }

    def add(self, fingerprint: bytes, now_s: float) -> None:
        """Remember an accepted request."""
        if not self._young:
            self._born_s = now_s
        full = len(self._young) >= self._entries // 2
        if full or now_s - self._born_s > self._window_s:
            if full and now_s - self._born_s <= self._window_s:
                EARLY_TURNS.inc()
            self._old, self._young, self._born_s = self._young, set(), now_s
            if self._path("young").exists():
                self._path("young").replace(self._path("old"))
        self._young.add(fingerprint)

    def discard(self, fingerprint: bytes) -> None:
        """Forget a request whose write failed."""
        self._young.discard(fingerprint)

    def save(self, accepted: Iterable[tuple[bytes, int]]) -> None:
        """Append fingerprints with the Unix second of their acceptance; due before their segment is deleted.

        Raises OSError when the disk takes nothing, and leaves the file as it was then.
        """
        with self._path("young").open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            entries = b"".join(_ENTRY.pack(fingerprint, at_s) for fingerprint, at_s in accepted)
            try:
                written = file.write(entries)
            except OSError:
                file.truncate(before)
                raise
            if written != len(entries):
                # Half an entry would put all that follow it out of step.
                file.truncate(before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _path(self, generation: str) -> Path:
        return self._folder / f"repeats.{generation}"
