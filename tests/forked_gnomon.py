"""`gnomon` as a process of its own, forked off one that has imported it: half a second instead of five.

The rest is as from a shell: arguments, environment, working directory, output, signals, exit code.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import threading
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.preloaded_gnomon", __name__])


def fork_gnomon(
    *arguments: str, environment: Mapping[str, str], stdout: Path, stderr: Path, cwd: Path | None = None
) -> ForkServerProcess:
    """Start `gnomon ARGUMENTS` and return its process; what it prints is appended to the files."""
    process = _FORKS.Process(
        target=_run, args=(arguments, dict(environment), stdout, stderr, cwd or Path.cwd()), daemon=True
    )
    process.start()
    return process


def _run(arguments: tuple[str, ...], environment: dict[str, str], stdout: Path, stderr: Path, cwd: Path) -> None:
    threading.Thread(target=_end_with_the_tests, daemon=True).start()
    for number, path in ((1, stdout), (2, stderr)):
        output = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(output, number)
        os.close(output)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["gnomon", *arguments]
    runpy.run_module("gnomon", run_name="__main__", alter_sys=True)


def _end_with_the_tests() -> None:
    """Leave nothing behind where the tests were killed and could stop nothing."""
    tests = multiprocessing.parent_process()
    assert tests is not None
    tests.join()
    os.kill(os.getpid(), signal.SIGKILL)
