"""Tools that agents call."""

import json
from collections.abc import Mapping
from typing import Any

from gnomon.sdk import export
from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block, error_type, outcome

_runs = families.counter("tool_execution_total")
_seconds = families.histogram("tool_execution_duration_seconds")
_failures = families.counter("tool_execution_failures_total")
_sandboxed = families.gauge("sandbox_active_executions")
_cpu = families.gauge("resource_usage_cpu_seconds")
_memory = families.gauge("resource_usage_memory_bytes")


class tool(Block):  # noqa: N801 - read as a function: `with gnomon.tool("search"):`
    """Execute a tool: timed, counted, charged for CPU and memory.

    Arguments and results are recorded only where `setup(record_content=True)` says so.
    """

    measured = True

    def __init__(
        self,
        name: str,
        *,
        call_id: str | None = None,
        arguments: Any = None,
        description: str | None = None,
        sandboxed: bool = False,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take its name and, as far as known, the model's id of the call and its arguments."""
        super().__init__(attributes)
        self.name = name
        self._call_id = call_id
        self._arguments = arguments
        self._description = description
        self._is_sandboxed = sandboxed

    def result(self, value: Any) -> None:
        """Record what it returned, where content is recorded."""
        if export.records_content():
            self.set("gen_ai.tool.call.result", as_text(value))

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the call."""
        known: dict[str, Any] = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": self.name,
            "gen_ai.tool.type": "function",
        }
        if self._call_id is not None:
            known["gen_ai.tool.call.id"] = self._call_id
        if self._description is not None:
            known["gen_ai.tool.description"] = self._description
        if self._arguments is not None and export.records_content():
            known["gen_ai.tool.call.arguments"] = as_text(self._arguments)
        return f"execute_tool {self.name}", known, outer

    def began(self) -> None:
        """Count it where it is sandboxed."""
        if self._is_sandboxed:
            _sandboxed.inc()

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """Count how it ended and what it used."""
        self.status = self.status or outcome(error)
        if self._is_sandboxed:
            _sandboxed.dec()
        _runs.labels(self.name, self.status).inc()
        _seconds.labels(self.name).observe(seconds, self.exemplar())
        if error is not None and self.status != "completed":
            _failures.labels(self.name, error_type(error)).inc()
        if self._meter is not None:
            usage = self._meter.usage
            _cpu.labels(self.name).inc(usage.cpu_s)
            _memory.labels(self.name).set(usage.memory_bytes)


def as_text(value: Any) -> str:
    """Return content as text: JSON where it is not text already."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
