"""The frame: navigation, time range, search, keyboard, theme, and what it does when the server is away."""

import re
import time
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.telemetry import send_spans
from tests.gnomon_process import GnomonProcess, run_gnomon
from tests.integration.conftest import LaunchGnomon

DASH = "\N{EN DASH}"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def search_of(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_the_range_is_in_the_url_and_the_back_button_undoes_it(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(gnomon.url)
    page.get_by_role("button", name="Time range: Last hour").click()
    page.get_by_role("button", name="Last 6 hours", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?from=now-6h&to=now$"))
    page.get_by_role("button", name="Time range: Last 6 hours").click()
    page.get_by_label("From").fill("2026-11-21 10:00")
    page.get_by_label("To", exact=True).fill("2026-11-21 11:30")
    page.get_by_role("button", name="Show range").click()
    expect(page.get_by_role("button", name=f"Time range: Nov 21 10:00 {DASH} 11:30")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_role("button", name=f"Time range: Nov 21 09:15 {DASH} 10:45")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page).to_have_url(re.compile(r"\?from=now-6h&to=now$"))
    page.reload()
    expect(page.get_by_role("button", name="Time range: Last 6 hours")).to_be_visible()


def test_what_is_no_time_is_said_and_changes_nothing(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(gnomon.url)
    page.get_by_role("button", name="Time range: Last hour").click()
    page.get_by_label("From").fill("soonish")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(
        "“soonish” is no time. Write 2h, today, 10:30"
    )
    assert search_of(page) == {}


def test_the_range_goes_along_from_page_to_page(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{gnomon.url}/?from=now-15m&to=now&refresh=30s&operations=slowest")
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Send data here")).to_be_visible()
    assert search_of(page) == {"from": "now-15m", "to": "now", "refresh": "30s"}


@pytest.mark.parametrize(
    ("pasted", "span"),
    [(TRACE, None), (f"00-{TRACE}-{SPAN}-01", SPAN), (f"{TRACE}:{SPAN}:0:1", SPAN)],
    ids=["hex", "traceparent", "jaeger"],
)
def test_a_pasted_trace_id_opens_the_trace(
    pasted: str, span: str | None, gnomon: GnomonProcess, open_page: OpenPage
) -> None:
    page = open_page(gnomon.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill(pasted)
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/traces/{TRACE}*")
    assert search_of(page).get("span") == span


def test_keys_lead_everywhere(gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(gnomon.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/settings")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Go anywhere")
    shoot(page, "frame-keys")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("sett")
    shoot(page, "frame-search")
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings")


def test_the_theme_follows_the_system_until_one_is_chosen(
    gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(gnomon.url, scheme="light")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Theme and time zone").click()
    page.get_by_role("menuitem", name="Light").click()
    expect(root).to_have_attribute("data-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-theme", "light")
    shoot(page, "frame-light")


def test_times_can_be_shown_in_utc(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{gnomon.url}/?from=2026-11-21T10:00:00Z&to=2026-11-21T11:00:00Z")
    page.get_by_role("button", name="Theme and time zone").click()
    page.get_by_role("menuitem", name="UTC").click()
    expect(page.get_by_role("button", name=f"Time range: Nov 21 10:00 {DASH} 11:00 UTC")).to_be_visible()


def test_dragging_on_a_chart_zooms_and_a_double_click_widens(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    send_spans(gnomon, "gateway")
    page = open_page(f"{gnomon.url}/services/gateway?from=now-30m&to=now&refresh=5s")
    chart = page.locator(".u-over").first
    chart.wait_for(timeout=20_000)
    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    expect(page.get_by_label("Held while the pointer is over a chart")).to_be_visible()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, middle, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=20\d\d-.*&to=20\d\d-"))
    start, end = (datetime.fromisoformat(search_of(page)[key]) for key in ("from", "to"))
    assert abs((end - start).total_seconds() - 450) < 60
    chart.dblclick(position={"x": 20, "y": 20})
    expect(page).not_to_have_url(re.compile(re.escape(start.strftime("%H:%M:%S"))))
    start, end = (datetime.fromisoformat(search_of(page)[key]) for key in ("from", "to"))
    assert abs((end - start).total_seconds() - 900) < 120
    page.go_back()
    page.go_back()
    assert search_of(page)["from"] == "now-30m"


def test_a_server_that_is_away_is_said_and_retry_helps(
    gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{gnomon.url}/settings?refresh=off")
    expect(page.get_by_role("table", name="Tables")).to_be_visible()
    gnomon.stop()
    page.get_by_role("button", name="Refresh now").click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("Gnomon cannot be reached since")
    expect(page.get_by_role("table", name="Tables")).to_be_visible()
    shoot(page, "frame-server-away")
    gnomon.start()
    alert.get_by_role("button", name="Retry").click()
    expect(alert).to_be_hidden()


def test_an_unknown_address_says_so(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{gnomon.url}/no/such/page")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


def test_a_page_is_usable_within_a_second(gnomon: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(gnomon.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    took_s = []
    for _ in range(3):
        start = time.perf_counter()
        page.goto(f"{gnomon.url}/settings")
        expect(page.get_by_role("heading", name="Send data here")).to_be_visible()
        took_s.append(time.perf_counter() - start)
    assert min(took_s) < 1, took_s


def test_a_session_that_ends_is_renewed_where_one_is(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon("--host", "0.0.0.0")
    directory = ("--data-dir", str(server.data_dir))
    run_gnomon("keys", "create", "--scope", "admin", *directory)
    token = run_gnomon("keys", "create", "--scope", "read", *directory).stdout.strip().split()[-1]
    server.start()
    page = open_page(f"{server.url}/settings?from=now-2h&to=now&refresh=off")
    page.get_by_label("API key").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Send data here")).to_be_visible()
    expect(page.get_by_text("authorization=Bearer")).to_be_visible()
    page.context.clear_cookies()
    page.get_by_role("button", name="Refresh now").click()
    page.get_by_label("API key").fill("gnomon_000000000000_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This key opens nothing here")
    shoot(page, "login-refused")
    page.get_by_label("API key").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Send data here")).to_be_visible()
    assert search_of(page) == {"from": "now-2h", "to": "now", "refresh": "off"}
