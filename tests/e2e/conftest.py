"""Chromium on the real server: `open_page` opens it, `shoot` keeps screenshots for a person to look at."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright

from gnomon.web.static_files import STATIC_DIRECTORY
from tests.gnomon_process import GnomonProcess
from tests.integration.conftest import launch_gnomon

__all__ = ["launch_gnomon"]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Tests that run beside others get a fraction of a core.
_PATIENCE_MS = 15_000
_EXPECTED_ERRORS = ("Failed to load resource",)

OpenPage = Callable[..., Page]
Shoot = Callable[[Page, str], None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a browser's walk again before it counts as failed: on a machine with two cores a frame may come late."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="module")
def gnomon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GnomonProcess]:
    """Return a running server that the tests of a module share."""
    process = GnomonProcess(tmp_path_factory.mktemp("gnomon") / "data").start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium; skips where there is none, or the UI is not built."""
    if not CHROMIUM.exists():
        pytest.skip(f"no Chromium at {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    if not (STATIC_DIRECTORY / "index.html").exists():
        pytest.skip("the UI is not built: make ui")
    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Return a function that opens a fresh page (`url`, `width`, `height`, `scheme`).

    Fails the test when a page broke, logged an error or asked another host than its own.
    """
    faults: list[str] = []
    contexts: list[BrowserContext] = []

    def watch_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_EXPECTED_ERRORS):
            faults.append(message.text)

    def watch_request(own: str, request: Request) -> None:
        if not request.url.startswith((own, "data:", "blob:")):
            faults.append(f"asked another host: {request.url}")

    def open_page(url: str, *, width: int = 1280, height: int = 800, scheme: str = "dark") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", watch_console)
        own = "/".join(url.split("/", 3)[:3])
        page.on("request", lambda request: watch_request(own, request))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def shoot() -> Shoot:
    """Return a function that keeps a screenshot under tests/artifacts/."""
    folder = Path(__file__).parent.parent / "artifacts"
    folder.mkdir(exist_ok=True)

    def shoot(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png")

    return shoot
