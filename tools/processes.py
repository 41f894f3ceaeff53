"""Start programs side by side, wait until they answer, stop each by its process id."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self


class ProgramError(Exception):
    """Tell that a program cannot start or has ended; the message is fit for the person at the terminal."""


class Stopped(Exception):  # noqa: N818 (somebody asked for it: no error)
    """Tell that SIGINT or SIGTERM asked to stop."""


@dataclass(frozen=True, slots=True)
class Program:
    """Hold a started program; `log` is None for one that prints to the terminal."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path | None

    def describe_end(self) -> str:
        """Return how the program ended, with the last lines that it logged."""
        told = f"{self.name} ended with status {self.process.poll()}."
        if self.log is None:
            return told
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
        return "\n".join([f"{told} The end of {self.log}:", *(f"  {line}" for line in lines)])


class Programs:
    """Stop whatever was started, newest first, when the block ends; SIGINT and SIGTERM end it with Stopped.

    Each program has a session of its own, so that Ctrl-C reaches this process alone and the order of stopping holds.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._programs: list[Program] = []

    def __enter__(self) -> Self:
        """Take over the signals that ask to stop."""
        self._handlers = {number: signal.signal(number, _raise_stopped) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop all, which a second Ctrl-C does not disturb, and give the signals back."""
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)
        for program in reversed(self._programs):
            _stop(program.process)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> Program:
        """Start a program that logs to `log`, or prints to the terminal."""
        output = log.open("wb") if log else None
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                cwd=folder,
                env=os.environ | dict(environment or {}),
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        program = Program(name, process, log)
        self._programs.append(program)
        return program

    def stop(self, program: Program) -> None:
        """Stop one program and forget it."""
        _stop(program.process)
        self._programs.remove(program)

    def ended(self) -> Program | None:
        """Return a program that has ended, if one has."""
        return next((program for program in self._programs if program.process.poll() is not None), None)


def wait_until_ready(program: Program, url: str, timeout_s: float = 60.0) -> None:
    """Return once `url` answers 200; raises ProgramError when the program ends first or takes too long."""
    deadline = time.monotonic() + timeout_s
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if program.process.poll() is not None:
            raise ProgramError(program.describe_end())
        try:
            with opener.open(url, timeout=2.0):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    message = f"{program.name} does not answer {url} after {timeout_s:.0f} s. Its log: {program.log}"
    raise ProgramError(message)


def require_free_ports(ports: Mapping[str, int]) -> None:
    """Raise ProgramError, naming the make variable to set, for the first port that somebody else listens on."""
    for variable, port in ports.items():
        with socket.socket() as listener:
            # As servers do: a port that only waits out its last connections is free.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError as error:
                message = (
                    f"Port {port} is taken ({error.strerror}). "
                    f"Stop what listens there, or choose another port: {variable}={port + 10000}"
                )
                raise ProgramError(message) from error


def _raise_stopped(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature is signal's)
    raise Stopped


def _stop(process: subprocess.Popen[bytes], timeout_s: float = 20.0) -> None:
    """Ask a program to stop, kill it when it does not in time, and end what it leaves behind (npm leaves its child)."""
    process.terminate()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
