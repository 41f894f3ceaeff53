"""Calls of models, by OpenTelemetry's conventions for generative AI."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Literal

from opentelemetry.trace import SpanKind

from gnomon.sdk import export, resources
from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block
from gnomon.sdk.work.tool import as_text

Operation = Literal["chat", "text_completion", "generate_content", "embeddings"]

_tokens = families.counter("llm_tokens_total")
_requests = families.counter("slm_requests_total")
_seconds = families.histogram("slm_latency_seconds")
_model_tokens = families.counter("slm_tokens_total")


class llm_call(Block):  # noqa: N801 - read as a function: `with gnomon.llm_call("gpt-5", provider="openai") as call:`
    """Call a model: tell `usage` and what came back; the span is the one source of its tokens.

    Messages are recorded only where `setup(record_content=True)` says so.
    """

    span_kind = SpanKind.CLIENT

    def __init__(
        self,
        model: str,
        *,
        provider: str,
        operation: Operation = "chat",
        temperature: float | None = None,
        max_tokens: int | None = None,
        server_address: str | None = None,
        server_port: int | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take which model of which provider; providers go by the names of gen_ai.provider.name."""
        super().__init__(attributes)
        self.model = model
        self._provider = provider
        self._operation = operation
        self._request: dict[str, Any] = {
            "gen_ai.request.temperature": temperature,
            "gen_ai.request.max_tokens": max_tokens,
            "server.address": server_address,
            "server.port": server_port,
        }
        self._counts: dict[str, int] = {}
        self._first_token = False

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the call."""
        self._counts = {}
        self._first_token = False
        known: dict[str, Any] = {
            "gen_ai.operation.name": self._operation,
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": self.model,
        }
        known.update((name, value) for name, value in self._request.items() if value is not None)
        if outer.session_id is not None:
            known["gen_ai.conversation.id"] = outer.session_id
        return f"{self._operation} {self.model}", known, outer

    def usage(
        self,
        input_tokens: int = 0,
        output_tokens: int = 0,
        *,
        cached_input_tokens: int = 0,
        cache_write_tokens: int = 0,
        reasoning_tokens: int = 0,
        input_includes_cached: bool = True,
    ) -> None:
        """Tell the tokens of the call, once.

        `input_includes_cached` says how the provider counts: OpenAI's input tokens include those read from and written
        to a cache, Anthropic's do not. What is sent counts them in, as the conventions want it.
        """
        if not input_includes_cached:
            input_tokens += cached_input_tokens + cache_write_tokens
        self._counts = {
            "gen_ai.usage.input_tokens": input_tokens,
            "gen_ai.usage.output_tokens": output_tokens,
            "gen_ai.usage.cache_read.input_tokens": cached_input_tokens,
            "gen_ai.usage.cache_creation.input_tokens": cache_write_tokens,
            "gen_ai.usage.reasoning.output_tokens": reasoning_tokens,
        }

    def response(
        self,
        *,
        model: str | None = None,
        id: str | None = None,  # noqa: A002 - the attribute's name
        finish_reasons: Sequence[str] = (),
    ) -> None:
        """Tell what the answer says about itself."""
        if model is not None:
            self.set("gen_ai.response.model", model)
        if id is not None:
            self.set("gen_ai.response.id", id)
        if finish_reasons:
            self.set("gen_ai.response.finish_reasons", list(finish_reasons))

    def first_token(self) -> None:
        """Tell that the first token came now; of several calls, the first counts."""
        if not self._first_token and self._started:
            self._first_token = True
            self.set("gen_ai.response.time_to_first_chunk", perf_counter() - self._started)

    def messages(self, *, input: Any = None, output: Any = None, system: Any = None) -> None:  # noqa: A002
        """Record what was said, where content is recorded: lists of messages in the conventions' form, or JSON text."""
        if export.records_content():
            for name, value in (
                ("gen_ai.input.messages", input),
                ("gen_ai.output.messages", output),
                ("gen_ai.system_instructions", system),
            ):
                if value is not None:
                    self.set(name, as_text(value))

    def ended(self, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - failures count as requests too
        """Count the call and its tokens."""
        _requests.labels(self.model).inc()
        _seconds.labels(self.model).observe(seconds, self.exemplar())
        if not self._counts:
            return
        for name, count in self._counts.items():
            if count or name in {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}:
                self.set(name, count)
        for direction in ("input", "output"):
            count = self._counts[f"gen_ai.usage.{direction}_tokens"]
            _tokens.labels(self._provider, self.model, direction).inc(count)
            _model_tokens.labels(self.model, direction).inc(count)
        resources.add_tokens(
            self.model,
            input_tokens=self._counts["gen_ai.usage.input_tokens"],
            output_tokens=self._counts["gen_ai.usage.output_tokens"],
            cached_input_tokens=self._counts["gen_ai.usage.cache_read.input_tokens"],
            cache_write_tokens=self._counts["gen_ai.usage.cache_creation.input_tokens"],
        )
