"""What was said in a call of a model or a tool, read from whichever conventions its span follows."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gnomon.model.any_values import decode_attribute
from gnomon.model.errors import NotFoundError
from gnomon.model.spans import Span, TypedAttribute
from gnomon.model.tasks import WorkSpan
from gnomon.model.trace_ids import parse_span_id, parse_trace_id
from gnomon.storage.trace_store import TraceStore
from gnomon.storage.work_span_store import SpanMessage, WorkSpanStore

Direction = Literal["input", "output"]
_INDEXED = re.compile(
    r"(?P<list>gen_ai\.prompt|gen_ai\.completion|llm\.input_messages|llm\.output_messages)\.(?P<index>\d+)\.(?P<field>.+)"
)
_TOOL_CALL = re.compile(r"(?:message\.)?tool_calls\.(?P<index>\d+)\.(?P<field>.+)")
_CONTENT_PART = re.compile(r"message\.contents\.(?P<index>\d+)\.message_content\.(?P<field>text|type)")
_PARAMETERS = re.compile(r"gen_ai\.request\.(?!model$)(?P<name>.+)|llm\.invocation_parameters")
_OUTPUTS = ("gen_ai.completion", "llm.output_messages")


@dataclass(frozen=True, slots=True)
class MessagePart:
    """Hold a piece of a message: `kind` is `text`, `reasoning`, `tool_call`, `tool_result` or `other`.

    Arguments, results and whatever is no text are JSON. `id` ties a tool's result to its call.
    """

    kind: str
    text: str
    name: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """Hold one message: who said it (`system`, `user`, `assistant`, `tool`), and whether it went in or came out."""

    direction: Direction
    role: str
    parts: tuple[MessagePart, ...]
    finish_reason: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Tell a call: its span, its parameters, and the messages.

    `content` is `shown`, `not_recorded` where the sender told none, or `forbidden` where the reader may not see it.
    `redacted` counts the values of the span in which secrets were masked.
    """

    span: WorkSpan
    content: Literal["shown", "not_recorded", "forbidden"]
    messages: tuple[ChatMessage, ...]
    parameters: Mapping[str, str]
    tool_definitions: str
    redacted: int


class Conversations:
    """Open what was said."""

    def __init__(self, traces: TraceStore, work: WorkSpanStore) -> None:
        """Read from both stores."""
        self._traces = traces
        self._work = work

    async def open(self, trace_id: str, span_id: str, *, content: bool) -> Conversation:
        """Return a span's conversation; raises NotFoundError where there is no such span of a model, agent or tool."""
        trace = await self._traces.find(parse_trace_id(trace_id))
        parsed = parse_span_id(span_id)
        span = await self._traces.read_span(trace, parsed) if trace else None
        work = await self._work.find(trace.trace_id, parsed) if trace and span else None
        if trace is None or span is None or work is None:
            raise NotFoundError(_no_span(trace_id, span_id))
        values = _decoded(span.attributes)
        said = read_messages(span, await self._work.messages(trace.trace_id, parsed))
        return Conversation(
            span=work,
            content="not_recorded" if not said else "shown" if content else "forbidden",
            messages=tuple(said) if content else (),
            parameters={
                found["name"] or "invocation_parameters": as_text(value)
                for key, value in values.items()
                if (found := _PARAMETERS.fullmatch(key))
            },
            tool_definitions=as_text(values.get("gen_ai.tool.definitions", "")) if content else "",
            redacted=span.redacted,
        )

    async def span(self, trace_id: str, span_id: str) -> WorkSpan:
        """Return a span of a model, an agent or a tool, without what was said; raises NotFoundError as `open` does."""
        parsed, parsed_span = parse_trace_id(trace_id), parse_span_id(span_id)
        trace = await self._traces.find(parsed)
        work = await self._work.find(trace.trace_id, parsed_span) if trace else None
        if work is None:
            raise NotFoundError(_no_span(trace_id, span_id))
        return work


def read_messages(span: Span, records: Sequence[SpanMessage] = ()) -> list[ChatMessage]:
    """Return what was said, in order; of several ways in which a span tells it, the first that is there counts."""
    values = _decoded(span.attributes)
    told: list[tuple[str, Any, dict[str, Any]]] = [
        (event.name, None, _decoded(event.attributes)) for event in span.events
    ]
    told += [
        (record.name, decode_attribute(record.body.text, record.body.type_number), _decoded(record.attributes))
        for record in records
    ]
    details = next((v for name, _, v in told if name == "gen_ai.client.inference.operation.details"), {})
    instructed = _instructions(values) or _instructions(details)
    said = (
        _structured(values)
        or _structured(details)
        or _indexed(values)
        or _events(told)
        or _listed(values)
        or _tool(values)
        or _plain(values)
    )
    return said if any(message.role == "system" for message in said) else instructed + said


