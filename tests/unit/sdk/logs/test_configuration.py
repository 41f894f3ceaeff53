"""Lines of structlog and of the standard library come out in one form, with ids and without secrets."""

import io
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from gnomon.sdk import context
from gnomon.sdk.logs import LogSettings, configure, get_level, load_settings, set_level

Configure = Callable[[LogSettings], None]


@pytest.fixture
def configured() -> Iterator[Configure]:
    undo: list[Callable[[], None]] = []
    yield lambda settings: undo.append(configure(settings))
    for one in reversed(undo):
        one()


@pytest.fixture
def read(tmp_path: Path, configured: Configure) -> Callable[..., Callable[[], list[dict[str, Any]]]]:
    """Configure to a file with these settings, and return what reads its lines."""

    def start(**settings: Any) -> Callable[[], list[dict[str, Any]]]:
        path = tmp_path / "app.log"
        configured(replace(LogSettings(stream="none", file=path, send=False), **settings))
        return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    return start


def test_a_line_has_the_ids_of_its_trace_and_work(read: Callable[..., Any]) -> None:
    lines = read()
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")

    with (
        tracer.start_as_current_span("work") as span,
        context.bind(task_id="t-7", agent_id="scout", correlation_id="c-1", client_id="acme", endpoint="/tasks"),
    ):
        structlog.get_logger("app.tasks").info("task done", duration_ms=12.5)

    [line] = lines()
    assert list(line)[:3] == ["timestamp", "level", "message"]
    assert line | {"timestamp": ""} == {
        "timestamp": "",
        "level": "info",
        "message": "task done",
        "trace_id": f"{span.get_span_context().trace_id:032x}",
        "span_id": f"{span.get_span_context().span_id:016x}",
        "task_id": "t-7",
        "agent_id": "scout",
        "correlation_id": "c-1",
        "client_id": "acme",
        "endpoint": "/tasks",
        "logger": "app.tasks",
        "duration_ms": 12.5,
    }


def test_libraries_log_in_the_same_form(read: Callable[..., Any]) -> None:
    lines = read()

    with context.bind(task_id="t-7"):
        logging.getLogger("library").warning("retry %d of %d", 1, 3, extra={"host": "db"})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call", DeprecationWarning, stacklevel=1)

    first, second = lines()
    assert {key: first[key] for key in ("level", "message", "logger", "host", "task_id")} == {
        "level": "warning", "message": "retry 1 of 3", "logger": "library", "host": "db", "task_id": "t-7",
    }  # fmt: skip
    assert "old call" in second["message"]


def test_an_exception_is_one_line_with_its_stack(read: Callable[..., Any]) -> None:
    lines = read()
    for logger in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        try:
            int("many")
        except ValueError:
            logger.exception("failed")

    for line in lines():
        assert (line["level"], line["message"], line["error_type"]) == ("error", "failed", "ValueError")
        assert line["stack"].startswith("Traceback")
        assert 'int("many")' in line["stack"]


def test_bound_values_and_values_of_the_context_are_on_the_line(read: Callable[..., Any]) -> None:
    lines = read()
    structlog.contextvars.bind_contextvars(request="r-1")
    try:
        structlog.get_logger().bind(user="ada").info("hello %s", "world", ratio=float("nan"), tags={"b", "a"})
    finally:
        structlog.contextvars.clear_contextvars()

    [line] = lines()
    assert (line["message"], line["request"], line["user"]) == ("hello world", "r-1", "ada")
    assert (line["ratio"], line["tags"]) == ("nan", ["a", "b"])


def test_whatever_is_logged_the_host_goes_on(read: Callable[..., Any]) -> None:
    lines = read()
    circle: dict[str, Any] = {}
    circle["self"] = circle

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    structlog.get_logger().info("odd", circle=circle, broken=Broken(), surrogate="\ud800", key={1: 2, (3,): 4})
    logging.getLogger("theirs").warning("%d", "not a number")

    first, second = lines()
    assert first["message"] == "odd"
    assert "not a number" in second["message"]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("ecs", ("@timestamp", "log.level", "warning")),
        ("stackdriver", ("time", "severity", "WARNING")),
    ],
)
def test_fields_bear_the_names_of_their_readers(read: Callable[..., Any], fields: str, names: tuple[str, ...]) -> None:
    lines = read(fields=fields)
    structlog.get_logger().warning("careful")

    [line] = lines()
    assert names[0] in line
    assert line[names[1]] == names[2]


