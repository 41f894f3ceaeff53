"""Dashboards: created, edited, arranged, imported from Grafana, kept from lost updates."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.e2e.synthetic_metrics import send_metrics
from tests.gnomon_process import GnomonProcess

GRAFANA: dict[str, Any] = {
    "title": "Shops from Grafana",
    "schemaVersion": 39,
    "templating": {
        "list": [
            {"name": "ds", "type": "datasource", "query": "prometheus"},
            {"name": "shop", "type": "query", "query": "label_values(shop_open, shop)", "sort": 1},
        ]
    },
    "panels": [
        {
            "type": "stat",
            "title": "Open: $shop",
            "gridPos": {"x": 0, "y": 0, "w": 6, "h": 4},
            "targets": [{"refId": "A", "expr": 'shop_open{shop="$shop"}', "instant": True}],
            "fieldConfig": {
                "defaults": {
                    "mappings": [
                        {
                            "type": "value",
                            "options": {"1": {"text": "Yes", "color": "green"}, "0": {"text": "No", "color": "red"}},
                        }
                    ]
                },
                "overrides": [],
            },
        },
        {
            "type": "timeseries",
            "title": "Orders",
            "gridPos": {"x": 6, "y": 0, "w": 18, "h": 8},
            "targets": [
                {
                    "refId": "A",
                    "expr": 'rate(shop_orders_total{shop="$shop"}[$__rate_interval])',
                    "legendFormat": "{{shop}}",
                }
            ],
        },
        {"type": "nodeGraph", "title": "Strange", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 4}, "targets": []},
    ],
}


FILE: dict[str, Any] = {
    "format": "gnomon.dashboard/1",
    "title": "Kept beside the code",
    "panels": [{"id": 1, "kind": "text", "title": "Note", "place": {"w": 12, "h": 4}, "text": "First *wording*."}],
}


@pytest.fixture(scope="module")
def dashboard_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dashboard's file, beside the configuration that names it."""
    folder = tmp_path_factory.mktemp("configuration")
    (folder / "gnomon.yml").write_text("dashboards: [dashboards/*.json]\n", encoding="utf-8")
    path = folder / "dashboards" / "beside.json"
    path.parent.mkdir()
    path.write_text(json.dumps(FILE), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory, dashboard_file: Path) -> Iterator[GnomonProcess]:
    """Return a running server with a dashboard that is kept as a file."""
    configuration = dashboard_file.parent.parent / "gnomon.yml"
    process = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data", ("--config", str(configuration))).start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def shops(gnomon: GnomonProcess) -> GnomonProcess:
    """Return a server with the metrics of three shops."""
    send_metrics(gnomon)
    return gnomon


def _create(server: GnomonProcess, title: str, *expressions: str) -> str:
    panels = [
        {
            "id": number,
            "kind": "stat",
            "title": f"Panel {number}",
            "place": {"x": (number - 1) * 12, "y": 0, "w": 12, "h": 4},
            "queries": [{"expression": expression}],
        }
        for number, expression in enumerate(expressions, start=1)
    ]
    answer = httpx.post(f"{server.url}/api/dashboards", json={"title": title, "panels": panels}, trust_env=False)
    answer.raise_for_status()
    return str(answer.json()["summary"]["id"])


def _stored(server: GnomonProcess, dashboard_id: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.url}/api/dashboards/{dashboard_id}", trust_env=False).json()
    return found


def _panel(page: Page, title: str) -> Any:
    return page.get_by_role("region", name=title, exact=True)


def test_a_dashboard_is_created_edited_and_still_there_after_a_reload(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shops.url}/dashboards?from=now-15m")
    page.get_by_role("button", name="New dashboard").click()
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("textbox", name="Title").fill("My shops")
    page.get_by_role("textbox", name="Tags").fill("shops, mine")
    page.get_by_role("button", name="Add variable").click()
    variable = page.get_by_role("group", name="Variable job")
    variable.get_by_label("Name").fill("shop")
    page.get_by_role("group", name="Variable").get_by_label("Query").fill("label_values(shop_open, shop)")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Add panel").click()
    page.get_by_role("menuitem", name="Time series").click()
    page.get_by_role("textbox", name="Title").fill("Orders of $shop")
    page.get_by_role("textbox", name="Query A").click()
    page.keyboard.insert_text('rate(shop_orders_total{shop="$shop"}[$__rate_interval])')
    page.keyboard.press("Control+Enter")
    page.get_by_role("textbox", name="Legend").fill("{{shop}}")
    page.get_by_role("combobox", name="Unit").select_option("per_second")
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("Orders of north")
    expect(preview.get_by_role("list", name="Legend")).to_contain_text("north")
    shoot(page, "panel-editor-dark-1280")
    page.get_by_role("button", name="Create").click()

    expect(page).to_have_url(re.compile(r"/dashboards/[0-9a-f]{12}"))
    page.reload()
    expect(_panel(page, "Orders of north").get_by_role("list", name="Legend")).to_contain_text("north")
    page.get_by_role("button", name="shop: north").click()
    page.get_by_role("option", name="west").click()
    expect(page).to_have_url(re.compile("var-shop=west"))
    expect(_panel(page, "Orders of west").get_by_role("list", name="Legend")).to_contain_text("west")
    page.goto(f"{shops.url}/dashboards?tag=mine")
    expect(page.get_by_role("table", name="Dashboards")).to_contain_text("My shops")


