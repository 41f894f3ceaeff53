"""VictoriaLogs to measure beside, where the machine has it: no package registry offers it.

`GNOMON_VICTORIA_LOGS` names the program, or it is on the PATH as `victoria-logs`.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.processes import free_ports, running


@dataclass(frozen=True, slots=True)
class VictoriaLogs:
    """Tell where a running VictoriaLogs listens."""

    pid: int
    url: str


def find_victoria_logs() -> str | None:
    """Return the program, or None where there is none."""
    return os.environ.get("GNOMON_VICTORIA_LOGS") or shutil.which("victoria-logs")


@contextmanager
def victoria_logs_running(program: str, folder: Path) -> Iterator[VictoriaLogs]:
    """Run it with its files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"-httpListenAddr=127.0.0.1:{port}",
        f"-storageDataPath={folder / 'data'}",
        "-loggerLevel=ERROR",
    ]
    with running(command, log=folder / "victoria-logs.log", ready_url=f"{url}/health") as pid:
        yield VictoriaLogs(pid, url)
