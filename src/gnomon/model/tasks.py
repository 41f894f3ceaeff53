"""Tasks: where they stand, how they got there, and what they used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from gnomon.model.timestamps import UnixNanoseconds


class TaskState(StrEnum):
    """Say where a task stands: at a stage on its way, or at its end."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    ROUTED = "routed"
    ASSIGNED = "assigned"
    EXECUTING = "executing"
    RETRIED = "retried"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    DEAD_LETTERED = "dead_lettered"


CostDimension = Literal["tenant", "agent", "type", "model", "provider", "queue", "day", "hour", "task"]

# As the engine writes them: stages by task_stage, ends by task_outcome and ten (functions.sql).
STATE_NUMBERS = {
    TaskState.SUBMITTED: 1,
    TaskState.QUEUED: 2,
    TaskState.ROUTED: 3,
    TaskState.ASSIGNED: 4,
    TaskState.EXECUTING: 5,
    TaskState.RETRIED: 6,
    TaskState.COMPLETED: 11,
    TaskState.CANCELLED: 12,
    TaskState.FAILED: 13,
    TaskState.TIMED_OUT: 14,
    TaskState.DEAD_LETTERED: 15,
}
STATES = {number: state for state, number in STATE_NUMBERS.items()}
FIRST_END = 11
FIRST_FAILURE = 13


@dataclass(frozen=True, slots=True)
class ResourceUse:
    """Tell what work used; precision is `exact`, `shared`, `estimated`, or empty where nothing was told.

    Memory is the most that an attempt held; `memory_byte_seconds` that times how long each attempt ran.
    """

    cpu_s: float
    cpu_precision: str
    memory_bytes: int
    memory_byte_seconds: float
    memory_precision: str
    sent_bytes: int
    received_bytes: int
    network_precision: str


@dataclass(frozen=True, slots=True)
class Task:
    """Sum up one task over all its attempts.

    `named` is false where nobody named the task and it is a run of an agent that a trace shows. `duration_ns` runs from
    the first sight of the task to its end, and is null while it runs; `queue_wait_ns` from there to its first
    execution. `trust_score` is the last one told of its agent.
    """

    task_id: str
    named: bool
    type: str
    state: TaskState
    ended: bool
    priority: str
    queue: str
    tenant: str
    session: str
    chain: str
    parent_id: str
    agent: str
    trust_score: float | None
    agents: tuple[str, ...]
    services: tuple[str, ...]
    trace_ids: tuple[str, ...]
    attempts: int
    start_ns: UnixNanoseconds
    executing_ns: UnixNanoseconds | None
    end_ns: UnixNanoseconds | None
    last_heard_ns: UnixNanoseconds
    duration_ns: int | None
    queue_wait_ns: int | None
    busy_ns: int
    deadline_ns: UnixNanoseconds | None
    error_type: str
    error_message: str
    resources: ResourceUse


@dataclass(frozen=True, slots=True)
class Attempt:
    """Sum up one attempt of a task; times that nobody told are null."""

    attempt: int
    agent: str
    state: TaskState | None
    queued_ns: UnixNanoseconds | None
    executing_ns: UnixNanoseconds | None
    end_ns: UnixNanoseconds | None
    duration_ns: int | None
    error_type: str
    error_message: str
    trace_ids: tuple[str, ...]
    services: tuple[str, ...]
    resources: ResourceUse


@dataclass(frozen=True, slots=True)
class WorkEvent:
    """Hold one event that was told of a task."""

    time_ns: int
    name: str
    attempt: int
    service: str
    trace_id: str
    span_id: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """Hold one span of a task, in Gnomon's words: `kind` is task, agent, llm, tool, step or empty.

    `counted` says that totals count its tokens: not those of a span around another that tells of the same ones.
    """

    trace_id: str
    span_id: str
    parent_span_id: str
    service: str
    name: str
    kind: str
    start_ns: UnixNanoseconds
    duration_ns: int
    failed: bool
    message: str
    task_id: str
    attempt: int
    agent: str
    operation: str
    provider: str
    model: str
    tool: str
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    first_token_ns: int | None
    finish_reason: str
    counted: bool


class TaskSort(StrEnum):
    """Say which tasks come first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LONGEST = "longest"
    WAITED = "waited"
    RETRIED = "retried"


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Say which tasks are meant; an empty field leaves it open, and each of several values will do."""

    states: tuple[TaskState, ...] = ()
    types: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    session: str = ""
    chain: str = ""
    parent_id: str = ""
    text: str = ""
    min_duration_ns: int = 0
    max_duration_ns: int = 0
    retried: bool = False


@dataclass(frozen=True, slots=True)
class TaskKind:
    """Sum up the tasks of one type; quantiles are those of tasks that ended, null without any."""

    type: str
    tasks: int
    running: int
    failed: int
    retried: int
    p50_ns: float | None
    p95_ns: float | None
    p99_ns: float | None
    wait_p50_ns: float | None
    wait_p95_ns: float | None
    top_error: str


@dataclass(frozen=True, slots=True)
class TaskPoint:
    """Count the tasks that began in one step of time."""

    time_ns: UnixNanoseconds
    tasks: int
    failed: int
    p50_ns: float | None
    p95_ns: float | None


@dataclass(frozen=True, slots=True)
class TaskValueCount:
    """Count the tasks with one value of a field."""

    value: str
    tasks: int


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Break tasks down: by field, by type, over time, and by duration as upper bounds with counts.

    Of very many tasks one in `one_in` is looked at, chosen by its id, and counts are scaled up.
    """

    total: int
    one_in: int
    facets: Mapping[str, Sequence[TaskValueCount]]
    durations: Sequence["DurationBucket"]
    points: Sequence[TaskPoint]
    step_ns: int
    kinds: Sequence[TaskKind] = field(default=())


@dataclass(frozen=True, slots=True)
class DurationBucket:
    """Count the tasks that took as long as this at most, and longer than the bucket before."""

    up_to_ns: int
    tasks: int
