"""The tool executor: runs tools in processes of their own and shows their steps as spans."""

import asyncio
import builtins
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

import gnomon
from examples.agent_platform.policies import check_tool
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tenants import Tenant, read_tenants
from examples.agent_platform.tool_process import ToolPool

_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)
_cpu = gnomon.gauge("resource_usage_cpu_seconds")
_memory = gnomon.gauge("resource_usage_memory_bytes")


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """How many processes a tool gets, and how long one call may take."""

    processes: int
    timeout_s: float


LIMITS = {
    "calculator": ToolLimits(processes=1, timeout_s=1.0),
    "files": ToolLimits(processes=1, timeout_s=1.0),
    "ledger": ToolLimits(processes=2, timeout_s=2.0),
    "pattern": ToolLimits(processes=1, timeout_s=0.8),
    "search": ToolLimits(processes=1, timeout_s=2.0),
}
CLIENT_CLOSED_REQUEST = 499
STATUS_BY_ERROR = {
    "FileNotFoundError": 404,
    "PermissionError": 403,
    "OperationalError": 503,
    "OSError": 503,
    "NotADirectoryError": 503,
    "TimeoutError": 504,
    "ToolCrashedError": 502,
}
"""What a tool's error means to its caller; any other error is the fault of the arguments: 422."""


class ToolFailedError(Exception):
    """Tell what went wrong in a tool, where this process has no exception of that name."""


class ToolExecutor:
    """The executor's HTTP endpoint over the tool pools."""

    def __init__(self, state_dir: Path, tenants: Mapping[str, Tenant]) -> None:
        """Make the pools; processes start with the first call."""
        self._pools = {tool: ToolPool(tool, state_dir, limits.processes) for tool, limits in LIMITS.items()}
        self._tenants = tenants

    async def run(self, request: Request) -> JSONResponse:
        """Run a tool: 200 with its result, or the status that fits its error."""
        tool = request.path_params["tool"]
        if tool not in LIMITS:
            return _refuse("UnknownToolError", f"Unknown tool: {tool!r}. Use one of {', '.join(sorted(LIMITS))}.", 404)
        if reason := check_tool(self._tenants.get(gnomon.current().tenant_id or ""), tool):
            _logger.warning("Blocked a tool: %s", reason)
            return _refuse("PolicyError", reason, HTTPStatus.FORBIDDEN)
        try:
            arguments = await request.json()
        except ClientDisconnect:
            _logger.warning("The caller of the tool %s went away before it had said what it wants", tool)
            return _refuse("ClientDisconnect", "The caller went away.", CLIENT_CLOSED_REQUEST)
        usage: dict[str, float] = {}
        try:
            with gnomon.tool(
                tool, call_id=request.query_params.get("call_id"), arguments=arguments, sandboxed=True
            ) as running:
                result = await self._run(tool, arguments, running, usage)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in a tool belongs to its caller
            name = type(error).__name__
            status_code = STATUS_BY_ERROR.get(name, 422)
            level = logging.ERROR if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING
            _logger.log(level, "Tool %s failed: %s: %s", tool, name, error)
            return _refuse(name, str(error), status_code)
        finally:
            if usage:
                # The tool's process did the work; the SDK measured this one.
                _cpu.labels(tool).inc(usage["cpu_s"])
                _memory.labels(tool).set(usage["memory_bytes"])
        return JSONResponse({"result": result})

    async def stop(self) -> None:
        """Stop all tool processes."""
        for pool in self._pools.values():
            await pool.stop()

    async def _run(self, tool: str, arguments: dict[str, Any], running: gnomon.tool, usage: dict[str, float]) -> Any:
        """Return a tool's result, and fill in what its process used; raises what the tool raised."""
        with _tracer.start_as_current_span("wait for tool process"):
            lent = self._pools[tool].acquire()
            process = await lent.__aenter__()
        try:
            running.set("tool.process.cold", not process.running)
            if not process.running:
                with _tracer.start_as_current_span("start tool process"):
                    _logger.info("Started a process for the tool %s: %d", tool, await process.start())
            try:
                answer = await process.call(arguments, LIMITS[tool].timeout_s)
            except TimeoutError:
                message = f"The tool {tool} took longer than {LIMITS[tool].timeout_s} s and was stopped."
                raise TimeoutError(message) from None
        finally:
            await lent.__aexit__(None, None, None)
        for step in answer["steps"]:
            _record_step(step)
        usage |= answer["usage"]
        running.set("tool.process.cpu_s", usage["cpu_s"])
        if "error" in answer:
            trace.get_current_span().add_event(
                "exception in the tool", {f"exception.{key}": value for key, value in answer["error"].items()}
            )
            raise _to_exception(answer["error"])
        running.result(answer["result"])
        return answer["result"]


def _to_exception(error: Mapping[str, str]) -> Exception:
    """Return what a tool's process raised as an exception of the same name, where there is one."""
    known = {"OperationalError": sqlite3.OperationalError, "error": re.error, "PatternError": re.error}
    kind = known.get(error["type"]) or getattr(builtins, error["type"], None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        return ToolFailedError(f"{error['type']}: {error['message']}")
    try:
        return kind(error["message"])
    except TypeError:
        return ToolFailedError(f"{error['type']}: {error['message']}")


def create_app(arguments: ServiceArguments, health: gnomon.Health) -> Starlette:
    """Build the executor over the state folder."""
    executor = ToolExecutor(arguments.state_dir, read_tenants(arguments.state_dir))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        health.watch_loop(asyncio.get_running_loop())
        health.check("file store", required=False)((arguments.state_dir / "files").is_dir)
        yield
        await executor.stop()

    return make_app([Route("/tools/{tool}", executor.run, methods=["POST"])], lifespan)


def _record_step(step: dict[str, Any]) -> None:
    """Make a span of a step that another process timed."""
    attributes = step["attributes"]
    kind = trace.SpanKind.CLIENT if "db.system.name" in attributes else trace.SpanKind.INTERNAL
    span = _tracer.start_span(step["name"], kind=kind, attributes=attributes, start_time=step["start_ns"])
    if step["error"]:
        span.set_attribute("error.type", step["error"])
        span.set_status(Status(StatusCode.ERROR, step["error"]))
    span.end(end_time=step["end_ns"])


def _refuse(error_type: str, message: str, status_code: int) -> JSONResponse:
    return JSONResponse({"error": {"type": error_type, "message": message}}, status_code=status_code)


def main(arguments: ServiceArguments) -> None:
    """Run the executor's process."""
    serve("tool-executor", create_app, arguments)
