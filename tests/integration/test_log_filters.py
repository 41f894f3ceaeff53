"""What a filter finds in the engine, compared with a plain reading of the same filter in Python."""

import os
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from gnomon.model.filter_language import format_filter, parse_filter
from gnomon.model.filters import And, Comparison, Filter, Not, Operator, Or, Text
from gnomon.model.log_records import Level
from gnomon.model.time_ranges import TimeRange
from gnomon.storage.log_store import LogStore
from tests.opened_storage import OpenedStorage

LINES = 1500
QUERIES = 120

Value = str | int | bool | float

BODY_WORDS = [
    "connection", "Connection", "reset", "RESET", "reset:", "peer", "user_42", "foo-bar", "foo", "bar", "café",
    "CAFÉ", "日本",
    "presets", "a=b", "[x]", "100%", "200", "x.y", "ok", "'q'", '"z"', "back\\slash", "line\nbreak",
]  # fmt: skip
PHRASES = [
    "connection", "RESET", "connection reset", "reset: peer", "foo-bar", "foo bar", "bar foo", "user_42", "user",
    "42", "café",
    "CAFÉ", "日本", "a=b", "=", "[x]", "100%", "100", "", "-", "x.y", "slash", "\\", "line break", "pre", "reset reset",
]  # fmt: skip
FIELDS = [
    "service", "level", "body", "http.status_code", "user", "attributes.user", "host.name", "resource.host.name",
    "ratio",
    "flag", "missing",
]  # fmt: skip
VALUES = [
    "gateway",
    "worker",
    "200",
    "404",
    "500",
    "ann",
    "bob",
    "",
    "host-1",
    "host-2",
    "0.5",
    "true",
    "reset",
    "an",
    "7",
]
ATTRIBUTES: Mapping[str, list[Value]] = {
    "http.status_code": [200, 404, 500, "500", "unknown"],
    "user": ["ann", "bob", "Ann", ""],
    "host.name": ["host-1", "own-host"],
    "ratio": [0.5, 1.25, -3.0],
    "flag": [True, False],
}  # fmt: skip
RESOURCES: list[dict[str, str]] = [
    {"service.name": "gateway", "host.name": "host-1"},
    {"service.name": "worker", "host.name": "host-2", "user": "ann"},
    {"service.name": "worker"},
]
LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"]


@dataclass(frozen=True)
class Line:
    """A line as it is sent."""

    number: int
    body: str
    severity: int
    resource: dict[str, str]
    attributes: dict[str, Value] = field(default_factory=dict)


def make_lines(chance: random.Random) -> list[Line]:
    lines = []
    for number in range(LINES):
        body = " ".join(chance.choices(BODY_WORDS, k=chance.randint(0, 6)))
        names = chance.sample(sorted(ATTRIBUTES), chance.randint(0, len(ATTRIBUTES)))
        attributes = {name: chance.choice(ATTRIBUTES[name]) for name in names}
        lines.append(Line(number, body, chance.randint(0, 24), chance.choice(RESOURCES), attributes))
    return lines


def make_request(lines: list[Line], start_ns: int) -> bytes:
    request = ExportLogsServiceRequest()
    for resource in RESOURCES:
        of_resource = request.resource_logs.add()
        of_resource.resource.attributes.extend(_pair(key, value) for key, value in resource.items())
        records = of_resource.scope_logs.add().log_records
        for line in lines:
            if line.resource is resource:
                record = records.add()
                record.time_unix_nano = start_ns + line.number
                record.body.string_value = line.body
                record.severity_number = SeverityNumber.ValueType(line.severity)
                record.attributes.extend(_pair(key, value) for key, value in line.attributes.items())
    return request.SerializeToString()


def _pair(key: str, value: Value) -> KeyValue:
    match value:
        case bool():
            return KeyValue(key=key, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=key, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=key, value=AnyValue(double_value=value))
        case _:
            return KeyValue(key=key, value=AnyValue(string_value=value))


def make_tree(chance: random.Random, depth: int = 0) -> Filter:
    kind = chance.random()
    if depth < 3 and kind < 0.45:
        if kind < 0.15:
            return Not(make_tree(chance, depth + 1))
        operands = tuple(make_tree(chance, depth + 1) for _ in range(chance.randint(2, 3)))
        return And(operands) if kind < 0.3 else Or(operands)
    if kind < 0.65:
        return Text(chance.choice(PHRASES))
    name = chance.choice(FIELDS)
    operator = chance.choice(list(Operator))
    if name == "level":
        operator = chance.choice(
            [o for o in Operator if o not in {Operator.MATCH, Operator.NOT_MATCH, Operator.CONTAINS}]
        )
        return Comparison(name, operator, "" if operator is Operator.EXISTS else chance.choice(LEVELS))
    if operator is Operator.EXISTS:
        return Comparison(name, operator)
    if operator in {Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL}:
        return Comparison(name, operator, chance.choice(["200", "404", "0.5", "-1"]))
    if operator in {Operator.MATCH, Operator.NOT_MATCH}:
        return Comparison(
            name, operator, chance.choice(["^a", "reset$", "[0-9]+", "(?i)ANN|bob", "5.0", "", "host-[12]"])
        )
    return Comparison(name, operator, chance.choice(VALUES))


