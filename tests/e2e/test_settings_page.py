"""The settings page: real addresses, storage, limits."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import OpenPage, Shoot
from tests.gnomon_process import GnomonProcess


def test_it_shows_where_to_send_with_the_real_ports(gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot) -> None:
    page = open_page(f"{gnomon.url}/settings")
    for address in (
        gnomon.otlp_http_url,
        gnomon.otlp_grpc_address,
        f"{gnomon.url}/loki/api/v1/push",
    ):
        expect(page.get_by_title(address, exact=True)).to_be_visible()
    page.get_by_role("radio", name="Collector").click()
    snippet = page.locator("pre")
    expect(snippet).to_contain_text(f"endpoint: {gnomon.otlp_http_url}")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text("Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"endpoint: {gnomon.otlp_http_url}" in copied
    shoot(page, "settings-dark-1280")


def test_it_measures_storage_and_tells_limits_and_settings(
    gnomon: GnomonProcess, open_page: OpenPage, shoot: Shoot
) -> None:
    page = open_page(f"{gnomon.url}/settings", width=1920, height=1080, scheme="light")
    expect(page.get_by_text(re.compile(r"of the budget of [\d.]+ GiB"))).to_be_visible()
    expect(page.get_by_role("table", name="Tables")).to_contain_text("schema_versions")
    settings = page.get_by_role("table", name="Effective settings")
    expect(settings).to_contain_text("command line")
    expect(settings).to_contain_text(str(gnomon.data_dir))
    for missing in ("NaN", "undefined", "Infinity", "Invalid Date"):
        expect(page.get_by_text(re.compile(rf"\b{missing}\b"))).to_have_count(0)
    shoot(page, "settings-light-1920")
