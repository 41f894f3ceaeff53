"""A real HTTP server that writes down what it is sent, and answers as it is told to."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Received:
    """One request, and how it was answered."""

    path: str
    headers: Mapping[str, str]
    body: str
    status: int
    at: float = field(compare=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[str, str], tuple[int, str]]


class WebhookRecorder:
    """What came in so far; `answer` gives status and body for a path and a body."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.received: list[Received] = []
        self._news = threading.Condition()
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                recorder.take(self, body)

            do_GET = do_PUT = do_POST  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, handler: BaseHTTPRequestHandler, body: str) -> None:
        status, answer = self._answer(handler.path, body)
        with self._news:
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.received.append(Received(handler.path, headers, body, status, time.monotonic()))
            self._news.notify_all()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer.encode())))
        if status in {301, 302, 307}:
            handler.send_header("Location", answer)
        handler.end_headers()
        handler.wfile.write(answer.encode())

    def wait_for(self, count: int, timeout_s: float = 30.0) -> list[Received]:
        """Return what came in once it is so many requests; raises AssertionError when time is up."""
        with self._news:
            done = self._news.wait_for(lambda: len(self.received) >= count, timeout_s)
            assert done, f"{len(self.received)} of {count} requests within {timeout_s} s: {self.received}"
            return list(self.received)

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def recording(answer: Answer = lambda _path, _body: (200, "")) -> Iterator[WebhookRecorder]:
    """Run a recorder on a free loopback port until the block ends."""
    recorder = WebhookRecorder(answer)
    thread = threading.Thread(target=recorder.serve, daemon=True)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.close()
        thread.join()
