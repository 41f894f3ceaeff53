"""A sampler within the process: what remains where no other process may look in.

It needs the interpreter's lock for each look, so that code which keeps the lock (C extensions, tight loops) is seen
less often than it runs, and its own thread costs the process a little. py-spy has neither fault.
"""

import sys
import threading
import time
from types import FrameType

from gnomon.sdk.profiling.stacks import Stack, Stacks, shorten

NAME = "in-process sampler"
_DEEPEST = 200


def sample(duration_s: float, rate_hz: int, *, idle: bool = False, threads: bool = False) -> Stacks:
    """Look at all threads but this one `rate_hz` times a second; without `idle` at those only that used CPU since."""
    stacks = Stacks(interval_s=1 / rate_hz, taken_by=NAME)
    own = threading.get_ident()
    names: dict[object, str] = {}
    clocks: dict[int, int] = {}
    ends = time.monotonic() + duration_s
    due = time.monotonic()
    while (now := time.monotonic()) < ends:
        if due > now:
            time.sleep(min(due - now, ends - now))
        due = max(due + 1 / rate_hz, now)
        stacks.looks += 1
        alive = {thread.ident: thread for thread in threading.enumerate()}
        for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented for this very purpose
            thread = alive.get(ident)
            if ident == own or (thread is not None and not idle and not _has_run(thread, clocks)):
                continue
            head = (f"thread {thread.name if thread else ident}",) if threads else ()
            stacks.counts[head + _walk(frame, names)] += 1
    return stacks


def _has_run(thread: threading.Thread, clocks: dict[int, int]) -> bool:
    """Tell whether a thread has used CPU since it was looked at before, where the kernel says."""
    native = thread.native_id
    if native is None:
        return False
    try:
        with open(f"/proc/self/task/{native}/schedstat", "rb", buffering=0) as status:  # noqa: PTH123 - many a second
            used = int(status.read().split(b" ", 1)[0])
    except (OSError, ValueError):
        return True
    before = clocks.get(native)
    clocks[native] = used
    return before is not None and used > before


def _walk(frame: FrameType | None, names: dict[object, str]) -> Stack:
    stack: list[str] = []
    while frame is not None and len(stack) < _DEEPEST:
        key = (frame.f_code, frame.f_lineno)
        name = names.get(key)
        if name is None:
            code = frame.f_code
            name = names[key] = f"{code.co_qualname} ({shorten(code.co_filename)}:{frame.f_lineno})"
        stack.append(name)
        frame = frame.f_back
    return tuple(reversed(stack))
