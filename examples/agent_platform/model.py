"""The model service: a chat completion API in front of a Markov chain, with real token counts and real limits.

It decodes at a bounded speed in a few slots, as an accelerator would: more callers wait in line, and when the line is
full they get 429. What exceeds the context window gets 400.
"""

import asyncio
import logging
import random
import time
from http import HTTPStatus
from pathlib import Path

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from examples.agent_platform.markov import MarkovChain, is_sentence_end, tokenize
from examples.agent_platform.service import ServiceArguments, serve
from examples.agent_platform.telemetry import export_telemetry

MODEL_NAME = "tiny-markov-1"
CONTEXT_WINDOW_TOKENS = 900
DECODER_SLOTS = 3
LONGEST_LINE = 6
TOKENS_PER_STEP = 8
STEP_S = 0.03
_logger = logging.getLogger(__name__)
_tracer = trace.get_tracer(__name__)


class Model:
    """The model's HTTP endpoint over one Markov chain."""

    def __init__(self, chain: MarkovChain) -> None:
        """Use the chain; all requests share the decoder slots."""
        self._chain = chain
        self._slots = asyncio.Semaphore(DECODER_SLOTS)
        self._in_line = 0

    async def complete(self, request: Request) -> JSONResponse:
        """Answer a chat completion: 400 when the prompt is too long, 429 when too many wait."""
        document = await request.json()
        prompt = "\n".join(message["content"] for message in document["messages"])
        input_tokens = len(tokenize(prompt))
        max_tokens = int(document.get("max_tokens", 64))
        if input_tokens + max_tokens > CONTEXT_WINDOW_TOKENS:
            message = (
                f"The prompt has {input_tokens} tokens; with max_tokens {max_tokens} that exceeds "
                f"the context window of {CONTEXT_WINDOW_TOKENS}."
            )
            _logger.warning(message)
            return _refuse(400, "context_length_exceeded", message)
        if self._in_line >= LONGEST_LINE:
            _logger.warning("Refused a completion: %d others wait for %d slots", self._in_line, DECODER_SLOTS)
            return _refuse(429, "rate_limit_exceeded", f"{self._in_line} requests wait already.")

        self._in_line += 1
        try:
            with _tracer.start_as_current_span("wait for decoder slot"):
                await self._slots.acquire()
        finally:
            self._in_line -= 1
        try:
            started_s = time.perf_counter()
            with _tracer.start_as_current_span("decode") as span:
                tokens, finish_reason = await self._decode(prompt, max_tokens)
                span.set_attribute("gen_ai.usage.output_tokens", len(tokens))
        finally:
            self._slots.release()
        duration_s = time.perf_counter() - started_s
        _logger.debug("Decoded %d tokens in %.0f ms", len(tokens), duration_s * 1000)
        return JSONResponse(
            {
                "id": f"chatcmpl-{time.time_ns():x}",
                "model": MODEL_NAME,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": " ".join(tokens)},
                        "finish_reason": finish_reason,
                    }
                ],
                "usage": {
                    "prompt_tokens": input_tokens,
                    "completion_tokens": len(tokens),
                    "total_tokens": input_tokens + len(tokens),
                },
            }
        )

    async def _decode(self, prompt: str, max_tokens: int) -> tuple[list[str], str]:
        tokens: list[str] = []
        for token in self._chain.continue_text(prompt, random.Random()):
            tokens.append(token)
            if is_sentence_end(token) and len(tokens) > max_tokens // 3:
                return tokens, "stop"
            if len(tokens) >= max_tokens:
                break
            if len(tokens) % TOKENS_PER_STEP == 0:
                await asyncio.sleep(STEP_S)
        return tokens, "length"


def create_app(files: Path) -> Starlette:
    """Train on the documents in a folder and build the service."""
    chain = MarkovChain(path.read_text(encoding="utf-8") for path in sorted(files.glob("*.txt")))
    return Starlette(routes=[Route("/v1/chat/completions", Model(chain).complete, methods=["POST"])])


def _refuse(status_code: int, code: str, message: str) -> JSONResponse:
    headers = {"Retry-After": "1"} if status_code == HTTPStatus.TOO_MANY_REQUESTS else {}
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status_code, headers=headers)


def main() -> None:
    """Run the model's process."""
    arguments = ServiceArguments.parse()
    with export_telemetry("model", arguments.instance):
        serve(create_app(arguments.state_dir / "files"), arguments)
