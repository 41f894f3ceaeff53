"""What tasks look like to whoever asks: journeys, lists, running tasks, agents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gnomon.model.tasks import Attempt, Task, WorkSpan
from gnomon.model.timestamps import UnixNanoseconds


@dataclass(frozen=True, slots=True)
class Stage:
    """Tell of one stretch of a task's time line, from an event to the next.

    `stage` is the event's name without `task.`; `kind` is `wait`, `work` or `end`. `wait` names what was waited for
    (`submission`, `queue`, `routing`, `assignment`, `start`, `back_off`, empty otherwise), and `explanation` says so in
    a sentence. `duration_ns` is null where the next event is still to come.
    """

    attempt: int
    stage: str
    kind: str
    wait: str
    explanation: str
    start_ns: UnixNanoseconds
    offset_ns: int
    duration_ns: int | None
    service: str
    agent: str
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class HandOff:
    """Tell that one agent handed a task to another."""

    time_ns: UnixNanoseconds
    from_agent: str
    to_agent: str
    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class TaskJourney:
    """Tell a task whole: its time line, attempts, steps, hand-offs, parent, children and dead letters.

    `waits_ns` sums up the time line by what was waited for, `execution` for the work itself. `steps` are the spans of
    agents, tools, calls of models and attempts, by start; `steps_omitted` says that there are more.
    """

    task: Task
    timeline: tuple[Stage, ...]
    waits_ns: Mapping[str, int]
    attempts: tuple[Attempt, ...]
    steps: tuple[WorkSpan, ...]
    steps_omitted: bool
    hand_offs: tuple[HandOff, ...]
    parent: Task | None
    children: tuple[Task, ...]
    dead_letter_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Say how long a task still needs, going by those of its type that ended well in the last week.

    `remaining_p50_ns` and `remaining_p90_ns` are those of tasks that took at least as long as this one has by now; null
    without such. `outruns` marks a task that has taken longer than 99 % of its kind; `late` one that will probably
    miss its deadline, or has.
    """

    elapsed_ns: int
    samples: int
    usual_p50_ns: int | None
    usual_p99_ns: int | None
    remaining_p50_ns: int | None
    remaining_p90_ns: int | None
    outruns: bool
    late: bool
    silent_ns: int


@dataclass(frozen=True, slots=True)
class RunningTask:
    """Pair a task that has not ended with when it probably will."""

    task: Task
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class AgentSummary:
    """Sum up one agent over a range; shares and quantiles are null where it finished nothing.

    `load` is how many attempts it worked on at a time on average; `trust_score` the last one told, beside the least
    and greatest of the range.
    """

    agent: str
    tasks: int
    attempts: int
    running: int
    succeeded: int
    failed: int
    success_share: float | None
    load: float
    busy_ns: int
    p50_ns: float | None
    p95_ns: float | None
    trust_score: float | None
    trust_low: float | None
    trust_high: float | None
    types: tuple[str, ...]
    tenants: tuple[str, ...]
    last_seen_ns: UnixNanoseconds


@dataclass(frozen=True, slots=True)
class AgentPoint:
    """Tell how an agent fared in one step of time."""

    agent: str
    time_ns: UnixNanoseconds
    attempts: int
    failed: int
    busy_ns: int
    p50_ns: float | None
    trust_score: float | None


@dataclass(frozen=True, slots=True)
class AgentCourse:
    """Hold how agents fared over time: by agent, then by step; steps without attempts are left out."""

    start_ns: UnixNanoseconds
    step_ns: int
    points: Sequence[AgentPoint]


@dataclass(frozen=True, slots=True)
class HandOffEdge:
    """Count how often one agent passed work to another in one step of time.

    `kind` is `handoff` where the same task went on, `delegation` where a task gave rise to another one.
    """

    time_ns: UnixNanoseconds
    from_agent: str
    to_agent: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class HandOffGraph:
    """Hold the hand-offs of a range, in steps of time, the agents in them being the nodes."""

    step_ns: int
    agents: Sequence[str]
    edges: Sequence[HandOffEdge]
