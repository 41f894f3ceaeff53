"""The model's endpoint, as clients of OpenAI's API see it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from examples.agent_platform.model import MODEL_NAME, create_app

TEXT = "An exception is raised when an error is found. The handler of the exception is looked for in the stack."
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]},
    },
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "exceptions.txt").write_text(TEXT)
    with TestClient(create_app(folder)) as opened:
        yield opened


def complete(client: TestClient, *messages: dict[str, Any], **more: Any) -> Any:
    return client.post("/v1/chat/completions", json={"model": MODEL_NAME, "messages": messages, **more})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def read_events(answer: Any) -> list[dict[str, Any]]:
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_an_answer_is_a_completion_with_counted_tokens(client: TestClient) -> None:
    """`total_tokens` is the sum, the text no longer than asked for."""
    answer = complete(client, user("What is an exception?"), max_tokens=5, seed=1).json()
    assert (answer["object"], answer["model"]) == ("chat.completion", MODEL_NAME)
    assert answer["choices"][0]["finish_reason"] == "length"
    usage = answer["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (6, 5, 11)
    assert len(answer["choices"][0]["message"]["content"].split()) <= 5


def test_a_conversation_that_goes_on_is_read_from_the_prefix_cache(client: TestClient) -> None:
    """What was read before counts as cached, and as prompt, too."""
    first = [user("Tell of the stack, please."), {"role": "assistant", "content": "The stack."}]
    complete(client, *first)
    usage = complete(client, *first, user("And the handler?")).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 12
    assert usage["prompt_tokens"] == 17


def test_a_tool_is_called_and_its_result_spoken_about(client: TestClient) -> None:
    """The second turn has the result in its text and calls nothing more."""
    question = user("Please add 17")
    message = complete(client, question, tools=[ADD]).json()["choices"][0]["message"]
    assert message["content"] is None
    (made,) = message["tool_calls"]
    assert (made["function"]["name"], json.loads(made["function"]["arguments"])) == ("add", {"a": 17})
    result = {"role": "tool", "tool_call_id": made["id"], "content": "4711"}
    choice = complete(client, question, message, result, tools=[ADD]).json()["choices"][0]
    assert (choice["finish_reason"], "tool_calls" in choice["message"]) == ("stop", False)
    assert "4711" in choice["message"]["content"]


def test_a_stream_tells_the_same_in_chunks(client: TestClient) -> None:
    """Role first, then the call's name and arguments, the reason, and the usage where it is asked for."""
    answer = complete(client, user("Please add 17"), tools=[ADD], stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    *chunks, usage = read_events(answer)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert deltas[1]["tool_calls"][0]["function"] == {"name": "add", "arguments": ""}
    assert deltas[2]["tool_calls"][0]["function"] == {"arguments": '{"a": 17}'}
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert (usage["choices"], usage["usage"]["completion_tokens"] > 0) == ([], True)


def test_a_schema_for_the_answer_is_kept(client: TestClient) -> None:
    """Structured output is JSON of that schema."""
    schema = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    answer = complete(client, user("It is 7."), response_format=wanted).json()
    assert json.loads(answer["choices"][0]["message"]["content"]) == {"number": 7}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "gpt-9", "messages": [user("x")]}, 404, "model_not_found"),
        ({"model": MODEL_NAME, "messages": [user("word " * 2000)]}, 400, "context_length_exceeded"),
        ({"model": MODEL_NAME, "messages": []}, 400, None),
        ({"model": MODEL_NAME, "messages": [{"role": "wizard"}]}, 400, None),
    ],
)
def test_errors_are_told_as_the_api_does(client: TestClient, body: object, status: int, code: str | None) -> None:
    """Clients raise by the status and read the code."""
    answer = client.post("/v1/chat/completions", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


def test_models_are_listed(client: TestClient) -> None:
    """There is one."""
    assert [one["id"] for one in client.get("/v1/models").json()["data"]] == [MODEL_NAME]
    assert client.get(f"/v1/models/{MODEL_NAME}").json()["object"] == "model"
    assert client.get("/v1/models/other").status_code == 404
