"""The logs page: searching, narrowing down, reading, following and sharing lines."""

import json
import re
import threading
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_logs import TRACE_ID, odd_lines, send_lines, shop_lines
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

LINES = 1_200


@pytest.fixture(scope="module")
def shop(gnomon: GnomonProcess) -> GnomonProcess:
    """Return the module's server with the lines of a shop in it."""
    send_lines(gnomon, shop_lines(LINES))
    return gnomon


@pytest.fixture
def flood(shop: GnomonProcess) -> Iterator[None]:
    """Send 5,000 lines a second for as long as the test runs."""
    over = threading.Event()

    def send() -> None:
        number = 0
        with httpx.Client(trust_env=False) as client:
            while not over.is_set():
                began = time.monotonic()
                lines = (
                    json.dumps({"service": "flood", "level": "info", "message": f"drop {number + index}"})
                    for index in range(500)
                )
                client.post(f"{shop.url}/ingest/jsonl", content="\n".join(lines)).raise_for_status()
                number += 500
                over.wait(max(0.0, began + 0.1 - time.monotonic()))

    thread = threading.Thread(target=send)
    thread.start()
    yield
    over.set()
    thread.join()


def search_of(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def rows(page: Page, label: str = "Log lines") -> list[str]:
    return page.get_by_role("region", name=label).get_by_role("listitem").all_inner_texts()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)], ids=["laptop", "desktop"])
def test_lines_are_shown_with_their_levels_and_facets(
    scheme: str, size: tuple[int, int], shop: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off", width=size[0], height=size[1], scheme=scheme)
    expect(page.get_by_role("heading", name=f"{LINES:,} lines")).to_be_visible()
    expect(page.get_by_role("group", name="Levels").get_by_role("button", name="error")).to_contain_text("120")
    expect(page.get_by_role("region", name="tenant").get_by_role("button", name="acme").first).to_contain_text("600")
    shoot(page, f"logs-{size[0]}-{scheme}")


def test_a_query_is_completed_and_narrows_everything(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off")
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("tena")
    expect(page.get_by_role("option", name="tenant")).to_be_visible()
    shoot(page, "logs-completion")
    page.keyboard.press("Tab")
    page.keyboard.type(":")
    page.get_by_role("option", name="globex").click()
    page.keyboard.type('level>=warn "connection reset"')
    page.keyboard.press("Enter")
    # Every tenth line failed, and every second of all is of this tenant: the failed ones are all of the other.
    expect(page.get_by_text("No line matches")).to_be_visible()
    page.get_by_role("textbox", name="Search logs").or_(page.get_by_role("combobox", name="Search logs")).fill(
        'tenant:acme "connection reset"'
    )
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="120 lines")).to_be_visible()
    expect(page.locator("mark", has_text="connection reset").first).to_be_visible()
    page.go_back()
    expect(page.get_by_text("No line matches")).to_be_visible()


