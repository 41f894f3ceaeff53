"""The scraper's own HTTP client, towards servers that are slow, odd or gone."""

import asyncio
import os
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop

from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.http_client import HttpClient, make_ssl_context
from gnomon.ingest.scraping.http_connection import HttpConnection, split_url
from gnomon.ingest.scraping.http_options import HttpOptions, TlsConfig

Answers = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@asynccontextmanager
async def serving(*answers: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[str, list[int]]]:
    """Give the server's address and, once it has served, how many requests each connection brought.

    Each connection gets the answers in turn and is closed after the last one.
    """
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(0)
        number = len(connections) - 1
        try:
            for answer in answers:
                await reader.readuntil(b"\r\n\r\n")
                connections[number] += 1
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}", connections
    finally:
        server.close()


def client(**options: object) -> HttpClient:
    return HttpClient(HttpOptions.model_validate(options))


async def test_one_connection_serves_many_requests() -> None:
    answer = OK + b"Content-Length: 4\r\n\r\na 1\n"
    async with serving(*[answer] * 5) as (address, connections):
        one = client()
        for _ in range(4):
            assert await one.get(f"http://{address}/metrics", {}) == (b"a 1\n", "text/plain")
        await one.aclose()
    assert connections == [4]


async def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    answer = OK + b"Content-Length: 1\r\n\r\n1"
    async with serving(answer) as (address, connections):
        one = client()
        for _ in range(3):
            assert (await one.get(f"http://{address}/", {}))[0] == b"1"
        await one.aclose()
    assert connections == [1, 1, 1]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\na 1\r\n1\r\n\n\r\n0\r\n\r\n", b"a 1\n"),
        (OK + b"Connection: close\r\n\r\na 1\n", b"a 1\n"),
        (b"HTTP/1.0 200 OK\r\n\r\nall until the end", b"all until the end"),
        (OK + b"Content-Length: 0\r\n\r\n", b""),
    ],
)
async def test_bodies_end_in_many_ways(answer: bytes, body: bytes) -> None:
    async with serving(answer) as (address, _):
        assert (await client().get(f"http://{address}/", {}))[0] == body


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "EOF"),
        (b"SSH-2.0-OpenSSH\r\n", "malformed HTTP response"),
        (OK + b"Content-Length: 10\r\n\r\nabc", "EOF"),
        (OK + b"X: " + b"x" * 300_000 + b"\r\n\r\n", "headers of the response are too large"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "gzip: "),
        (b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "stopped after 10 redirects"),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n", "no http or https URL"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 404 Not Found"),
    ],
)
async def test_what_is_no_good_answer_is_told(answer: bytes, reason: str) -> None:
    async with serving(answer) as (address, _):
        with pytest.raises(ScrapeError, match=reason):
            await client().get(f"http://{address}/", {})


async def test_a_body_beyond_its_bound_is_not_waited_for() -> None:
    async with serving(OK + b"Content-Length: 100000000\r\n\r\n" + b"x" * 10_000) as (address, _):
        with pytest.raises(ScrapeError, match="body size limit exceeded"):
            await asyncio.wait_for(client().get(f"http://{address}/", {}, max_bytes=5000), 5)


async def test_authorization_stays_with_its_server() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(serve, "127.0.0.2", 0)
    location = f"http://127.0.0.2:{other.sockets[0].getsockname()[1]}/x".encode()
    redirect = b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    async with serving(redirect) as (address, _):
        await client(bearer_token="secret").get(f"http://{address}/", {"X-Other": "1"})
    other.close()
    assert b"X-Other: 1" in seen[0]
    assert b"secret" not in seen[0]


async def test_a_line_break_in_a_header_is_refused() -> None:
    async with serving(OK) as (address, _):
        with pytest.raises(ScrapeError, match="line break"):
            await client(bearer_token="a\r\nX: b").get(f"http://{address}/", {})


async def test_a_request_that_is_given_up_leaves_no_connection_behind() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n", OK + b"Content-Length: 0\r\n\r\n") as (address, connections):
        one = client()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.get(f"http://{address}/", {}), 0.1)
        assert not any(one._idle.values())
    assert connections == [1]


