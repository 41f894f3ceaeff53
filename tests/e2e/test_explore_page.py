"""Explore: from a metric's name to a graph, a table and a heatmap; the address holds it all."""

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_metrics import send_metrics
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon


@pytest.fixture(scope="module")
def shops(gnomon: GnomonProcess) -> GnomonProcess:
    """Return a server with the metrics of three shops."""
    send_metrics(gnomon)
    return gnomon


def _editor(page: Page, letter: str = "A") -> None:
    expect(page.get_by_role("textbox", name=f"Query {letter}", exact=True)).to_be_visible()


def _legend(page: Page, text: str) -> None:
    expect(page.get_by_role("table", name="Legend")).to_contain_text(text)


def test_a_metric_of_the_browser_becomes_a_graph(shops: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shops.url}/explore?from=now-15m")
    browser = page.get_by_role("complementary", name="Metric browser")
    browser.get_by_role("textbox", name="Search metrics").fill("orders")
    browser.get_by_title(re.compile("^shop_orders_total")).first.click()

    expect(page).to_have_url(re.compile(r"q=rate\(shop_orders_total\[5m\]\)|q=rate%28shop_orders_total"))
    _legend(page, "west")
    # Three a step of fifteen seconds, times fifteen.
    _legend(page, "3 /s")
    expect(page.get_by_text(re.compile(r"3 series · .* samples read"))).to_be_visible()
    detail = page.get_by_role("region", name="shop_orders_total")
    expect(detail).to_contain_text("Orders that were placed.")
    expect(detail.get_by_role("button", name=re.compile("shop"))).to_contain_text("3 values")
    shoot(page, "explore-dark-1280")


def test_a_query_is_typed_with_completion_and_run(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/explore?from=now-15m")
    _editor(page)
    page.get_by_role("textbox", name="Query A", exact=True).click()
    page.keyboard.type("sum by (shop) (shop_ord")
    expect(page.get_by_role("option", name=re.compile("shop_orders_total"))).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    _legend(page, 'shop="north"')


def test_a_mistake_is_marked_where_it_is(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/explore?q=rate(shop_orders_total)&from=now-15m")

    expect(page.get_by_role("alert")).to_contain_text("expected type range vector")
    expect(page.locator(".cm-lintRange-error").first).to_be_visible()


def test_several_queries_are_hidden_moved_and_kept_in_the_address(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/explore?q=sum(shop_open)&legend=open&q2=count(shop_open)&legend2=all&from=now-15m")
    _legend(page, "open")
    _legend(page, "all")
    page.get_by_role("button", name="Hide query A").click()
    expect(page.get_by_role("table", name="Legend")).not_to_contain_text("open")
    page.get_by_role("button", name="Move query B up").click()
    expect(page).to_have_url(re.compile(r"q=count\(shop_open\).*hide=2"))
    page.reload()
    _legend(page, "all")
    page.go_back()
    expect(page).to_have_url(re.compile(r"q=sum\(shop_open\)"))


def test_values_stand_in_a_table_and_distributions_in_a_heatmap(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shops.url}/explore?q=shop_open&view=table&from=now-15m", scheme="light")
    table = page.get_by_role("table", name="Values")
    expect(table.get_by_role("row").filter(has_text="west")).to_contain_text("0")
    expect(table.get_by_role("row").filter(has_text="north")).to_contain_text("1")
    shoot(page, "explore-table-light-1280")
    page.goto(
        f"{shops.url}/explore?q=sum+by+(le)+(increase(shop_duration_seconds_bucket[1m]))&view=heatmap&from=now-15m&unit=seconds"
    )
    expect(page.get_by_role("img", name="Distribution, heatmap")).to_be_visible()
    page.wait_for_timeout(500)
    shoot(page, "explore-heatmap-light-1280")
    plot = page.get_by_role("img", name="Distribution, heatmap").locator(".u-over").bounding_box()
    assert plot is not None
    # The second row from the bottom of four: orders of more than 0.1 and at most 0.5 seconds.
    page.mouse.click(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] * 0.625)
    expect(page).to_have_url(re.compile(r"/traces\?.*duration.*100ms.*duration.*500ms"))
    expect(page.get_by_role("heading", name="Traces")).to_be_visible()


def test_the_search_finds_metrics_and_dashboards(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("shop_orders")
    page.get_by_role("option", name=re.compile("shop_orders_total")).click()
    expect(page).to_have_url(re.compile("/explore"))
    _legend(page, "west")
    page.keyboard.press("Control+k")
    page.keyboard.type("Host")
    page.get_by_role("option", name=re.compile("^Host")).click()
    expect(page).to_have_url(re.compile("/dashboards/host"))


def test_cardinality_tells_the_metrics_with_the_most_series(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shops.url}/explore/cardinality")
    [largest] = httpx.get(f"{shops.url}/api/cardinality", params={"limit": 1}, trust_env=False).json()[
        "series_by_metric"
    ]
    row = page.get_by_role("table", name="Metrics with the most series").get_by_role("row").nth(1)
    expect(row).to_contain_text(largest["name"])
    expect(page.get_by_role("table", name="Labels with the most values")).to_contain_text("__name__")
    shoot(page, "cardinality-dark-1280")


def test_refused_series_are_shown_with_the_label_to_blame(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon("--set", "metrics.max_series_per_metric=3").start()
    send_metrics(server)
    # Once the limit is known to be reached, further series are new and refused.
    httpx.get(f"{server.url}/api/cardinality", trust_env=False).raise_for_status()
    page = open_page(f"{server.url}/explore/cardinality", width=1920, height=1080)
    for attempt in range(20):
        send_metrics(server, shops=(f"extra-{attempt}",))
        if httpx.get(f"{server.url}/api/cardinality", trust_env=False).json()["refused"]:
            break
    page.reload()
    refusals = page.get_by_role("list", name="New series refused")
    expect(refusals).to_contain_text("shop_orders_total reached its limit of 3 active series")
    expect(refusals).to_contain_text("Most likely because of the label shop")
    shoot(page, "cardinality-refused-dark-1920")
    page.goto(f"{server.url}/explore")
    browser = page.get_by_role("complementary", name="Metric browser")
    expect(browser).to_contain_text(re.compile("New series of shop_.* are refused, most likely because of"))


def test_nothing_yet_teaches_how_metrics_come_in(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon("--set", "own_metrics.enabled=false", "--set", "host_metrics.enabled=false").start()
    page = open_page(f"{server.url}/explore")
    expect(page.get_by_role("heading", name="No metrics have come in yet")).to_be_visible()
    expect(page.get_by_text(f"{server.url}/api/v1/write")).to_be_visible()
    shoot(page, "explore-empty-dark-1280")
    send_metrics(server)
    page.get_by_role("button", name="Refresh now").click()
    expect(page.get_by_role("heading", name="Write a query, or choose a metric at the left")).to_be_visible()
