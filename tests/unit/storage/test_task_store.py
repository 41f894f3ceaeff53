"""What is told of a task becomes one story, in whatever order and however often it is told."""

import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from gnomon.model.tasks import Task, TaskFilter, TaskSort, TaskState
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage import task_store
from gnomon.storage.task_store import TaskStore
from tests.opened_storage import OpenedStorage, open_storage
from tests.span_requests import SentSpan, make_span_request
from tests.work_requests import SentEvent, make_event_request

TRACE = "ab" * 16
ORDERS = 8


class Story:
    """A store, when its stories begin, and how to tell them."""

    def __init__(self, storage: OpenedStorage) -> None:
        self.storage = storage
        self.store = TaskStore(storage.engine, storage.journal)
        self.start_ns = time.time_ns() - 600 * NANOSECONDS

    async def tell(self, *events: SentEvent) -> None:
        await self.storage.journal.append("otlp_logs", make_event_request(events, self.start_ns), os.urandom(16))

    async def show(self, *spans: SentSpan) -> None:
        await self.storage.journal.append("otlp_traces", make_span_request(spans, self.start_ns), os.urandom(16))

    async def find(self, task_id: str) -> Task:
        await self.storage.journal.flush()
        [task] = await self.store.find([task_id])
        return task

    async def listed(self, wanted: TaskFilter, sort: TaskSort = TaskSort.NEWEST) -> list[str]:
        await self.storage.journal.flush()
        time_range = TimeRange(self.start_ns - NANOSECONDS, self.start_ns + 900 * NANOSECONDS)
        return [task.task_id for task in await self.store.search(time_range, wanted, sort, 100, 0)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def story(tmp_path_factory: Any) -> AsyncIterator[Story]:
    async with open_storage(tmp_path_factory.mktemp("tasks") / "data") as storage:
        yield Story(storage)


pytestmark = pytest.mark.asyncio(loop_scope="module")


def retried_story(task_id: str) -> list[SentEvent]:
    """Return a task that fails, waits, is done by another agent, and is told of by three services."""
    task = {"task.id": task_id, "task.type": "report", "tenant.id": "acme", "task.queue": "reports"}
    first, second = {**task, "task.attempt": 1}, {**task, "task.attempt": 2}
    return [
        SentEvent("task.submitted", 0, {**task, "task.deadline": 1_900_000_000.0}, "gateway", TRACE, "01" * 8),
        SentEvent("task.queued", 5, {**first, "task.priority": "high"}, "gateway", TRACE, "01" * 8),
        SentEvent("task.routed", 40, first, "router", TRACE, "02" * 8),
        SentEvent("task.assigned", 45, {**first, "agent.id": "ada", "agent.trust_score": 0.75}, "router", TRACE),
        SentEvent("task.executing", 50, {**first, "agent.id": "ada"}, "worker", TRACE, "03" * 8),
        SentEvent("task.failed", 250, {**first, "error.type": "Timeout", "error.message": "slow"}, "worker", TRACE),
        SentEvent("task.resources", 250, {**first, "resource.cpu.seconds": 0.125, "resource.cpu.precision": "exact",
                                          "resource.memory.bytes": 1000, "resource.memory.precision": "shared"}),
        SentEvent("task.retried", 251, {**first, "error.type": "Timeout"}, "worker", TRACE),
        SentEvent("task.executing", 400, {**second, "agent.id": "bob", "agent.trust_score": 0.5}, "worker", TRACE),
        SentEvent("task.completed", 900, {**second, "agent.id": "bob"}, "worker", TRACE),
        SentEvent("task.resources", 900, {**second, "resource.cpu.seconds": 0.25, "resource.cpu.precision": "exact",
                                          "resource.network.sent_bytes": 10}),
    ]  # fmt: skip


async def tell_in_pieces(story: Story, events: Sequence[SentEvent], chance: random.Random) -> None:
    """Tell events shuffled, some of them twice, over several requests."""
    told = [*events, *chance.sample(list(events), 4)]
    chance.shuffle(told)
    cut = chance.randrange(1, len(told))
    await story.tell(*told[:cut])
    await story.tell(*told[cut:])


async def test_order_repetition_and_grouping_of_events_make_no_difference(story: Story) -> None:
    chance = random.Random(7)
    await story.tell(*retried_story("in order"))
    for number in range(ORDERS):
        if number == ORDERS // 2:
            # Half of what follows meets rows that are stored already, half is merged on the way in.
            await story.storage.journal.flush()
        await tell_in_pieces(story, retried_story(f"order {number}"), chance)
    expected = await story.find("in order")
    assert expected.state is TaskState.COMPLETED
    for number in range(ORDERS):
        assert replace(await story.find(f"order {number}"), task_id="in order") == expected
        assert len(await story.store.events(f"order {number}")) == len(retried_story(""))
    assert (expected.attempts, expected.agent, expected.trust_score) == (2, "bob", 0.5)
    assert expected.duration_ns == 900_000_000
    assert expected.queue_wait_ns == 50_000_000
    assert expected.busy_ns == 700_000_000
    assert expected.resources.cpu_s == 0.375
    assert expected.resources.sent_bytes == 10
    assert (expected.resources.cpu_precision, expected.resources.memory_precision) == ("exact", "shared")
    assert expected.services == ("gateway", "router", "worker")
    assert expected.trace_ids == (TRACE,)


async def test_attempts_are_told_apart(story: Story) -> None:
    await story.tell(*retried_story("attempts"))
    await story.find("attempts")
    first, second = await story.store.attempts("attempts")
    assert (first.agent, first.state, first.error_type, first.duration_ns) == (
        "ada", TaskState.FAILED, "Timeout", 200_000_000,
    )  # fmt: skip
    assert (second.agent, second.state, second.duration_ns) == ("bob", TaskState.COMPLETED, 500_000_000)


async def test_a_task_is_seen_from_submission_on(story: Story) -> None:
    events = retried_story("growing")
    states = []
    for event in events:
        await story.tell(event)
        states.append((await story.find("growing")).state.value)
    assert states == [
        *("submitted", "queued", "routed", "assigned", "executing", "failed", "failed", "retried"),
        *("executing", "completed", "completed"),
    ]


async def test_an_end_holds_though_the_clocks_of_services_differ(story: Story) -> None:
    task = {"task.id": "skewed", "task.type": "quick", "task.attempt": 1}
    await story.tell(
        SentEvent("task.executing", 100, task),
        SentEvent("task.completed", 101, task),
        SentEvent("task.queued", 400, task, "gateway"),
    )
    assert (await story.find("skewed")).state is TaskState.COMPLETED


async def test_a_dead_letter_ends_a_task_until_it_is_replayed(story: Story) -> None:
    task = {"task.id": "dead", "task.type": "report", "task.attempt": 3}
    await story.tell(
        SentEvent("task.executing", 0, task),
        SentEvent("task.failed", 10, {**task, "error.type": "ValueError"}),
        SentEvent("message.dead_lettered", 10, {**task, "dlq.id": "d1", "error.type": "ValueError"}),
    )
    assert (await story.find("dead")).state is TaskState.DEAD_LETTERED
    again = {**task, "task.attempt": 1}
    await story.tell(SentEvent("task.executing", 60_000, again))
    assert (await story.find("dead")).state is TaskState.EXECUTING
    await story.tell(SentEvent("task.completed", 60_010, again))
    assert (await story.find("dead")).state is TaskState.COMPLETED


async def test_spans_with_a_task_id_alone_are_a_task(story: Story) -> None:
    task = {"task.id": "spans", "task.type": "crawl", "agent.id": "spider"}
    await story.show(
        SentSpan("cd" * 16, "1" * 16, "", "crawler", "crawl", 5, 0, 5000, 2, "no route", {**task}),
        SentSpan("cd" * 16, "2" * 16, "1" * 16, "crawler", "GET", 3, 1000, 2000, attributes={"task.id": "spans"}),
    )
    found = await story.find("spans")
    assert (found.state, found.type, found.agent) == (TaskState.FAILED, "crawl", "spider")
    assert (found.duration_ns, found.error_message) == (5_000_000, "no route")


async def test_spans_that_only_name_a_task_are_told_by_it_and_kept_by_spans_alone(story: Story) -> None:
    task = {"task.id": "copied", "tenant.id": "acme"}
    await story.show(
        SentSpan("ce" * 16, "1" * 16, "", "gate", "serve", 2, 0, 5000, attributes=task),
        SentSpan("ce" * 16, "2" * 16, "1" * 16, "desk", "work", 1, 10, 9000, attributes={**task, "agent.id": "ada"}),
        SentSpan("ce" * 16, "3" * 16, "2" * 16, "desk", "chat", 3, 20, 100,
                 attributes={**task, "gen_ai.operation.name": "chat"}),
    )  # fmt: skip
    found = await story.find("copied")
    assert (found.services, found.agents, found.tenant) == (("desk", "gate"), ("ada",), "acme")
    assert found.duration_ns == 9_010_000
    rows = await story.storage.engine.query("SELECT name::String AS n, kind::String AS k FROM work_spans FINAL"
                                            " WHERE task_id = 'copied'")  # fmt: skip
    assert [(row["n"], row["k"]) for row in rows.rows()] == [("chat", "llm")]


async def test_a_frameworks_run_is_a_task_unless_its_trace_has_a_named_one(story: Story) -> None:
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "helper"}
    lone, within = "1a" * 16, "1b" * 16
    await story.show(
        SentSpan(lone, "1" * 16, "", "app", "invoke_agent helper", 1, 0, 9000, attributes=agent),
        SentSpan(lone, "2" * 16, "1" * 16, "app", "chat", 3, 1, 10, attributes={"gen_ai.operation.name": "chat"}),
        SentSpan(within, "3" * 16, "4" * 16, "app", "invoke_agent helper", 1, 0, 9000, attributes=agent),
        SentSpan(within, "4" * 16, "", "app", "serve", 1, 0, 9000, attributes={"task.id": "outer"}),
        SentSpan("1c" * 16, "5" * 16, "", "app", "Chain", 1, 0, 9000, attributes={"openinference.span.kind": "CHAIN"}),
        SentSpan("1d" * 16, "6" * 16, "", "app", "flow.workflow", 1, 0, 9000,
                 attributes={"traceloop.span.kind": "workflow", "traceloop.entity.name": "flow"}),
    )  # fmt: skip
    found = await story.find(f"trace-{lone}")
    assert (found.named, found.type, found.agent, found.state) == (False, "helper", "helper", TaskState.COMPLETED)
    assert await story.store.find([f"trace-{within}"]) == []
    kinds = set(await story.listed(TaskFilter(types=("helper", "Chain", "flow"))))
    assert kinds == {f"trace-{lone}", f"trace-{'1c' * 16}", f"trace-{'1d' * 16}"}