def as_text(value: Any) -> str:
    """Return a value as text: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_span(trace_id: str, span_id: str) -> str:
    return f"Trace {trace_id!r} has no span {span_id!r} of a model, an agent or a tool."


def _decoded(attributes: Iterable[TypedAttribute]) -> dict[str, Any]:
    return {found.key: decode_attribute(found.text, found.type_number) for found in attributes}


def _json(value: Any) -> Any:
    """Return what JSON text says; anything else as it is."""
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _instructions(values: Mapping[str, Any]) -> list[ChatMessage]:
    """Read what a model was told beside the messages."""
    parts = _parts(_json(values.get("gen_ai.system_instructions")))
    return [ChatMessage("input", "system", parts)] if parts else []


def _structured(values: Mapping[str, Any]) -> list[ChatMessage]:
    """Read the current conventions: messages as attributes, as nested values or as JSON."""
    said = []
    ways: tuple[tuple[str, Direction], ...] = (("gen_ai.input.messages", "input"), ("gen_ai.output.messages", "output"))
    for key, direction in ways:
        said += [_message(direction, message) for message in _sequence(_json(values.get(key)))]
    return said


def _message(direction: Direction, message: Any) -> ChatMessage:
    if not isinstance(message, dict):
        return ChatMessage(direction, "assistant" if direction == "output" else "user", _parts(message))
    role = str(message.get("role") or ("assistant" if direction == "output" else "user"))
    parts = _parts(message.get("parts", message.get("content")), tool=role == "tool", message=message)
    calls = tuple(_call(call) for call in _sequence(message.get("tool_calls")))
    return ChatMessage(direction, role, parts + calls, str(message.get("finish_reason") or ""))


def _parts(content: Any, *, tool: bool = False, message: Mapping[str, Any] | None = None) -> tuple[MessagePart, ...]:
    if content is None or content == "":
        return ()
    if not isinstance(content, list):
        content = [content]
    return tuple(_part(part, tool=tool, message=message or {}) for part in content)


def _part(part: Any, *, tool: bool, message: Mapping[str, Any]) -> MessagePart:
    identity = str(message.get("tool_call_id") or message.get("id") or "")
    if not isinstance(part, dict):
        kind = "tool_result" if tool else "text"
        return MessagePart(kind, as_text(part), str(message.get("name") or ""), identity if tool else "")
    text = part.get("content", part.get("text"))
    match part.get("type", part.get("part_kind", "text")):
        case "text" | "input_text" | "output_text":
            return MessagePart("tool_result" if tool else "text", as_text(text if text is not None else ""), "", "")
        case "reasoning" | "thinking":
            return MessagePart("reasoning", as_text(text if text is not None else part.get("thinking", "")))
        case "tool_call" | "tool_use" | "function_call" | "tool-call":
            return _call(part)
        case "tool_call_response" | "tool_result" | "function_call_output" | "tool-return":
            result = next((part[key] for key in ("response", "result", "content", "output") if key in part), "")
            name = str(part.get("name") or part.get("tool_name") or "")
            return MessagePart(
                "tool_result", as_text(result), name, str(part.get("id") or part.get("tool_use_id") or "")
            )
        case _:
            return MessagePart("other", as_text(part))


def _call(call: Any) -> MessagePart:
    if not isinstance(call, dict):
        return MessagePart("tool_call", as_text(call))
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    arguments = next((inner[key] for key in ("arguments", "input", "args") if key in inner), "")
    name = str(inner.get("name") or inner.get("tool_name") or "")
    return MessagePart("tool_call", as_text(arguments), name, str(call.get("id") or call.get("call_id") or ""))


def _indexed(values: Mapping[str, Any]) -> list[ChatMessage]:
    """Read OpenLLMetry's and OpenInference's messages, flattened into attributes with numbers in their names."""
    found: dict[tuple[bool, int], dict[str, Any]] = {}
    for key, value in values.items():
        if matched := _INDEXED.fullmatch(key):
            place = (matched["list"] in _OUTPUTS, int(matched["index"]))
            found.setdefault(place, {})[matched["field"]] = value
    said = []
    for (output, _index), fields in sorted(found.items()):
        role = str(fields.get("role", fields.get("message.role", "assistant" if output else "user")))
        parts: list[MessagePart] = []
        content = fields.get("content", fields.get("message.content", ""))
        identity = str(fields.get("tool_call_id", fields.get("message.tool_call_id", "")))
        if content != "":
            parsed = _json(content)
            parts += _parts(
                parsed if isinstance(parsed, list) else content,
                tool=role == "tool",
                message={"tool_call_id": identity, "name": fields.get("message.name", "")},
            )
        parts += [MessagePart("text", as_text(text)) for text in _numbered(fields, _CONTENT_PART, "text")]
        calls: dict[int, dict[str, Any]] = {}
        for field, value in fields.items():
            if matched := _TOOL_CALL.fullmatch(field):
                name = matched["field"].removeprefix("tool_call.").removeprefix("function.")
                calls.setdefault(int(matched["index"]), {})[name] = value
        parts += [_call(call) for _, call in sorted(calls.items())]
        reason = str(fields.get("finish_reason", ""))
        said.append(ChatMessage("output" if output else "input", role, tuple(parts), reason))
    # Some tell the roles and leave what was said to other attributes.
    return said if any(message.parts for message in said) else []


def _numbered(fields: Mapping[str, Any], pattern: re.Pattern[str], field: str) -> list[Any]:
    found = [(int(m["index"]), v) for k, v in fields.items() if (m := pattern.fullmatch(k)) and m["field"] == field]
    return [value for _, value in sorted(found, key=lambda pair: pair[0])]


def _events(told: Sequence[tuple[str, Any, Mapping[str, Any]]]) -> list[ChatMessage]:
    """Read earlier conventions: an event for each message, on the span or as a log record with a body."""
    said = []
    for name, body, values in told:
        content = body if isinstance(body, dict) else dict(values)
        match name:
            case "gen_ai.choice":
                message = _json(content.get("message", content))
                choice = message if isinstance(message, dict) else {"content": message}
                reason = content.get("finish_reason", "")
                said.append(_message("output", {"role": "assistant", **choice, "finish_reason": reason}))
            case "gen_ai.content.prompt":
                messages = _sequence(_json(values.get("gen_ai.prompt")))
                said += [_message("input", message) for message in messages]
            case "gen_ai.content.completion":
                messages = _sequence(_json(values.get("gen_ai.completion")))
                said += [_message("output", message) for message in messages]
            case "gen_ai.system.message" | "gen_ai.user.message" | "gen_ai.assistant.message" | "gen_ai.tool.message":
                role = name.split(".")[1]
                calls = _json(content.get("tool_calls"))
                said.append(_message("input", {"role": role, **content, "tool_calls": calls}))
            case _:
                pass
    return said


def _listed(values: Mapping[str, Any]) -> list[ChatMessage]:
    """Read the messages of a whole run that pydantic-ai keeps on an agent's span, and the oldest attributes."""
    for key in ("pydantic_ai.all_messages", "all_messages", "all_messages_events", "events"):
        messages = _sequence(_json(values.get(key)))
        if messages and all(isinstance(message, dict) for message in messages):
            if key == "events":
                return _events([(str(message.get("event.name", "")), message, {}) for message in messages])
            return [
                _message("output" if message.get("role") == "assistant" else "input", message) for message in messages
            ]
    said = [_message("input", message) for message in _sequence(_json(values.get("gen_ai.prompt")))]
    return said + [_message("output", message) for message in _sequence(_json(values.get("gen_ai.completion")))]


