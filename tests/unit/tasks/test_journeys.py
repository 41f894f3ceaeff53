"""The time line of a task, with what each wait was for."""

from dataclasses import replace

from gnomon.model.tasks import ResourceUse, Task, TaskState, WorkEvent, WorkSpan
from gnomon.tasks.journeys import tell_stages
from gnomon.tasks.running import forecast

MS = 1_000_000
NOTHING = ResourceUse(0, "", 0, 0, "", 0, 0, "")
TASK = Task(
    task_id="t", named=True, type="report", state=TaskState.COMPLETED, ended=True, priority="", queue="q", tenant="",
    session="", chain="", parent_id="", agent="ada", trust_score=None, agents=("ada",), services=("worker",),
    trace_ids=("ab" * 16,), attempts=1, start_ns=0, executing_ns=20 * MS, end_ns=100 * MS, last_heard_ns=100 * MS,
    duration_ns=100 * MS, queue_wait_ns=20 * MS, busy_ns=80 * MS, deadline_ns=None, error_type="", error_message="",
    resources=NOTHING,
)  # fmt: skip


def event(name: str, at_ms: int, attempt: int = 1, **attributes: str) -> WorkEvent:
    return WorkEvent(
        at_ms * MS, f"task.{name}", attempt, "worker", "ab" * 16, "01" * 8, {"task.queue": "q", **attributes}
    )


def line(task: Task, *events: WorkEvent) -> list[tuple[str, str, str, int | None]]:
    return [
        (stage.stage, stage.kind, stage.wait, None if stage.duration_ns is None else stage.duration_ns // MS)
        for stage in tell_stages(task, events)
    ]


def test_each_wait_has_a_name() -> None:
    told = [event(name, at) for at, name in enumerate(("submitted", "queued", "routed", "assigned", "executing"))]
    assert line(TASK, *told, event("completed", 100)) == [
        ("submitted", "wait", "submission", 1),
        ("queued", "wait", "queue", 1),
        ("routed", "wait", "assignment", 1),
        ("assigned", "wait", "start", 1),
        ("executing", "work", "", 96),
        ("completed", "end", "", 0),
    ]


def test_attempts_wait_for_their_back_off() -> None:
    told = (event("executing", 0), event("failed", 10), event("retried", 10), event("executing", 50, 2))
    assert line(TASK, *told, event("completed", 60, 2)) == [
        ("executing", "work", "", 10),
        ("failed", "wait", "back_off", 0),
        ("retried", "wait", "back_off", 40),
        ("executing", "work", "", 10),
        ("completed", "end", "", 0),
    ]


def test_what_several_services_tell_counts_once_and_from_the_first() -> None:
    told = (event("queued", 0), event("queued", 3), event("executing", 20), event("completed", 100))
    assert line(TASK, *told) == line(TASK, *(each for each in told if each.time_ns != 3 * MS))


def test_a_running_stage_has_no_length() -> None:
    running = replace(TASK, state=TaskState.EXECUTING, ended=False, end_ns=None, duration_ns=None)
    assert line(running, event("executing", 5)) == [("executing", "work", "", None)]


def test_spans_make_a_line_where_no_event_was_told() -> None:
    run = WorkSpan("ab" * 16, "01" * 8, "", "worker", "task report", "task", 20 * MS, 80 * MS, False, "", "t", 1, "ada",
                   "", "", "", "", 0, 0, 0, 0, 0, None, "", False)  # fmt: skip
    assert [(stage.stage, stage.start_ns) for stage in tell_stages(TASK, [], [run])] == [
        ("executing", 20 * MS), ("completed", 100 * MS),
    ]  # fmt: skip
    assert [stage.stage for stage in tell_stages(TASK, [], [])] == ["executing", "completed"]


def test_a_forecast_looks_at_those_that_took_as_long() -> None:
    running = replace(TASK, ended=False, state=TaskState.EXECUTING, deadline_ns=300 * MS)
    lengths = [100 * MS] * 50 + [400 * MS] * 49 + [10_000 * MS]
    early = forecast(running, lengths, 50 * MS)
    later = forecast(running, lengths, 200 * MS)
    assert (early.remaining_p50_ns, early.outruns, early.late) == (200 * MS, False, False)
    assert (later.remaining_p50_ns, later.late) == (200 * MS, True)
    assert forecast(running, lengths, 20_000 * MS).outruns
    assert forecast(running, lengths, 20_000 * MS).remaining_p50_ns is None
    assert not forecast(running, [1] * 5, 200 * MS).outruns
    assert forecast(running, [], 200 * MS).usual_p50_ns is None
