"""Child processes of measured work: what `wait4` says about each as it is reaped."""

import functools
import multiprocessing.process
import os
import subprocess
from collections.abc import Callable
from typing import Any
from weakref import ReferenceType, ref

from gnomon.sdk.resources.children import note_child
from gnomon.sdk.resources.meter import Meter, current_meter
from gnomon.sdk.resources.replacing import all_of, replace

# Who started each child, None for work that nobody measures; children that are missing here count as unseen.
_started_by: "dict[int, ReferenceType[Meter] | None]" = {}


def hook_children() -> Callable[[], None]:
    """Charge children of `subprocess`, asyncio and `multiprocessing` to the meter of whoever starts them.

    Returns the undo. `os.waitpid` becomes `os.wait4`, which does the same and tells what the child has used, its own
    children included.
    """
    popen, start, waitpid = subprocess.Popen.__init__, multiprocessing.process.BaseProcess.start, os.waitpid
    reaper: Any = getattr(subprocess, "_del_safe", None)  # where Popen.poll keeps its own reference

    @functools.wraps(popen)
    def measured_popen(self: "subprocess.Popen[Any]", *args: Any, **kwargs: Any) -> None:
        popen(self, *args, **kwargs)
        _remember(self.pid)

    @functools.wraps(start)
    def measured_start(self: multiprocessing.process.BaseProcess) -> None:
        start(self)
        _remember(self.pid)

    def measured_waitpid(pid: int, options: int, /) -> tuple[int, int]:
        reaped, status, used = os.wait4(pid, options)
        if reaped in _started_by:
            cpu_s = used.ru_utime + used.ru_stime
            note_child(cpu_s)
            found = _started_by.pop(reaped, None)
            owner = found() if found is not None else None
            if owner is not None:
                owner.charge_child(cpu_s)
        return reaped, status

    undos = [
        replace(subprocess.Popen, "__init__", measured_popen),
        replace(multiprocessing.process.BaseProcess, "start", measured_start),
        replace(os, "waitpid", measured_waitpid),
    ]
    if getattr(reaper, "waitpid", None) is waitpid:
        undos.append(replace(reaper, "waitpid", measured_waitpid))
    return all_of(undos)


def _remember(pid: int | None) -> None:
    if pid is not None:
        meter = current_meter()
        _started_by[pid] = ref(meter) if meter is not None else None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_started_by.clear)
