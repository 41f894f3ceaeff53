"""What agents do for each type of task: they ask the model, use tools, and put the results together."""

import asyncio
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from examples.agent_platform.measures import count_tokens
from examples.agent_platform.retries import RETRYABLE_STATUSES, RetryPolicy, call_with_retries
from examples.agent_platform.tasks import Task

MODEL_NAME, MODEL_PROVIDER = "tiny-markov-1", "tiny-markov"
AGENT_BY_TYPE = {
    "answer": "librarian",
    "calculate": "mathematician",
    "expense": "accountant",
    "extract": "archivist",
    "report": "researcher",
}
RETRIES = RetryPolicy(attempts=3)
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class AgentError(Exception):
    """Tell that a task cannot be done as it stands; trying again would not help."""


class TemporaryAgentError(AgentError):
    """Tell that a task failed for a reason that may pass."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said."""

    text: str
    finish_reason: str


class Agent:
    """Do tasks with the help of a model and tools, both over HTTP."""

    def __init__(self, model: httpx.AsyncClient, tools: httpx.AsyncClient) -> None:
        """Use the clients; whoever made them closes them."""
        self._model = model
        self._tools = tools

    async def do(self, task: Task) -> object:
        """Return a task's result; raises AgentError, or TemporaryAgentError when another attempt may succeed."""
        match task.type:
            case "answer":
                return await self._answer(task.arguments["question"])
            case "calculate":
                return await self._use_tool("calculator", expression=task.arguments["expression"])
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
        hits = await self._use_tool("search", query=question, limit=3)
        if not hits:
            _logger.warning("Nothing found for %r", question)
            return {"answer": (await self._ask_model(question, max_tokens=40)).text, "sources": []}
        best = hits[0]["document"]
        document = await self._use_tool("files", action="read", document=best, limit=3000)
        reply = await self._ask_model(f"{question}\n\n{document['text']}", max_tokens=64)
        return {"answer": reply.text, "sources": [hit["document"] for hit in hits]}

    async def _report(self, task: Task) -> dict[str, Any]:
        """Work on all topics at once, then sum up, write the report to the file store, and check the figures."""
        topics = [str(topic) for topic in task.arguments["topics"]]
        try:
            async with asyncio.TaskGroup() as group:
                chapters = [group.create_task(self._write_chapter(step, topic)) for step, topic in enumerate(topics, 1)]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        found = [chapter.result() for chapter in chapters]
        lengths = " + ".join(str(chapter["characters"]) for chapter in found)
        total = await self._use_tool("calculator", expression=f"({lengths}) / {len(found)}")
        summary = await self._ask_model("\n".join(chapter["text"] for chapter in found), max_tokens=96)
        name = f"report-{task.session_id}.txt"
        await self._use_tool("files", action="write", document=name, text=summary.text)
        return {"summary": summary.text, "document": name, "mean_characters": total}

    async def _write_chapter(self, step: int, topic: str) -> dict[str, Any]:
        attributes: dict[str, AttributeValue] = {"chain.step": step, "report.topic": topic}
        with _tracer.start_as_current_span("write chapter", attributes=attributes):
            hits = await self._use_tool("search", query=topic, limit=1)
            if not hits:
                message = f"No document is about {topic!r}."
                raise AgentError(message)
            document = await self._use_tool("files", action="read", document=hits[0]["document"], limit=1500)
            return {"text": document["text"], "characters": document["characters"]}

    async def _ask_model(self, prompt: str, *, max_tokens: int) -> Completion:
        """Return a completion; halves the prompt as long as it exceeds the context window."""
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": MODEL_PROVIDER,
            "gen_ai.request.model": MODEL_NAME,
            "gen_ai.request.max_tokens": max_tokens,
        }
        with _tracer.start_as_current_span(f"chat {MODEL_NAME}", kind=SpanKind.CLIENT, attributes=attributes) as span:
            while True:
                request = {
                    "model": MODEL_NAME,
                    "max_tokens": max_tokens,
                    "messages": [{"role": "user", "content": prompt}],
                }
                response = await _post(self._model, "/v1/chat/completions", request)
                if response.is_success:
                    break
                error = response.json()["error"]
                if error["code"] != "context_length_exceeded":
                    _raise_for(span, response, error["code"], error["message"])
                span.add_event("context truncated", {"prompt.characters": len(prompt)})
                _logger.info("Halving a prompt of %d characters: %s", len(prompt), error["message"])
                prompt = prompt[: len(prompt) // 2]
            document = response.json()
            choice = document["choices"][0]
            span.set_attributes(
                {
                    "gen_ai.response.id": document["id"],
                    "gen_ai.response.model": document["model"],
                    "gen_ai.response.finish_reasons": [choice["finish_reason"]],
                    "gen_ai.usage.input_tokens": document["usage"]["prompt_tokens"],
                    "gen_ai.usage.output_tokens": document["usage"]["completion_tokens"],
                }
            )
            usage = document["usage"]
            count_tokens(MODEL_PROVIDER, document["model"], usage["prompt_tokens"], usage["completion_tokens"])
            return Completion(choice["message"]["content"], choice["finish_reason"])

    async def _use_tool(self, tool: str, **arguments: object) -> Any:
        """Return a tool's result."""
        attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"}
        with _tracer.start_as_current_span(f"execute_tool {tool}", attributes=attributes) as span:
            response = await _post(self._tools, f"/tools/{tool}", arguments)
            if not response.is_success:
                error = response.json()["error"]
                _raise_for(span, response, error["type"], error["message"])
            return response.json()["result"]


async def _post(client: httpx.AsyncClient, path: str, document: object) -> httpx.Response:
    try:
        return await call_with_retries(lambda: client.post(path, json=document), RETRIES)
    except httpx.TransportError as error:
        message = f"No answer from {client.base_url}{path}: {error!r}"
        raise TemporaryAgentError(message) from error


def _raise_for(span: Span, response: httpx.Response, error_type: str, message: str) -> None:
    """Mark the span with what the other side says went wrong, and raise the error that fits."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, message))
    may_pass = response.status_code in RETRYABLE_STATUSES or response.status_code == HTTPStatus.GATEWAY_TIMEOUT
    kind = TemporaryAgentError if may_pass else AgentError
    text = f"{error_type}: {message}"
    raise kind(text)
