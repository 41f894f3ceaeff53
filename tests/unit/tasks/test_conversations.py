"""One conversation, told by each convention in its own way, is read as the same."""

import json
from typing import Any

import pytest

from gnomon.model.llm_content import is_content, is_message_event
from gnomon.model.spans import Event, Origin, Span, TypedAttribute
from gnomon.storage.work_span_store import SpanMessage
from gnomon.tasks.conversations import ChatMessage, MessagePart, read_messages

CALL = MessagePart("tool_call", '{"city": "Bern"}', "weather", "c1")
RESULT = MessagePart("tool_result", "sunny", "", "c1")
SAID = [
    ChatMessage("input", "system", (MessagePart("text", "Be brief."),)),
    ChatMessage("input", "user", (MessagePart("text", "Weather?"),)),
    ChatMessage("input", "assistant", (CALL,)),
    ChatMessage("input", "tool", (RESULT,)),
    ChatMessage("output", "assistant", (MessagePart("text", "Sunny."),), "stop"),
]
ARGUMENTS = '{"city": "Bern"}'
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}


def typed(values: dict[str, Any]) -> tuple[TypedAttribute, ...]:
    return tuple(
        TypedAttribute(key, 1 if isinstance(value, str) else 8, value if isinstance(value, str) else json.dumps(value))
        for key, value in values.items()
    )


def span(values: dict[str, Any], events: tuple[tuple[str, dict[str, Any]], ...] = ()) -> Span:
    return Span(
        "ab" * 16, "01" * 8, "", "app", "chat", 3, 0, 1, 0, "", "", 0, typed(values),
        tuple(Event(0, name, typed(attributes)) for name, attributes in events), (), 0, 0, 0, 0, None, 0, Origin(),
    )  # fmt: skip


def current(*, as_json: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
        "gen_ai.input.messages": [
            {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Bern"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "sunny"}]},
        ],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "Sunny."}], "finish_reason": "stop"}],
    }  # fmt: skip
    return {key: json.dumps(value) for key, value in values.items()} if as_json else values


