"""Chat completions as OpenAI's API has them: requests that are checked, answers whole and in chunks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from examples.agent_platform.tool_calling import ToolCall

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DEFAULT_TOKENS = 64


class ChatError(Exception):
    """Tell what is wrong with a request, in the API's own terms."""

    def __init__(
        self, message: str, *, status: int = 400, code: str | None = None, parameter: str | None = None
    ) -> None:
        """Take the message, the HTTP status, the error's code and the request's field."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.parameter = parameter

    def to_json(self) -> dict[str, Any]:
        """Return the body of the answer."""
        kind = "invalid_request_error" if self.status < 429 else "requests"  # noqa: PLR2004 - too many of them
        return {"error": {"message": str(self), "type": kind, "param": self.parameter, "code": self.code}}


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, reduced to its text."""

    role: str
    text: str
    called: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, document: object, place: int) -> Self:
        """Read a message; raises ChatError."""
        if not isinstance(document, dict) or document.get("role") not in _ROLES:
            message = f"Invalid message: {document!r}. Its role has to be one of {', '.join(_ROLES)}."
            raise ChatError(message, parameter=f"messages[{place}].role")
        content = document.get("content")
        if isinstance(content, list):
            content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
        if content is not None and not isinstance(content, str):
            message = f"Invalid content: {content!r}. Use a string or a list of parts."
            raise ChatError(message, parameter=f"messages[{place}].content")
        calls = [call["function"] for call in document.get("tool_calls") or () if "function" in call]
        text = "\n".join((content or "", *(f"{one['name']} {one['arguments']}" for one in calls)))
        return cls(document["role"], text.strip(), tuple(one["name"] for one in calls))


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for a completion."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int
    tools: tuple[Mapping[str, Any], ...]
    forced_tool: str | None
    tool_required: bool
    answer_schema: Mapping[str, Any] | None
    stop: tuple[str, ...]
    seed: int | None
    stream: bool
    stream_usage: bool

    @classmethod
    def from_json(cls, document: object) -> Self:
        """Read a request; raises ChatError with what to change."""
        if not isinstance(document, dict) or not isinstance(document.get("messages"), list) or not document["messages"]:
            message = "Missing messages: send a JSON object with a list of them."
            raise ChatError(message, parameter="messages")
        limit = document.get("max_completion_tokens") or document.get("max_tokens") or DEFAULT_TOKENS
        if not isinstance(limit, int) or limit < 1:
            message = f"Invalid max_tokens: {limit!r}. Use a whole number from 1."
            raise ChatError(message, parameter="max_tokens")
        if (document.get("n") or 1) != 1:
            message = f"Invalid n: {document['n']!r}. This model gives one choice."
            raise ChatError(message, parameter="n")
        choice = document.get("tool_choice") or "auto"
        tools = tuple(tool for tool in document.get("tools") or () if tool.get("type") == "function")
        stop = document.get("stop") or ()
        return cls(
            model=str(document.get("model", "")),
            messages=tuple(Message.from_json(one, place) for place, one in enumerate(document["messages"])),
            max_tokens=limit,
            tools=() if choice == "none" else tools,
            forced_tool=choice["function"]["name"] if isinstance(choice, dict) else None,
            tool_required=choice == "required",
            answer_schema=_find_schema(document.get("response_format")),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            seed=document.get("seed"),
            stream=bool(document.get("stream")),
            stream_usage=bool((document.get("stream_options") or {}).get("include_usage")),
        )

    @property
    def question(self) -> str:
        """The last thing that the user said."""
        return next((one.text for one in reversed(self.messages) if one.role == "user"), "")

    @property
    def since_question(self) -> tuple[Message, ...]:
        """What was said after it: calls of tools and their results."""
        last = max((place for place, one in enumerate(self.messages) if one.role == "user"), default=-1)
        return self.messages[last + 1 :]

    @property
    def tool_results(self) -> str:
        """What tools answered since the user's question."""
        return "\n".join(one.text for one in self.since_question if one.role in {"tool", "function"})


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion; those of the prompt that were in the prefix cache are counted in `prompt` too."""

    prompt: int
    completion: int
    cached: int

    def to_json(self) -> dict[str, Any]:
        """Return it as answers carry it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The frame of an answer: its id, when it was made, and by which model."""

    id: str
    created_s: int
    model: str

    def whole(self, text: str | None, calls: list[ToolCall], finish_reason: str, usage: Usage) -> dict[str, Any]:
        """Return the answer in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
        if calls:
            message["tool_calls"] = [call.to_json() for call in calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        return self._frame("chat.completion", [choice]) | {"usage": usage.to_json()}

    def chunk(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> bytes:
        """Return a server-sent event with the next piece."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event(self._frame("chat.completion.chunk", [choice]))

    def call_chunks(self, calls: list[ToolCall]) -> Iterator[bytes]:
        """Yield the events of tool calls: the name first, then the arguments."""
        for place, call in enumerate(calls):
            begun = call.to_json() | {"index": place, "function": {"name": call.name, "arguments": ""}}
            yield self.chunk({"tool_calls": [begun]})
            yield self.chunk({"tool_calls": [{"index": place, "function": {"arguments": call.arguments}}]})

    def usage_chunk(self, usage: Usage) -> bytes:
        """Return the event that tells the tokens, which has no choices."""
        return _event(self._frame("chat.completion.chunk", []) | {"usage": usage.to_json()})

    def _frame(self, kind: str, choices: list[Any]) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created_s,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_markov",
            "choices": choices,
        }


def _event(document: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"


LAST_EVENT = b"data: [DONE]\n\n"


def _find_schema(wanted: Any) -> Mapping[str, Any] | None:
    """Return the schema that the answer's text has to follow, None for free text."""
    match (wanted or {}).get("type"):
        case "json_schema":
            schema: Mapping[str, Any] = wanted["json_schema"].get("schema", {})
            return schema
        case "json_object":
            return {"type": "object", "properties": {"answer": {"type": "string"}}}
    return None
