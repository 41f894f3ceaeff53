"""The model service: OpenAI's chat completion API in front of a Markov chain, with real token counts and real limits.

It decodes at a bounded speed in a few slots, as an accelerator would: more callers wait in line, and when the line is
full they get 429. What exceeds the context window gets 400. Tools are chosen by the words that request and tool share.
"""

import argparse
import asyncio
import json
import logging
import random
import re
import socket
import time
from collections.abc import AsyncIterator, Collection
from http import HTTPStatus
from pathlib import Path

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import gnomon
from examples.agent_platform.chat import LAST_EVENT, Answer, ChatError, ChatRequest, Usage
from examples.agent_platform.file_store import fill_file_store
from examples.agent_platform.markov import MarkovChain, is_sentence_end, tokenize
from examples.agent_platform.prefix_cache import PrefixCache
from examples.agent_platform.service import ServiceArguments, make_app, serve
from examples.agent_platform.tool_calling import ToolCall, call, choose_tool, fill

MODEL_NAME = "tiny-markov-1"
CONTEXT_WINDOW_TOKENS = 1200
DECODER_SLOTS = 3
LONGEST_LINE = 6
TOKENS_PER_STEP = 8
STEP_S = 0.03
LONGEST_QUOTE = 400
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class Model:
    """The model's HTTP endpoint over one Markov chain."""

    def __init__(self, chain: MarkovChain, aliases: Collection[str] = ()) -> None:
        """Use the chain; all requests share the decoder slots. It answers to, and by, its aliases, too."""
        self._chain = chain
        self._names = (MODEL_NAME, *aliases)
        self._prefixes = PrefixCache()
        self._slots = asyncio.Semaphore(DECODER_SLOTS)
        self._in_line = 0
        self._started_s = int(time.time())

    async def list_models(self, _request: Request) -> JSONResponse:
        """Answer which models there are: one, by all its names."""
        return JSONResponse({"object": "list", "data": [self._describe(name) for name in self._names]})

    async def show_model(self, request: Request) -> JSONResponse:
        """Answer what is known of a model, 404 of another."""
        name = request.path_params["name"]
        return JSONResponse(self._describe(name)) if name in self._names else _refuse(_unknown_model(name))

    async def complete(self, request: Request) -> Response:
        """Answer a chat completion: 400 when the prompt is too long, 429 when too many wait."""
        try:
            wanted = ChatRequest.from_json(await request.json())
            if wanted.model not in self._names:
                raise _unknown_model(wanted.model)
            prompt = self._prefixes.read(_read_texts(wanted))
            _check_length(prompt.tokens, wanted.max_tokens)
            if self._in_line >= LONGEST_LINE:
                message = f"Rate limit reached: {self._in_line} requests wait already. Try again in 1 s."
                raise ChatError(message, status=HTTPStatus.TOO_MANY_REQUESTS, code="rate_limit_exceeded")  # noqa: TRY301
        except ChatError as error:
            _logger.warning("Refused a completion: %s", error)
            return _refuse(error)
        except ValueError as error:
            return _refuse(ChatError(f"The body is no JSON: {error}."))
        completion = Completion(self._chain, wanted, prompt.tokens, prompt.cached)
        await self._wait_for_slot()
        decoding = _tracer.start_span("decode")
        if wanted.stream:
            return StreamingResponse(self._stream(completion, decoding), media_type="text/event-stream")
        try:
            async for _token in completion.decode():
                pass
        finally:
            self._end(completion, decoding)
        return JSONResponse(completion.whole())

    async def _wait_for_slot(self) -> None:
        self._in_line += 1
        try:
            with _tracer.start_as_current_span("wait for decoder slot"):
                await self._slots.acquire()
        finally:
            self._in_line -= 1

    async def _stream(self, completion: "Completion", decoding: trace.Span) -> AsyncIterator[bytes]:
        """Yield events as they are decoded; the slot is given back however the caller goes away."""
        try:
            async for event in completion.events():
                yield event
        finally:
            self._end(completion, decoding)

    def _end(self, completion: "Completion", decoding: trace.Span) -> None:
        self._slots.release()
        decoding.set_attribute("decode.tokens", completion.usage.completion)
        decoding.end()

    def _describe(self, name: str) -> dict[str, object]:
        return {"id": name, "object": "model", "created": self._started_s, "owned_by": "agent-platform"}


