"""Agents, chains, steps, tools, calls of models, schedules and caches."""

import json

import pytest

import gnomon
from gnomon.testing import capture


def test_an_agent_is_named_on_everything_inside_and_its_completed_tasks_are_counted() -> None:
    with capture() as told:
        with gnomon.task("plan"), gnomon.agent("bot-7", name="Planner", trust_score=0.8, workspace="w1"):
            assert told.value("agents_active") == 1
            with gnomon.step("think", index=1):
                pass
            gnomon.hand_off("bot-8")
        assert told.value("agents_active") == 0
        assert told.value("agent_trust_score", agent_id="bot-7") == 0.8
        assert told.value("agent_tasks_completed_total", agent_id="bot-7") == 1
        assert told.value("agent_execution_total", agent_id="bot-7", workspace="w1", status="completed") == 1
        assert (
            told.value("agent_execution_duration_seconds_count", agent_id="bot-7", workspace="w1", status="completed")
            == 1
        )
        run, step = told.span("invoke_agent Planner"), told.span("step think")
    assert run.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert run.attributes["agent.id"] == "bot-7"
    assert run.attributes["agent.trust_score"] == 0.8
    assert step.attributes["agent.id"] == "bot-7"
    assert step.attributes["chain.step.index"] == 1
    handed = told.event("agent.handed_off").attributes
    assert (handed["agent.id"], handed["agent.to_id"]) == ("bot-7", "bot-8")
    assert handed["task.id"] == step.attributes["task.id"]


def test_an_agent_that_fails_completes_no_task() -> None:
    with capture() as told:
        with pytest.raises(KeyError), gnomon.task("plan"), gnomon.agent("bot-9"):
            raise KeyError("x")
        assert told.value("agent_tasks_completed_total", agent_id="bot-9") == 0
        assert told.value("agent_execution_total", agent_id="bot-9", workspace="", status="failed") == 1


def onboard() -> None:
    with gnomon.step("greet"):
        pass
    with gnomon.step("verify"):
        raise RuntimeError("no passport")


def test_chains_and_steps_are_counted_by_how_they_end() -> None:
    with capture() as told:
        chain = gnomon.chain("onboard")
        with pytest.raises(RuntimeError), chain:
            onboard()
        assert told.value("chains_total", status="failed") == 1
        assert told.value("chain_steps_total", status="completed") == 1
        assert told.value("chain_steps_total", status="failed") == 1
        assert told.value("chain_duration_seconds_count", status="failed") == 1
        steps = [told.span("step greet"), told.span("step verify")]
    assert {span.attributes["chain.id"] for span in steps} == {chain.id}
    assert [span.attributes["chain.step"] for span in steps] == ["greet", "verify"]


def test_a_tool_is_timed_counted_and_charged() -> None:
    with capture() as told:
        with gnomon.tool("grep", call_id="c1", sandboxed=True, arguments={"pattern": "x"}):
            assert told.value("sandbox_active_executions") == 1
            sum(range(200_000))
        with pytest.raises(OSError, match="gone"), gnomon.tool("grep"):
            raise OSError("gone")
        assert told.value("sandbox_active_executions") == 0
        assert told.value("tool_execution_total", tool_name="grep", status="completed") == 1
        assert told.value("tool_execution_failures_total", tool_name="grep", error_type="OSError") == 1
        assert told.value("resource_usage_cpu_seconds", tool_name="grep") > 0
        span = told.spans[0]
    assert span.attributes["gen_ai.tool.name"] == "grep"
    assert span.attributes["gen_ai.tool.call.id"] == "c1"
    assert "gen_ai.tool.call.arguments" not in span.attributes


def test_a_call_of_a_model_tells_its_tokens_once_and_cached_ones_within() -> None:
    with capture() as told:
        with gnomon.llm_call("small-1", provider="anthropic", max_tokens=99) as call:
            call.first_token()
            call.usage(10, 5, cached_input_tokens=90, input_includes_cached=False)
            call.response(model="small-1-2026", finish_reasons=["stop"])
            call.messages(input=[{"role": "user", "content": "secret"}])
        assert told.value("llm_tokens_total", provider="anthropic", model="small-1", direction="input") == 100
        assert told.value("llm_tokens_total", provider="anthropic", model="small-1", direction="output") == 5
        assert told.value("slm_tokens_total", model="small-1", type="output") == 5
        assert told.value("slm_requests_total", model="small-1") == 1
        assert told.value("slm_latency_seconds_count", model="small-1") == 1
        attributes = told.span("chat small-1").attributes
    assert attributes["gen_ai.usage.input_tokens"] == 100
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 90
    assert "gen_ai.usage.cache_creation.input_tokens" not in attributes
    assert attributes["gen_ai.response.model"] == "small-1-2026"
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert "gen_ai.input.messages" not in attributes


def test_content_is_recorded_where_the_sender_says_so() -> None:
    with capture(record_content=True) as told:
        with gnomon.llm_call("m", provider="p") as call:
            call.messages(input=[{"role": "user", "parts": [{"type": "text", "content": "hi"}]}])
        with gnomon.tool("search", arguments={"q": "hi"}) as tool:
            tool.result("three hits")
        said = told.span("chat m").attributes["gen_ai.input.messages"]
        executed = told.span("execute_tool search").attributes
    assert json.loads(said)[0]["parts"][0]["content"] == "hi"
    assert json.loads(executed["gen_ai.tool.call.arguments"]) == {"q": "hi"}
    assert executed["gen_ai.tool.call.result"] == "three hits"


def test_schedules_tell_their_runs_and_when_the_next_is() -> None:
    with capture() as told:
        gnomon.report_schedules(3, {"hourly": 0})
        with gnomon.scheduled_run("nightly"):
            pass
        assert told.value("scheduled_tasks_total") == 3
        assert told.value("scheduled_tasks_runs_total", schedule="nightly", status="completed") == 1
        assert told.value("scheduled_tasks_last_run_timestamp", schedule="nightly") > 1.7e9
        assert told.value("scheduled_tasks_next_run_seconds", schedule="hourly") == 0


def test_a_cache_tells_its_hit_rate() -> None:
    with capture() as told:
        for hit in (True, True, True, False):
            gnomon.cache_lookup("prompts", hit=hit)
        assert told.value("cache_hits_total", cache="prompts") == 3
        assert told.value("cache_misses_total", cache="prompts") == 1
        assert told.value("cache_hit_rate", cache="prompts") == 0.75
