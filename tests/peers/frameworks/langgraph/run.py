"""Agents of LangGraph: one that calls a tool, whole and streamed, and two in a graph, one handing off to the other.

Where to send and which model comes from OTEL_EXPORTER_OTLP_ENDPOINT, OPENAI_BASE_URL and the arguments.
"""

import argparse
from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import Command
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.langchain import LangchainInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

INSTRUMENTORS = {"openinference": LangChainInstrumentor, "openllmetry": LangchainInstrumentor}
QUESTION = "Please add 17 and 25."


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
def transfer_to_adder() -> Command[Any]:
    """Transfer to the adder."""
    return Command(goto="adder", graph=Command.PARENT)


def run(model: ChatOpenAI) -> None:
    """Run each agent once."""
    adder = create_agent(model, [add], system_prompt="You add numbers.", name="adder")
    print(adder.invoke(_ask(QUESTION)))
    for _mode, part in adder.stream(_ask(QUESTION), stream_mode=["messages"]):
        print(part)
    desk = create_agent(model, [transfer_to_adder], system_prompt="You pass questions on.", name="desk")
    office = StateGraph(MessagesState)
    office.add_node("desk", desk, destinations=("adder", END))
    office.add_node("adder", adder)
    office.add_edge(START, "desk")
    office.add_edge("adder", END)
    print(office.compile(name="office").invoke(_ask("Transfer to the adder, please: add 17 and 25.")))


def _ask(question: str) -> Any:
    return {"messages": [{"role": "user", "content": question}]}


def main() -> None:
    """Instrument, run, and send what is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--instrumentation", choices=sorted(INSTRUMENTORS), required=True)
    arguments = parser.parse_args()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    INSTRUMENTORS[arguments.instrumentation]().instrument(tracer_provider=provider)
    run(ChatOpenAI(model=arguments.model, stream_usage=True))
    provider.shutdown()


if __name__ == "__main__":
    main()
