"""The journals tell each task's steps and what it used, from any process, without holding up the work."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from gnomon.sdk import context, export
from gnomon.sdk.events import emit
from gnomon.sdk.journals import RESOURCES_FILE, TRACES_FILE, Journals, JournalSettings, load_settings, start
from gnomon.sdk.logs import RotationSettings
from gnomon.testing import capture


@pytest.fixture
def running() -> Iterator[None]:
    """The SDK, set up and sending nowhere."""
    with capture():
        yield


def _read(directory: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / name).read_text(encoding="utf-8").splitlines()]


def test_each_step_of_a_task_and_what_it_used_are_written(tmp_path: Path, running: None) -> None:
    stop = start(JournalSettings(tmp_path))
    with (
        context.bind(task_id="t-1", task_type="research", agent_id="scout"),
        trace.get_tracer("test").start_as_current_span("task research") as span,
    ):
        emit("task.submitted", {"task.priority": "high"}, time_ns=1_700_000_000_000_000_000)
        with trace.get_tracer("test").start_as_current_span("chat m") as chat:
            chat.set_attribute("gen_ai.usage.input_tokens", 12)
            chat.set_attribute("gen_ai.input.messages", "[]")
        emit("task.failed", {"error.message": "password=hunter22"})
        emit("task.resources", {"resource.cpu.seconds": 0.5, "resource.cpu.precision": "exact"})
    emit("usage.feature", {"feature.name": "export"})
    stop()

    submitted, chatted, failed, worked = _read(tmp_path, TRACES_FILE)
    assert submitted == {
        "timestamp": "2023-11-14T22:13:20.000000Z",
        "event": "task.submitted",
        "trace_id": f"{span.get_span_context().trace_id:032x}",
        "span_id": f"{span.get_span_context().span_id:016x}",
        "task_id": "t-1",
        "task_type": "research",
        "agent_id": "scout",
        "task_priority": "high",
    }
    assert (chatted["event"], chatted["name"], chatted["status"]) == ("span", "chat m", "unset")
    assert chatted["parent_span_id"] == worked["span_id"]
    assert "gen_ai_input_messages" not in chatted
    assert failed["error_message"] == "password=********"
    tokens, used = _read(tmp_path, RESOURCES_FILE)
    assert (tokens["event"], tokens["task_id"], tokens["gen_ai_usage_input_tokens"]) == ("llm.tokens", "t-1", 12)
    assert (used["resource_cpu_seconds"], used["resource_cpu_precision"]) == (0.5, "exact")


def test_entries_are_written_without_being_asked(tmp_path: Path, running: None) -> None:
    stop = start(JournalSettings(tmp_path))
    emit("task.submitted", {"task.id": "t-1"})
    deadline = time.monotonic() + 20
    while not (tmp_path / TRACES_FILE).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    stop()
    emit("task.submitted", {"task.id": "t-2"})

    assert [entry["task_id"] for entry in _read(tmp_path, TRACES_FILE)] == ["t-1"]


def test_files_make_room(tmp_path: Path, running: None) -> None:
    stop = start(JournalSettings(tmp_path, RotationSettings(max_bytes=500, keep=3)))
    for number in range(20):
        emit("task.submitted", {"task.id": f"t-{number}"})
    stop()

    assert (tmp_path / f"{TRACES_FILE}.3").exists()
    assert (tmp_path / f"{TRACES_FILE}.1").stat().st_size < 700


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_writes_what_is_its_own(tmp_path: Path, running: None) -> None:
    stop = start(JournalSettings(tmp_path))
    emit("task.submitted", {"task.id": "parent"})
    child = os.fork()
    if child == 0:
        emit("task.submitted", {"task.id": "child"})
        stop()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    stop()

    assert sorted(entry["task_id"] for entry in _read(tmp_path, TRACES_FILE)) == ["child", "parent"]


def test_what_finds_no_room_is_dropped_and_counted(tmp_path: Path, running: None) -> None:
    journals = Journals(tmp_path, JournalSettings(tmp_path, queue_entries=2))
    journals._ending.set()  # nobody writes
    export.watch(journals)
    for _ in range(5):
        emit("task.queued", {"task.id": "t"})
    export.unwatch(journals)

    assert journals.dropped == 3
    journals.close()
    assert len(_read(tmp_path, TRACES_FILE)) == 2


def test_variables_say_where_journals_go(tmp_path: Path) -> None:
    assert load_settings({}).directory is None
    settings = load_settings({"GNOMON_JOURNALS": str(tmp_path), "GNOMON_JOURNALS_MAX_BYTES": "1000"})
    assert (settings.directory, settings.rotation.max_bytes) == (tmp_path, 1000)
