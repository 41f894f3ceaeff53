"""What the platform counts and times, through OpenTelemetry's metrics API; names become Prometheus' on the way.

A counter `tasks` is `tasks_total` there, a histogram `tasks_duration` in seconds is `tasks_duration_seconds`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import metrics
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.metrics import CallbackOptions, Observation

from examples.agent_platform.tasks import Task, TaskStatus

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_meter = metrics.get_meter(__name__)

_tasks = _meter.create_counter("tasks", description="Tasks that workers brought to an end, by how.")
_task_durations = _meter.create_histogram(
    "tasks_duration",
    unit="s",
    description="Time from a worker's taking a task to its end or its next attempt.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
_task_retries = _meter.create_counter("task_retries", description="Attempts that failed and were followed by another.")
_executions = _meter.create_counter("agent_execution", description="What agents were asked to do, by how it ended.")
_execution_durations = _meter.create_histogram(
    "agent_execution_duration",
    unit="s",
    description="Time an agent took for one attempt of a task.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
_llm_tokens = _meter.create_counter("llm_tokens", description="Tokens sent to models and received from them.")
_tool_runs = _meter.create_counter("tool_execution", description="Runs of tools, by how they ended.")
_tool_failures = _meter.create_counter("tool_execution_failures", description="Runs of tools that failed, by error.")
_tool_durations = _meter.create_histogram(
    "tool_execution_duration",
    unit="s",
    description="Time a tool took, the wait for a process included.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
_tools_running = _meter.create_up_down_counter("sandbox_active_executions", description="Tools that run right now.")


def count_attempt(task: Task, agent: str, status: TaskStatus, duration_s: float) -> None:
    """Count one attempt at a task; every status but `queued`, which stands for another attempt, ends the task."""
    kind = {"task_type": task.type, "status": status.value}
    _task_durations.record(duration_s, kind)
    who = {"agent_id": agent, "workspace": task.tenant_id, "status": status.value}
    _executions.add(1, who)
    _execution_durations.record(duration_s, who)
    if status is TaskStatus.QUEUED:
        _task_retries.add(1, {"task_type": task.type})
    else:
        _tasks.add(1, {"status": status.value, "type": task.type, "priority": str(task.priority)})


def count_tokens(provider: str, model: str, sent: int, received: int) -> None:
    """Count the tokens of one call of a model."""
    for direction, tokens in (("input", sent), ("output", received)):
        _llm_tokens.add(tokens, {"provider": provider, "model": model, "direction": direction})


class ToolRun:
    """One run of a tool; it succeeded unless `error_type` says why not."""

    def __init__(self) -> None:
        """Begin without an error."""
        self.error_type = ""


@contextmanager
def measure_tool(tool: str) -> Iterator[ToolRun]:
    """Count and time one run of a tool."""
    began_s, run = time.perf_counter(), ToolRun()
    _tools_running.add(1, {"tool_name": tool})
    try:
        yield run
    except BaseException as error:
        run.error_type = type(error).__name__
        raise
    finally:
        _tools_running.add(-1, {"tool_name": tool})
        _tool_durations.record(time.perf_counter() - began_s, {"tool_name": tool})
        _tool_runs.add(1, {"tool_name": tool, "status": "error" if run.error_type else "success"})
        if run.error_type:
            _tool_failures.add(1, {"tool_name": tool, "error_type": run.error_type})


def watch_queues(count_waiting: Callable[[], Mapping[str, int]]) -> None:
    """Report how many tasks wait in each queue whenever metrics are sent."""

    def observe(_options: CallbackOptions) -> Iterator[Observation]:
        # Asking the queue is no part of anybody's task.
        with suppress_instrumentation():
            found = count_waiting()
        for queue, waiting in found.items():
            yield Observation(waiting, {"queue": queue})

    _meter.create_observable_gauge("tasks_in_queue", callbacks=[observe], description="Tasks that wait for a worker.")
