import logging
import subprocess
import sys

import pytest

import gnomon
from gnomon.sdk import faults
from gnomon.sdk.context import carried
from gnomon.sdk.faults import guarded
from gnomon.sdk.setup import active_settings, is_running
from gnomon.testing import capture


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_told", set())


def test_a_second_setup_changes_nothing_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with capture(service="first"), caplog.at_level(logging.WARNING, "gnomon.sdk"):
        gnomon.setup(service="second", endpoint="")
        settings = active_settings()
        assert settings is not None
        assert settings.service == "first"
        assert "called again" in caplog.text
    assert not is_running()


def test_what_is_off_can_be_switched_on_again() -> None:
    for number in range(3):
        with capture(service=f"s{number}") as told:
            with gnomon.task("again"):
                pass
            assert told.value("tasks_total", status="completed", type="again", priority="normal") == 1
            assert len(told.spans) == 1


def test_shutting_down_or_flushing_what_is_off_does_nothing() -> None:
    gnomon.shutdown()
    assert gnomon.flush()


def test_a_host_s_own_tracer_provider_stays_and_its_spans_come_too() -> None:
    code = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
mine = TracerProvider()
trace.set_tracer_provider(mine)
import gnomon, gnomon.testing
with gnomon.testing.capture() as told:
    with trace.get_tracer("app").start_as_current_span("host"), gnomon.task("ours"):
        pass
assert trace.get_tracer_provider() is mine
host, ours = told.span("host"), told.span("task ours")
assert ours.trace_id == host.trace_id and ours.parent_span_id == host.span_id
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_events_carry_the_work_and_none_takes_a_name_away() -> None:
    with capture() as told, gnomon.bind(tenant_id="acme", session_id="s-1"):
        gnomon.emit("order.paid", {"order.id": 7, "session.id": None}, body="paid", time_ns=5)
        event = told.event("order.paid")
    assert event.attributes == {"order.id": 7, "tenant.id": "acme"}
    assert (event.body, event.time_ns, event.trace_id) == ("paid", 5, "")


def test_names_bound_inside_are_gone_outside_and_unknown_ones_refused() -> None:
    with gnomon.bind(tenant_id="acme", agent_id="a"):
        with gnomon.bind(agent_id=None, task_id="t") as work:
            assert work.fields() == {"tenant_id": "acme", "task_id": "t"}
        assert gnomon.current().agent_id == "a"
        with carried(gnomon.WorkContext(task_id="other")):
            assert gnomon.current().fields() == {"task_id": "other"}
        assert gnomon.current().tenant_id == "acme"
    assert gnomon.current() == gnomon.WorkContext()
    with pytest.raises(TypeError):
        gnomon.bind(tenant="acme")


def test_a_fault_is_kept_counted_and_told_once_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    before = faults.counts().get("count sheep", 0)
    with caplog.at_level(logging.WARNING, "gnomon.sdk"):
        for _ in range(3):
            with guarded("count sheep"):
                raise KeyError("wolf")
    assert faults.counts()["count sheep"] == before + 3
    assert caplog.text.count("could not count sheep") == 1


def test_cancellations_and_exits_are_no_faults() -> None:
    with pytest.raises(KeyboardInterrupt), guarded("count sheep"):
        raise KeyboardInterrupt
