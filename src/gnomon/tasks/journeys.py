"""The journey of one task: what happened when, and what each wait was for."""

from collections import defaultdict
from collections.abc import Sequence

from gnomon.model.errors import NotFoundError
from gnomon.model.tasks import Task, TaskState, WorkEvent, WorkSpan
from gnomon.storage.task_store import TaskStore
from gnomon.storage.work_span_store import WorkSpanStore
from gnomon.tasks.task_views import HandOff, Stage, TaskJourney

_STEPS = 2000
_ORDER = ("submitted", "queued", "routed", "assigned", "executing", "failed", "timed_out", "retried", "completed")
_ENDS = frozenset({"completed", "failed", "timed_out", "cancelled", "dead_lettered"})


class Journeys:
    """Tell tasks whole."""

    def __init__(self, tasks: TaskStore, spans: WorkSpanStore) -> None:
        """Read from both stores."""
        self._tasks = tasks
        self._spans = spans

    async def open(self, task_id: str) -> TaskJourney:
        """Return a task's journey; raises NotFoundError where nobody told of it."""
        found = await self._tasks.find([task_id])
        if not found:
            message = f"There is no task {task_id!r}. It was never told of here, or it is past retention."
            raise NotFoundError(message)
        task = found[0]
        events = await self._tasks.events(task_id)
        steps = await self._spans.of_task(task, _STEPS + 1)
        timeline = tell_stages(task, events, steps)
        waits: dict[str, int] = defaultdict(int)
        for stage in timeline:
            if stage.kind != "end" and stage.duration_ns is not None:
                waits[stage.wait or "execution"] += stage.duration_ns
        parents = await self._tasks.find([task.parent_id]) if task.parent_id else []
        return TaskJourney(
            task=task,
            timeline=timeline,
            waits_ns=dict(waits),
            attempts=tuple(await self._tasks.attempts(task_id)),
            steps=tuple(steps[:_STEPS]),
            steps_omitted=len(steps) > _STEPS,
            hand_offs=tuple(
                HandOff(
                    time_ns=event.time_ns,
                    from_agent=event.attributes.get("agent.id", ""),
                    to_agent=event.attributes.get("agent.to_id", ""),
                    trace_id=event.trace_id,
                    span_id=event.span_id,
                )
                for event in events
                if event.name == "agent.handed_off"
            ),
            parent=next(iter(parents), None),
            children=tuple(await self._tasks.children([task_id])),
            dead_letter_ids=tuple(
                dict.fromkeys(
                    event.attributes.get("dlq.id", "") for event in events if event.name == "message.dead_lettered"
                )
            ),
        )


def tell_stages(task: Task, events: Sequence[WorkEvent], steps: Sequence[WorkSpan] = ()) -> tuple[Stage, ...]:
    """Return a task's time line; what several services told of the same stage of an attempt counts from the first.

    Where no event was told, the spans that ran the attempts make the line, or else the task's start and end.
    """
    told: dict[tuple[int, str, int], WorkEvent] = {}
    run = 0
    for event in sorted(events, key=_place):
        stage = _stage_of(event)
        if stage:
            # A replay runs the same attempt again: each end begins a new run.
            told.setdefault((event.attempt, stage, run), event)
            run += stage in _ENDS
    line = list(told.values()) or _from_spans(task, steps)
    stages = []
    for event, after in zip(line, [*line[1:], None], strict=True):
        stage = _stage_of(event)
        following = _stage_of(after) if after else ""
        last = after is None
        if last and (task.ended or stage in _ENDS):
            kind, wait, explanation = "end", "", _ending(event, stage)
        else:
            kind, wait, explanation = _explain(event, stage, following)
        stages.append(
            Stage(
                attempt=event.attempt,
                stage=stage,
                kind=kind,
                wait=wait,
                explanation=explanation,
                start_ns=event.time_ns,
                offset_ns=event.time_ns - task.start_ns,
                duration_ns=after.time_ns - event.time_ns if after else (0 if kind == "end" else None),
                service=event.service,
                agent=event.attributes.get("agent.id", ""),
                trace_id=event.trace_id,
                span_id=event.span_id,
            )
        )
    return tuple(stages)


def _place(event: WorkEvent) -> tuple[int, int]:
    stage = _stage_of(event)
    return event.time_ns, _ORDER.index(stage) if stage in _ORDER else len(_ORDER)


def _stage_of(event: WorkEvent) -> str:
    if event.name == "message.dead_lettered":
        return "dead_lettered"
    stage = event.name.removeprefix("task.")
    return stage if stage in _ORDER or stage in _ENDS else ""


def _explain(event: WorkEvent, stage: str, following: str) -> tuple[str, str, str]:
    queue = event.attributes.get("task.queue", "")
    where = f"in the queue {queue}" if queue else "in a queue"
    agent = event.attributes.get("agent.id", "")
    match stage:
        case "submitted":
            if following in {"executing", ""}:
                return "wait", "queue", "Waited to be taken up."
            return "wait", "submission", "Was accepted, and waited to be put into a queue."
        case "queued":
            if following == "routed":
                return "wait", "queue", f"Waited {where} for the router."
            return "wait", "queue", f"Waited {where} for a worker."
        case "routed":
            if following == "queued":
                return "wait", "routing", "Was routed, and waited to be put into a queue."
            return "wait", "assignment", "Was routed, and waited for an agent."
        case "assigned":
            return "wait", "start", f"Waited for {agent or 'its agent'} to begin."
        case "executing":
            return "work", "", f"Attempt {event.attempt} ran{f' by {agent}' if agent else ''}."
        case "retried":
            return "wait", "back_off", "Waited before it was tried again."
        case _:
            return "wait", "back_off", "Waited to be taken up again."


def _ending(event: WorkEvent, stage: str) -> str:
    error = event.attributes.get("error.type", "")
    return f"Ended: {stage.replace('_', ' ')}{f' with {error}' if error else ''}."


def _from_spans(task: Task, steps: Sequence[WorkSpan]) -> list[WorkEvent]:
    line = []
    runs = [step for step in steps if step.kind == "task"]
    for run in runs:
        shared = {"service": run.service, "trace_id": run.trace_id, "span_id": run.span_id}
        attributes = {"agent.id": run.agent}
        end = TaskState.FAILED if run.failed else TaskState.COMPLETED
        line.append(WorkEvent(run.start_ns, "task.executing", run.attempt, attributes=attributes, **shared))
        line.append(
            WorkEvent(run.start_ns + run.duration_ns, f"task.{end}", run.attempt, attributes=attributes, **shared)
        )
    if not line:
        service, trace = next(iter(task.services), ""), next(iter(task.trace_ids), "")
        line.append(WorkEvent(task.start_ns, "task.executing", 1, service, trace, "", {"agent.id": task.agent}))
        if task.end_ns is not None:
            line.append(WorkEvent(task.end_ns, f"task.{task.state}", 1, service, trace, "", {}))
    return sorted(line, key=_place)
