"""Servers for the tests of this folder: the real command line, a fresh data directory, free ports."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gnomon_process import GnomonProcess

LaunchGnomon = Callable[..., GnomonProcess]


@pytest.fixture
def launch_gnomon(tmp_path: Path) -> Iterator[LaunchGnomon]:
    """Return a function that prepares a server with further arguments and `env`; call `start()` on what it returns."""
    processes: list[GnomonProcess] = []

    def launch(
        *arguments: str, env: dict[str, str] | None = None, data_dir: Path | None = None, from_shell: bool = False
    ) -> GnomonProcess:
        process = GnomonProcess(data_dir or tmp_path / f"data{len(processes)}", arguments, env, from_shell=from_shell)
        processes.append(process)
        return process

    yield launch
    for process in processes:
        process.stop()


@pytest.fixture
def gnomon_server(launch_gnomon: LaunchGnomon) -> GnomonProcess:
    """Return a running server with default settings; `kill()` and `start()` again as a crash would."""
    return launch_gnomon().start()
