"""The tool executor: runs tools in processes of their own and shows their steps as spans."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, Status, StatusCode
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.agent_platform.measures import measure_tool
from examples.agent_platform.service import ServiceArguments, serve
from examples.agent_platform.telemetry import export_telemetry
from examples.agent_platform.tool_process import ToolCrashedError, ToolPool

_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


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


class ToolExecutor:
    """The executor's HTTP endpoint over the tool pools."""

    def __init__(self, state_dir: Path) -> None:
        """Make the pools; processes start with the first call."""
        self._pools = {tool: ToolPool(tool, state_dir, limits.processes) for tool, limits in LIMITS.items()}

    async def run(self, request: Request) -> JSONResponse:
        """Run a tool: 200 with its result, or the status that fits its error."""
        tool = request.path_params["tool"]
        if tool not in LIMITS:
            return _refuse("UnknownToolError", f"Unknown tool: {tool!r}. Use one of {', '.join(sorted(LIMITS))}.", 404)
        try:
            arguments = await request.json()
        except ClientDisconnect:
            _logger.warning("The caller of the tool %s went away before it had said what it wants", tool)
            return _refuse("ClientDisconnect", "The caller went away.", CLIENT_CLOSED_REQUEST)
        # Errors are recorded by hand below: the tool's own stack trace tells more than ours.
        naming = {"gen_ai.tool.name": tool}
        with (
            measure_tool(tool) as measured,
            _tracer.start_as_current_span(f"run {tool}", attributes=naming) as span,
        ):
            try:
                answer = await self._run(tool, arguments, span)
            except TimeoutError:
                message = f"The tool {tool} took longer than {LIMITS[tool].timeout_s} s and was stopped."
                answer = {"error": {"type": "TimeoutError", "message": message}}
            except ToolCrashedError as crash:
                answer = {"error": {"type": "ToolCrashedError", "message": str(crash)}}
            for step in answer.get("steps", ()):
                _record_step(step)
            if "error" not in answer:
                return JSONResponse({"result": answer["result"]})
            error = answer["error"]
            _record_error(span, error)
            measured.error_type = error["type"]
            status_code = STATUS_BY_ERROR.get(error["type"], 422)
            level = logging.ERROR if status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.WARNING
            _logger.log(
                level,
                "Tool %s failed: %s: %s",
                tool,
                error["type"],
                error["message"],
                extra={f"exception.{key}": value for key, value in error.items()} | {"gen_ai.tool.name": tool},
            )
            return _refuse(error["type"], error["message"], status_code)

    async def stop(self) -> None:
        """Stop all tool processes."""
        for pool in self._pools.values():
            await pool.stop()

    async def _run(self, tool: str, arguments: dict[str, Any], span: Span) -> dict[str, Any]:
        waiting = _tracer.start_span("wait for tool process")
        async with self._pools[tool].acquire() as process:
            waiting.end()
            cold = not process.running
            if cold:
                with _tracer.start_as_current_span("start tool process"):
                    _logger.info("Started a process for the tool %s: %d", tool, await process.start())
            span.set_attribute("tool.process.cold", cold)
            return await process.call(arguments, LIMITS[tool].timeout_s)


def create_app(state_dir: Path) -> Starlette:
    """Build the executor over the state folder."""
    executor = ToolExecutor(state_dir)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await executor.stop()

    return Starlette(routes=[Route("/tools/{tool}", executor.run, methods=["POST"])], lifespan=lifespan)


def _record_step(step: dict[str, Any]) -> None:
    """Make a span of a step that another process timed."""
    attributes = step["attributes"]
    kind = trace.SpanKind.CLIENT if "db.system.name" in attributes else trace.SpanKind.INTERNAL
    span = _tracer.start_span(step["name"], kind=kind, attributes=attributes, start_time=step["start_ns"])
    if step["error"]:
        span.set_attribute("error.type", step["error"])
        span.set_status(Status(StatusCode.ERROR, step["error"]))
    span.end(end_time=step["end_ns"])


def _record_error(span: Span, error: dict[str, str]) -> None:
    span.set_attribute("error.type", error["type"])
    span.set_status(Status(StatusCode.ERROR, error["message"]))
    span.add_event("exception", {f"exception.{key}": value for key, value in error.items()})


def _refuse(error_type: str, message: str, status_code: int) -> JSONResponse:
    return JSONResponse({"error": {"type": error_type, "message": message}}, status_code=status_code)


def main() -> None:
    """Run the executor's process."""
    arguments = ServiceArguments.parse()
    with export_telemetry("tool-executor", arguments.instance):
        serve(create_app(arguments.state_dir), arguments)
