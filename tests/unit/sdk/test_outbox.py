"""What becomes of telemetry when the receiver is there, away, slow or unwilling."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gnomon.sdk import wire
from gnomon.sdk.outbox import Outbox
from gnomon.sdk.settings import Settings


class Receiver(ThreadingHTTPServer):
    """An HTTP server that answers as told: outages cannot be had on request from a healthy Gnomon."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: list[int] = []
        self.requests: list[tuple[str, bytes]] = []
        self.connections = 0


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.server.requests.append((self.path, body))
        self.send_response(status)
        if status == 429:
            self.send_header("retry-after", "0")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def open_outbox(endpoint: str, send_interval_s: float = 0.05, **more: float) -> Outbox:
    settings = Settings("x", endpoint=endpoint, send_interval_s=send_interval_s, timeout_s=2, **more)  # type: ignore[arg-type]
    return Outbox(settings, lambda: {"service.name": "x"}, lambda _outbox: None)


def item(number: int) -> bytes:
    return wire.field(b"\x12", wire.field(b"\x2a", wire.any_value(number)))


def numbers(requests: list[tuple[str, bytes]]) -> list[int]:
    return [
        record.body.int_value
        for path, body in requests
        if path == "/v1/logs"
        for scope in ExportLogsServiceRequest.FromString(body).resource_logs[0].scope_logs
        for record in scope.log_records
    ]


def test_what_is_put_arrives_in_order_over_one_connection(receiver: Receiver) -> None:
    outbox = open_outbox(f"http://127.0.0.1:{receiver.server_port}")
    for number in range(500):
        outbox.put("logs", None, item(number))
        if number % 100 == 0:
            assert outbox.flush(5)
    assert outbox.close(5)
    assert numbers(receiver.requests) == list(range(500))
    assert outbox.counts()["logs"] == {"sent": 500, "dropped": 0, "refused": 0}
    assert receiver.connections == 1


def test_a_receiver_that_is_busy_gets_the_same_again(receiver: Receiver) -> None:
    receiver.answers = [429, 429]
    outbox = open_outbox(f"http://127.0.0.1:{receiver.server_port}")
    outbox.put("logs", None, item(1))
    deadline = time.monotonic() + 5
    while outbox.counts()["logs"]["sent"] < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    outbox.close(1)
    assert numbers(receiver.requests) == [1, 1, 1]
    assert outbox.counts()["logs"]["refused"] == 0


def test_what_the_receiver_refuses_is_counted_and_not_repeated(receiver: Receiver) -> None:
    receiver.answers = [400]
    outbox = open_outbox(f"http://127.0.0.1:{receiver.server_port}")
    outbox.put("logs", None, item(1))
    outbox.close(2)
    assert outbox.counts()["logs"] == {"sent": 0, "dropped": 0, "refused": 1}
    assert len(receiver.requests) == 1


def test_without_a_receiver_memory_stays_bounded_and_what_is_dropped_is_counted(receiver: Receiver) -> None:
    outbox = open_outbox("http://127.0.0.1:9", queue_bytes=20_000)
    started = time.perf_counter()
    for number in range(5000):
        outbox.put("logs", None, item(number))
    assert time.perf_counter() - started < 2
    assert outbox.waiting_bytes() <= 10_000
    assert outbox.counts()["logs"]["dropped"] > 1000
    started = time.perf_counter()
    assert not outbox.close(0.5)
    assert time.perf_counter() - started < 3


def test_threads_that_flush_and_post_at_the_same_time_share_one_connection(receiver: Receiver) -> None:
    outbox = open_outbox(f"http://127.0.0.1:{receiver.server_port}")

    def work(begin: int) -> None:
        for number in range(begin, begin + 50):
            outbox.put("logs", None, item(number))
            assert outbox.post("/v1/metrics", b"").accepted
            outbox.flush(5)

    threads = [threading.Thread(target=work, args=(1000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outbox.close(5)
    assert sorted(numbers(receiver.requests)) == [1000 * index + number for index in range(4) for number in range(50)]
    assert sum(path == "/v1/metrics" for path, _body in receiver.requests) == 200
    assert receiver.connections == 1


def test_what_does_not_fit_one_request_comes_in_several_and_each_scope_keeps_its_items(receiver: Receiver) -> None:
    outbox = open_outbox(f"http://127.0.0.1:{receiver.server_port}", send_interval_s=30, queue_bytes=2**26)
    scopes = [InstrumentationScope("one"), InstrumentationScope("two")]
    long = wire.field(b"\x12", wire.field(b"\x2a", wire.any_value("x" * 30_000)))
    for number in range(100):
        outbox.put("logs", scopes[number % 2], long)
    assert outbox.close(5)
    requests = [ExportLogsServiceRequest.FromString(body) for _path, body in receiver.requests]
    assert [sum(len(scope.log_records) for scope in one.resource_logs[0].scope_logs) for one in requests] == [69, 31]
    assert [scope.scope.name for scope in requests[0].resource_logs[0].scope_logs] == ["one", "two"]
    assert outbox.counts()["logs"] == {"sent": 100, "dropped": 0, "refused": 0}
