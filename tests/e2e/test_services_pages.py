"""Services: the table, one service, the map."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_traces import send_task
from tests.e2e.test_traces_page import wait_for_traces
from tests.gnomon_process import GnomonProcess

TRACES = 12


@pytest.fixture(scope="module")
def tasks(gnomon: GnomonProcess) -> GnomonProcess:
    """Return a server with a dozen traces over four services, three of which failed."""
    for number in range(TRACES):
        send_task(gnomon.otlp_http_url, failed=number % 4 == 0)
    wait_for_traces(gnomon, TRACES)
    return gnomon


def test_a_service_opens_from_the_table(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{tasks.url}/services?from=now-15m")
    row = page.get_by_role("table", name="Services").get_by_role("row").filter(has_text="tool-executor")
    expect(row).to_contain_text("12.5 %")
    shoot(page, "services")
    row.get_by_role("link", name="tool-executor").click()
    expect(page).to_have_url(re.compile("/services/tool-executor"))
    operations = page.get_by_role("table", name="Operations")
    expect(operations.get_by_role("row").filter(has_text="run calculator")).to_contain_text("25 %")
    shoot(page, "service")


def test_an_operation_shows_its_own_course_and_its_traces(tasks: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{tasks.url}/services/tool-executor?from=now-15m")
    row = page.get_by_role("table", name="Operations").get_by_role("row").filter(has_text="run calculator")
    row.get_by_role("cell").first.click()
    expect(page).to_have_url(re.compile("operation=run\\+calculator"))
    expect(page.get_by_text("25 %").first).to_be_visible()
    page.get_by_role("link", name="Errors").click()
    query = page.get_by_role("combobox", name="Search traces")
    expect(query).to_have_value('service:tool-executor name:"run calculator" status:error')


def test_the_map_leads_to_a_service(tasks: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{tasks.url}/services/map?from=now-15m")
    graph = page.get_by_role("group", name="Service map")
    expect(graph.get_by_text("tool-executor")).to_be_visible()
    for service in ("gateway", "router", "worker"):
        expect(graph.get_by_text(service, exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    shoot(page, "service_map")
    graph.get_by_text("worker", exact=True).click()
    panel = page.get_by_role("complementary", name="worker")
    expect(panel).to_contain_text("Called by")
    expect(panel.get_by_role("button", name="router")).to_be_visible()
    shoot(page, "service_map_selected")
    panel.get_by_role("link", name="Operations").click()
    expect(page.get_by_role("table", name="Operations")).to_contain_text("process tasks")


def test_a_service_that_is_not_there_teaches(tasks: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{tasks.url}/services/nobody")
    expect(page.get_by_role("heading", name="nobody sent no spans in this time range")).to_be_visible()
