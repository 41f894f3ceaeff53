"""Values in Go's templates: how they print, compare and count as true, and the functions that every template has."""

import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote_plus

from gnomon.alerting.template_parser import TemplateError
from gnomon.model.float_text import format_general
from gnomon.promql.quoting import quote

NO_VALUE = "<no value>"


@dataclass(frozen=True, slots=True)
class Record:
    """A value with named fields; asking for another one is an error, as with a struct in Go."""

    fields: Mapping[str, Any]


class Methods:
    """A value with methods by name, as types in Go have them; mix it into what else the value is."""

    methods: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})


def to_text(value: Any) -> str:
    """Return a value as Go's fmt.Sprint writes it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return format_general(value)
        case Methods() if "String" in value.methods:
            return str(value.methods["String"](value))
        case Record():
            return "{" + " ".join(map(to_text, value.fields.values())) + "}"
        case Mapping():
            return "map[" + " ".join(f"{key}:{to_text(value[key])}" for key in sorted(value)) + "]"
        case list() | tuple():
            return "[" + " ".join(map(to_text, value)) + "]"
        case _:
            return str(value)


def is_true(value: Any) -> bool:
    """Tell whether a value counts as true: everything but zero, nil, and what is empty."""
    return isinstance(value, Record) or bool(value)


def get_field(value: Any, name: str) -> Any:
    """Return a field of a record, or a mapping's entry: empty where it is missing."""
    if isinstance(value, Methods) and name in value.methods:
        return value.methods[name](value)
    if isinstance(value, Record):
        if name not in value.fields:
            raise TemplateError(f"can't evaluate field {name}")
        return value.fields[name]
    if isinstance(value, Mapping):
        return value.get(name, "" if all(isinstance(one, str) for one in value.values()) else None)
    if value is None:
        raise TemplateError(f"nil pointer evaluating interface {{}}.{name}")
    raise TemplateError(f"can't evaluate field {name} in type {_type_name(value)}")


def call_method(value: Any, name: str, arguments: Sequence[Any]) -> Any:
    """Return what a method yields; raises TemplateError where there is none."""
    if not isinstance(value, Methods) or name not in value.methods:
        raise TemplateError(f"can't give argument to non-function .{name}")
    return value.methods[name](value, *arguments)


def _type_name(value: Any) -> str:
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]interface {}"}
    return names.get(type(value), "interface {}")


def _kind(value: Any) -> str:
    return {"int": "number", "float64": "float"}.get(_type_name(value), _type_name(value))


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise TemplateError("missing argument for comparison")
    for other in others:
        if first is not None and other is not None and _kind(first) != _kind(other):
            raise TemplateError("incompatible types for comparison")
    return any(first == other for other in others)


def _compare(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(one: Any, two: Any) -> bool:
        if _kind(one) != _kind(two) or _kind(one) not in {"number", "float", "string"}:
            raise TemplateError("incompatible types for comparison")
        return holds(one, two)

    return compare


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, Mapping):
            value = get_field(value, str(key))
        elif isinstance(value, Sequence):
            if not isinstance(key, int) or not 0 <= key < len(value):
                raise TemplateError(f"error calling index: index out of range: {key}")
            value = value[key]
        else:
            raise TemplateError(f"error calling index: can't index item of type {_type_name(value)}")
    return value


def _slice(value: Any, *bounds: int) -> Any:
    return value[slice(*bounds)] if bounds else value


def _length(value: Any) -> int:
    try:
        return len(value.encode() if isinstance(value, str) else value)
    except TypeError as error:
        raise TemplateError(f"error calling len: len of type {_type_name(value)}") from error


def _print(*values: Any) -> str:
    """Put a space between neighbours that are both no texts."""
    text = ""
    for place, value in enumerate(values):
        spaced = place and not isinstance(value, str) and not isinstance(values[place - 1], str)
        text += (" " if spaced else "") + to_text(value)
    return text


def _println(*values: Any) -> str:
    return " ".join(map(to_text, values)) + "\n"


_VERB = re.compile(r"%([-+# 0]*)(\d+)?(?:\.(\d*))?([a-zA-Z%])")
_FLOAT_VERBS = frozenset("eEfFgG")


def printf(template: str, *values: Any) -> str:
    """Format as Go's fmt.Sprintf does."""
    rest = list(values)

    def replace(verb: re.Match[str]) -> str:
        if verb[4] == "%":
            return "%"
        if not rest:
            return f"%!{verb[4]}(MISSING)"
        return _pad(_format(verb, rest.pop(0)), verb[1], int(verb[2] or 0))

    text = _VERB.sub(replace, template)
    if rest:
        text += "%!(EXTRA " + ", ".join(f"{_type_name(value)}={to_text(value)}" for value in rest) + ")"
    return text


def _format(verb: re.Match[str], value: Any) -> str:
    letter = verb[4]
    precision = None if verb[3] is None else int(verb[3] or 0)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if letter == "v":
        return to_text(value)
    if letter == "s" and not number and not isinstance(value, bool):
        text = to_text(value)
        return text if precision is None else text[:precision]
    if letter == "q" and isinstance(value, str):
        return quote(value)
    if letter == "t" and isinstance(value, bool):
        return to_text(value)
    if letter in _FLOAT_VERBS and isinstance(value, float):
        return _sign(verb[1], value) + _format_float(value, letter, precision)
    if letter in "dxXobc" and isinstance(value, int) and not isinstance(value, bool):
        return _sign(verb[1], value) + format(value, letter)
    if letter in "xX" and isinstance(value, str):
        return value.encode().hex() if letter == "x" else value.encode().hex().upper()
    return f"%!{letter}({_type_name(value)}={to_text(value)})"


def _sign(flags: str, value: float) -> str:
    return "+" if "+" in flags and value >= 0 else ""


def _format_float(value: float, letter: str, precision: int | None) -> str:
    if not math.isfinite(value):
        return format_general(value)
    if letter in "gG":
        text = format_general(value) if precision is None else f"{value:.{max(1, precision)}g}"
        return text if letter == "g" else text.upper()
    return format(value, f".{6 if precision is None else precision}{letter}")


def _pad(text: str, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" in flags and text[:1] in "+-" and text:
        return text[0] + text[1:].rjust(width - 1, "0")
    return text.rjust(width, "0" if "0" in flags else " ")


def _escape_script(value: Any) -> str:
    escapes = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
    return "".join(escapes.get(character, character) for character in to_text(value)).replace("\n", "\\u000A")


GENERAL_FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "eq": _equal,
        "ge": _compare(lambda one, two: one >= two),
        "gt": _compare(lambda one, two: one > two),
        "html": lambda *values: (
            html.escape(_print(*values), quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        ),
        "index": _index,
        "js": lambda *values: _escape_script(_print(*values)),
        "le": _compare(lambda one, two: one <= two),
        "len": _length,
        "lt": _compare(lambda one, two: one < two),
        "ne": lambda one, two: not _equal(one, two),
        "not": lambda value: not is_true(value),
        "print": _print,
        "printf": printf,
        "println": _println,
        "slice": _slice,
        "urlquery": lambda *values: quote_plus(_print(*values)),
    }
)
"""Functions of every template; `and` and `or` are part of the language, as they stop early."""
