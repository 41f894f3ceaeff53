"""Whether the model calls a tool, which, and with what: by the words that request and tool have in common."""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(r"[A-Za-z]{3,}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_EXPRESSION = re.compile(r"[-(]*\d[\d\s.+*/%()-]*")
_QUOTED = re.compile(r"\"([^\"]+)\"|'([^']+)'|`([^`]+)`")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_WORD_ENDS = ("ations", "ation", "ating", "ated", "ates", "ate", "ing", "ers", "er", "ors", "or", "ed", "es", "s")
_SHORTEST_STEM = 3
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the and for are was were that this with from into what which who how when where why you your use used using"
        " can could will would should has have had not any all one two tool function call return returns please"
        " give tell get their there then than its about agent user handle request assistant",
    )
)
_DEPTH = 8


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model wants made; `arguments` is JSON, as the API has it."""

    id: str
    name: str
    arguments: str

    def to_json(self) -> dict[str, Any]:
        """Return it as a message carries it."""
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": self.arguments}}


def choose_tool(
    tools: Sequence[Mapping[str, Any]], request: str, called: Sequence[str], *, forced: str | None, required: bool
) -> Mapping[str, Any] | None:
    """Return the function that fits the request best and was not called for it yet, or None to speak instead.

    `forced` names the only one that may be called; `required` says that one must be called, however little it fits.
    """
    functions: list[Mapping[str, Any]] = [tool["function"] for tool in tools]
    if forced is not None:
        return next((function for function in functions if function["name"] == forced), None)
    fresh = [function for function in functions if function["name"] not in called]
    words = _stems(request)
    rated = [(_rate(function, words, functions), -place, function) for place, function in enumerate(fresh)]
    best = max(rated, key=lambda one: one[:2], default=None)
    if best is not None and best[0] > 0:
        return best[2]
    if not required or not functions:
        return None
    return fresh[-1] if fresh else functions[-1]


def call(function: Mapping[str, Any], request: str, known: str, randomness: random.Random) -> ToolCall:
    """Return a call whose arguments fit the function's schema, taken from the request or else from `known`."""
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    arguments = fill(schema, request, known)
    return ToolCall(f"call_{randomness.getrandbits(96):024x}", function["name"], json.dumps(arguments))


def fill(schema: Mapping[str, Any], request: str, known: str = "") -> Any:
    """Return a value of a JSON schema with what the texts offer: numbers, quoted words, expressions, the whole text."""
    return _Filler(schema, request, known).fill(schema, "", _DEPTH)


class _Filler:
    """Hand out what the texts have, each number and quotation once."""

    def __init__(self, root: Mapping[str, Any], request: str, known: str) -> None:
        self._root = root
        self._request = request
        self._known = known
        self._numbers = [float(text) for text in (*_NUMBER.findall(request), *_NUMBER.findall(known))]
        self._quoted = ["".join(groups) for groups in _QUOTED.findall(request)]

    def fill(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if options := schema.get("enum"):
            lowered = self._request.lower()
            return next((option for option in options if str(option).lower() in lowered), options[0])
        for word in ("anyOf", "oneOf", "allOf"):
            if choices := schema.get(word):
                return self.fill(choices[0], name, depth)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object":
            return self._fill_object(schema, depth)
        if kind == "array":
            item = schema.get("items", {"type": "string"})
            many = max(1, int(schema.get("minItems", 1)), len(self._quoted)) if depth else 0
            return [self.fill(item, name, depth - 1) for _ in range(many)]
        return self._take(kind, schema, name)

    def _take(self, kind: str, schema: Mapping[str, Any], name: str) -> Any:
        match kind:
            case "integer":
                return int(self._take_number(schema))
            case "number":
                number = self._take_number(schema)
                return int(number) if number.is_integer() else number
            case "boolean":
                return not re.search(r"\b(no|not|never|false)\b", self._request.lower())
            case "null":
                return None
        return self._take_text(name)

    def _fill_object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        wanted = schema.get("required", list(properties))
        return {key: self.fill(properties.get(key, {}), key, depth - 1) for key in wanted} if depth else {}

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for _ in range(_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            found: Any = self._root
            for part in reference.removeprefix("#/").split("/"):
                found = found.get(part, {})
            schema = found
        return {}

    def _take_number(self, schema: Mapping[str, Any]) -> float:
        number = self._numbers.pop(0) if self._numbers else float(schema.get("default", 1))
        return min(max(number, float(schema.get("minimum", -math.inf))), float(schema.get("maximum", math.inf)))

    def _take_text(self, name: str) -> str:
        if "expression" in name and (found := max(_EXPRESSION.findall(self._request), key=len, default="").strip()):
            return found
        if self._quoted:
            return self._quoted.pop(0)
        if "question" not in name and (named := re.search(rf"\b{re.escape(name)}\s*[:=]\s*(\S+)", self._request)):
            return named[1].strip(".,;")
        if re.search("city|place|location|country|name", name) and (proper := self._take_proper_noun()):
            return proper
        return self._request.strip() or self._known.strip() or name

    def _take_proper_noun(self) -> str:
        """Return the last capitalised words that begin no sentence."""
        found = re.findall(r"(?<=[\w,] )[A-Z]\w+(?: [A-Z]\w+)*", self._request)
        return found[-1] if found else ""


def _rate(function: Mapping[str, Any], words: set[str], functions: Sequence[Mapping[str, Any]]) -> float:
    """Return how well a function fits: words of its name count most, words that all functions have not at all."""
    shared = set.intersection(*(_describe(one) for one in functions)) if len(functions) > 1 else set[str]()
    name = _stems(" ".join(_PART.findall(function["name"])))
    return 3.0 * len(words & name - shared) + len(words & _describe(function) - name - shared)


def _describe(function: Mapping[str, Any]) -> set[str]:
    schema = function.get("parameters") or {}
    return _stems(" ".join((function.get("description") or "", *schema.get("properties", {}))))


def _stems(text: str) -> set[str]:
    stems = set[str]()
    for word in _WORD.findall(text.replace("_", " ").lower()):
        if word in _COMMON:
            continue
        end = next((end for end in _WORD_ENDS if word.endswith(end) and len(word) - len(end) >= _SHORTEST_STEM), "")
        stems.add(word.removesuffix(end))
    return stems
