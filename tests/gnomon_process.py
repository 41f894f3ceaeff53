"""A real `gnomon serve`, as a process of its own, for tests that need the whole of it."""

import atexit
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx

from tests.forked_gnomon import fork_gnomon

GNOMON = (sys.executable, "-m", "gnomon")
START_TIMEOUT_S = 120
STOP_TIMEOUT_S = 40
COMMAND_TIMEOUT_S = 120


def find_free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for bound in sockets:
            bound.bind(("127.0.0.1", 0))
        return [bound.getsockname()[1] for bound in sockets]
    finally:
        for bound in sockets:
            bound.close()


def gnomon_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment without settings of Gnomon's, plus `extra`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GNOMON_")} | dict(extra or {})


def run_gnomon(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end and return what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        process = fork_gnomon(*arguments, environment=gnomon_environment(env), stdout=stdout, stderr=stderr, cwd=cwd)
        process.join(COMMAND_TIMEOUT_S)
        code = process.exitcode
        if code is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, COMMAND_TIMEOUT_S)
        return subprocess.CompletedProcess(
            arguments, code, stdout.read_text(encoding="utf-8"), stderr.read_text(encoding="utf-8")
        )


@functools.cache
def _prepared_directory() -> Path:
    """Return a data directory as the first start leaves it; to copy it takes a tenth of the time of making it."""
    folder = Path(tempfile.mkdtemp(prefix="gnomon-prepared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    quiet = [f"--set={name}.enabled=false" for name in ("own_metrics", "host_metrics", "own_traces", "span_metrics")]
    (folder / "data").mkdir()
    server = GnomonProcess(folder / "data", tuple(quiet)).start()
    assert server.stop() == 0, server.log
    return folder / "data"


class GnomonProcess:
    """Start, stop, kill and restart one server; its ports stay the same over restarts.

    A directory that is not there yet comes with its schema, and the process is forked off one that has imported
    Gnomon. `from_shell` does neither: the command as people run it, a first start that makes everything itself.
    """

    def __init__(
        self,
        data_dir: Path,
        arguments: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        *,
        from_shell: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self._from_shell = from_shell
        self.port, self.otlp_http_port, self.otlp_grpc_port = find_free_ports(3)
        self.scheme = "http"
        self._arguments = arguments
        self._env = env
        self._log_path = data_dir.with_name(f"{data_dir.name}.log")
        self._process: subprocess.Popen[bytes] | ForkServerProcess | None = None

    @property
    def url(self) -> str:
        """Base URL of UI and API."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def otlp_http_url(self) -> str:
        """Base URL of OTLP/HTTP."""
        return f"{self.scheme}://127.0.0.1:{self.otlp_http_port}"

    @property
    def otlp_grpc_address(self) -> str:
        """host:port of OTLP/gRPC."""
        return f"127.0.0.1:{self.otlp_grpc_port}"

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """Everything logged so far, over all starts."""
        return self._log_path.read_text(encoding="utf-8") if self._log_path.exists() else ""

    @property
    def log_lines(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def spawn(self) -> None:
        """Start without waiting until it is ready."""
        arguments = (
            "serve", "--data-dir", str(self.data_dir), "--port", str(self.port),
            "--otlp-http-port", str(self.otlp_http_port), "--otlp-grpc-port", str(self.otlp_grpc_port),
            *self._arguments,
        )  # fmt: skip
        environment = gnomon_environment(self._env)
        if self._from_shell:
            with self._log_path.open("ab") as log:
                self._process = subprocess.Popen([*GNOMON, *arguments], env=environment, stdout=log, stderr=log)
            return
        if not self.data_dir.exists():
            shutil.copytree(_prepared_directory(), self.data_dir, symlinks=True)
        self._process = fork_gnomon(*arguments, environment=environment, stdout=self._log_path, stderr=self._log_path)

    def start(self) -> "GnomonProcess":
        """Start and wait until it is ready."""
        self.spawn()
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if (code := self._exit_code()) is not None:
                message = f"gnomon serve ended with {code}:\n{self.log}"
                raise AssertionError(message)
            try:
                # The certificates of tests are made up on the spot.
                if httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False, verify=False).is_success:  # noqa: S501
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        message = f"gnomon serve is not ready after {START_TIMEOUT_S} s:\n{self.log}"
        raise AssertionError(message)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server's process."""
        os.kill(self.pid, number)

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Wait for the end and return the exit code."""
        assert self._process is not None
        if isinstance(self._process, subprocess.Popen):
            self._process.wait(timeout_s)
        else:
            self._process.join(timeout_s)
        code = self._exit_code()
        if code is None:
            raise subprocess.TimeoutExpired("gnomon serve", timeout_s)
        self._process = None
        return code

    def stop(self) -> int:
        """Ask it to end as an operator would, and return the exit code."""
        if self._process is None:
            return 0
        if self._exit_code() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a crash would: kill -9."""
        self.signal(signal.SIGKILL)
        self.wait()

    def _exit_code(self) -> int | None:
        assert self._process is not None
        return self._process.poll() if isinstance(self._process, subprocess.Popen) else self._process.exitcode
