"""The overview: empty it teaches, filled it judges, and every figure leads somewhere."""

import os
import re
import time

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

MINUTE_NS = 60_000_000_000
LONG_NAME = "a-service-whose-name-goes-on-until-it-has-eighty-characters-and-not-a-letter-more"[:80]


def send_spans(server: GnomonProcess, service: str, *, spans: int = 60, failing: int = 0, name: str = "GET /") -> None:
    """Send one-span traces spread over the last half hour; the newest of them fail."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", service
    scope_spans = resource_spans.scope_spans.add()
    now_ns = time.time_ns()
    for i in range(spans):
        span = scope_spans.spans.add()
        span.trace_id, span.span_id = os.urandom(16), os.urandom(8)
        span.name, span.kind = name, Span.SPAN_KIND_SERVER
        span.start_time_unix_nano = now_ns - (i + 1) * 30 * MINUTE_NS // spans
        span.end_time_unix_nano = span.start_time_unix_nano + 86_000_000
        if i < failing:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "The read timed out after 2.0 s"
    answer = httpx.post(
        f"{server.otlp_http_url}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        trust_env=False,
    )
    answer.raise_for_status()


def fits(page: Page) -> bool:
    """Return whether nothing of the page must be scrolled to, but for lists with their own bars."""
    return bool(page.evaluate("(m => m.scrollHeight <= m.clientHeight + 1)(document.querySelector('main'))"))


def test_an_empty_server_teaches_and_turns_live_by_itself(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon().start()
    page = open_page(f"{server.url}/?refresh=5s")
    expect(page.get_by_role("heading", name="No traces in this range")).to_be_visible()
    expect(page.get_by_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={server.otlp_http_url}")).to_be_visible()
    shoot(page, "overview-empty-dark-1280")
    send_spans(server, "gateway")
    expect(page.get_by_role("table", name="Services")).to_contain_text("gateway", timeout=15_000)
    expect(page.get_by_text("Nothing stands out")).to_be_visible()
    shoot(page, "overview-one-dark-1280")


def test_it_says_what_fails_and_since_when_and_leads_there(
    gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    send_spans(gnomon, "gateway", spans=100)
    send_spans(gnomon, "tool-executor", failing=12, name="run tool")
    page = open_page(f"{gnomon.url}/?refresh=5s")
    expect(page.get_by_text(re.compile(r"tool-executor fails"))).to_be_visible(timeout=15_000)
    expect(page.get_by_text(re.compile(r"20 % of its spans, since \d\d:\d\d:\d\d"))).to_be_visible()
    row = page.get_by_role("row").filter(has_text="tool-executor").first
    expect(row).to_contain_text("86 ms")
    assert fits(page)
    shoot(page, "overview-failing-dark-1280")
    error = page.get_by_role("list", name="Recent errors").get_by_role("link").first
    expect(error).to_contain_text("The read timed out after 2.0 s")
    assert re.search(r"/traces/[0-9a-f]{32}\?span=[0-9a-f]{16}", error.get_attribute("href") or "")
    row.get_by_role("link", name="20 %").click()
    page.wait_for_url("**/traces?*")
    assert "q=service:tool-executor+status:error" in page.url


def test_a_hundred_services_with_long_names_fit(launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot) -> None:
    server = launch_gnomon().start()
    for number in range(100):
        send_spans(server, f"{number:03}-{LONG_NAME}"[:80], spans=5, failing=number % 7 == 0)
    page = open_page(f"{server.url}/?refresh=5s")
    expect(page.get_by_role("heading", name=re.compile("10[01] services"))).to_be_visible(timeout=20_000)
    assert fits(page)
    shoot(page, "overview-full-dark-1280")
    for key in "jjj":
        page.keyboard.press(key)
    expect(page.locator("tr[aria-current=true]")).to_have_count(1)
    table = page.get_by_role("table", name="Services")
    table.get_by_role("button", name="Service").click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("000-")
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.emulate_media(color_scheme="light")
    assert fits(page)
    shoot(page, "overview-full-light-1920")
