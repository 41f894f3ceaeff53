"""Tasks: the list, what runs, one task from top to bottom, and what was said in a call of a model."""

import re
import time

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_tasks import (
    LONG_TYPE,
    STORY,
    STORY_CHILD,
    STORY_GRANDCHILD,
    TRACE,
    send_many,
    send_running,
    send_story,
)
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import LaunchGnomon

MANY = 2_000
CRAWLS, OTHERS = 42, 4


@pytest.fixture(scope="module")
def work(gnomon: GnomonProcess) -> GnomonProcess:
    """Return a server that was told of one task at length, of forty crawls, of three that run, and of many others."""
    send_story(gnomon.otlp_http_url)
    send_running(gnomon.otlp_http_url)
    send_many(gnomon.otlp_http_url, tasks=MANY)
    found, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = httpx.get(f"{gnomon.url}/api/tasks/counts", timeout=60, trust_env=False)
        found = answer.json()["total"] if answer.is_success else 0
        if found >= MANY + CRAWLS + OTHERS:
            return gnomon
        time.sleep(0.5)
    pytest.fail(f"{found} tasks can be found")


def rows(page: Page, table: str = "Tasks") -> list[str]:
    return [row.inner_text() for row in page.get_by_role("table", name=table, exact=True).get_by_role("row").all()[1:]]


