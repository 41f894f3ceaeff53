"""Child processes of measured work: what `wait4` says about each as it is reaped."""

import functools
import os
import subprocess
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from gnomon.sdk.resources.children import note_child
from gnomon.sdk.resources.meter import Meter, current_meter
from gnomon.sdk.resources.replacing import all_of, replace

_owners: "WeakValueDictionary[int, Meter]" = WeakValueDictionary()


def hook_children() -> Callable[[], None]:
    """Charge children that `subprocess` and asyncio start to the meter of whoever starts them; returns the undo.

    `os.waitpid` becomes `os.wait4`, which does the same and tells what the child has used, its own children included.
    """
    start, waitpid = subprocess.Popen.__init__, os.waitpid
    reaper: Any = getattr(subprocess, "_del_safe", None)  # where Popen.poll keeps its own reference

    @functools.wraps(start)
    def measured_start(self: "subprocess.Popen[Any]", *args: Any, **kwargs: Any) -> None:
        start(self, *args, **kwargs)
        meter = current_meter()
        if meter is not None:
            _owners[self.pid] = meter

    def measured_waitpid(pid: int, options: int, /) -> tuple[int, int]:
        reaped, status, used = os.wait4(pid, options)
        if reaped:
            cpu_s = used.ru_utime + used.ru_stime
            note_child(cpu_s)
            owner = _owners.pop(reaped, None)
            if owner is not None:
                owner.charge_child(cpu_s)
        return reaped, status

    undos = [replace(subprocess.Popen, "__init__", measured_start), replace(os, "waitpid", measured_waitpid)]
    if getattr(reaper, "waitpid", None) is waitpid:
        undos.append(replace(reaper, "waitpid", measured_waitpid))
    return all_of(undos)
