"""py-spy, which looks into this process from another one."""

import contextlib
import ctypes
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from os import getpid
from pathlib import Path

from gnomon.sdk.profiling.stacks import Stacks, shorten

NAME = "py-spy"

_PR_SET_PTRACER = 0x59616D61
_GRACE_S = 30.0
_OWN = f"({__file__}:"
_REFUSALS = ("permission denied", "not permitted", "eperm", "requires root", "ptrace")
_ADVICE = (
    "Give the container the capability SYS_PTRACE (docker run --cap-add SYS_PTRACE; Kubernetes: "
    "securityContext.capabilities.add), or set kernel.yama.ptrace_scope to 0 or 1."
)


class PySpyError(Exception):
    """py-spy is missing, was refused by the platform, or failed; the message says which, and what to do."""


def find() -> str | None:
    """Return py-spy's path: beside this interpreter, or on the PATH."""
    for directory in (sysconfig.get_path("scripts"), str(Path(sys.executable).parent)):
        found = shutil.which(NAME, path=directory)
        if found:
            return found
    return shutil.which(NAME)


def record(duration_s: float, rate_hz: int, *, idle: bool = False, threads: bool = False) -> Stacks:
    """Record this process, without the thread that waits for it; blocks for the duration. Raises PySpyError."""
    program = find()
    if program is None:
        raise PySpyError("py-spy is not installed. Install gnomon[profiling].")
    with tempfile.TemporaryDirectory(prefix="gnomon-profile-") as directory:
        out = Path(directory) / "profile"
        # py-spy counts in whole seconds.
        arguments = [
            *(program, "record", "--pid", str(getpid()), "--duration", str(max(1, round(duration_s)))),
            *("--rate", str(rate_hz), "--format", "raw", "--full-filenames", "--output", str(out)),
        ]
        arguments += ["--idle"] * idle + ["--threads"] * threads
        with _started(arguments) as process:
            try:
                _stdout, told = process.communicate(timeout=duration_s + _GRACE_S)
            except subprocess.TimeoutExpired:
                raise PySpyError(f"py-spy did not end within {duration_s + _GRACE_S:g} s.") from None
        if process.returncode or not out.exists():
            raise PySpyError(_explain(told.decode("utf-8", "replace"), process.returncode))
        return _read(out.read_text("utf-8", "replace"), rate_hz)


def _read(folded: str, rate_hz: int) -> Stacks:
    stacks = Stacks(interval_s=1 / rate_hz, taken_by=NAME)
    names: dict[str, str] = {}
    for line in folded.splitlines():
        stack, _space, count = line.rpartition(" ")
        if _OWN not in stack and count.isdecimal():
            frames = tuple(names.get(frame) or names.setdefault(frame, _shorten(frame)) for frame in stack.split(";"))
            stacks.counts[frames] += int(count)
    return stacks


def _shorten(frame: str) -> str:
    name, opening, place = frame.rpartition(" (")
    return f"{name} ({shorten(place)}" if opening else frame


@contextlib.contextmanager
def _started(arguments: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(  # noqa: S603 - found beside the interpreter or on the PATH, arguments are ours
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _allow(process.pid)
    try:
        yield process
    finally:
        _allow(0)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _allow(pid: int) -> None:
    """Let this one process look in where Yama keeps children from it; pid 0 takes that back."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


def _explain(told: str, code: int) -> str:
    last = " ".join(line.strip() for line in told.splitlines() if line.strip())[-400:]
    if any(word in told.lower() for word in _REFUSALS):
        return f"The platform does not let py-spy look into this process: {last} {_ADVICE}"
    return f"py-spy ended with {code}: {last}"
