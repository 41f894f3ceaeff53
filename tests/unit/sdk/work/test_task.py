import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest

import gnomon
from gnomon.testing import Captured, capture


def events_of(told: Captured) -> list[str]:
    return [event.name for event in told.events]


def test_a_task_tells_its_stages_its_resources_and_its_end_in_one_trace() -> None:
    with capture() as told:
        with gnomon.task("summarise", queue="fast", priority="high", tenant_id="acme", deadline=1e9) as task:
            sum(range(1000))
        span = told.span("task summarise")
        assert events_of(told) == ["task.submitted", "task.executing", "task.resources", "task.completed"]
        end = told.event("task.completed")
    assert {event.trace_id for event in told.events} == {span.trace_id}
    assert {event.span_id for event in told.events} == {span.span_id}
    assert end.attributes == {
        "task.id": task.id,
        "task.type": "summarise",
        "task.attempt": 1,
        "task.priority": "high",
        "task.queue": "fast",
        "task.deadline": 1e9,
        "tenant.id": "acme",
    }
    assert dict(span.attributes) == {
        "task.id": task.id,
        "task.type": "summarise",
        "task.attempt": 1,
        "task.priority": "high",
        "task.queue": "fast",
        "task.deadline": 1e9,
        "tenant.id": "acme",
        "task.status": "completed",
    }
    used = told.event("task.resources").attributes
    assert used["resource.cpu.seconds"] > 0
    assert used["resource.cpu.precision"] == "exact"
    assert "task.attempt" not in told.event("task.submitted").attributes


def test_a_task_that_was_submitted_elsewhere_is_not_submitted_again() -> None:
    with capture() as told:
        task_id = gnomon.submit_task("mail", queue="out", timeout_s=60)
        gnomon.mark_task("routed", task_id, type="mail", agent_id="bot-1")
        with gnomon.task("mail", id=task_id):
            pass
    assert events_of(told) == [
        "task.submitted", "task.queued", "task.routed", "task.executing", "task.resources", "task.completed",
    ]  # fmt: skip
    assert {event.attributes["task.id"] for event in told.events} == {task_id}
    assert told.event("task.routed").attributes["agent.id"] == "bot-1"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("no such page"), "failed"),
        (TimeoutError("too slow"), "timed_out"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_what_the_block_raises_goes_on_and_says_how_the_task_ended(error: BaseException, status: str) -> None:
    with capture() as told:
        with pytest.raises(type(error)), gnomon.task("crawl"):
            raise error
        event = told.event(f"task.{status}")
        span = told.span("task crawl")
        assert told.value("tasks_total", status=status, type="crawl", priority="normal") == 1
        assert told.value("task_timeouts_total", type="crawl") == (status == "timed_out")
    assert span.attributes["task.status"] == status
    assert event.attributes["error.message"] == str(error)
    if status == "cancelled":
        assert not span.failed
        assert not span.events
    else:
        assert event.attributes["error.type"] == type(error).__name__
        assert span.failed
        assert span.message
        assert span.events[0].attributes["exception.message"] == str(error)
        assert event.severity == "ERROR"


async def test_a_coroutine_is_charged_for_its_own_steps_exactly() -> None:
    @gnomon.task("think")
    async def think() -> int:
        await asyncio.sleep(0)
        return sum(range(200_000))

    async def others() -> None:
        for _ in range(20):
            sum(range(100_000))
            await asyncio.sleep(0)

    with capture() as told:
        answer, _ = await asyncio.gather(think(), others())
        used = told.event("task.resources").attributes
    assert answer == sum(range(200_000))
    assert used["resource.cpu.precision"] == "exact"
    assert 0 < used["resource.cpu.seconds"] < 0.5


async def test_tasks_side_by_side_keep_to_their_own_traces_and_ids() -> None:
    @gnomon.task("one")
    async def one(delay_s: float) -> str | None:
        await asyncio.sleep(delay_s)
        gnomon.emit("seen", {})
        return gnomon.current().task_id

    with capture() as told:
        ids = await asyncio.gather(*(one(0.01 * (5 - i)) for i in range(5)))
        seen = [event for event in told.events if event.name == "seen"]
    assert len(set(ids)) == 5
    assert len({event.trace_id for event in seen}) == 5
    by_task = {span.attributes["task.id"]: span.trace_id for span in told.spans}
    assert all(by_task[event.attributes["task.id"]] == event.trace_id for event in seen)
    assert gnomon.current().task_id is None


def test_a_task_within_a_task_is_its_child_and_the_outer_one_is_current_again() -> None:
    with capture() as told:
        with gnomon.task("outer", tenant_id="acme") as outer:
            with gnomon.task("inner") as inner:
                assert gnomon.current_task() is inner
            assert gnomon.current_task() is outer
            assert gnomon.current().task_id == outer.id
        assert gnomon.current_task() is None
        child = told.span("task inner")
    assert child.attributes["task.parent_id"] == outer.id
    assert child.attributes["tenant.id"] == "acme"
    assert child.parent_span_id == told.span("task outer").span_id


def test_a_later_attempt_is_a_retry() -> None:
    with capture() as told:
        with gnomon.task("fetch", id="t-1", attempt=2):
            pass
        assert events_of(told)[:2] == ["task.retried", "task.executing"]
        assert told.event("task.retried").attributes["task.attempt"] == 2
        assert told.value("task_retries_total", type="fetch") == 1


def test_a_decorated_function_is_a_task_each_time_it_is_called() -> None:
    @gnomon.task("double")
    def double(number: int) -> int:
        """Double it."""
        return number * 2

    with capture() as told:
        assert [double(1), double(2)] == [2, 4]
        assert len({span.attributes["task.id"] for span in told.spans}) == 2
        assert told.value("tasks_total", status="completed", type="double", priority="normal") == 2
    assert double.__name__ == "double"
    assert double.__doc__ == "Double it."


def test_a_generator_works_for_the_task_only_within_its_steps() -> None:
    @gnomon.task("stream")
    def stream() -> Iterator[str | None]:
        for _ in range(3):
            yield gnomon.current().task_type

    with capture() as told:
        seen = [(inside, gnomon.current().task_type) for inside in stream()]
        assert seen == [("stream", None)] * 3
        assert told.span("task stream").attributes["task.status"] == "completed"


async def test_an_async_generator_works_for_the_task_only_within_its_steps() -> None:
    @gnomon.task("stream")
    async def stream() -> AsyncIterator[str | None]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield gnomon.current().task_type

    with capture() as told:
        seen = [(inside, gnomon.current().task_type) async for inside in stream()]
        assert seen == [("stream", None)] * 3
        assert told.span("task stream").attributes["task.status"] == "completed"


async def test_a_stream_that_nobody_reads_to_its_end_is_complete_all_the_same() -> None:
    @gnomon.task("stream")
    async def stream() -> AsyncGenerator[int, None]:
        for number in range(100):
            yield number

    with capture() as told:
        steps = stream()
        assert await anext(steps) == 0
        await steps.aclose()
        assert told.span("task stream").attributes["task.status"] == "completed"


def test_the_ending_can_be_told() -> None:
    with capture() as told:
        with gnomon.task("mail") as task:
            task.end_as("dead_lettered")
        assert told.event("task.dead_lettered").attributes["task.id"] == task.id


def test_nothing_happens_while_the_sdk_is_off() -> None:
    with gnomon.task("quiet") as task:
        task.set("x", 1)
        assert task.trace_id == ""
        assert gnomon.current().task_id is None
    assert gnomon.submit_task("quiet")
