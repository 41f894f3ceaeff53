"""Bytes of HTTP clients: headers and bodies as they go over the connection, before TLS and TCP add theirs."""

import functools
import http.client
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from gnomon.sdk.resources.meter import Meter, add_network, current_meter, on_begin
from gnomon.sdk.resources.replacing import all_of, replace

_LINE_END = 4  # ": " and CRLF of each header
_REQUEST_LINE = 12  # " HTTP/1.1" and the spaces and CRLF around
_STATUS_LINE = 17  # "HTTP/1.1 200 OK" and CRLF


class _Clients:
    """Hooks of the clients that are loaded; those loaded later get theirs when work is measured next."""

    def __init__(self) -> None:
        self.pending: dict[str, Callable[[Any], Callable[[], None]]] = {}
        self.undo: list[Callable[[], None]] = []


_clients = _Clients()


def hook_clients() -> Callable[[], None]:
    """Count for http.client (urllib, urllib3, requests, boto3 …), httpx and aiohttp; returns the undo."""
    _clients.undo.append(_hook_http_client())
    _clients.pending = {"httpx": _hook_httpx, "aiohttp": _hook_aiohttp}
    on_begin.append(hook_loaded)
    hook_loaded()

    def undo() -> None:
        on_begin.remove(hook_loaded)
        _clients.pending = {}
        while _clients.undo:
            _clients.undo.pop()()

    return undo


def hook_loaded() -> None:
    """Count for clients that have been imported since, too."""
    for name in tuple(_clients.pending):
        module = sys.modules.get(name)
        if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
            _clients.undo.append(_clients.pending.pop(name)(module))


def _hook_http_client() -> Callable[[], None]:
    send, begin = http.client.HTTPConnection.send, http.client.HTTPResponse.__init__

    @functools.wraps(send)
    def counted_send(self: http.client.HTTPConnection, data: Any) -> None:
        meter = current_meter()
        if meter is not None:
            if hasattr(data, "read"):
                data = _CountedSource(data, meter)
            elif isinstance(data, bytes | bytearray | memoryview):
                meter.add_network(sent=len(data))
        send(self, data)

    @functools.wraps(begin)
    def counted_begin(self: http.client.HTTPResponse, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        meter = current_meter()
        if meter is not None:
            self.fp = _CountedReader(self.fp, meter)  # type: ignore[assignment]

    return all_of(
        [
            replace(http.client.HTTPConnection, "send", counted_send),
            replace(http.client.HTTPResponse, "__init__", counted_begin),
        ]
    )


class _CountedSource:
    """A body that is read while it is sent."""

    def __init__(self, source: Any, meter: Meter) -> None:
        self._source = source
        self._meter = meter

    def read(self, size: int = -1) -> Any:
        data = self._source.read(size)
        self._meter.add_network(sent=len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


class _CountedReader:
    """The buffered connection of a response: what is read of it was received."""

    def __init__(self, reader: Any, meter: Meter) -> None:
        self._reader = reader
        self._meter = meter

    def read(self, *args: Any) -> bytes:
        return self._count(self._reader.read(*args))

    def read1(self, *args: Any) -> bytes:
        return self._count(self._reader.read1(*args))

    def readline(self, *args: Any) -> bytes:
        return self._count(self._reader.readline(*args))

    def readinto(self, buffer: Any) -> int:
        count: int = self._reader.readinto(buffer)
        self._meter.add_network(received=count or 0)
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def _count(self, data: bytes) -> bytes:
        self._meter.add_network(received=len(data))
        return data


def _stream_types(httpx: Any) -> tuple[Any, Any]:
    class CountedStream(httpx.SyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any, meter: Meter) -> None:
            self._stream = stream
            self._meter = meter

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self._stream:
                self._meter.add_network(received=len(chunk))
                yield chunk

        def close(self) -> None:
            self._stream.close()

    class CountedAsyncStream(httpx.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any, meter: Meter) -> None:
            self._stream = stream
            self._meter = meter

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for chunk in self._stream:
                self._meter.add_network(received=len(chunk))
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return CountedStream, CountedAsyncStream


def _hook_httpx(httpx: Any) -> Callable[[], None]:
    counted_stream, counted_async_stream = _stream_types(httpx)
    sync, asynchronous = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    @functools.wraps(sync)
    def counted(self: Any, request: Any) -> Any:
        meter = current_meter()
        if meter is None:
            return sync(self, request)
        _count_request(meter, request)
        response = sync(self, request)
        _count_response_head(meter, response)
        response.stream = counted_stream(response.stream, meter)
        return response

    @functools.wraps(asynchronous)
    async def counted_async(self: Any, request: Any) -> Any:
        meter = current_meter()
        if meter is None:
            return await asynchronous(self, request)
        _count_request(meter, request)
        response = await asynchronous(self, request)
        _count_response_head(meter, response)
        response.stream = counted_async_stream(response.stream, meter)
        return response

    return all_of(
        [
            replace(httpx.HTTPTransport, "handle_request", counted),
            replace(httpx.AsyncHTTPTransport, "handle_async_request", counted_async),
        ]
    )


def _count_request(meter: Meter, request: Any) -> None:
    head = len(request.method) + len(request.url.raw_path) + _REQUEST_LINE + _headers_length(request.headers.raw)
    # A streamed body names its length in a header, or goes in chunks and is not counted.
    body = request.headers.get("content-length", "0")
    meter.add_network(sent=head + (int(body) if body.isdigit() else 0))


def _count_response_head(meter: Meter, response: Any) -> None:
    meter.add_network(received=_STATUS_LINE + _headers_length(response.headers.raw))


def _headers_length(raw: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + _LINE_END for name, value in raw) + 2


def _hook_aiohttp(aiohttp: Any) -> Callable[[], None]:
    start = aiohttp.ClientSession.__init__

    @functools.wraps(start)
    def counted_start(self: Any, *args: Any, **kwargs: Any) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_aiohttp_head_sent)
        trace.on_request_chunk_sent.append(_aiohttp_sent)
        trace.on_request_end.append(_aiohttp_answered)
        trace.on_response_chunk_received.append(_aiohttp_received)
        kwargs["trace_configs"] = [*(kwargs.get("trace_configs") or ()), trace]
        start(self, *args, **kwargs)

    return replace(aiohttp.ClientSession, "__init__", counted_start)


async def _aiohttp_head_sent(_session: Any, _context: Any, sent: Any) -> None:
    lengths = sum(len(name) + len(value) + _LINE_END for name, value in sent.headers.items())
    add_network(sent=len(sent.method) + len(sent.url.raw_path_qs) + _REQUEST_LINE + lengths)


async def _aiohttp_sent(_session: Any, _context: Any, sent: Any) -> None:
    add_network(sent=len(sent.chunk))


async def _aiohttp_answered(_session: Any, _context: Any, answered: Any) -> None:
    add_network(received=_STATUS_LINE + _headers_length(answered.response.raw_headers))


async def _aiohttp_received(_session: Any, _context: Any, received: Any) -> None:
    add_network(received=len(received.chunk))