OPENLLMETRY = {
    "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "Weather?",
    "gen_ai.prompt.2.role": "assistant", "gen_ai.prompt.2.tool_calls.0.id": "c1",
    "gen_ai.prompt.2.tool_calls.0.name": "weather", "gen_ai.prompt.2.tool_calls.0.arguments": ARGUMENTS,
    "gen_ai.prompt.3.role": "tool", "gen_ai.prompt.3.content": "sunny", "gen_ai.prompt.3.tool_call_id": "c1",
    "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "Sunny.",
    "gen_ai.completion.0.finish_reason": "stop",
}  # fmt: skip
OPENINFERENCE = {
    "llm.input_messages.0.message.role": "system", "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.text": "Weather?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.id": "c1",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "weather",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": ARGUMENTS,
    "llm.input_messages.3.message.role": "tool", "llm.input_messages.3.message.content": "sunny",
    "llm.input_messages.3.message.tool_call_id": "c1",
    "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "Sunny.",
    "llm.output_messages.0.finish_reason": "stop",
    "input.value": "not this", "output.value": "nor this",
}  # fmt: skip
EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gen_ai.system.message", {"content": "Be brief."}),
    ("gen_ai.user.message", {"content": "Weather?"}),
    ("gen_ai.assistant.message", {"tool_calls": [OPENAI_CALL]}),
    ("gen_ai.tool.message", {"content": "sunny", "id": "c1"}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Sunny."}}),
)
OLD_EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps([
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Weather?"},
        {"role": "assistant", "tool_calls": [OPENAI_CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"}])}),
    ("gen_ai.content.completion", {"gen_ai.completion": json.dumps([
        {"role": "assistant", "content": "Sunny.", "finish_reason": "stop"}])}),
)  # fmt: skip
ALL_MESSAGES = {"pydantic_ai.all_messages": json.dumps([
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
    {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": ARGUMENTS}]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "result": "sunny"}]},
    {"role": "assistant", "finish_reason": "stop", "parts": [{"type": "text", "content": "Sunny."}]}])}  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(span(current(as_json=True)), id="current, JSON"),
        pytest.param(span(current(as_json=False)), id="current, nested"),
        pytest.param(span({}, (("gen_ai.client.inference.operation.details", current(as_json=True)),)), id="details"),
        pytest.param(span(OPENLLMETRY), id="OpenLLMetry"),
        pytest.param(span(OPENINFERENCE), id="OpenInference"),
        pytest.param(span({}, EVENTS), id="an event a message"),
        pytest.param(span({}, OLD_EVENTS), id="two events"),
    ],
)
def test_conventions_tell_the_same(told: Span) -> None:
    assert read_messages(told) == SAID


def test_messages_come_as_log_records_too() -> None:
    records = [SpanMessage(name, typed({"": body})[0], ()) for name, body in EVENTS]
    assert read_messages(span({}), records) == SAID


def test_a_whole_run_tells_the_parts_of_its_messages() -> None:
    assert [message.parts for message in read_messages(span(ALL_MESSAGES))] == [message.parts for message in SAID]


def test_a_tool_tells_its_call_and_result() -> None:
    values = {"gen_ai.tool.name": "weather", "gen_ai.tool.call.id": "c1", "gen_ai.tool.call.arguments": ARGUMENTS,
              "gen_ai.tool.call.result": "sunny"}  # fmt: skip
    assert [part for message in read_messages(span(values)) for part in message.parts] == [
        CALL, MessagePart("tool_result", "sunny", "weather", "c1"),
    ]  # fmt: skip


def test_what_no_convention_covers_is_shown_as_it_is() -> None:
    assert read_messages(span({"input.value": "in", "output.value": "out"})) == [
        ChatMessage("input", "user", (MessagePart("text", "in"),)),
        ChatMessage("output", "assistant", (MessagePart("text", "out"),)),
    ]
    assert read_messages(span({"gen_ai.input.messages": '[{"role": broken'})) == [
        ChatMessage("input", "user", (MessagePart("text", '[{"role": broken'),))
    ]
    assert read_messages(span({"gen_ai.request.model": "m"})) == []


def test_every_attribute_that_tells_a_message_is_content() -> None:
    told = [*current(as_json=True), *OPENLLMETRY, *OPENINFERENCE, *ALL_MESSAGES, "gen_ai.tool.call.arguments"]
    assert [key for key in told if not is_content(key)] == []
    assert all(is_message_event(name) for name, _ in (*EVENTS, *OLD_EVENTS))
    assert not is_content("gen_ai.request.model")


def test_events_kept_in_one_attribute_are_told_apart_by_their_names() -> None:
    """Only the choice came out; what the assistant said before went in."""
    events = [
        {"event.name": "gen_ai.user.message", "role": "user", "content": "Add."},
        {"event.name": "gen_ai.assistant.message", "role": "assistant", "content": "Which?"},
        {"event.name": "gen_ai.choice", "index": 0, "message": {"role": "assistant", "content": "42"}},
    ]
    said = read_messages(span({"events": json.dumps(events)}))
    assert [(message.direction, message.parts[0].text) for message in said] == [
        ("input", "Add."),
        ("input", "Which?"),
        ("output", "42"),
    ]


def test_instructions_do_not_hide_the_messages_of_a_run() -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "Add."}]}]
    told = {"gen_ai.system_instructions": '[{"type":"text","content":"You add."}]'}
    said = read_messages(span(told | {"pydantic_ai.all_messages": json.dumps(messages)}))
    assert [(message.role, message.parts[0].text) for message in said] == [("system", "You add."), ("user", "Add.")]


def test_a_tool_of_openinference_is_shown_without_langchains_envelope() -> None:
    result = '{"type": "tool", "data": {"content": "42"}}'
    values = {"openinference.span.kind": "TOOL", "tool.name": "add", "input.value": "{}", "output.value": result}
    (_, answer) = read_messages(span(values))
    assert answer.parts == (MessagePart("tool_result", "42", "add", ""),)
