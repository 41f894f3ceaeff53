"""The model's choice of tools, and of their arguments."""

import json
import random

from examples.agent_platform.tool_calling import call, choose_tool, fill


def make_tool(name: str, description: str, **properties: object) -> dict[str, object]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = make_tool("get_weather", "Current weather of a city.", city={"type": "string"})
ADD = make_tool("add", "Add two numbers.", a={"type": "number"}, b={"type": "integer"})


def choose(request: str, *, called: tuple[str, ...] = (), forced: str | None = None, required: bool = False) -> str:
    chosen = choose_tool([WEATHER, ADD], request, called, forced=forced, required=required)
    return chosen["name"] if chosen else ""


def test_the_tool_that_shares_words_with_the_request_is_called_once() -> None:
    """After its result is there, the model speaks."""
    assert choose("What is the weather in Paris?") == "get_weather"
    assert choose("Adding 2 and 3, please") == "add"
    assert choose("What is the weather in Paris?", called=("get_weather",)) == ""


def test_nothing_is_called_without_need_unless_it_is_demanded() -> None:
    """`required` gets a call in any case, a forced one is the one that is made."""
    assert choose("Who wrote Faust?") == ""
    assert choose("Who wrote Faust?", required=True) == "add"
    assert choose("What is the weather?", forced="add") == "add"


def test_arguments_fit_the_schema_and_come_from_the_request() -> None:
    """Numbers are taken in order, names by their capitals."""
    made = call(ADD["function"], "add 17.5 and 25", "", random.Random(1))  # type: ignore[arg-type]
    assert json.loads(made.arguments) == {"a": 17.5, "b": 25}
    made = call(WEATHER["function"], "What is the weather in New York today?", "", random.Random(1))  # type: ignore[arg-type]
    assert json.loads(made.arguments) == {"city": "New York"}


def test_nested_schemas_with_references_and_choices_are_filled() -> None:
    """As pydantic writes them."""
    schema = {
        "$defs": {"Kind": {"enum": ["cat", "dog"]}},
        "type": "object",
        "properties": {
            "kind": {"$ref": "#/$defs/Kind"},
            "age": {"anyOf": [{"type": "integer", "maximum": 5}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "alive": {"type": "boolean"},
        },
        "required": ["kind", "age", "tags", "alive"],
    }
    filled = fill(schema, 'My dog is 12 years old, "small" and "brown".')
    assert filled == {"kind": "dog", "age": 5, "tags": ["small", "brown"], "alive": True}
