"""Lines of JSON: the good ones into one request for the engine, the bad ones told apart by number."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gnomon.ingest.checked import Checked
from gnomon.ingest.messages import define_message

JsonlRequest = define_message(
    "JsonlRequest",
    {
        "JsonlRequest": {"labels": (1, "Label*"), "text": (2, "bytes")},
        "Label": {"name": (1, "string"), "value": (2, "string")},
    },
)

_MAX_ERRORS = 100


@dataclass(frozen=True, slots=True)
class LineError:
    """Tell what is wrong with a line, counted from 1."""

    line: int
    message: str


def check_lines(body: bytes, labels: Mapping[str, str]) -> tuple[Checked, list[LineError]]:
    """Return a request with every line that is a JSON object, and what is wrong with the others (the first hundred).

    `labels` apply to every line. A body that is one JSON array counts as a line for each element.
    """
    body = _array_to_lines(body) if body.lstrip()[:1] == b"[" else body
    lines = body.split(b"\n")
    filled = [line for line in lines if line and not line.isspace()]
    if _are_objects(filled):
        return Checked(_encode(b"\n".join(filled), labels), len(filled)), []
    good: list[bytes] = []
    errors: list[LineError] = []
    rejected = 0
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        fault = _find_fault(line)
        if not fault:
            good.append(line)
            continue
        rejected += 1
        if len(errors) < _MAX_ERRORS:
            errors.append(LineError(number, fault))
    return Checked(_encode(b"\n".join(good), labels), len(good), {"not_a_json_object": rejected}), errors


def _encode(text: bytes, labels: Mapping[str, str]) -> bytes:
    pairs = [{"name": name, "value": value} for name, value in labels.items()]
    return bytes(JsonlRequest(labels=pairs, text=text).SerializeToString())


def _are_objects(lines: list[bytes]) -> bool:
    """Tell whether all is well, with one call of the parser for all lines."""
    try:
        parsed = orjson.loads(b"[" + b",".join(lines) + b"]")
    except orjson.JSONDecodeError:
        return False
    return len(parsed) == len(lines) and all(type(element) is dict for element in parsed)


def _find_fault(line: bytes) -> str:
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"No JSON: {error}."
    return "" if isinstance(parsed, dict) else f"A JSON object is needed, not {type(parsed).__name__}."


def _array_to_lines(body: bytes) -> bytes:
    try:
        elements = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    return b"\n".join(map(orjson.dumps, elements))