def keeps(tree: Filter, line: Line) -> bool:
    """Return whether a filter keeps a line, read straight from docs/reference/search-language.md."""
    match tree:
        case And(operands):
            return all(keeps(operand, line) for operand in operands)
        case Or(operands):
            return any(keeps(operand, line) for operand in operands)
        case Not(operand):
            return not keeps(operand, line)
        case Text(phrase):
            return _has_phrase(line.body, phrase)
        case Comparison(field="level"):
            return _compare_level(tree, line.severity)
        case Comparison():
            return _compare(tree, _value_of(tree.field, line))


def _words(text: str) -> list[str]:
    lowered = "".join(c.lower() if c.isascii() else c for c in text)
    return re.findall(r"[0-9a-z\x80-\U0010ffff]+", lowered)


def _has_phrase(body: str, phrase: str) -> bool:
    wanted, words = _words(phrase), _words(body)
    if wanted and not any(words[i : i + len(wanted)] == wanted for i in range(len(words))):
        return False
    plain = re.fullmatch(r"[0-9A-Za-z\x80-\U0010ffff ]*", phrase)
    return bool((plain and wanted) or phrase.lower() in body.lower())


def _value_of(name: str, line: Line) -> str | None:
    if name == "service":
        return line.resource["service.name"] or None
    if name == "body":
        return line.body
    own: Mapping[str, Value] = line.attributes
    if name.startswith("attributes."):
        found = own.get(name.removeprefix("attributes."))
    elif name.startswith("resource."):
        found = line.resource.get(name.removeprefix("resource."))
    else:
        found = own[name] if name in own else line.resource.get(name)
    if found is None:
        return None
    if isinstance(found, bool):
        return str(found).lower()
    return f"{found:g}" if isinstance(found, float) else str(found)


def _compare(comparison: Comparison, value: str | None) -> bool:
    wanted = comparison.value
    if value is None:
        return False
    match comparison.operator:
        case Operator.EXISTS:
            return value != "" or comparison.field != "body"
        case Operator.EQUAL:
            return value == wanted
        case Operator.NOT_EQUAL:
            return value != wanted
        case Operator.CONTAINS:
            return wanted.lower() in value.lower()
        case Operator.MATCH:
            return re.search(wanted, value) is not None
        case Operator.NOT_MATCH:
            return re.search(wanted, value) is None
    try:
        number, limit = float(value), float(wanted)
    except ValueError:
        return False
    return _ordered(comparison.operator, number, limit)


def _compare_level(comparison: Comparison, severity: int) -> bool:
    if comparison.operator is Operator.EXISTS:
        return severity > 0
    wanted = Level(comparison.value).severities
    match comparison.operator:
        case Operator.EQUAL:
            return severity in wanted
        case Operator.NOT_EQUAL:
            return severity not in wanted
        case Operator.GREATER | Operator.LESS_OR_EQUAL:
            return severity > 0 and _ordered(comparison.operator, severity, wanted[-1])
        case _:
            return severity > 0 and _ordered(comparison.operator, severity, wanted[0])


def _ordered(operator: Operator, left: float, right: float) -> bool:
    match operator:
        case Operator.GREATER:
            return left > right
        case Operator.GREATER_OR_EQUAL:
            return left >= right
        case Operator.LESS:
            return left < right
        case _:
            return left <= right


async def test_the_engine_finds_what_a_plain_reading_finds(opened_storage: OpenedStorage) -> None:
    chance = random.Random(7)
    lines = make_lines(chance)
    start_ns = time.time_ns() - LINES
    await opened_storage.journal.append("otlp_logs", make_request(lines, start_ns), os.urandom(16))
    await opened_storage.journal.flush()
    store = LogStore(opened_storage.engine, opened_storage.journal)
    everything = TimeRange(start_ns - 10**9, start_ns + 10**9)
    different = []
    for _ in range(QUERIES):
        text = format_filter(make_tree(chance))
        tree = parse_filter(text)
        page = await store.search(tree, everything, limit=LINES)
        found = {record.ts_ns - start_ns for record in page.records}
        expected = {line.number for line in lines if keeps(tree, line)}
        if found != expected:
            first = min(found ^ expected)
            different.append(f"{text}\n   {'found' if first in found else 'missed'} {lines[first]}")
    assert not different, f"{len(different)} of {QUERIES} queries differ:\n" + "\n".join(different[:10])
