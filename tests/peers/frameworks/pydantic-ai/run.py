"""Agents of pydantic-ai: one that calls a tool, whole and streamed, and one that delegates to another.

Where to send and which model comes from OTEL_EXPORTER_OTLP_ENDPOINT, OPENAI_BASE_URL and the arguments.
"""

import argparse
import asyncio

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic import BaseModel
from pydantic_ai import Agent, InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel

QUESTION = "Please add 17 and 25."


class Sum(BaseModel):
    """The sum of two numbers."""

    total: int


async def run(model: OpenAIChatModel) -> None:
    """Run each agent once."""
    adder = Agent(model, name="adder", instructions="You add numbers.")

    @adder.tool_plain
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    desk = Agent(model, name="desk", instructions="You pass questions on.")

    @desk.tool_plain
    async def delegate_to_adder(question: str) -> str:
        """Delegate the question to the adder."""
        return (await adder.run(question)).output

    print(await adder.run(QUESTION))
    async with adder.run_stream(QUESTION) as streamed:
        print(await streamed.get_output())
    print(await desk.run('Delegate "Please add 17 and 25." to the adder.'))
    print(await Agent(model, name="summarizer", output_type=Sum).run("The total is 42."))


def main() -> None:
    """Instrument, run, and send what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--format", type=int, default=5, help="the version of the instrumentation's format")
    arguments = parser.parse_args()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    Agent.instrument_all(InstrumentationSettings(version=arguments.format))
    asyncio.run(run(OpenAIChatModel(arguments.model)))
    provider.shutdown()


if __name__ == "__main__":
    main()