async def test_tasks_are_filtered_sorted_and_counted(story: Story) -> None:
    for number in range(4):
        task = {"task.id": f"listed {number}", "task.type": "listed", "task.priority": "p" + str(number % 2)}
        end = "task.failed" if number == 3 else "task.completed"
        await story.tell(
            SentEvent("task.submitted", number, task),
            SentEvent("task.executing", number + 10 * (4 - number), task),
            SentEvent(end, number + 100 * (number + 1), {**task, "error.type": "Broken" if number == 3 else ""}),
        )
    only = TaskFilter(types=("listed",))
    assert await story.listed(only) == [f"listed {number}" for number in (3, 2, 1, 0)]
    assert await story.listed(only, TaskSort.LONGEST) == [f"listed {number}" for number in (3, 2, 1, 0)]
    assert await story.listed(only, TaskSort.WAITED) == [f"listed {number}" for number in (0, 1, 2, 3)]
    assert await story.listed(replace(only, states=(TaskState.FAILED,))) == ["listed 3"]
    assert await story.listed(replace(only, priorities=("p1",), text="LISTED 1")) == ["listed 1"]
    assert await story.listed(replace(only, min_duration_ns=250_000_000)) == ["listed 3", "listed 2"]
    time_range = TimeRange(story.start_ns, story.start_ns + 60 * NANOSECONDS)
    counts = await story.store.count(time_range, only, 30)
    [kind] = counts.kinds
    assert (kind.tasks, kind.failed, kind.top_error, counts.total) == (4, 1, "Broken", 4)
    assert {found.value: found.tasks for found in counts.facets["state"]} == {"completed": 3, "failed": 1}
    assert sum(bucket.tasks for bucket in counts.durations) == 4
    assert sum(point.tasks for point in counts.points) == 4