def _tool(values: Mapping[str, Any]) -> list[ChatMessage]:
    name = str(values.get("gen_ai.tool.name", ""))
    identity = str(values.get("gen_ai.tool.call.id", ""))
    arguments: tuple[str, ...] = ("gen_ai.tool.call.arguments", "tool_arguments")
    results: tuple[str, ...] = ("gen_ai.tool.call.result", "tool_response")
    if values.get("openinference.span.kind") == "TOOL":
        name = str(values.get("tool.name", name))
        arguments, results = (*arguments, "input.value"), (*results, "output.value")
    said = []
    for key in arguments:
        if key in values:
            part = MessagePart("tool_call", _unwrapped(values[key]), name, identity)
            said.append(ChatMessage("input", "assistant", (part,)))
            break
    for key in results:
        if key in values:
            part = MessagePart("tool_result", _unwrapped(values[key]), name, identity)
            said.append(ChatMessage("output", "tool", (part,)))
            break
    return said


def _unwrapped(value: Any) -> str:
    """Return a tool's arguments or result without the envelope in which LangChain's instrumentors send it."""
    match _json(value):
        case {"type": "tool", "data": {"content": content}} | {"output": {"kwargs": {"content": content}}}:
            return as_text(content)
        case {"input_str": arguments}:
            return as_text(arguments)
        case _:
            return as_text(value)


def _plain(values: Mapping[str, Any]) -> list[ChatMessage]:
    said = []
    for key in ("input.value", "traceloop.entity.input"):
        if key in values:
            said.append(ChatMessage("input", "user", (MessagePart("text", as_text(values[key])),)))
            break
    for key in ("output.value", "traceloop.entity.output", "final_result"):
        if key in values:
            said.append(ChatMessage("output", "assistant", (MessagePart("text", as_text(values[key])),)))
            break
    return said


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None or value == "" else [value]
