"""Tool processes as the executor sees them: started when needed, kept warm, stopped when they take too long."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

LONGEST_ANSWER_BYTES = 4_000_000


class ToolCrashedError(Exception):
    """Tell that a tool process ended without an answer."""


class ToolProcess:
    """One process that serves one tool, one call at a time."""

    def __init__(self, tool: str, state_dir: Path) -> None:
        """Start nothing yet."""
        self._command = (sys.executable, "-S", "-m", "examples.agent_platform.tools", tool, str(state_dir))
        self._process: Process | None = None

    @property
    def running(self) -> bool:
        """Tell whether the process is there and warm."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> int:
        """Start the process unless it runs; returns its id."""
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, limit=LONGEST_ANSWER_BYTES
            )
        return self._process.pid

    async def call(self, arguments: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Return the tool's answer; raises TimeoutError after killing a process that takes too long."""
        await self.start()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._ask(arguments)
        except (TimeoutError, asyncio.CancelledError, ToolCrashedError):
            await self.stop()
            raise

    async def stop(self) -> None:
        """Kill the process if it runs."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _ask(self, arguments: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            message = "The tool process is not running."
            raise ToolCrashedError(message)
        try:
            process.stdin.write(json.dumps(arguments).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except ConnectionError as error:
            message = f"The tool process went away: {error!r}."
            raise ToolCrashedError(message) from error
        if not line:
            message = f"The tool process ended with {await process.wait()} before it answered."
            raise ToolCrashedError(message)
        answer: dict[str, Any] = json.loads(line)
        return answer


class ToolPool:
    """The processes of one tool; callers wait for a free one."""

    def __init__(self, tool: str, state_dir: Path, size: int) -> None:
        """Make room for `size` processes."""
        self._all = [ToolProcess(tool, state_dir) for _ in range(size)]
        self._free: asyncio.LifoQueue[ToolProcess] = asyncio.LifoQueue()
        for process in self._all:
            self._free.put_nowait(process)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[ToolProcess]:
        """Lend a process for one call; the one that was used last comes first, for it is the warmest."""
        process = await self._free.get()
        try:
            yield process
        finally:
            self._free.put_nowait(process)

    async def stop(self) -> None:
        """Kill all processes."""
        for process in self._all:
            await process.stop()
