"""Filters as SQL with bound parameters: one compiler, a map of fields for each signal.

A built-in field is a column. Any other name is an attribute: the record's own if it has one of that name, else its
resource's, which stands in `origins`. Comparisons keep records that have the field, `!=` and `!~` too; `Not` also keeps
those without it.

Equality on an attribute is written as `attributes['k'] = 'v'`, in which the engine sees the bloom filter over values.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gnomon.model.durations import parse_duration_ns
from gnomon.model.errors import InvalidInputError
from gnomon.model.filters import And, Comparison, Filter, Not, Operator, Or, Text
from gnomon.model.log_records import Level
from gnomon.model.trace_ids import parse_span_id, parse_trace_id

_ORDER = {Operator.GREATER, Operator.GREATER_OR_EQUAL, Operator.LESS, Operator.LESS_OR_EQUAL}
_REGEX = {Operator.MATCH, Operator.NOT_MATCH}
_WORDS = re.compile(r"[0-9A-Za-z\x80-\U0010ffff]+")
# What RE2 leaves out of what people know from elsewhere.
_NOT_IN_RE2 = re.compile(r"\(\?(?:=|!|<=|<!|>|\()|\\[1-9]|[*+?}]\+")

# What Python refuses and RE2 knows: there the engine decides.
_ONLY_IN_RE2 = (r"\p", r"\P", r"\z", r"\C", r"\Q", "[[:", "(?")


class FieldKind(StrEnum):
    """Say how a column compares."""

    TEXT = "text"
    BODY = "body"
    LIST = "list"
    NUMBER = "number"
    DURATION = "duration"
    NAMED = "named"
    TRACE_ID = "trace_id"
    SPAN_ID = "span_id"


@dataclass(frozen=True, slots=True)
class Column:
    """A built-in field: an expression over the signal's table, or over `origins` where `of_origin`.

    `names` gives the numbers that a word means where the kind is NAMED.
    """

    expression: str
    kind: FieldKind = FieldKind.TEXT
    names: Mapping[str, Collection[int]] = field(default_factory=dict)
    of_origin: bool = False


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The fields of one signal. `prefixes` mark a record's own attributes, `text` is what free words look into.

    `event_attributes` is a column of maps that the prefix `event.` looks into, empty where there is none.
    """

    columns: Mapping[str, Column]
    prefixes: tuple[str, ...]
    text: str
    event_attributes: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean expression and its parameters."""

    sql: str
    parameters: dict[str, object]


KIND_NAMES = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUS_NAMES = ("unset", "ok", "error")
_BOOLEAN = {"true": (1,), "false": (0,)}
_ZERO_SPAN = "toFixedString('', 8)"

SPAN_FIELDS = FieldMap(
    columns={
        "service": Column("service"),
        "name": Column("name"),
        "kind": Column("kind", FieldKind.NAMED, {name: (number,) for number, name in enumerate(KIND_NAMES)}),
        "status": Column("status", FieldKind.NAMED, {name: (number,) for number, name in enumerate(STATUS_NAMES)}),
        "status_message": Column("status_message"),
        "error": Column("status = 2", FieldKind.NAMED, _BOOLEAN),
        "root": Column(f"parent_span_id = {_ZERO_SPAN}", FieldKind.NAMED, _BOOLEAN),
        "duration": Column("duration", FieldKind.DURATION),
        "trace_id": Column("trace_id", FieldKind.TRACE_ID),
        "span_id": Column("span_id", FieldKind.SPAN_ID),
        "parent_id": Column("parent_span_id", FieldKind.SPAN_ID),
        "event": Column("events.name", FieldKind.LIST),
        "events": Column("length(events.name)", FieldKind.NUMBER),
        "links": Column("length(links.span_id)", FieldKind.NUMBER),
        "scope": Column("scope_name", of_origin=True),
        "scope_version": Column("scope_version", of_origin=True),
        "operation": Column("name"),
        "parent_span_id": Column("parent_span_id", FieldKind.SPAN_ID),
        "service.name": Column("service"),
    },
    prefixes=("attributes.", "span."),
    text="name",
    event_attributes="events.attributes",
)

_LEVELS = {level.value: tuple(level.severities) for level in Level} | {
    "warning": tuple(Level.WARN.severities),
    "err": tuple(Level.ERROR.severities),
    "critical": tuple(Level.FATAL.severities),
}

LOG_FIELDS = FieldMap(
    columns={
        "service": Column("service"),
        "service.name": Column("service"),
        "level": Column("severity", FieldKind.NAMED, _LEVELS),
        "severity": Column("severity", FieldKind.NAMED, _LEVELS),
        "severity_text": Column("severity_text"),
        "body": Column("body", FieldKind.BODY),
        "event": Column("event_name"),
        "event_name": Column("event_name"),
        "trace_id": Column("trace_id", FieldKind.TRACE_ID),
        "span_id": Column("span_id", FieldKind.SPAN_ID),
        "scope": Column("scope_name", of_origin=True),
        "scope_version": Column("scope_version", of_origin=True),
    },
    prefixes=("attributes.", "log."),
    text="body",
)


def compile_filter(
    tree: Filter, fields: FieldMap, *, resource_keys: Collection[str] | None = None, parameter_prefix: str = "f"
) -> Condition:
    """Return a filter as SQL; its parameters are named `parameter_prefix` and a number.

    `resource_keys` are the attributes that resources have: other names are not looked for there; None looks for all.
    Raises InvalidInputError with a position for values that do not suit their field.
    """
    compiler = _Compiler(fields, resource_keys, parameter_prefix)
    return Condition(compiler.compile(tree), compiler.parameters)


class _Compiler:
    """Collects parameters while it writes SQL."""

    def __init__(self, fields: FieldMap, resource_keys: Collection[str] | None, prefix: str) -> None:
        self.parameters: dict[str, object] = {}
        self._fields = fields
        self._resource_keys = resource_keys
        self._prefix = prefix

    def compile(self, tree: Filter) -> str:
        match tree:
            case And(operands):
                return " AND ".join(self._grouped(operand) for operand in operands) or "1"
            case Or(operands):
                return " OR ".join(self._grouped(operand) for operand in operands) or "0"
            case Not(operand):
                return f"NOT {self._grouped(operand)}"
            case Text(phrase):
                return self._contains_words(self._fields.columns[self._fields.text], phrase)
            case Comparison():
                return self._compare(tree)

    def _grouped(self, tree: Filter) -> str:
        return f"({self.compile(tree)})"

    def _bind(self, value: object, kind: str = "String") -> str:
        name = f"{self._prefix}{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def _compare(self, comparison: Comparison) -> str:
        if comparison.operator in _REGEX:
            _check_regex(comparison)
        name = comparison.field
        if column := self._fields.columns.get(name):
            if column.of_origin:
                return self._in_origins(self._compare_column(column, comparison))
            return self._compare_column(column, comparison)
        if name.startswith("resource."):
            return self._in_resource(name.removeprefix("resource."), comparison)
        if self._fields.event_attributes and name.startswith("event."):
            return self._in_events(name.removeprefix("event."), comparison)
        prefix = next((prefix for prefix in self._fields.prefixes if name.startswith(prefix)), "")
        key = name.removeprefix(prefix)
        own = self._in_map("attributes", key, comparison)
        if prefix or (self._resource_keys is not None and key not in self._resource_keys):
            return own
        absent = f"NOT mapContains(attributes, {self._bind(key)})"
        return f"({own} OR ({absent} AND {self._in_resource(key, comparison)}))"

    def _in_resource(self, key: str, comparison: Comparison) -> str:
        return self._in_origins(self._in_map("resource", key, comparison))

    def _in_origins(self, condition: str) -> str:
        return f"origin_id IN (SELECT id FROM origins WHERE {condition})"

    def _in_events(self, key: str, comparison: Comparison) -> str:
        return f"arrayExists(e -> {self._in_map('e', key, comparison)}, {self._fields.event_attributes})"

    def _in_map(self, column: str, key: str, comparison: Comparison) -> str:
        name = self._bind(key)
        held, value = f"mapContains({column}, {name})", f"{column}[{name}]"
        if comparison.operator is Operator.EXISTS:
            return held
        if comparison.operator in _ORDER:
            number = self._bind(_number(comparison), "Float64")
            return f"(ifNull(toFloat64OrNull({value}) {comparison.operator} {number}, 0) AND {held})"
        condition = self._compare_text(value, comparison)
        # A key that is absent reads as an empty text, so only what that could satisfy needs the second look.
        may_be_empty = comparison.operator is not Operator.EQUAL or not comparison.value
        return f"({condition} AND {held})" if may_be_empty else condition

    def _compare_column(self, column: Column, comparison: Comparison) -> str:
        compare: dict[FieldKind, Callable[[Column, Comparison], str]] = {
            FieldKind.TEXT: self._text_column,
            FieldKind.BODY: self._body_column,
            FieldKind.LIST: self._list_column,
            FieldKind.NUMBER: self._number_column,
            FieldKind.DURATION: self._number_column,
            FieldKind.NAMED: self._named_column,
            FieldKind.TRACE_ID: self._id_column,
            FieldKind.SPAN_ID: self._id_column,
        }
        return compare[column.kind](column, comparison)

    def _text_column(self, column: Column, comparison: Comparison) -> str:
        if comparison.operator is Operator.EXISTS:
            return f"{column.expression} != ''"
        if comparison.operator in _ORDER:
            number = self._bind(_number(comparison), "Float64")
            return f"ifNull(toFloat64OrNull({column.expression}) {comparison.operator} {number}, 0)"
        return self._compare_text(column.expression, comparison)

    def _body_column(self, column: Column, comparison: Comparison) -> str:
        if comparison.operator is Operator.CONTAINS:
            return f"positionCaseInsensitiveUTF8({column.expression}, {self._bind(comparison.value)}) > 0"
        return self._text_column(column, comparison)

    def _list_column(self, column: Column, comparison: Comparison) -> str:
        match comparison.operator:
            case Operator.EXISTS:
                return f"notEmpty({column.expression})"
            case Operator.EQUAL:
                return f"has({column.expression}, {self._bind(comparison.value)})"
            case _:
                return f"arrayExists(x -> {self._text_column(Column('x'), comparison)}, {column.expression})"

    def _number_column(self, column: Column, comparison: Comparison) -> str:
        operator = comparison.operator
        if operator is Operator.EXISTS:
            return "1"
        if operator in _REGEX or operator is Operator.CONTAINS:
            message = f"{comparison.field!r} is a number: compare it with =, !=, <, <=, > or >=."
            raise InvalidInputError(message, position=comparison.position)
        if column.kind is FieldKind.NUMBER:
            return f"{column.expression} {operator} {self._bind(_number(comparison), 'Float64')}"
        try:
            duration_ns = parse_duration_ns(comparison.value)
        except InvalidInputError as error:
            raise InvalidInputError(str(error), position=comparison.position) from error
        return f"{column.expression} {operator} {self._bind(duration_ns, 'UInt64')}"

    def _named_column(self, column: Column, comparison: Comparison) -> str:
        operator = comparison.operator
        if operator is Operator.EXISTS:
            return f"{column.expression} != 0"
        if operator in _REGEX or operator is Operator.CONTAINS:
            pattern = self._bind(comparison.value)
            test = "positionCaseInsensitiveUTF8(name, {}) > 0" if operator is Operator.CONTAINS else "match(name, {})"
            names = self._bind(list(column.names), "Array(String)")
            firsts = self._bind([min(numbers) for numbers in column.names.values()], "Array(UInt8)")
            chosen = f"has(arrayFilter((n, name) -> {test.format(pattern)}, {firsts}, {names}), {self._floor(column)})"
            return f"NOT {chosen}" if operator is Operator.NOT_MATCH else chosen
        numbers = self._numbers(column, comparison)
        if operator in _ORDER:
            bound = max(numbers) if operator in {Operator.GREATER, Operator.LESS_OR_EQUAL} else min(numbers)
            return f"{column.expression} {operator} {self._bind(bound, 'UInt8')}{self._known(column, operator)}"
        if len(numbers) == 1:
            return f"({column.expression}) {operator} {self._bind(numbers[0], 'UInt8')}"
        among = f"has({self._bind(numbers, 'Array(UInt8)')}, {column.expression})"
        return f"NOT {among}" if operator is Operator.NOT_EQUAL else among

    @staticmethod
    def _known(column: Column, operator: Operator) -> str:
        """Return what keeps unknown levels, whose number is 0, from counting as low ones."""
        return f" AND {column.expression} > 0" if operator in {Operator.LESS, Operator.LESS_OR_EQUAL} else ""

    @staticmethod
    def _floor(column: Column) -> str:
        """Return the lowest number of the name that a value falls under: severities come in fours."""
        ranges = max(len(values) for values in column.names.values())
        if ranges == 1:
            return f"toUInt8({column.expression})"
        return f"toUInt8(if({column.expression} = 0, 0, intDiv({column.expression} - 1, {ranges}) * {ranges} + 1))"

    @staticmethod
    def _numbers(column: Column, comparison: Comparison) -> list[int]:
        value = comparison.value.lower()
        if value in column.names:
            return sorted(column.names[value])
        known = {number for numbers in column.names.values() for number in numbers}
        if value.isdecimal() and int(value) in known:
            return [int(value)]
        words = ", ".join(column.names)
        message = f"{comparison.field!r} cannot be {comparison.value!r}. It is one of: {words}."
        raise InvalidInputError(message, position=comparison.position)

    def _id_column(self, column: Column, comparison: Comparison) -> str:
        digits = 32 if column.kind is FieldKind.TRACE_ID else 16
        operator = comparison.operator
        if operator is Operator.EXISTS:
            return f"{column.expression} != toFixedString('', {digits // 2})"
        if operator in {Operator.EQUAL, Operator.NOT_EQUAL}:
            parse = parse_trace_id if column.kind is FieldKind.TRACE_ID else parse_span_id
            try:
                value = parse(comparison.value)
            except InvalidInputError as error:
                raise InvalidInputError(str(error), position=comparison.position) from error
            return f"{column.expression} {operator} toFixedString(unhex({self._bind(value)}), {digits // 2})"
        if operator in _ORDER:
            message = f"{comparison.field!r} is an id: compare it with =, !=, =~ or !~."
            raise InvalidInputError(message, position=comparison.position)
        return self._compare_text(f"lower(hex({column.expression}))", comparison)

    def _compare_text(self, expression: str, comparison: Comparison) -> str:
        value = self._bind(comparison.value)
        match comparison.operator:
            case Operator.MATCH:
                return f"match({expression}, {value})"
            case Operator.NOT_MATCH:
                return f"NOT match({expression}, {value})"
            case Operator.CONTAINS:
                return f"positionCaseInsensitiveUTF8({expression}, {value}) > 0"
            case Operator.NOT_EQUAL:
                return f"{expression} != {value}"
            case _:
                return f"{expression} = {value}"

    def _contains_words(self, column: Column, phrase: str) -> str:
        """Return whether the text has the words of a phrase one after the other; the text index answers that."""
        words = _WORDS.findall(phrase)
        if column.kind is not FieldKind.BODY or not words:
            return f"positionCaseInsensitiveUTF8({column.expression}, {self._bind(phrase)}) > 0"
        if words == [phrase]:
            return f"hasAllTokens({column.expression}, {self._bind(phrase)})"
        by_words = f"hasPhrase({column.expression}, {self._bind(' '.join(words))})"
        if " ".join(words) == phrase:
            return by_words
        # The index knows words only; what stands between them is checked where they are found.
        return f"({by_words} AND positionCaseInsensitiveUTF8({column.expression}, {self._bind(phrase)}) > 0)"


def _number(comparison: Comparison) -> float:
    try:
        number = float(comparison.value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"{comparison.field!r} {comparison.operator} needs a number, not {comparison.value!r}."
        raise InvalidInputError(message, position=comparison.position)
    return number


def _check_regex(comparison: Comparison) -> None:
    """Refuse what RE2 would refuse, so that the error can point at it."""
    if found := _NOT_IN_RE2.search(comparison.value):
        message = f"The regular expression uses {found[0]!r}: RE2 has no look-around and no back references."
        raise InvalidInputError(message, position=comparison.position)
    try:
        re.compile(comparison.value)
    except re.error as error:
        if any(known in comparison.value for known in _ONLY_IN_RE2):
            return
        message = f"Invalid regular expression {comparison.value!r}: {error}."
        raise InvalidInputError(message, position=comparison.position) from error