def test_the_list_shows_what_runs_what_fails_and_each_task(
    work: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{work.url}/tasks?refresh=off")
    running = page.get_by_role("region", name="Running now")
    expect(running).to_contain_text("longer than 99 % of its kind")
    expect(running.get_by_role("row").nth(1)).to_contain_text("crawl-slow")
    expect(page.get_by_role("heading", name=re.compile(r"2,0\d\d tasks began"))).to_be_visible()
    kinds = page.get_by_role("region", name="Kinds of tasks").get_by_role("row")
    expect(kinds.nth(1)).to_contain_text("crawl-site")
    expect(page.get_by_role("table", name="Tasks", exact=True).get_by_role("row").nth(1)).to_be_visible()
    shoot(page, "tasks-list-dark-1280")
    assert not any(word in page.locator("main").inner_text() for word in ("NaN", "undefined", "Infinity"))


def test_filters_stand_in_the_address_and_are_dropped_again(work: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{work.url}/tasks?refresh=off")
    page.get_by_role("complementary", name="Facets").get_by_role("button", name=re.compile("^Timed out")).click()
    expect(page).to_have_url(re.compile("state=timed_out"))
    page.get_by_role("region", name="Kinds of tasks").get_by_text("crawl-site").click()
    expect(page).to_have_url(re.compile("type=crawl-site"))
    expect(page.get_by_role("table", name="Tasks", exact=True).get_by_role("row").nth(1)).to_contain_text("Timed out")
    assert all("crawl-site" in row for row in rows(page))
    page.reload()
    page.get_by_role("button", name="Drop the filter State: Timed out").click()
    expect(page).not_to_have_url(re.compile("state="))
    page.go_back()
    expect(page).to_have_url(re.compile("state=timed_out"))
    page.get_by_role("button", name="Drop the filters").click()
    expect(page).not_to_have_url(re.compile("type="))


def test_keys_lead_to_a_task_and_back(work: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{work.url}/?refresh=off")
    page.get_by_role("link", name="Tasks").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("k")
    page.get_by_role("textbox", name="Search tasks").wait_for()
    page.keyboard.press("/")
    page.keyboard.type(STORY)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(f"q={STORY}"))
    expect(page.get_by_role("table", name="Tasks", exact=True).get_by_role("row")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Journey")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("table", name="Tasks", exact=True)).to_be_visible()


def test_a_task_is_told_from_top_to_bottom(work: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{work.url}/tasks/{STORY}?refresh=off", width=1920, height=1080, scheme="light")
    journey = page.get_by_role("list", name="Journey")
    for words in ("Waited in the queue reports for the router.", "Attempt 1", "Handed off: ada → eve", "Attempt 2"):
        expect(journey).to_contain_text(words)
    expect(page.get_by_role("table", name="Attempts")).to_contain_text("TimeoutError")
    expect(page.get_by_role("table", name="Models")).to_contain_text("claude-sonnet-4-5")
    expect(page.get_by_role("table", name="Models")).to_contain_text("unpriced")
    expect(page.get_by_role("table", name="Tasks below")).to_contain_text(STORY_GRANDCHILD)
    expect(page.get_by_role("table", name="Resources")).to_contain_text("estimated")
    shoot(page, "task-light-1920")
    journey.get_by_role("button", name=f"Unfold the tasks under {STORY_CHILD}").click()
    journey.get_by_role("link", name=STORY_GRANDCHILD).click()
    expect(page.get_by_role("heading", name=STORY_GRANDCHILD)).to_be_visible()
    page.get_by_role("link", name=f"under {STORY_CHILD}").click()
    expect(page.get_by_role("heading", name=STORY_CHILD, exact=True)).to_be_visible()


def test_a_running_task_says_what_it_still_needs(work: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{work.url}/tasks/crawl-slow")
    expect(page.get_by_role("status").filter(has_text="still needs")).to_contain_text("longer than 99 % of its kind")
    shoot(page, "task-running-dark-1280")


def test_a_call_of_a_model_can_be_read_from_its_task(work: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{work.url}/tasks/{STORY}?refresh=off")
    page.get_by_role("list", name="Journey").get_by_role("link", name=re.compile("claude-sonnet-4-5 2.31 k")).click()
    page.wait_for_url(f"**/traces/{TRACE}?*")
    said = page.get_by_role("region", name="Conversation")
    expect(said.get_by_role("list", name="Messages")).to_contain_text("412.50 € are due")
    expect(said).to_contain_text("420 ms")
    expect(said).to_contain_text("2,310 tokens in, 412 out, 120 of them for reasoning")
    expect(said).to_contain_text(re.compile(r"Price \$0\.01"))
    said.get_by_role("button", name="Reasoning").click()
    expect(said).to_contain_text("The ledger names one open amount.")
    shoot(page, "task-conversation-dark-1280")
    page.get_by_role("link", name=f"task {STORY}").click()
    expect(page.get_by_role("list", name="Journey")).to_be_visible()


def test_a_key_that_may_not_read_content_is_told_so(work: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{work.url}/settings?refresh=off")

    def forbid(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "content": "forbidden", "messages": []})

    page.route(re.compile(r"/api/llm/spans/\w+/\w+$"), forbid)
    page.goto(f"{work.url}/traces/{TRACE}?span={'9' * 16}&refresh=off")
    expect(page.get_by_role("region", name="Conversation")).to_contain_text("your key may not read it")


def test_the_search_box_finds_tasks(work: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{work.url}/settings?refresh=off")
    page.get_by_role("heading", name="Send data here").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type(STORY)
    page.get_by_role("option", name=re.compile("Task, report")).click()
    expect(page.get_by_role("list", name="Journey")).to_be_visible()


def test_a_failing_part_says_so_and_the_rest_lives_on(work: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{work.url}/settings?refresh=off")
    error = {"code": "unavailable", "message": "The engine does not answer. Try again in a minute."}
    page.route("**/api/tasks/counts*", lambda route: route.fulfill(status=503, json={"error": error}))
    page.goto(f"{work.url}/tasks?type={LONG_TYPE}&refresh=off")
    expect(page.get_by_role("alert")).to_contain_text("The engine does not answer")
    expect(page.get_by_role("table", name="Tasks", exact=True).get_by_role("row").nth(1)).to_be_visible()
    shoot(page, "tasks-failing-dark-1280")


def test_no_such_task_is_said(work: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{work.url}/tasks/none-such?refresh=off")
    expect(page.get_by_role("heading", name="There is no such task")).to_be_visible()


def test_an_empty_page_teaches_and_turns_live_by_itself(
    launch_gnomon: LaunchGnomon, open_page: OpenPage, shoot: Shoot
) -> None:
    server = launch_gnomon().start()
    page = open_page(f"{server.url}/tasks?refresh=5s", scheme="light")
    expect(page.get_by_role("heading", name="No tasks in this time range")).to_be_visible()
    expect(page.get_by_text(f'endpoint="{server.otlp_http_url}"')).to_be_visible()
    shoot(page, "tasks-empty-light-1280")
    send_story(server.otlp_http_url)
    expect(page.get_by_role("table", name="Tasks", exact=True)).to_contain_text(STORY, timeout=20_000)
    shoot(page, "tasks-one-light-1280")
