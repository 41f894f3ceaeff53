"""The peers themselves: before anything is compared with them, they must work."""

import time
from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.peers.jaeger import Jaeger, Storage, collector_running, jaeger_running


def send_span(otlp_http_url: str, service: str) -> None:
    """Send one span as an application with the OpenTelemetry SDK does."""
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{otlp_http_url}/v1/traces")))
    with provider.get_tracer("peers").start_as_current_span("greet"):
        pass
    provider.shutdown()


def wait_for_service(jaeger: Jaeger, service: str, timeout_s: float = 60.0) -> list[str]:
    """Return the services that Jaeger knows as soon as `service` is one, or at last."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = httpx.get(f"{jaeger.query_url}/api/services", trust_env=False).json()
        services: list[str] = answer["data"] or []
        if service in services or time.monotonic() > deadline:
            return services
        time.sleep(0.05)


def test_jaeger_shows_a_span_that_the_sdk_sent(jaeger: Jaeger) -> None:
    send_span(jaeger.otlp_http_url, "peers-direct")

    assert "peers-direct" in wait_for_service(jaeger, "peers-direct")


def test_the_collector_hands_on_what_it_receives(jaeger: Jaeger, tmp_path: Path) -> None:
    with collector_running(tmp_path, export_url=jaeger.otlp_http_url, signals=("traces",)) as collector:
        send_span(collector.otlp_http_url, "peers-collector")

        assert "peers-collector" in wait_for_service(jaeger, "peers-collector")


@pytest.mark.parametrize("storage", ["badger", "badger-synced"])
@pytest.mark.usefixtures("jaeger_program")
def test_jaeger_on_badger_keeps_spans_over_a_restart(storage: Storage, tmp_path: Path) -> None:
    with jaeger_running(tmp_path, storage) as first:
        send_span(first.otlp_http_url, "peers-badger")
        assert "peers-badger" in wait_for_service(first, "peers-badger")

    with jaeger_running(tmp_path, storage) as second:
        assert "peers-badger" in wait_for_service(second, "peers-badger")
