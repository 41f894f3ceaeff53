"""A file of lines that makes room: by size and by time, with several processes writing to it."""

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

from gnomon.sdk.logs.settings import Every, RotationSettings

_PERIOD_S: dict[Every, int] = {"never": 0, "hour": 3600, "day": 86400}
_LOOK_INTERVAL_S = 1.0


class RotatingFile:
    """Append whole lines to a file; `app.log` becomes `app.log.1`, that `app.log.2`, and so on up to `keep`.

    Safe with several threads and processes: each line is one append, and who rotates holds a lock on `app.log.lock`
    and looks again whether it is still needed. Others notice within a second; what they write until then is in
    `app.log.1`. Write errors raise OSError.
    """

    def __init__(self, path: Path, rotation: RotationSettings, now: Callable[[], float] = time.time) -> None:
        """Take the path, whose directory is made if it is missing; nothing is opened before the first line."""
        self.path = path
        self._rotation = rotation
        self._now = now
        self._period_s = _PERIOD_S[rotation.every]
        self._lock = threading.Lock()
        self._file: int | None = None
        self._inode = 0
        self._period = 0
        self._look_at = 0.0
        _open_files.add(self)

    def write(self, line: bytes) -> None:
        """Append a line, which ends with its newline."""
        with self._lock:
            file = self._file
            if file is None:
                file = self._open()
            elif time.monotonic() >= self._look_at:
                file = self._look(file)
            if self._period_s and int(self._now() // self._period_s) != self._period:
                file = self._rotate(file)
            os.write(file, line)
            # An appending write leaves the position at the end, whoever wrote before.
            limit = self._rotation.max_bytes
            if limit and os.lseek(file, 0, os.SEEK_CUR) >= limit:
                self._rotate(file)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        with self._lock:
            self._close()

    def renew_after_fork(self) -> None:
        """Take a new lock and a descriptor of one's own."""
        self._lock = threading.Lock()
        self._close()

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        status = os.fstat(file)
        self._file = file
        self._inode = status.st_ino
        self._look_at = time.monotonic() + _LOOK_INTERVAL_S
        if self._period_s:
            # A file from an earlier run belongs to the period in which it was last written.
            self._period = int((status.st_mtime if status.st_size else self._now()) // self._period_s)
        return file

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def _look(self, file: int) -> int:
        """Follow the path when another process has rotated, or somebody has moved or deleted the file."""
        self._look_at = time.monotonic() + _LOOK_INTERVAL_S
        if self._is_ours():
            return file
        self._close()
        return self._open()

    def _is_ours(self) -> bool:
        try:
            return os.stat(self.path).st_ino == self._inode  # noqa: PTH116 - once a second on the way of log lines
        except FileNotFoundError:
            return False

    def _rotate(self, file: int) -> int:
        guard = os.open(f"{self.path}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if self._is_ours() and os.fstat(file).st_size:
                self._shift()
        finally:
            os.close(guard)
        self._close()
        return self._open()

    def _shift(self) -> None:
        keep = self._rotation.keep
        if keep < 1:
            self.path.unlink(missing_ok=True)
            return
        for number in range(keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(number).replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


_open_files: "WeakSet[RotatingFile]" = WeakSet()


def _renew_after_fork() -> None:
    for file in tuple(_open_files):
        file.renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
