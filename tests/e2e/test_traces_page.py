"""The search for traces: query line, facets, scatter plot, results, what differs."""

import re
import time

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_traces import send_task
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

FAST, SLOW = 24, 6
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def tasks(gnomon: GnomonProcess) -> GnomonProcess:
    """Return a server with 24 quick traces and 6 slow ones of one tenant, two of which failed."""
    for _ in range(FAST):
        send_task(gnomon.otlp_http_url)
    for number in range(SLOW):
        send_task(gnomon.otlp_http_url, tenant="acme", tool_ms=600, failed=number < 2)
    wait_for_traces(gnomon, FAST + SLOW)
    return gnomon


def wait_for_traces(gnomon: GnomonProcess, count: int) -> None:
    found = 0
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = httpx.get(
            f"{gnomon.url}/api/tracing/points", params={"q": "service != gnomon"}, timeout=10, trust_env=False
        ).json()["found"]
        if found >= count:
            return
        time.sleep(0.1)
    pytest.fail(f"{found} of {count} traces can be found")


def open_search(gnomon: GnomonProcess, open_page: OpenPage, query: str = "", **options: object) -> Page:
    page = open_page(f"{gnomon.url}/traces?from=now-15m&q={query}", **options)
    expect(page.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_be_visible()
    return page


def test_a_query_is_completed_and_finds(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_search(tasks, open_page)
    page.keyboard.press("/")
    page.keyboard.type("tena")
    page.get_by_role("option", name="tenant").wait_for()
    shoot(page, "traces_completion")
    page.keyboard.press("Tab")
    page.keyboard.type("= ")
    expect(page.get_by_role("option", name="acme")).to_be_visible()
    page.get_by_role("option", name="acme").click()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=tenant\\+=\\+acme"))
    expect(page.get_by_role("heading", name=f"{SLOW} traces")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("combobox", name="Search traces")).to_have_value("")


def test_a_wrong_query_is_marked_where_it_is_wrong(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{tasks.url}/traces?q=service+%3D+worker+and+duration+%3E+soon")
    expect(page.get_by_role("alert")).to_contain_text("soon")
    expect(page.get_by_role("heading", name="The query could not be read")).to_be_visible()
    shoot(page, "traces_wrong_query")


def test_a_facet_narrows_the_search(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_search(tasks, open_page, "service+!%3D+gnomon")
    facets = page.get_by_role("complementary", name="Facets")
    facets.get_by_role("button", name=re.compile("^error")).click()
    expect(page.get_by_role("combobox", name="Search traces")).to_have_value("service != gnomon status:error")
    expect(page.get_by_role("heading", name="2 traces")).to_be_visible()
    shoot(page, "traces_facet")


def test_slowest_come_first_when_asked_for(tasks: GnomonProcess, open_page: OpenPage) -> None:
    page = open_search(tasks, open_page, "tenant+%3D+globex+or+tenant+%3D+acme")
    page.get_by_role("radio", name="Slowest").click()
    expect(page).to_have_url(re.compile("sort=slowest"))
    durations = page.get_by_role("table", name="Traces").get_by_text("1.25 s")
    expect(durations).to_have_count(SLOW)
    expect(page.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_contain_text("1.25 s")


def test_a_brush_tells_what_differs(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_search(tasks, open_page, "root+%3D+true+and+service+%3D+gateway", width=1920, height=1080)
    plot = page.get_by_role("region", name="Duration over time").locator(".u-over").bounding_box()
    assert plot is not None
    page.mouse.move(plot["x"] + 1, plot["y"] + 1)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] - 1, plot["y"] + plot["height"] * 0.6, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("brush="))
    expect(page.get_by_role("heading", name=f"{SLOW} traces selected")).to_be_visible()
    differs = page.get_by_role("region", name="What differs?")
    expect(differs).to_contain_text("tenant")
    expect(differs.get_by_role("button", name=re.compile("^acme"))).to_contain_text("100 %")
    rows = page.get_by_role("table", name="Traces").get_by_role("row")
    expect(rows).to_have_count(SLOW + 1)
    shoot(page, "traces_what_differs")
    page.reload()
    expect(page.get_by_role("heading", name=f"{SLOW} traces selected")).to_be_visible()
    page.mouse.move(0, 0)
    page.keyboard.press("Escape")
    expect(differs).to_have_count(0)


def test_rows_are_walked_and_opened_with_keys(tasks: GnomonProcess, open_page: OpenPage) -> None:
    page = open_search(tasks, open_page, "tenant+%3D+acme")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tree", name="Spans")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("combobox", name="Search traces")).to_have_value("tenant = acme")


def test_two_traces_are_compared(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_search(tasks, open_page, "root+%3D+true+and+service+%3D+gateway")
    rows = page.get_by_role("table", name="Traces").get_by_role("row")
    rows.filter(has_text="1.25 s").first.get_by_role("button", name="Compare with another trace").click()
    rows.filter(has_text="90 ms").first.get_by_role("button", name="Compare with this").click()
    comparison = page.get_by_role("table", name="Comparison")
    expect(comparison.get_by_role("row").filter(has_text="run search")).to_contain_text(f"{MINUS}580 ms")
    shoot(page, "traces_compared")
    page.get_by_role("button", name="Only what differs").click()
    expect(comparison.get_by_role("row").filter(has_text="route task")).to_have_count(0)


def test_an_id_that_is_pasted_opens_its_trace(tasks: GnomonProcess, open_page: OpenPage) -> None:
    trace_id = send_task(tasks.otlp_http_url, tenant="initech")
    page = open_search(tasks, open_page)
    page.get_by_role("combobox", name="Search traces").fill(f"00-{trace_id}-{4:016x}-01")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/traces/{trace_id}.*span=0000000000000004"))


def test_an_empty_server_teaches_and_turns_live(launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot) -> None:
    empty = launch_gnomon(env={"GNOMON_OWN_TELEMETRY__TRACES": "false"}).start()
    page = open_page(f"{empty.url}/traces?refresh=5s&q=service+!%3D+gnomon")
    page.get_by_role("button", name="Clear the query").wait_for()
    page.goto(f"{empty.url}/traces?refresh=5s")
    expect(page.get_by_role("heading", name="No traces in this time range")).to_be_visible()
    expect(page.get_by_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={empty.otlp_http_url}")).to_be_visible()
    shoot(page, "traces_empty")
    send_task(empty.otlp_http_url)
    expect(page.get_by_role("table", name="Traces")).to_be_visible(timeout=15_000)


def test_a_failing_server_is_told_where_it_fails(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{tasks.url}/settings")
    body = '{"error": {"code": "unavailable", "message": "The engine does not answer."}}'
    page.route("**/api/tracing/facets*", lambda route: route.fulfill(status=503, body=body))
    page.get_by_role("link", name="Traces").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The engine does not answer.")
    expect(page.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_be_visible()
    shoot(page, "traces_failing")
    page.unroute("**/api/tracing/facets*")
    alert.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("complementary", name="Facets")).to_contain_text("gateway")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_kept_to_be_looked_at(
    tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot, width: int, height: int, scheme: str
) -> None:
    page = open_search(tasks, open_page, width=width, height=height, scheme=scheme)
    page.get_by_role("complementary", name="Facets").get_by_text("worker", exact=True).wait_for()
    shoot(page, f"traces_{scheme}_{width}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
