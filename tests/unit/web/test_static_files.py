"""The UI's files, as a browser asks for them."""

import base64
import gzip
import hashlib
from pathlib import Path

import httpx
import pytest

from gnomon.web.static_files import StaticFiles

PAGE = "<html><head><script>document.title = 1</script></head><body></body></html>"
SCRIPT = "export const answer = 42;\n" * 100
HTML = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text(PAGE, encoding="utf-8")
    (static / "assets" / "index-1a2b3c.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "secret.txt").write_text("top secret", encoding="utf-8")
    return static


def _client(directory: Path) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(StaticFiles(directory)), base_url="http://localhost")


@pytest.mark.parametrize("path", ["/", "/traces", "/traces/0af7651916cd43dd8448eb211c80319c", "/logs?query=a.b"])
async def test_every_address_of_the_app_is_its_page(directory: Path, path: str) -> None:
    async with _client(directory) as client:
        answer = await client.get(path, headers=HTML)

    assert answer.text == PAGE
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_hashed_assets_are_kept_for_ever(directory: Path) -> None:
    async with _client(directory) as client:
        answer = await client.get("/assets/index-1a2b3c.js")

    assert answer.text == SCRIPT
    assert "immutable" in answer.headers["Cache-Control"]
    assert "javascript" in answer.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/assets/gone.js", "/missing.png"])
async def test_a_missing_file_is_not_the_page(directory: Path, path: str) -> None:
    async with _client(directory) as client:
        assert (await client.get(path, headers={"Accept": "*/*"})).status_code == 404


async def test_text_is_compressed_for_who_can_read_it(directory: Path) -> None:
    async with _client(directory) as client:
        plain = await client.get("/assets/index-1a2b3c.js", headers={"Accept-Encoding": "identity"})
        zipped = await client.get("/assets/index-1a2b3c.js", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.text == plain.text
    assert int(zipped.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 10


async def test_files_compressed_at_build_time_are_taken_as_they_are(directory: Path) -> None:
    (directory / "assets" / "index-1a2b3c.js.gz").write_bytes(gzip.compress(b"built"))
    async with _client(directory) as client:
        assert (await client.get("/assets/index-1a2b3c.js")).text == "built"


async def test_an_unchanged_file_is_not_sent_again(directory: Path) -> None:
    async with _client(directory) as client:
        etag = (await client.get("/")).headers["ETag"]
        again = await client.get("/", headers={"If-None-Match": etag})
        (directory / "index.html").write_text("<html>new</html>", encoding="utf-8")
        changed = await client.get("/", headers={"If-None-Match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200
    assert "new" in changed.text


async def test_the_pages_policy_allows_the_scripts_it_was_built_with(directory: Path) -> None:
    async with _client(directory) as client:
        policy = (await client.get("/")).headers["Content-Security-Policy"]

    digest = base64.b64encode(hashlib.sha256(b"document.title = 1").digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "//secret.txt"])
async def test_nothing_outside_the_directory_is_served(directory: Path, path: str) -> None:
    async with _client(directory) as client:
        answer = await client.get(httpx.URL("http://localhost", raw_path=path.encode()))

    assert "top secret" not in answer.text


async def test_an_installation_without_a_ui_says_so(tmp_path: Path) -> None:
    async with _client(tmp_path / "missing") as client:
        assert "not built" in (await client.get("/", headers=HTML)).text


async def test_only_reading_is_possible(directory: Path) -> None:
    async with _client(directory) as client:
        assert (await client.post("/")).status_code == 405
        assert (await client.head("/")).status_code == 200
