"""`/api/docs`: the API as one plain page, made from its OpenAPI description, with nothing loaded from elsewhere."""

import html
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8a929a; --accent: #2b7bd6 }
body { font: 13px/20px system-ui, sans-serif; max-width: 1000px; margin: 0 auto; padding: 24px }
h1 { font-size: 28px; line-height: 36px } h2 { font-size: 20px; margin-top: 32px; border-bottom: 1px solid var(--line) }
h3 { font: 600 13px/20px ui-monospace, monospace; margin: 24px 0 4px } h3 b { color: var(--accent) }
p { margin: 4px 0 } table { border-collapse: collapse; margin: 8px 0; width: 100% }
td, th { text-align: left; vertical-align: top; padding: 4px 8px; border-top: 1px solid var(--line) }
td { overflow-wrap: anywhere }
th { color: var(--soft); font-weight: 400 } code { font: 12px ui-monospace, monospace } a { color: var(--accent) }
"""


def render_api_docs(description: dict[str, Any]) -> str:
    """Return the page that lists every operation with its parameters and answers."""
    by_tag: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            tag = operation.get("tags", ["other"])[0]
            by_tag.setdefault(tag, []).append(_operation(method, path, operation))
    sections = "".join(
        f"<h2>{html.escape(tag.capitalize())}</h2>{''.join(entries)}" for tag, entries in sorted(by_tag.items())
    )
    info = description["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(info["title"])} API</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head><body>'
        f"<h1>{html.escape(info['title'])} {html.escape(info['version'])}</h1>"
        f"<p>{html.escape(info.get('description', ''))}</p>"
        '<p>For programs: <a href="/api/openapi.json">/api/openapi.json</a> (OpenAPI 3.1). Every error is an '
        "<code>ErrorResponse</code>: <code>{&quot;error&quot;: {code, message, position?}}</code>.</p>"
        f"{sections}</body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(_parameter(parameter) for parameter in operation.get("parameters", []))
    body = operation.get("requestBody")
    if body is not None:
        rows += f"<tr><td><code>body</code></td><td>{_schemas(body.get('content', {}))}</td><td></td></tr>"
    answers = ", ".join(
        f"<code>{code}</code> {_schemas(answer.get('content', {})) or html.escape(answer.get('description', ''))}"
        for code, answer in operation.get("responses", {}).items()
        if "ErrorResponse" not in _schemas(answer.get("content", {}))
    )
    table = f"<table>{rows}</table>" if rows else ""
    return (
        f"<h3><b>{method.upper()}</b> {html.escape(path)}</h3><p>{html.escape(operation.get('summary', ''))}.</p>"
        f"<p>{html.escape(operation.get('description', ''))}</p>{table}<p>Answers: {answers}</p>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    details = [_type_name(schema), parameter["in"]]
    if parameter.get("required"):
        details.append("required")
    if schema.get("default") is not None:
        details.append(f"default {schema['default']}")
    text = parameter.get("description") or schema.get("description", "")
    return (
        f"<tr><td><code>{html.escape(parameter['name'])}</code></td><td>{html.escape(', '.join(details))}</td>"
        f"<td>{html.escape(text)}</td></tr>"
    )


def _schemas(content: dict[str, Any]) -> str:
    return ", ".join(
        f"<code>{html.escape(_type_name(media.get('schema', {})) or kind)}</code>" for kind, media in content.items()
    )


def _type_name(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type_name(option) for option in schema["anyOf"] if option.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {_type_name(schema.get('items', {}))}"
    return str(schema.get("type", ""))
