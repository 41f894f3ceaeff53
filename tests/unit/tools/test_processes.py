"""What `make demo` and `make dev` promise: a named reason when something cannot start, and nothing left behind."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.processes import ProgramError, Programs, require_free_ports, wait_until_ready

ROOT = Path(__file__).parents[3]


def test_a_taken_port_is_named_with_the_variable_to_set() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]

        with pytest.raises(ProgramError, match=rf"Port {port} is taken.*PORT="):
            require_free_ports({"PORT": port})


def test_a_program_that_ends_before_it_answers_shows_the_end_of_its_log(tmp_path: Path) -> None:
    with Programs() as programs:
        program = programs.start("greeter", [sys.executable, "-c", "print('no such file')"], log=tmp_path / "log")

        with pytest.raises(ProgramError, match=r"(?s)greeter ended with status 0.*no such file"):
            wait_until_ready(program, "http://127.0.0.1:1/")


def test_a_child_that_a_stopped_program_leaves_behind_is_stopped_too(tmp_path: Path) -> None:
    script = """
import subprocess, sys
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""
    log = tmp_path / "log"
    with Programs() as programs:
        programs.start("parent", [sys.executable, "-c", script], log=log)
        deadline = time.monotonic() + 20
        while not log.read_text().endswith("\n") and time.monotonic() < deadline:
            time.sleep(0.02)
        child = int(log.read_text())

    deadline = time.monotonic() + 20
    while is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(child)


def is_running(pid: int) -> bool:
    """Return whether a process is there and not merely waiting to be reaped."""
    try:
        return ") Z " not in Path("/proc", str(pid), "stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_ctrl_c_stops_what_was_started(tmp_path: Path) -> None:
    script = """
import sys, time
from pathlib import Path
from tools.processes import Programs, Stopped
try:
    with Programs() as programs:
        sleeper = programs.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
        Path(sys.argv[1]).write_text(str(sleeper.process.pid))
        time.sleep(600)
except Stopped:
    print("stopped", sleeper.process.returncode)
"""
    told = tmp_path / "pid"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(told)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 20
        while not told.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)

    assert output == f"stopped {-signal.SIGTERM}\n"
