"""The task queue loses nothing and hands each task to one worker at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.agent_platform import task_queue
from examples.agent_platform.task_queue import TaskQueue
from examples.agent_platform.tasks import Task, TaskStatus


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[TaskQueue]:
    opened = TaskQueue.open(tmp_path / "queue.sqlite")
    yield opened
    opened.close()


def make_task(task_id: str, priority: int = 0) -> Task:
    return Task(task_id, "calculate", {"expression": "1"}, priority, "acme", "s-1")


def put_and_route(queue: TaskQueue, task: Task) -> None:
    queue.put(task)
    queue.route(task.id, "interactive", {"traceparent": f"00-{task.id}"})


def test_a_task_is_claimed_once_with_the_headers_of_its_sender(queue: TaskQueue) -> None:
    put_and_route(queue, make_task("a"))
    delivery = queue.claim(["interactive"], "worker-1")
    assert delivery is not None
    assert (delivery.task, delivery.headers, delivery.attempt) == (make_task("a"), {"traceparent": "00-a"}, 1)
    assert queue.claim(["interactive"], "worker-2") is None


def test_nobody_gets_a_task_that_is_not_routed_yet(queue: TaskQueue) -> None:
    queue.put(make_task("a"))
    assert queue.claim(["interactive"], "worker-1") is None
    assert queue.list_unrouted() == [make_task("a")]


def test_the_most_urgent_task_comes_first(queue: TaskQueue) -> None:
    for task_id, priority in (("low", 1), ("high", 9), ("middle", 5)):
        put_and_route(queue, make_task(task_id, priority))
    claimed = [queue.claim(["interactive"], "worker-1") for _ in range(3)]
    assert [delivery.task.id for delivery in claimed if delivery] == ["high", "middle", "low"]


def test_a_worker_gets_tasks_of_its_queues_only(queue: TaskQueue) -> None:
    put_and_route(queue, make_task("a"))
    assert queue.claim(["batch"], "worker-1") is None


def test_a_task_whose_lease_ran_out_is_delivered_again(queue: TaskQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_queue, "LEASE_S", -1.0)
    put_and_route(queue, make_task("a"))
    queue.claim(["interactive"], "worker-1")
    again = queue.claim(["interactive"], "worker-2")
    assert again is not None
    assert again.attempt == 2


def test_a_task_to_be_retried_waits_for_its_delay(queue: TaskQueue) -> None:
    put_and_route(queue, make_task("a"))
    queue.claim(["interactive"], "worker-1")
    queue.retry("a", delay_s=60.0, error="busy")
    assert queue.claim(["interactive"], "worker-1") is None
    queue.retry("a", delay_s=0.0, error="busy")
    again = queue.claim(["interactive"], "worker-1")
    assert again is not None
    assert again.attempt == 2


def test_a_finished_task_tells_its_result_and_is_forgotten_later(queue: TaskQueue) -> None:
    put_and_route(queue, make_task("a"))
    queue.claim(["interactive"], "worker-1")
    queue.finish("a", TaskStatus.COMPLETED, result={"value": 1})
    found = queue.find("a")
    assert found is not None
    assert (found["status"], found["final"], found["result"]) == ("completed", True, {"value": 1})
    assert queue.prune(older_than_s=60.0) == 0
    assert queue.prune(older_than_s=-1.0) == 1
    assert queue.find("a") is None


def test_only_a_task_that_no_worker_has_can_be_cancelled(queue: TaskQueue) -> None:
    put_and_route(queue, make_task("a"))
    put_and_route(queue, make_task("b"))
    queue.claim(["interactive"], "worker-1")
    assert not queue.cancel("a")
    assert queue.cancel("b")
    assert queue.claim(["interactive"], "worker-1") is None


def test_tasks_survive_a_restart(tmp_path: Path) -> None:
    first = TaskQueue.open(tmp_path / "queue.sqlite")
    put_and_route(first, make_task("a"))
    first.close()
    second = TaskQueue.open(tmp_path / "queue.sqlite")
    assert second.count_waiting("interactive") == 1
    second.close()
