"""The streams of requests that storage takes in: each has a protobuf schema and a landing table of the same name."""

import re
from dataclasses import dataclass
from importlib import resources

MESSAGE = "Request"


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of request: `name` is its landing table and its folder in the journal, `schema` what is read."""

    name: str
    schema: str


def read_schema_file(name: str) -> str:
    """Return the text of a file of the schema folder."""
    return resources.files("gnomon.storage").joinpath("schema", name).read_text(encoding="utf-8")


def _read_stream(name: str) -> Stream:
    return Stream(name, re.sub(r"//[^\n]*", "", read_schema_file(f"{name}.proto")).strip())


_NAMES = ("otlp_traces", "otlp_logs", "loki_push", "jsonl", "remote_write", "remote_write_v2")
STREAMS = {name: _read_stream(name) for name in _NAMES}