class Completion:
    """One completion while it is made."""

    def __init__(self, chain: MarkovChain, wanted: ChatRequest, prompt_tokens: int, cached_tokens: int) -> None:
        """Decide whether to call a tool; nothing is decoded yet."""
        self._wanted = wanted
        self._randomness = random.Random(wanted.seed)
        self._chain = chain
        self._prompt_tokens = prompt_tokens
        self._cached_tokens = cached_tokens
        self._tokens: list[str] = []
        self._answer = Answer(f"chatcmpl-{random.getrandbits(96):024x}", int(time.time()), wanted.model)
        self._finish_reason = "stop"
        called = [name for message in wanted.since_question for name in message.called]
        function = choose_tool(
            wanted.tools, wanted.question, called, forced=wanted.forced_tool, required=wanted.tool_required
        )
        self._calls: list[ToolCall] = (
            [call(function, wanted.question, wanted.tool_results, self._randomness)] if function is not None else []
        )

    @property
    def usage(self) -> Usage:
        """The tokens as of now."""
        return Usage(self._prompt_tokens, len(self._tokens), self._cached_tokens)

    def whole(self) -> dict[str, object]:
        """Return the answer in one piece, once all is decoded."""
        text = None if self._calls else "".join(self._tokens)
        return self._answer.whole(text, self._calls, self._finish_reason, self.usage)

    async def events(self) -> AsyncIterator[bytes]:
        """Decode, and yield the answer in server-sent events."""
        yield self._answer.chunk({"role": "assistant", "content": None if self._calls else "", "refusal": None})
        async for token in self.decode():
            if not self._calls:
                yield self._answer.chunk({"content": token})
        for event in self._answer.call_chunks(self._calls):
            yield event
        yield self._answer.chunk({}, self._finish_reason)
        if self._wanted.stream_usage:
            yield self._answer.usage_chunk(self.usage)
        yield LAST_EVENT

    async def decode(self) -> AsyncIterator[str]:
        """Yield the tokens at the decoder's speed: the text's, or those of the tool call."""
        limit = self._wanted.max_tokens
        for token in self._speak():
            self._tokens.append(token)
            yield token
            if len(self._tokens) >= limit and not self._calls:
                self._finish_reason = "length"
                return
            if len(self._tokens) % TOKENS_PER_STEP == 0:
                await asyncio.sleep(STEP_S)
        self._finish_reason = "tool_calls" if self._calls else "stop"

    def _speak(self) -> list[str]:
        wanted = self._wanted
        if self._calls:
            return [token for one in self._calls for token in (one.name, *tokenize(one.arguments))]
        if wanted.answer_schema is not None:
            return _spell(_to_text(fill(wanted.answer_schema, wanted.question, wanted.tool_results)))
        return self._tell()

    def _tell(self) -> list[str]:
        """Return what tools found, if anything, and a few sentences about the question, up to a stop word."""
        spoken: list[str] = []
        results = self._wanted.tool_results
        if results:
            spoken += _spell(f"The tools answered: {results[:LONGEST_QUOTE]} .")
        shortest = len(spoken) + self._wanted.max_tokens // 3
        prompt = self._wanted.question or "\n".join(message.text for message in self._wanted.messages)
        for word in self._chain.continue_text(prompt, self._randomness):
            spoken.append(f" {word}" if spoken else word)
            if self._wanted.stop and any(stop in "".join(spoken[-8:]) for stop in self._wanted.stop):
                return spoken[:-1]
            if len(spoken) >= self._wanted.max_tokens or (is_sentence_end(word) and len(spoken) > shortest):
                return spoken
        return spoken


def create_app(files: Path, aliases: Collection[str] = ()) -> Starlette:
    """Train on the documents in a folder and build the service; it answers to its aliases, too."""
    if not files.is_dir():
        fill_file_store(files)
    model = Model(MarkovChain(path.read_text(encoding="utf-8") for path in sorted(files.glob("*.txt"))), aliases)
    return make_app(
        [
            Route("/v1/chat/completions", model.complete, methods=["POST"]),
            Route("/v1/models", model.list_models, methods=["GET"]),
            Route("/v1/models/{name}", model.show_model, methods=["GET"]),
        ]
    )


def _read_texts(wanted: ChatRequest) -> list[str]:
    """Return what the model has to read, in the order in which a conversation keeps its beginning: tools first."""
    return [*(_to_text(tool) for tool in wanted.tools), *(f"{one.role} {one.text}" for one in wanted.messages)]


def _check_length(prompt_tokens: int, max_tokens: int) -> None:
    if prompt_tokens + max_tokens > CONTEXT_WINDOW_TOKENS:
        message = (
            f"This model's maximum context length is {CONTEXT_WINDOW_TOKENS} tokens. However, you requested "
            f"{prompt_tokens + max_tokens} tokens ({prompt_tokens} in the messages and tools, {max_tokens} in the "
            f"completion). Reduce either."
        )
        raise ChatError(message, code="context_length_exceeded", parameter="messages")


def _unknown_model(name: str) -> ChatError:
    message = f"The model {name!r} does not exist. Use {MODEL_NAME!r}."
    return ChatError(message, status=HTTPStatus.NOT_FOUND, code="model_not_found", parameter="model")


def _spell(text: str) -> list[str]:
    """Return the tokens of a text, each with the space before it."""
    return re.findall(r"\s*(?:\w+|[^\w\s])", text)


def _to_text(value: object) -> str:
    return json.dumps(value)


def _refuse(error: ChatError) -> JSONResponse:
    headers = {"Retry-After": "1"} if error.status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return JSONResponse(error.to_json(), status_code=error.status, headers=headers)


def main(arguments: ServiceArguments) -> None:
    """Run the model's process."""

    def create(known: ServiceArguments, _health: gnomon.Health) -> Starlette:
        return create_app(known.state_dir / "files")

    serve("model", create, arguments)


def run_alone() -> None:
    """Serve the model without the rest of the platform, for whatever speaks OpenAI's API."""
    parser = argparse.ArgumentParser(prog="examples.agent_platform.model", description=run_alone.__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: any free port)")
    parser.add_argument("--state-dir", type=Path, required=True, help="folder of the files that it learns from")
    parser.add_argument("--alias", action="append", default=[], help="another name to answer to, as often as wanted")
    options = parser.parse_args()

    def create(known: ServiceArguments, _health: gnomon.Health) -> Starlette:
        return create_app(known.state_dir / "files", options.alias)

    with socket.create_server(("127.0.0.1", options.port), backlog=128) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        serve("model", create, ServiceArguments("model-alone", options.state_dir, listener))


if __name__ == "__main__":
    run_alone()
