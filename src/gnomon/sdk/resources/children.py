"""CPU time of child processes: known exactly from `wait4` for those that measured work started."""

import resource
import threading

from gnomon.sdk.resources.figures import Precision

# Clock ticks and rounding of the kernel: less than this is no child.
_NOTICEABLE_S = 0.005

_lock = threading.Lock()
_told_s = 0.0


def note_child(cpu_s: float) -> None:
    """Remember that `wait4` has told of a child, whoever's it was."""
    global _told_s  # noqa: PLW0603 - one count for the process
    with _lock:
        _told_s += cpu_s


class ChildTimes:
    """Add up what the children of one piece of work used, and notice children that nobody told of."""

    def __init__(self) -> None:
        """Know of no children."""
        self._cpu_s = 0.0
        self._reaped_before = 0.0
        self._told_before = 0.0

    def begin(self) -> None:
        """Remember what the children of this process used before."""
        self._reaped_before = _reaped_s()
        self._told_before = _told_s

    def add(self, cpu_s: float) -> None:
        """Charge one child that has ended."""
        with _lock:
            self._cpu_s += cpu_s

    def figure(self, *, alone: bool) -> tuple[float, Precision]:
        """Return CPU seconds and how exact they are.

        Children that were reaped out of sight (uvloop, multiprocessing, C code) show in the process' own count: they
        are charged as *shared* when no other work was measured meanwhile, and make the figure *estimated* otherwise.
        """
        unseen = (_reaped_s() - self._reaped_before) - (_told_s - self._told_before)
        if unseen <= _NOTICEABLE_S:
            return self._cpu_s, "exact"
        if alone:
            return self._cpu_s + unseen, "shared"
        return self._cpu_s, "estimated"


def _reaped_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
