"""One HTTP/1.1 connection for GET requests, one after the other.

Scrapes are small and many: a general client spends ten times as long on each as reading its samples takes.
"""

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import httptools

from gnomon.ingest.scraping.errors import ScrapeError

_PORTS = {"http": 80, "https": 443}
_GZIP_BITS = 31
_MOST_HEADER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Address:
    """A URL cut into what a connection and a request need."""

    scheme: str
    host: str
    port: int
    netloc: str
    path: str

    @property
    def server(self) -> tuple[str, str, int]:
        """Return what makes two addresses reachable by one connection."""
        return self.scheme, self.host, self.port


@lru_cache(maxsize=4096)
def split_url(url: str) -> Address:
    """Return the parts of a URL; raises ScrapeError for one that cannot be asked for."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ScrapeError(f"{url!r} is no http or https URL") from error
    if not parts.hostname or any(character.isspace() for character in url):
        raise ScrapeError(f"{url!r} is no http or https URL")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    return Address(parts.scheme, parts.hostname, port, parts.netloc.rpartition("@")[2], path)


@dataclass(slots=True)
class Answer:
    """A response; header names are in lower case."""

    status: int = 0
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class HttpConnection(asyncio.Protocol):
    """Send a request, wait for its answer, and be ready for the next one."""

    def __init__(self) -> None:
        """Be connected by asyncio."""
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer = Answer()
        self._chunks: list[bytes] = []
        self._size = 0
        self._header_bytes = 0
        self._max_bytes = 0
        self._until_end = False
        self.reusable = False

    @classmethod
    async def open(cls, address: Address, context: ssl.SSLContext | None, server_name: str) -> "HttpConnection":
        """Return a connection to a server; raises OSError."""
        loop = asyncio.get_running_loop()
        name = (server_name or address.host) if context is not None else None
        _, connection = await loop.create_connection(cls, address.host, address.port, ssl=context, server_hostname=name)
        return connection

    async def get(self, address: Address, headers: Mapping[str, str], max_bytes: int) -> Answer:
        """Return the answer to a GET, decompressed; raises ScrapeError, and ConnectionError where none comes."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("connection closed")
        lines = [f"GET {address.path} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ScrapeError("a header of the request holds a line break")
        self._parser = httptools.HttpResponseParser(self)
        self._answer, self._chunks, self._size, self._header_bytes = Answer(), [], 0, 0
        self._max_bytes, self.reusable = max_bytes, False
        self._waiting = asyncio.get_running_loop().create_future()
        try:
            self._transport.write("\r\n".join((*lines, "", "")).encode())
            answer = await self._waiting
        finally:
            self._waiting = None
            if not self.reusable:
                self.close()
        if answer.headers.get("content-encoding", "").lower() == "gzip":
            answer.body = _decompress(answer.body, max_bytes)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that the connection stands."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end of the connection for the end of a body that has no other, or for a failure."""
        self.reusable = False
        self._transport = None
        if self._until_end and exc is None:
            self._finish()
        else:
            self._fail(exc or ConnectionResetError("EOF"))

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._parser is None or self._waiting is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, ScrapeError) as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
            reason = cause if isinstance(cause, ScrapeError) else ScrapeError(f"malformed HTTP response: {error}")
            self._fail(reason)
            self.close()

    def on_status(self, status: bytes) -> None:
        """Note the words behind the status."""
        self._answer.reason += status.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise ScrapeError("headers of the response are too large")
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status, and whether the body ends with the connection."""
        if self._parser is not None:
            self._answer.status = self._parser.get_status_code()
        headers = self._answer.headers
        self._until_end = "content-length" not in headers and "transfer-encoding" not in headers

    def on_body(self, body: bytes) -> None:
        """Note a part of the body."""
        self._size += len(body)
        if self._max_bytes and self._size > self._max_bytes:
            raise ScrapeError("body size limit exceeded")
        self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        self._until_end = False
        self.reusable = self._parser is not None and self._parser.should_keep_alive()
        self._finish()

    def _finish(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._answer.body = b"".join(self._chunks)
            self._waiting.set_result(self._answer)

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)


def _decompress(body: bytes, max_bytes: int) -> bytes:
    decompressor = zlib.decompressobj(_GZIP_BITS)
    try:
        text = decompressor.decompress(body, max_bytes)
    except zlib.error as error:
        raise ScrapeError(f"gzip: {error}") from error
    if max_bytes and len(text) >= max_bytes:
        raise ScrapeError("body size limit exceeded")
    if not decompressor.eof:
        raise ScrapeError("gzip: unexpected end of the body")
    return text