def test_google_cloud_finds_the_trace(read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop-1")
    lines = read(fields="stackdriver")
    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("work") as span:
        structlog.get_logger().info("hello")

    trace_id = f"{span.get_span_context().trace_id:032x}"
    assert lines()[0]["logging.googleapis.com/trace"] == f"projects/shop-1/traces/{trace_id}"


def test_the_level_has_the_name_that_is_asked_for(read: Callable[..., Any]) -> None:
    lines = read(level_field="severity")
    structlog.get_logger().info("hello")

    assert lines()[0]["severity"] == "info"


async def test_the_level_changes_while_the_process_runs(read: Callable[..., Any]) -> None:
    lines = read(level="warning", loggers={"chatty": "error"})
    ours, theirs = structlog.get_logger("ours"), logging.getLogger("theirs")

    def log_both(text: str) -> None:
        ours.debug(text)
        theirs.debug(text)

    log_both("skipped")
    ours.log(logging.INFO, "skipped")
    await ours.ainfo("skipped")
    set_level("debug")
    log_both("written")
    await ours.ainfo("written")
    logging.getLogger("chatty").warning("skipped")
    set_level("error")
    ours.warning("skipped")

    assert [line["message"] for line in lines()] == ["written"] * 3
    assert get_level() == "error"
    with pytest.raises(ValueError, match="'loud'"):
        set_level("loud")  # type: ignore[arg-type]


def test_a_signal_switches_to_debug_and_back(read: Callable[..., Any]) -> None:
    lines = read(level="info", level_signal="SIGUSR2")
    log = structlog.get_logger()

    for text in ("before", "between", "after"):
        log.debug(text)
        os.kill(os.getpid(), signal.SIGUSR2)

    assert [line["message"] for line in lines()] == ["between"]


def test_secrets_are_masked_wherever_they_are(read: Callable[..., Any]) -> None:
    lines = read(redact_keys=("pin",), redact_patterns=(r"CUST-\d{6}",))
    token = "ghp_" + "a1B2" * 9
    structlog.get_logger().info(
        f"cloning with {token}",
        url="postgres://app:s3cr3t@db/x",
        headers={"Authorization": "Basic abcdefgh", "accept": "*/*"},
        nested=[{"deep": [token]}],
        password="hunter22",
        pin=1234,
        customer="CUST-123456",
        input_tokens=12,
    )
    logging.getLogger("theirs").error("cannot log in with password=hunter22")

    first, second = lines()
    assert first["message"] == "cloning with " + "*" * len(token)
    assert first["url"] == "postgres://app:******@db/x"
    assert first["headers"] == {"Authorization": "********", "accept": "*/*"}
    assert first["nested"] == [{"deep": ["*" * len(token)]}]
    assert (first["password"], first["pin"], first["customer"]) == ("********", "********", "*" * 11)
    assert first["input_tokens"] == 12
    assert second["message"] == "cannot log in with password=********"


def test_a_terminal_gets_lines_for_people(monkeypatch: pytest.MonkeyPatch, configured: Configure) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    configured(LogSettings(send=False))
    structlog.get_logger("app").warning("disk is nearly full", free="3 GB", session_token="abcdefgh1234")

    written = terminal.getvalue()
    assert "\x1b[33mwarning \x1b[0m disk is nearly full" in written
    assert "'3 GB'" in written
    assert "abcdefgh1234" not in written


def test_everything_is_as_before_after_the_undo() -> None:
    root = logging.getLogger()
    before = (root.handlers, root.level, structlog.is_configured(), get_level())

    configure(LogSettings(level="debug", stream="none"))()

    assert (root.handlers, root.level, structlog.is_configured(), get_level()) == before


def test_variables_say_how_to_log() -> None:
    settings = load_settings(
        {
            "GNOMON_LOG_LEVEL": "Warning,httpx=error,nonsense",
            "GNOMON_LOG_FIELDS": "ecs",
            "GNOMON_LOG_FORMAT": "loud",
            "GNOMON_LOG_FILE": "/var/log/app.log",
            "GNOMON_LOG_MAX_BYTES": "1000",
            "GNOMON_LOG_ROTATE": "day",
        }
    )

    assert (settings.level, settings.loggers) == ("warning", {"httpx": "error"})
    assert (settings.fields, settings.format, settings.file) == ("ecs", "auto", Path("/var/log/app.log"))
    assert (settings.rotation.max_bytes, settings.rotation.every) == (1000, "day")