def test_panels_are_arranged_with_the_pointer_and_with_keys(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    made = _create(shops, "Arranged", "sum(shop_open)", "count(shop_open)")
    page = open_page(f"{shops.url}/dashboards/{made}?edit=on&from=now-15m")
    first, second = _panel(page, "Panel 1"), _panel(page, "Panel 2")
    expect(first).to_contain_text("2")
    grip = page.get_by_role("button", name=re.compile("^Move Panel 1"))
    before, over = grip.bounding_box(), second.bounding_box()
    assert before is not None
    assert over is not None
    page.mouse.move(before["x"] + 5, before["y"] + 5)
    page.mouse.down()
    page.mouse.move(over["x"] + 30, over["y"] + 10, steps=8)
    shoot(page, "dashboard-dragging-dark-1280")
    page.mouse.up()
    page.get_by_role("button", name=re.compile("^Move Panel 2")).focus()
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Saved")

    places = {panel["title"]: panel["place"] for panel in _stored(shops, made)["dashboard"]["panels"]}
    assert places["Panel 1"]["x"] > 0
    assert places["Panel 2"]["h"] == 5
    page.reload()
    expect(_panel(page, "Panel 1")).to_contain_text("2")


def test_nobody_overwrites_what_he_has_not_seen(shops: GnomonProcess, open_page: OpenPage) -> None:
    made = _create(shops, "Shared", "sum(shop_open)")
    page = open_page(f"{shops.url}/dashboards/{made}?edit=on&panel=1")
    page.get_by_role("textbox", name="Title").fill("Mine")
    page.get_by_role("textbox", name="Title").press("Enter")
    theirs = _stored(shops, made)["dashboard"] | {"title": "Theirs"}
    httpx.put(
        f"{shops.url}/api/dashboards/{made}", json={"version": 1, "dashboard": theirs}, trust_env=False
    ).raise_for_status()
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_role("alert")).to_contain_text("Somebody changed the dashboard 'Theirs' meanwhile")
    page.get_by_role("button", name="Load theirs").click()
    expect(page.get_by_role("heading", name="Theirs")).to_be_visible()


def test_grafanas_json_is_imported_with_what_is_different(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shops.url}/dashboards/import?from=now-15m", scheme="light")
    page.get_by_role("textbox", name="JSON of the dashboard").fill(json.dumps(GRAFANA))
    findings = page.get_by_role("region", name="What is different")
    expect(findings).to_contain_text("Strange")
    expect(findings).to_contain_text("There is no panel of type 'nodeGraph'")
    shoot(page, "dashboard-import-light-1280")
    page.get_by_role("button", name="Create dashboard").click()

    expect(_panel(page, "Open: north")).to_contain_text("Yes")
    expect(_panel(page, "Orders").get_by_role("list", name="Legend")).to_contain_text("north")
    page.get_by_role("button", name="shop: north").click()
    page.get_by_role("option", name="west").click()
    expect(_panel(page, "Open: west")).to_contain_text("No")
    shoot(page, "dashboard-imported-light-1280")


