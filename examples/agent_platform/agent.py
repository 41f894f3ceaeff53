"""What agents do for each type of task: they ask the model, use tools, pass work on, and put the results together."""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

import gnomon
from examples.agent_platform.cache import Cache
from examples.agent_platform.retries import RETRYABLE_STATUSES, RetryPolicy, call_with_retries
from examples.agent_platform.tasks import Task

MODEL_NAME, MODEL_PROVIDER = "tiny-markov-1", "agent-platform"
RETRIES = RetryPolicy(attempts=3)
MOST_ROUNDS = 3
CHAPTER_WITHIN_S = 9.0
SYSTEM_PROMPT = "You are the concierge of the agent platform. Use a tool where one helps, then answer briefly."
CHAT_TOOLS: tuple[dict[str, Any], ...] = (
    {
        "name": "calculator",
        "description": "Calculate the value of an arithmetic expression.",
        "parameters": {
            "type": "object",
            "properties": {"expression": {"type": "string"}},
            "required": ["expression"],
        },
    },
    {
        "name": "search",
        "description": "Search documentation about Python: exceptions, imports, operators, classes.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
    {
        "name": "ledger",
        "description": "Book an expense of some amount of money on an account such as travel or hardware.",
        "parameters": {
            "type": "object",
            "properties": {
                "account": {"type": "string", "enum": ["travel", "hardware", "software", "training"]},
                "amount": {"type": "number"},
            },
            "required": ["account", "amount"],
        },
    },
)
_logger = logging.getLogger(__name__)
_intents = gnomon.counter("intent_classification_total")


class AgentError(Exception):
    """Tell that a task cannot be done as it stands; trying again would not help."""


class TemporaryAgentError(AgentError):
    """Tell that a task failed for a reason that may pass."""


@dataclass(frozen=True, slots=True)
class Peers:
    """The services that agents use; whoever made the clients closes them."""

    model: httpx.AsyncClient
    executor: httpx.AsyncClient
    delegation: httpx.AsyncClient
    router: httpx.AsyncClient
    canvas: httpx.AsyncClient


@dataclass(slots=True)
class Reply:
    """What the model said, or wants called."""

    text: str = ""
    calls: list[dict[str, str]] = field(default_factory=list)
    finish_reason: str = ""


class Agent:
    """Do one task; the tokens that it took are counted on the way."""

    def __init__(self, peers: Peers, searches: Cache) -> None:
        """Use the services, and a cache of what searches found."""
        self._peers = peers
        self._searches = searches
        self.input_tokens = 0
        self.output_tokens = 0

    async def do(self, task: Task) -> object:
        """Return a task's result; raises AgentError, or TemporaryAgentError when another attempt may succeed."""
        match task.type:
            case "answer":
                return await self._answer(task.arguments["question"])
            case "calculate":
                return await self._use_tool("calculator", expression=task.arguments["expression"])
            case "chapter":
                return await self._write_chapter(task.arguments["topic"])
            case "chat":
                return await self._converse(task.arguments["text"])
            case "expense":
                return await self._use_tool("ledger", **task.arguments)
            case "extract":
                return await self._use_tool("pattern", **task.arguments)
            case "report":
                return await self._report(task)
        message = f"No agent knows tasks of type {task.type!r}."
        raise AgentError(message)

    async def _answer(self, question: str) -> dict[str, Any]:
        """Search, read the best document, and let the model speak about it."""
        hits = await self._search(question, limit=3)
        if not hits:
            _logger.warning("Nothing found for %r", question)
            return {"answer": (await self._tell(question, max_tokens=40)).text, "sources": []}
        best = hits[0]["document"]
        document = await self._use_tool("files", action="read", document=best, limit=3000)
        reply = await self._tell(f"{question}\n\n{document['text']}", max_tokens=64)
        return {"answer": reply.text, "sources": [hit["document"] for hit in hits]}

    async def _converse(self, text: str) -> dict[str, Any]:
        """Let the model choose tools, use them, and let it speak about what they found."""
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": SYSTEM_PROMPT},
            {"role": "user", "content": text},
        ]
        tools_used: list[str] = []
        for _round in range(MOST_ROUNDS):
            reply = await self._ask(messages, max_tokens=48, tools=CHAT_TOOLS)
            if not _round:
                _intents.labels(reply.calls[0]["name"] if reply.calls else "talk").inc()
            if not reply.calls:
                return {"answer": reply.text, "tools": tools_used}
            calls = [
                {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": one["arguments"]}}
                for one in reply.calls
            ]
            messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            for one in reply.calls:
                tools_used.append(one["name"])
                found = await self._use_tool(one["name"], call_id=one["id"], **json.loads(one["arguments"]))
                messages.append({"role": "tool", "tool_call_id": one["id"], "content": json.dumps(found)[:800]})
        message = f"The model called tools {len(tools_used)} times and never answered."
        raise AgentError(message)

    async def _report(self, task: Task) -> dict[str, Any]:
        """Let librarians write the chapters, all at once; then check figures, sum up and draw."""
        topics = [str(topic) for topic in task.arguments["topics"]]
        with gnomon.chain("report"):
            with gnomon.step("chapters", index=1):
                try:
                    async with asyncio.TaskGroup() as group:
                        asked = [group.create_task(self._delegate_chapter(task, topic)) for topic in topics]
                except ExceptionGroup as errors:
                    raise errors.exceptions[0] from errors
                chapters = [one.result() for one in asked]
            with gnomon.step("figures", index=2):
                lengths = " + ".join(str(chapter["characters"]) for chapter in chapters)
                mean = await self._use_tool("calculator", expression=f"({lengths}) / {len(chapters)}")
            with gnomon.step("summary", index=3):
                summary = await self._tell("\n".join(chapter["text"] for chapter in chapters), max_tokens=96)
            with gnomon.step("canvas", index=4):
                blocks = [{"kind": "summary", "text": summary.text}]
                blocks += [{"kind": "chapter", "text": chapter["text"][:400]} for chapter in chapters]
                drawn = await self._post(
                    self._peers.canvas, "/canvases", {"title": ", ".join(topics), "blocks": blocks}
                )
        return {"summary": summary.text, "canvas": drawn["id"], "mean_characters": mean}

    async def _delegate_chapter(self, task: Task, topic: str) -> dict[str, Any]:
        """Pass a chapter on to a librarian, and wait for it."""
        wanted = {
            "type": "chapter",
            "arguments": {"topic": topic},
            "priority": task.priority,
            "tenant_id": task.tenant_id,
            "session_id": task.session_id,
            "persona_id": task.persona_id,
            "depth": task.depth,
        }
        child = await self._post(self._peers.delegation, "/delegations", wanted)
        try:
            response = await self._peers.router.get(f"/tasks/{child['id']}", params={"wait": CHAPTER_WITHIN_S})
        except httpx.TransportError as error:
            message = f"The router does not tell of the chapter on {topic!r}: {error!r}"
            raise TemporaryAgentError(message) from error
        found = response.json()
        if found.get("status") != "completed":
            message = f"The chapter on {topic!r} ended as {found.get('status')}: {found.get('error')}"
            raise AgentError(message) if found.get("final") else TemporaryAgentError(message)
        result: dict[str, Any] = found["result"]
        return result

    async def _write_chapter(self, topic: str) -> dict[str, Any]:
        hits = await self._search(topic, limit=1)
        if not hits:
            message = f"No document is about {topic!r}."
            raise AgentError(message)
        document = await self._use_tool("files", action="read", document=hits[0]["document"], limit=1200)
        comment = await self._tell(f"{topic}\n\n{document['text'][:800]}", max_tokens=32)
        return {"text": f"{document['text']}\n{comment.text}", "characters": document["characters"]}

    async def _search(self, query: str, *, limit: int) -> Any:
        return await self._searches.get_or_make(
            f"{limit}:{query}", lambda: self._use_tool("search", query=query, limit=limit)
        )

    async def _tell(self, prompt: str, *, max_tokens: int) -> Reply:
        """Return a completion; halves the prompt as long as it exceeds the context window."""
        while True:
            try:
                return await self._ask([{"role": "user", "content": prompt}], max_tokens=max_tokens)
            except ContextLengthError as error:
                _logger.info("Halving a prompt of %d characters: %s", len(prompt), error)
                prompt = prompt[: len(prompt) // 2]

    async def _ask(
        self, messages: Sequence[Mapping[str, Any]], *, max_tokens: int, tools: Sequence[Mapping[str, Any]] = ()
    ) -> Reply:
        """Return what the model says to the messages, read as it comes."""
        url = self._peers.model.base_url
        body: dict[str, Any] = {
            "model": MODEL_NAME,
            "max_tokens": max_tokens,
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in tools]
        with gnomon.llm_call(
            MODEL_NAME,
            provider=MODEL_PROVIDER,
            max_tokens=max_tokens,
            server_address=url.host,
            server_port=url.port,
        ) as call:
            response = await _send(self._peers.model, "/v1/chat/completions", body)
            if not response.is_success:
                error = response.json()["error"]
                if error["code"] == "context_length_exceeded":
                    raise ContextLengthError(error["message"])
                _raise_for(response, error["code"], error["message"])
            reply = self._read(response, call)
            call.messages(input=[_describe(message) for message in messages], output=[_describe_reply(reply)])
            return reply

    def _read(self, response: httpx.Response, call: gnomon.llm_call) -> Reply:
        reply = Reply()
        for line in response.text.splitlines():
            data = line.removeprefix("data: ")
            if not data or data == "[DONE]":
                continue
            chunk = json.loads(data)
            if chunk.get("usage"):
                usage = chunk["usage"]
                cached = usage["prompt_tokens_details"]["cached_tokens"]
                call.usage(usage["prompt_tokens"], usage["completion_tokens"], cached_input_tokens=cached)
                self.input_tokens += usage["prompt_tokens"]
                self.output_tokens += usage["completion_tokens"]
            for choice in chunk["choices"]:
                _add(reply, choice["delta"])
                if choice["finish_reason"]:
                    reply.finish_reason = choice["finish_reason"]
                    call.response(model=chunk["model"], id=chunk["id"], finish_reasons=[reply.finish_reason])
        return reply

    async def _use_tool(self, tool: str, *, call_id: str | None = None, **arguments: object) -> Any:
        """Return a tool's result."""
        path = f"/tools/{tool}" + (f"?call_id={call_id}" if call_id else "")
        return (await self._post(self._peers.executor, path, arguments))["result"]

    async def _post(self, client: httpx.AsyncClient, path: str, document: object) -> Any:
        """Return what a service answers; raises AgentError with what it complains of."""
        response = await _send(client, path, document)
        if response.is_success:
            return response.json()
        error = response.json()["error"]
        if isinstance(error, dict):
            _raise_for(response, error["type"], error["message"])
        _raise_for(response, f"HTTP {response.status_code}", error)
        return None


class ContextLengthError(AgentError):
    """Tell that a prompt is longer than the model can take."""


async def _send(client: httpx.AsyncClient, path: str, document: object) -> httpx.Response:
    try:
        return await call_with_retries(lambda: client.post(path, json=document), RETRIES)
    except httpx.TransportError as error:
        message = f"No answer from {client.base_url}{path}: {error!r}"
        raise TemporaryAgentError(message) from error


def _add(reply: Reply, delta: Mapping[str, Any]) -> None:
    reply.text += delta.get("content") or ""
    for piece in delta.get("tool_calls", ()):
        while len(reply.calls) <= piece["index"]:
            reply.calls.append({"id": "", "name": "", "arguments": ""})
        call = reply.calls[piece["index"]]
        call["id"] = piece.get("id", call["id"])
        call["name"] += piece["function"].get("name", "")
        call["arguments"] += piece["function"].get("arguments", "")


def _describe(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message in the form of OpenTelemetry's conventions."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}
        return {"role": "tool", "parts": [part]}
    parts: list[dict[str, Any]] = []
    if message["content"]:
        parts.append({"type": "text", "content": message["content"]})
    for call in message.get("tool_calls", ()):
        made = call["function"]
        parts.append({"type": "tool_call", "id": call["id"], "name": made["name"], "arguments": made["arguments"]})
    return {"role": message["role"], "parts": parts}


def _describe_reply(reply: Reply) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "content": reply.text}] if reply.text else []
    parts += [{"type": "tool_call", **call} for call in reply.calls]
    return {"role": "assistant", "parts": parts, "finish_reason": reply.finish_reason}


def _raise_for(response: httpx.Response, error_type: str, message: str) -> None:
    """Raise the error that fits what the other side says went wrong."""
    may_pass = response.status_code in RETRYABLE_STATUSES or response.status_code == HTTPStatus.GATEWAY_TIMEOUT
    kind = TemporaryAgentError if may_pass else AgentError
    text = f"{error_type}: {message}"
    raise kind(text)