async def test_a_request_that_is_given_up_when_its_answer_is_whole_leaves_no_connection_behind() -> None:
    async with serving(OK + b"Content-Length: 0\r\n\r\n") as (address, _):
        one = client()
        asking = asyncio.create_task(one.get(f"http://{address}/", {}))
        opened: list[HttpConnection] = []
        complete = HttpConnection.on_message_complete

        def cancel_at_the_last_moment(connection: HttpConnection) -> None:
            opened.append(connection)
            complete(connection)
            asking.cancel()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HttpConnection, "on_message_complete", cancel_at_the_last_moment)
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert not any(one._idle.values())
        assert not opened[0].reusable
        await asyncio.sleep(0)
        assert opened[0]._transport is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a certificate for a name and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=exporter.test", "-addext", "subjectAltName=DNS:exporter.test"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


async def test_tls_with_an_authority_and_a_name_of_ones_own(certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    answer = OK + b"Content-Length: 1\r\n\r\n1"
    async with serving(answer, context=context) as (address, _):
        url = f"https://{address}/metrics"
        trusting = {"ca_file": str(certificate[0]), "server_name": "exporter.test"}
        assert (await client(tls_config=trusting).get(url, {}))[0] == b"1"
        assert (await client(tls_config={"insecure_skip_verify": "true"}).get(url, {}))[0] == b"1"
        inline = {"ca": certificate[0].read_text(encoding="utf-8"), "server_name": "exporter.test"}
        assert (await client(tls_config=inline).get(url, {}))[0] == b"1"
        with pytest.raises(ScrapeError, match="certificate verify failed"):
            await client().get(url, {})
        with pytest.raises(ScrapeError, match="No such file"):
            await client(tls_config={"ca_file": "/nowhere.pem"}).get(url, {})


def test_a_context_is_kept_until_a_file_changes(certificate: tuple[Path, Path]) -> None:
    config = TlsConfig(ca_file=str(certificate[0]))
    first = make_ssl_context(config)
    assert make_ssl_context(config) is first
    os.utime(certificate[0], ns=(1, 1))
    assert make_ssl_context(config) is not first


async def test_a_client_shows_its_certificate(certificate: tuple[Path, Path]) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate[0]))
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    files = {"cert_file": str(certificate[0]), "key_file": str(certificate[1]), "insecure_skip_verify": True}
    async with serving(OK + b"Content-Length: 1\r\n\r\n1", context=context) as (address, _):
        assert (await client(tls_config=files).get(f"https://{address}/", {}))[0] == b"1"
        texts = {
            "cert": certificate[0].read_text(encoding="utf-8"),
            "key": certificate[1].read_text(encoding="utf-8"),
            "insecure_skip_verify": True,
        }
        assert (await client(tls_config=texts).get(f"https://{address}/", {}))[0] == b"1"
        with pytest.raises(ScrapeError):
            await client(tls_config={"insecure_skip_verify": True}).get(f"https://{address}/", {})


def test_on_the_servers_own_event_loop() -> None:
    """The server runs on uvloop, whose connections are not asyncio's."""

    async def scrape() -> bytes:
        async with serving(OK + b"Content-Length: 1\r\n\r\n1") as (address, _):
            return (await client().get(f"http://{address}/", {}))[0]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(scrape()) == b"1"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a:9/x?y=1", ("http", "a", 9, "a:9", "/x?y=1")),
        ("https://a", ("https", "a", 443, "a", "/")),
        ("http://[::1]:9100/metrics", ("http", "::1", 9100, "[::1]:9100", "/metrics")),
    ],
)
def test_urls_are_cut(url: str, expected: tuple[str, str, int, str, str]) -> None:
    address = split_url(url)
    assert (address.scheme, address.host, address.port, address.netloc, address.path) == expected


@pytest.mark.parametrize("url", ["ftp://a/", "http://", "http://a:x/", "http://a b/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ScrapeError, match="no http or https URL"):
        split_url(url)
