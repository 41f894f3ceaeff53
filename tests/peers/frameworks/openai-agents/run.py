"""Agents of the OpenAI Agents SDK: one that calls a tool, whole and streamed, and one that hands off to it.

Where to send and which model comes from OTEL_EXPORTER_OTLP_ENDPOINT, OPENAI_BASE_URL and the arguments.
"""

import argparse
import asyncio

from agents import Agent, ModelSettings, Runner, function_tool, set_default_openai_api
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

QUESTION = "Please add 17 and 25."


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def run(model: str) -> None:
    """Run each agent once."""
    settings = ModelSettings(include_usage=True)
    adder = Agent(name="adder", instructions="You add numbers.", tools=[add], model=model, model_settings=settings)
    desk = Agent(
        name="desk", instructions="You pass questions on.", handoffs=[adder], model=model, model_settings=settings
    )
    print(await Runner.run(adder, QUESTION))
    streamed = Runner.run_streamed(adder, QUESTION)
    async for event in streamed.stream_events():
        print(event.type)
    print(await Runner.run(desk, "Transfer to the adder, please: add 17 and 25."))


def main() -> None:
    """Instrument, run, and send what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    OpenAIAgentsInstrumentor().instrument(tracer_provider=provider)
    set_default_openai_api("chat_completions")
    asyncio.run(run(arguments.model))
    provider.shutdown()


if __name__ == "__main__":
    main()