def test_a_wrong_query_is_marked_where_it_is_wrong(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/logs?q=service:cart+and+(level:error&refresh=off")
    expect(page.get_by_role("alert")).to_contain_text("never closed")
    expect(page.locator("u")).to_contain_text("(")
    expect(page.get_by_role("heading", name="The query could not be read")).to_be_visible()
    shoot(page, "logs-wrong-query")


def test_a_value_can_be_kept_dropped_and_let_go(shop: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off")
    facet = page.get_by_role("region", name="service")
    facet.get_by_role("button", name="cart").first.click()
    expect(page.get_by_role("heading", name="400 lines")).to_be_visible()
    facet.get_by_role("button", name="cart").first.click()
    expect(page.get_by_role("heading", name=f"{LINES:,} lines")).to_be_visible()
    facet.get_by_role("button", name="Not cart").click()
    expect(page.get_by_role("heading", name="800 lines")).to_be_visible()
    page.get_by_role("group", name="Levels").get_by_role("button", name="error").click()
    expect(page.get_by_role("heading", name="80 lines")).to_be_visible()


def test_keys_walk_the_lines_and_details_lead_on(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/logs?q=level:error&refresh=off")
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Attributes")).to_be_visible()
    shoot(page, "logs-details")
    row = page.locator("dl > div", has=page.get_by_text("tenant", exact=True))
    row.hover()
    row.get_by_role("button", name="Add the column tenant").click()
    expect(page).to_have_url(re.compile("cols=service,tenant"))
    row.get_by_role("button", name="Show the distribution of tenant").click()
    expect(page.get_by_role("button", name="Stop grouping by tenant")).to_be_visible()
    page.get_by_role("link", name="Open the trace at this span").click()
    page.wait_for_url(f"**/traces/{TRACE_ID}*")
    page.go_back()
    expect(page.get_by_role("heading", name="Attributes")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Attributes")).to_be_hidden()


def test_surrounding_lines_are_those_of_the_same_sender(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/logs?q=service:cart+failed&refresh=off")
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    for key in ("j", "j", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("button", name="Surrounding lines").click()
    expect(page.get_by_role("region", name="Surrounding lines")).to_be_visible()
    texts = rows(page, "Surrounding lines")
    assert any("placed" in text for text in texts)
    assert all("cart" in text for text in texts)
    shoot(page, "logs-surroundings")
    page.get_by_role("button", name="Back to the search").click()
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    assert search_of(page)["q"] == "service:cart failed"


def test_a_link_opens_its_line_in_the_list_and_beside_another_search(
    shop: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shop.url}/logs?q=level:error&refresh=off")
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    for key in ("j", "j", "j", "j", "j", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Attributes")).to_be_visible()
    row = page.locator("[data-open]").get_by_role("button", expanded=True)
    time_of_line = row.inner_text()
    page.reload()
    expect(row).to_have_text(time_of_line)
    expect(row).to_be_in_viewport()
    line = search_of(page)["line"]
    page.goto(f"{shop.url}/logs?q=level:warn&refresh=off&line={line}")
    beside = page.get_by_role("region", name="Line of the link")
    expect(beside).to_contain_text("connection reset")
    shoot(page, "logs-linked-line")
    beside.get_by_role("button", name="Close the line").click()
    expect(beside).to_be_hidden()


def test_older_lines_come_as_one_scrolls(shop: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off")
    region = page.get_by_role("region", name="Log lines")
    expect(region).to_be_visible()
    for _ in range(40):
        region.evaluate("element => element.scrollTo(0, element.scrollHeight)")
        if page.get_by_text("No more lines in this time range").is_visible():
            break
        page.wait_for_timeout(250)
    expect(page.get_by_text("No more lines in this time range")).to_be_visible()
    assert "order 1 placed" in " ".join(rows(page))


def test_selected_lines_are_copied_and_all_are_exported_as_json(shop: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shop.url}/logs?q=level:error&refresh=off")
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()
    for key in ("j", "J", "J"):
        page.keyboard.press(key)
    expect(page.get_by_text("3 lines selected")).to_be_visible()
    page.get_by_role("button", name="Copy the selected lines as JSON").click()
    copied = [json.loads(line) for line in page.evaluate("navigator.clipboard.readText()").splitlines()]
    assert [line["level"] for line in copied] == ["error"] * 3
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    exported = [json.loads(line) for line in download.value.path().read_text().splitlines()]
    assert len(exported) == 120
    assert exported[:3] == copied


def test_columns_are_chosen_and_stay_in_the_url(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off")
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Find a field").fill("order")
    page.get_by_role("checkbox", name="order.id").click()
    expect(page).to_have_url(re.compile("cols=service,order.id"))
    shoot(page, "logs-columns")
    page.reload()
    expect(page.get_by_role("button", name="Remove the column order.id")).to_be_attached()


def test_similar_lines_are_grouped_and_lead_to_their_lines(
    shop: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shop.url}/logs?view=patterns&refresh=off")
    table = page.get_by_role("table", name="Patterns")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table.get_by_role("row").nth(1)).to_contain_text("placed in")
    shoot(page, "logs-patterns")
    table.get_by_role("row").filter(has_text="connection reset").click()
    expect(page.get_by_role("heading", name="120 lines")).to_be_visible()


def test_dragging_over_the_histogram_sets_the_time_range(shop: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shop.url}/logs?from=now-15m&to=now&refresh=off")
    chart = page.get_by_role("img", name="Lines over time by level")
    expect(chart).to_be_visible()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 30, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=20\d\d-"))
    expect(page.get_by_role("heading", name=f"{LINES:,} lines")).to_be_hidden()
    page.go_back()
    expect(page.get_by_role("heading", name=f"{LINES:,} lines")).to_be_visible()


def test_a_failing_part_says_so_and_the_rest_lives_on(shop: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{shop.url}/settings?refresh=off")

    def fail(route: Route) -> None:
        error = {"code": "unavailable", "message": "The engine does not answer. Try again in a minute."}
        route.fulfill(status=503, json={"error": error})

    page.route("**/api/logs/search*", fail)
    page.route("**/api/logs/facets*", fail)
    page.get_by_role("link", name="Logs").click()
    expect(page.get_by_role("alert").first).to_contain_text("The engine does not answer")
    expect(page.get_by_role("heading", name=f"{LINES:,} lines")).to_be_visible()
    shoot(page, "logs-failing")
    page.unroute_all()
    page.get_by_role("alert").last.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("region", name="Log lines")).to_be_visible()


def test_the_tail_keeps_up_holds_back_and_goes_on(
    shop: GnomonProcess, flood: None, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shop.url}/logs?refresh=off&tail=on&q=service:flood")
    status = page.get_by_role("status").filter(has_text=re.compile("Following|Paused"))
    expect(status).to_contain_text(re.compile(r"Following, [\d.]+ k /s"))
    frames = page.evaluate(
        """() => new Promise((done) => {
            const gaps = [];
            let last = performance.now();
            const end = last + 4000;
            const step = (now) => {
                gaps.push(now - last);
                last = now;
                if (now < end) requestAnimationFrame(step);
                else done({ worst: Math.max(...gaps), count: gaps.length });
            };
            requestAnimationFrame(step);
        })"""
    )
    shoot(page, "logs-tail")
    assert frames["worst"] < 1_000, frames
    page.get_by_role("button", name="Pause").click()
    expect(status).to_contain_text(re.compile(r"Paused, [\d,]+ lines wait"))
    before = rows(page, "Live tail")
    page.wait_for_timeout(1_000)
    assert rows(page, "Live tail") == before
    shoot(page, "logs-tail-paused")
    page.get_by_role("button", name=re.compile("new lines")).click()
    expect(status).to_contain_text("Following")
    region = page.get_by_role("region", name="Live tail")
    region.get_by_text(re.compile("^drop")).nth(3).click(force=True)
    expect(status).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(status).to_contain_text("Following")
    region.hover()
    page.mouse.wheel(0, -400)
    expect(status).to_contain_text("Paused")


def test_an_empty_page_teaches_and_turns_live_by_itself(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon().start()
    page = open_page(f"{server.url}/logs?refresh=5s")
    expect(page.get_by_role("heading", name="No log lines in this time range")).to_be_visible()
    page.get_by_role("radio", name="JSON Lines").click()
    expect(page.get_by_text(f"{server.url}/ingest/jsonl")).to_be_visible()
    shoot(page, "logs-empty")
    send_lines(server, [{"service": "first", "level": "info", "message": "hello"}])
    expect(page.get_by_role("heading", name="1 line", exact=True)).to_be_visible(timeout=20_000)
    shoot(page, "logs-one")
    send_lines(server, odd_lines())
    page.goto(f"{server.url}/logs?wrap=on&refresh=off")
    expect(page.get_by_text("<b>not bold</b>").first).to_be_visible()
    shoot(page, "logs-odd-wrapped")
    page.goto(f"{server.url}/logs?refresh=off")
    page.get_by_text('{"outer"').first.click()
    expect(page.get_by_role("heading", name="Attributes")).to_be_visible()
    shoot(page, "logs-odd")
