"""An agent of pydantic-ai 1 that calls a tool; its instrumentation tells messages as events, an earlier convention.

Where to send and which model comes from OTEL_EXPORTER_OTLP_ENDPOINT, OPENAI_BASE_URL and the arguments.
"""

import argparse

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel


def main() -> None:
    """Instrument, run, and send what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--events", choices=("attributes", "logs"), required=True)
    arguments = parser.parse_args()
    provider, logs = TracerProvider(), LoggerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    trace.set_tracer_provider(provider)
    settings = InstrumentationSettings(version=1, event_mode=arguments.events, logger_provider=logs)
    Agent.instrument_all(settings)
    adder = Agent(OpenAIChatModel(arguments.model), name="adder", instructions="You add numbers.")

    @adder.tool_plain
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    print(adder.run_sync("Please add 17 and 25."))
    provider.shutdown()
    logs.shutdown()


if __name__ == "__main__":
    main()