async def test_very_many_tasks_are_counted_from_a_share(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    await story.tell(
        *(
            SentEvent("task.submitted", number, {"task.id": f"many {number}", "task.type": "many"})
            for number in range(200)
        )
    )
    await story.find("many 0")
    monkeypatch.setattr(task_store, "_COUNTED", 50)
    time_range = TimeRange(story.start_ns, story.start_ns + 60 * NANOSECONDS)
    counts = await story.store.count(time_range, TaskFilter(types=("many",)), 30)
    assert counts.one_in >= 4
    assert counts.total % counts.one_in == 0
    assert 100 < counts.total < 320


async def test_children_name_their_parent(story: Story) -> None:
    await story.tell(
        SentEvent("task.submitted", 0, {"task.id": "parent"}),
        SentEvent("task.submitted", 1, {"task.id": "child", "task.parent_id": "parent"}),
    )
    await story.find("parent")
    assert [task.task_id for task in await story.store.children(["parent"])] == ["child"]


async def test_running_tasks_have_not_ended(story: Story) -> None:
    await story.tell(SentEvent("task.submitted", 0, {"task.id": "still"}))
    await story.find("still")
    running = {task.task_id: task.ended for task in await story.store.running(time.time_ns(), 1000)}
    assert "still" in running
    assert not any(running.values())
    lengths = await story.store.durations(["report"], time.time_ns())
    assert 900_000_000 in lengths["report"]
