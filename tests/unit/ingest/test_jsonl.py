"""JSON Lines: good lines are kept, bad ones told by number."""

import gzip

import httpx

from gnomon.ingest.jsonl_lines import JsonlRequest
from gnomon.model.errors import UnavailableError
from tests.unit.ingest.conftest import MemoryJournal


async def test_lines_are_kept_with_their_labels(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    body = b'{"message":"a"}\r\n\n{"message":"b"}\n'
    answer = await client.post("/ingest/jsonl?service=shop&env=test", content=body)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": 0, "errors": []})
    request = JsonlRequest.FromString(journal.requests[0][1])
    assert request.text.split() == [b'{"message":"a"}', b'{"message":"b"}']
    assert {label.name: label.value for label in request.labels} == {"service": "shop", "env": "test"}


async def test_the_service_may_stand_in_a_header(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    await client.post("/ingest/jsonl", content=b"{}", headers={"x-gnomon-service": "shop"})
    assert JsonlRequest.FromString(journal.requests[0][1]).labels[0].value == "shop"


async def test_bad_lines_are_told_by_number(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    body = b'{"message":"a"}\nbroken\n\n[1]\n{"a":1},{"b":2}\n{"message":"b"}'
    answer = (await client.post("/ingest/jsonl", content=body)).json()
    assert (answer["accepted"], answer["rejected"]) == (2, 3)
    assert [error["line"] for error in answer["errors"]] == [2, 4, 5]
    assert "not list" in answer["errors"][1]["message"]
    assert JsonlRequest.FromString(journal.requests[0][1]).text == b'{"message":"a"}\n{"message":"b"}'


async def test_a_body_without_a_good_line_is_a_bad_request(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ingest/jsonl", content=b"plain text\nand more")
    assert (answer.status_code, answer.json()["rejected"]) == (400, 2)


async def test_a_json_array_counts_as_lines(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    answer = await client.post("/ingest/jsonl", content=b' [{"message":"a"},\n {"message":"b"}, 5]')
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (2, 1)


async def test_compressed_lines_are_taken(client: httpx.AsyncClient) -> None:
    body = gzip.compress(b'{"message":"a"}\n' * 1000)
    answer = await client.post("/ingest/jsonl", content=body, headers={"content-encoding": "gzip"})
    assert answer.json()["accepted"] == 1000


async def test_a_full_journal_asks_to_come_again(client: httpx.AsyncClient, journal: MemoryJournal) -> None:
    journal.failure = UnavailableError("Too much waits.", reason="backlog")
    answer = await client.post("/ingest/jsonl", content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
