"""Start a real program, wait until it answers, stop it by its process id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx


class StartError(Exception):
    """Tell that a program did not become ready, with the end of what it printed."""


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in sockets]


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    log: Path,
    ready_url: str = "",
    ready: Callable[[], bool] | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> Iterator[int]:
    """Run a program until the block ends and give its process id once it is ready; raises StartError.

    It is ready once `ready_url` answers 200 or, for what does not speak HTTP, `ready` says so. `env` adds variables.
    """
    is_ready = ready or (lambda: answers(ready_url))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, is_ready, timeout_s, log)
        yield process.pid
    finally:
        _stop(process)


def answers(url: str) -> bool:
    """Return whether an HTTP server answers 200."""
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def accepts(port: int, greeting: bytes = b"", reply: bytes = b"") -> bool:
    """Return whether somebody listens on a loopback port and, if a reply is named, answers the greeting so."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2.0) as connection:
            connection.sendall(greeting)
            return connection.recv(max(len(reply), 1)).startswith(reply) if reply else True
    except OSError:
        return False


def _wait_until_ready(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], timeout_s: float, log: Path
) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        if is_ready():
            return
        time.sleep(0.05)
    ended = "is not ready" if process.poll() is None else f"ended with status {process.returncode}"
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
    message = f"{process.args!r} {ended} after at most {timeout_s} s. It printed last:\n{tail}"
    raise StartError(message)


def _stop(process: subprocess.Popen[bytes], timeout_s: float = 20.0) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
