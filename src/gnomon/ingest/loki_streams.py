"""Loki's push requests: checked in their protobuf form, and brought into it from JSON."""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from gnomon.ingest.checked import Checked
from gnomon.ingest.errors import MalformedRequestError
from gnomon.ingest.messages import define_message
from gnomon.ingest.request_shapes import RequestShape

# logproto.PushRequest of Loki 3, by its wire names.
PushRequest = define_message(
    "PushRequest",
    {
        "PushRequest": {"streams": (1, "Stream*")},
        "Stream": {"labels": (1, "bytes"), "entries": (2, "Entry*"), "hash": (3, "uint64")},
        "Entry": {
            "timestamp": (1, "Timestamp"),
            "line": (2, "bytes"),
            "structured_metadata": (3, "Label*"),
            "parsed": (4, "Label*"),
        },
        "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "Label": {"name": (1, "bytes"), "value": (2, "bytes")},
    },
)
_SHAPE = RequestShape(PushRequest, ["Stream.labels"])
_COUNT = define_message("EntryCount", {"EntryCount": {"stream": (1, "Stream")}, "Stream": {"entries": (2, "bytes*")}})

_PAIR = rb'\s*[^\s="{},]+\s*=\s*"(?:[^"\\]|\\.)*"\s*'
_LABELS = re.compile(rb"\{" + _PAIR + rb"(?:," + _PAIR + rb")*,?\s*\}", re.DOTALL)
_LABEL_NAME = re.compile(r'[^\s="{},]+')
_SECOND_NS = 1_000_000_000
_MAX_SHOWN = 200


def check_loki(body: bytes) -> Checked:
    """Check a PushRequest, decompressed; raises MalformedRequestError, as Loki refuses a request as a whole."""
    streams = _SHAPE.check(body).streams
    for labels in set(streams.labels):
        if not _LABELS.fullmatch(labels):
            shown = labels[:_MAX_SHOWN].decode(errors="replace")
            message = f'error parsing labels {shown!r}: expected {{name="value", …}} with at least one label'
            raise MalformedRequestError(message)
    return Checked(body, len(_COUNT.FromString(body).stream.entries))


def json_to_push(body: bytes) -> bytes:
    """Return the protobuf form of a JSON push: `{"streams": [{"stream": {…}, "values": [[ns, line, {…}], …]}]}`.

    Raises MalformedRequestError.
    """
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The body is no JSON: {error}."
        raise MalformedRequestError(message, position=error.pos) from error
    push = PushRequest()
    for number, sent in enumerate(_list(tree, "streams", "the body")):
        place = f"streams[{number}]"
        stream = push.streams.add(labels=_labels_text(_field(sent, "stream", place), place))
        for index, value in enumerate(_list(sent, "values", place)):
            _add_entry(stream, value, f"{place}.values[{index}]")
    return bytes(push.SerializeToString())


def _add_entry(stream: Any, value: Any, place: str) -> None:
    match value:
        case [str(time), str(line)]:
            metadata: Any = {}
        case [str(time), str(line), dict(metadata)]:
            pass
        case _:
            message = f'{place} must be ["nanoseconds", "line"], with an object of structured metadata third if at all.'
            raise MalformedRequestError(message)
    if not time.removeprefix("-").isdecimal() or len(time) > len(str(2**63)):
        message = f"{place} has the timestamp {time[:_MAX_SHOWN]!r}; it must be Unix time in nanoseconds, as a string."
        raise MalformedRequestError(message)
    seconds, nanos = divmod(int(time), _SECOND_NS)
    entry = stream.entries.add(line=line.encode(), timestamp={"seconds": seconds, "nanos": nanos})
    for name, text in _texts(metadata, place):
        entry.structured_metadata.add(name=name.encode(), value=text.encode())


def _labels_text(labels: Any, place: str) -> bytes:
    pairs = []
    for name, value in _texts(labels, place):
        if not _LABEL_NAME.fullmatch(name):
            message = f'{place} has the label name {name[:_MAX_SHOWN]!r}, which holds a blank or one of ="{{}},.'
            raise MalformedRequestError(message)
        pairs.append(name.encode() + b"=" + orjson.dumps(value))
    return b"{" + b", ".join(pairs) + b"}"


def _texts(pairs: Any, place: str) -> Iterator[tuple[str, str]]:
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        message = f"{place} must map names to strings."
        raise MalformedRequestError(message)
    yield from pairs.items()


def _field(tree: Any, name: str, place: str) -> Any:
    if not isinstance(tree, dict) or name not in tree:
        message = f"{place} must be an object with {name!r}."
        raise MalformedRequestError(message)
    return tree[name]


def _list(tree: Any, name: str, place: str) -> list[Any]:
    found = _field(tree, name, place)
    if not isinstance(found, list):
        message = f"{name!r} in {place} must be a list."
        raise MalformedRequestError(message)
    return found