def test_a_repeated_panel_stands_there_for_each_value_and_links_lead_elsewhere(
    shops: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    source = {
        "title": "Each shop",
        "templating": {"list": [{"name": "shop", "type": "query", "query": "label_values(shop_open, shop)",
                                 "sort": 1, "multi": True, "includeAll": True, "current": {"value": ["$__all"]}}]},
        "links": [{"title": "Runbook of $shop", "type": "link", "url": "https://wiki.example/shops/${shop}"}],
        "panels": [
            {**GRAFANA["panels"][0], "repeat": "shop",
             "links": [{"title": "Shop $shop", "url": "https://shops.example/$shop"}]},
            {**GRAFANA["panels"][1], "gridPos": {"x": 0, "y": 4, "w": 24, "h": 8}},
        ],
    }  # fmt: skip
    read = httpx.post(f"{shops.url}/api/dashboards/import", json=source, trust_env=False).json()
    assert read["findings"] == []
    kept = httpx.post(f"{shops.url}/api/dashboards", json=read["dashboard"], trust_env=False).json()
    page = open_page(f"{shops.url}/dashboards/{kept['summary']['id']}?from=now-15m")
    for shop, value in (("north", "Yes"), ("south", "Yes"), ("west", "No")):
        expect(_panel(page, f"Open: {shop}")).to_contain_text(value)
    places = [_panel(page, f"Open: {shop}").bounding_box() for shop in ("north", "south", "west")]
    assert len({place["y"] for place in places}) == 1
    assert places[0]["x"] < places[1]["x"] < places[2]["x"]
    expect(page.get_by_role("link", name="Runbook of")).to_have_attribute("href", re.compile("wiki.example/shops/"))
    page.get_by_role("button", name="Actions on Open: west").click()
    expect(page.get_by_role("menuitem", name="Shop west")).to_have_attribute("href", "https://shops.example/west")
    shoot(page, "dashboard-repeated-dark-1280")
    page.get_by_role("menuitem", name="Show alone").click()
    expect(page.get_by_role("region")).to_have_count(1)
    expect(_panel(page, "Open: west")).to_contain_text("No")


def test_a_wrong_import_says_what_is_wrong(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/dashboards/import")
    field = page.get_by_role("textbox", name="JSON of the dashboard")
    field.fill("{")
    expect(page.get_by_role("alert")).to_contain_text("This is not JSON")
    field.fill('{"a": 1}')
    expect(page.get_by_role("alert")).to_contain_text("neither panels nor rows")


@pytest.mark.parametrize("dashboard", ["host", "gnomon", "http-services", "agents"])
def test_what_comes_with_gnomon_opens_without_an_error(
    dashboard: str, shops: GnomonProcess, open_page: OpenPage
) -> None:
    page = open_page(f"{shops.url}/dashboards/{dashboard}?from=now-15m", width=1920, height=1080)
    expect(page.get_by_text("Comes with Gnomon")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert")).to_have_count(0)
    for wrong in ("NaN", "undefined", "Infinity", "[object Object]"):
        expect(page.get_by_text(wrong)).to_have_count(0)


def test_what_comes_with_gnomon_is_duplicated_to_be_edited(shops: GnomonProcess, open_page: OpenPage) -> None:
    page = open_page(f"{shops.url}/dashboards/gnomon")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_role("heading", name="Gnomon (copy)")).to_be_visible()
    expect(page.get_by_role("button", name="Add panel")).to_be_visible()


def test_a_panel_that_fails_leaves_the_others_alone(shops: GnomonProcess, open_page: OpenPage) -> None:
    made = _create(shops, "Half wrong", "sum(shop_open", "count(shop_open)")
    page = open_page(f"{shops.url}/dashboards/{made}?from=now-15m")
    expect(_panel(page, "Panel 1").get_by_role("alert")).to_contain_text("parse error")
    expect(_panel(page, "Panel 2")).to_contain_text("3")


def test_what_is_explored_becomes_a_panel(shops: GnomonProcess, open_page: OpenPage) -> None:
    made = _create(shops, "Collected", "sum(shop_open)")
    page = open_page(f"{shops.url}/explore?q=count(shop_open)&from=now-15m")
    page.get_by_role("button", name="Add to a dashboard").click()
    page.get_by_role("menuitem", name="Collected").click()
    expect(page).to_have_url(re.compile(f"/dashboards/{made}.*panel=2"))
    assert _stored(shops, made)["dashboard"]["panels"][1]["queries"][0]["expression"] == "count(shop_open)"


def test_a_dashboard_kept_as_a_file_is_shown_and_follows_its_file(
    shops: GnomonProcess, dashboard_file: Path, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{shops.url}/dashboards?q=beside")
    expect(page.get_by_role("row", name=re.compile("Kept beside the code"))).to_contain_text("kept as a file")
    page.get_by_role("link", name="Kept beside the code").click()
    expect(page).to_have_url(re.compile("/dashboards/file-beside"))
    expect(_panel(page, "Note")).to_contain_text("First wording.")
    expect(page.get_by_text(str(dashboard_file))).to_be_visible()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    shoot(page, "dashboard-file-dark-1280")

    refused = httpx.delete(f"{shops.url}/api/dashboards/file-beside?version=1", trust_env=False)
    assert (refused.status_code, str(dashboard_file) in refused.text) == (400, True)
    changed = FILE | {"panels": [FILE["panels"][0] | {"text": "Second wording."}]}
    dashboard_file.write_text(json.dumps(changed), encoding="utf-8")
    httpx.post(f"{shops.url}/-/reload", trust_env=False).raise_for_status()
    page.reload()
    expect(_panel(page, "Note")).to_contain_text("Second wording.")

    dashboard_file.write_text("{", encoding="utf-8")
    wrong = httpx.post(f"{shops.url}/-/reload", trust_env=False)
    assert (wrong.status_code, "beside.json" in wrong.text) == (400, True)
    page.reload()
    expect(_panel(page, "Note")).to_contain_text("Second wording.")
    dashboard_file.write_text(json.dumps(FILE), encoding="utf-8")
