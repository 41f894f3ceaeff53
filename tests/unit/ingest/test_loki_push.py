"""Loki's push API: snappy protobuf and JSON."""

import gzip
import json
from typing import Any

import cramjam
import httpx
import pytest

from gnomon.ingest.loki_streams import PushRequest
from gnomon.model.errors import UnavailableError
from tests.unit.ingest.conftest import LIMIT, MemoryJournal

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


def push_request(labels: str = '{app="shop", level="info"}') -> bytes:
    request = PushRequest()
    stream = request.streams.add(labels=labels.encode())
    stream.entries.add(line=b"hello", timestamp={"seconds": 1_790_000_000, "nanos": 5})
    return bytes(request.SerializeToString())


def snappy(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


async def test_snappy_protobuf_is_kept_as_it_came(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    answer = await client.post("/loki/api/v1/push", content=snappy(push_request()), headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (204, b"")
    assert [(stream, body) for stream, body, _ in journal.requests] == [("loki_push", push_request())]


@pytest.mark.parametrize("compressed", [False, True])
async def test_json_becomes_the_same_protobuf(
    client: httpx.AsyncClient, journal: MemoryJournal, compressed: bool
) -> None:
    streams = [
        {
            "stream": {"app": "shop", "path": 'a"b\\c\n'},
            "values": [["1790000000000000005", "hello"], ["-1", "old", {"trace_id": "ab"}]],
        }
    ]
    body = json.dumps({"streams": streams}).encode()
    headers = JSON | ({"content-encoding": "gzip"} if compressed else {})
    answer = await client.post(
        "/loki/api/v1/push", content=gzip.compress(body) if compressed else body, headers=headers
    )
    assert answer.status_code == 204
    stream = PushRequest.FromString(journal.requests[0][1]).streams[0]
    assert stream.labels == b'{app="shop", path="a\\"b\\\\c\\n"}'
    assert [(e.timestamp.seconds, e.timestamp.nanos, e.line) for e in stream.entries] == [
        (1790000000, 5, b"hello"),
        (-1, 999_999_999, b"old"),
    ]
    assert stream.entries[1].structured_metadata[0].value == b"ab"


@pytest.mark.parametrize("labels", ["", "{}", "app=shop", '{app="shop}', '{app="shop"', '{="x"}', '{a="b" c="d"}'])
async def test_labels_that_are_none_are_refused(client: httpx.AsyncClient, labels: str) -> None:
    answer = await client.post("/loki/api/v1/push", content=snappy(push_request(labels)), headers=PROTOBUF)
    assert answer.status_code == 400
    assert "error parsing labels" in answer.text


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {},
        {"streams": {}},
        {"streams": [{}]},
        {"streams": [{"stream": {"a": 1}, "values": []}]},
        {"streams": [{"stream": {"a": "b"}, "values": [["now", "line"]]}]},
        {"streams": [{"stream": {"a": "b"}, "values": [[1790000000000000005, "line"]]}]},
        {"streams": [{"stream": {"a": "b"}, "values": [["1790000000000000005", "line", {"a": 1}]]}]},
        {"streams": [{"stream": {}, "values": [["1790000000000000005", "line"]]}]},
        {"streams": [{"stream": {"a b": "c"}, "values": [["1790000000000000005", "line"]]}]},
    ],
)
async def test_malformed_json_is_refused(client: httpx.AsyncClient, journal: MemoryJournal, tree: Any) -> None:
    answer = await client.post("/loki/api/v1/push", content=json.dumps(tree), headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert journal.requests == []


async def test_what_is_no_snappy_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/loki/api/v1/push", content=b"\xff\xff", headers=PROTOBUF)).status_code == 400


async def test_a_snappy_bomb_is_too_large(client: httpx.AsyncClient) -> None:
    bomb = snappy(bytes(20 * LIMIT))
    assert len(bomb) < LIMIT
    assert (await client.post("/loki/api/v1/push", content=bomb, headers=PROTOBUF)).status_code == 413


async def test_a_full_journal_asks_to_come_again(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    journal.failure = UnavailableError("Too much waits.", reason="backlog")
    answer = await client.post("/loki/api/v1/push", content=snappy(push_request()), headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_shippers_find_it_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/ready")).text == "ready\n"
