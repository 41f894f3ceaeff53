"""Variables of Grafana's dashboards, both ways."""

from collections.abc import Callable, Mapping
from typing import Any

from gnomon.dashboards.documents import Variable
from gnomon.dashboards.grafana_json import mapping, mappings, text

_ALL = "$__all"
_DATASOURCE_TYPES = frozenset({"prometheus", ""})
# By how Grafana numbers its ways to sort: alphabetical, numerical, case-insensitive and natural, each up and down.
_SORTS = {0: "none", 1: "ascending", 2: "descending", 3: "ascending", 4: "descending", 5: "ascending", 6: "descending"}


def map_variable(template: Mapping[str, Any], note: Callable[[str], None]) -> Variable | None:
    """Return our variable, or None where none is needed; `note` is told what does not come along."""
    name, kind = text(template.get("name")), text(template.get("type"))
    if kind == "datasource":
        wanted = text(template.get("query"))
        if wanted not in _DATASOURCE_TYPES:
            note(f"The variable ${name} chooses a data source of type {wanted!r}: all queries ask Gnomon.")
        return None
    shared: dict[str, Any] = {
        "name": name,
        "label": text(template.get("label"))[:500],
        "default": _default(template),
        "multi": bool(template.get("multi")),
        "include_all": bool(template.get("includeAll")),
        "all_value": text(template.get("allValue")),
        "hidden": template.get("hide") == 2,  # noqa: PLR2004 - Grafana's number for a variable that is not shown
    }
    match kind:
        case "query":
            return Variable(
                kind="query",
                query=_query(template),
                regex=text(template.get("regex"))[:500],
                sort=_SORTS.get(template.get("sort", 0), "none"),  # type: ignore[arg-type]
                **shared,
            )
        case "custom":
            return Variable(kind="custom", options=_options(template), sort="none", **shared)
        case "interval":
            if template.get("auto"):
                note(f"The variable ${name} offers no interval 'auto'; $__interval does that in a query.")
            options = tuple(option for option in _options(template) if "auto" not in option)
            default = tuple(value for value in shared["default"] if "auto" not in value)
            return Variable(kind="interval", options=options, sort="none", **{**shared, "default": default})
        case "textbox":
            return Variable(kind="text", **{**shared, "default": shared["default"] or (text(template.get("query")),)})
        case "constant":
            return Variable(kind="constant", **{**shared, "default": (text(template.get("query")),), "hidden": True})
        case "adhoc":
            note(f"The variable ${name} adds filters to every query (ad hoc), which is not supported.")
        case _:
            note(f"The variable ${name} is of the unknown type {kind!r} and left out.")
    return None


def write_variable(variable: Variable) -> dict[str, Any]:
    """Return Grafana's template variable."""
    written: dict[str, Any] = {
        "name": variable.name,
        "label": variable.label or None,
        "hide": 2 if variable.hidden else 0,
        "multi": variable.multi,
        "includeAll": variable.include_all,
        "allValue": variable.all_value or None,
        "skipUrlSync": False,
    }
    values: Any = list(variable.default) if variable.multi else next(iter(variable.default), "")
    if variable.default:
        shown = ["All" if value == _ALL else value for value in variable.default]
        written["current"] = {"text": shown if variable.multi else shown[0], "value": values}
    match variable.kind:
        case "query":
            sort = next(number for number, name in _SORTS.items() if name == variable.sort)
            return written | {
                "type": "query",
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "definition": variable.query,
                "query": {"query": variable.query, "refId": f"variable-{variable.name}"},
                "regex": variable.regex,
                "sort": sort,
                "refresh": 2,
            }
        case "custom" | "interval":
            choices = ",".join(option.replace(",", "\\,") for option in variable.options)
            return written | {"type": variable.kind, "query": choices}
        case "text":
            return written | {"type": "textbox", "query": next(iter(variable.default), "")}
    return written | {"type": "constant", "query": next(iter(variable.default), "")}


def _query(template: Mapping[str, Any]) -> str:
    query = template.get("query")
    if isinstance(query, Mapping):
        query = query.get("query")
    return (text(query) or text(template.get("definition"))).strip()


def _default(template: Mapping[str, Any]) -> tuple[str, ...]:
    value = mapping(template.get("current")).get("value")
    values = value if isinstance(value, list) else [value]
    return tuple(entry[:500] for entry in values if isinstance(entry, str) and entry)


def _options(template: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the choices, which Grafana writes with commas between; one may be `name : value`."""
    query = text(template.get("query"))
    if query:
        parts = query.replace("\\,", "\0").split(",")
        return tuple(part.replace("\0", ",").strip()[:500] for part in parts if part.strip())
    values = [text(option.get("value")) for option in mappings(template.get("options"))]
    return tuple(value[:500] for value in values if value and value != _ALL)
