"""The overview: empty it teaches, filled it judges, and every figure leads somewhere."""

import re

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.telemetry import send_spans
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

LONG_NAME = "a-service-whose-name-goes-on-until-it-has-eighty-characters-and-not-a-letter-more"[:80]


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
    expect(row).to_contain_text(re.compile(r"86(\.\d)? ms"))
    assert fits(page)
    shoot(page, "overview-failing-dark-1280")
    error = page.get_by_role("list", name="Recent errors").get_by_role("link").first
    expect(error).to_contain_text("The read timed out after 2.0 s")
    assert re.search(r"/traces/[0-9a-f]{32}\?(.*&)?span=[0-9a-f]{16}", error.get_attribute("href") or "")
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
