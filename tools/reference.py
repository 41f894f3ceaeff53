"""Write docs/reference from what the code says about itself: `python -m tools.reference`.

Settings, routes, commands and metrics carry their own descriptions; a test compares these pages with them.
"""

from pathlib import Path
from typing import Any

import typer
from prometheus_client import REGISTRY

from gnomon.cli import app as cli_app  # and with it every part that registers metrics
from gnomon.config import list_settings
from gnomon.sdk.metrics.catalog import COLLECTED, GROUPS, METRICS
from gnomon.web.access_control import required_scope
from gnomon.web.app import create_api

DIRECTORY = Path(__file__).parent.parent / "docs" / "reference"

_SETTINGS = """# Settings

Each setting can come from four places; the first that has it wins:

1. the command line: `--data-dir`, `--host`, `--port`, `--otlp-http-port`, `--otlp-grpc-port`, and `--set key=value`
   for all others;
2. the environment: the variable beside each setting below;
3. `gnomon.yml`: the file that `--config` or `GNOMON_CONFIG` names, or the one in the working directory;
4. the default.

```yaml
# gnomon.yml: dots become nesting, paths are relative to this file
port: 1212
storage:
  retention: {traces: 7d, logs: 14d}
  max_bytes: 50GB
auth:
  allowed_hosts: [gnomon.internal.example]
```

Sizes are written `50GB` or `512MiB`, durations `250ms`, `30s`, `1h30m` or `7d`, lists in YAML or separated by commas.
`gnomon config check` names every mistake with its place, `gnomon config show` every value with its source. `SIGHUP`
and `POST /-/reload` read everything again: settings marked *live* change at once, the answer and the log name those
that wait for a restart, and a configuration with a mistake changes nothing.
"""

_ROUTES = """# HTTP routes

Everything is on the main port (1212); OTLP/HTTP has a port of its own besides (4318), and OTLP/gRPC is on 4317. The
same description for programs is at `/api/openapi.json`, and for reading at `/api/docs`.

## Access

On loopback nobody needs a key. Everywhere else (or with `auth.required`) each request carries an API key as
`Authorization: Bearer …`, as the password of `Basic`, or as `X-API-Key`; gRPC calls carry `authorization` metadata;
browsers sign in at `/login` and get a session cookie. Each route below names the scope that its key needs. `admin`
includes the others. What people and models said (messages, arguments and results of tools, bodies of dead letters) is
shown to keys with the scope `content`, beside `read`; other answers to such questions leave it out.

## Errors

```json
{"error": {"code": "invalid_input", "message": "Invalid duration: '5'. Write a number and a unit …", "position": 12}}
```

| status | code | meaning |
|---|---|---|
| 400 | `invalid_input` | change the request; `position` counts from 0 where a query is wrong |
| 401 | `unauthenticated` | send a valid API key |
| 403 | `forbidden` | the key lacks the scope, or the request comes from a foreign page or under a foreign host name |
| 404 | `not_found` | there is no such thing, or no longer |
| 413 | `body_too_large` | `max_body_bytes` |
| 422 | `limit_exceeded` | a limit, named with its value, stopped the query |
| 500 | `internal` | a mistake of Gnomon's: its log tells more under `id` |
| 503 | `unavailable` | try again after `Retry-After` seconds |

Closing the connection cancels the query.

## Ingest

These answer in the words of their protocols.

| route | protocol | scope |
|---|---|---|
| `POST /v1/traces`, `POST /v1/logs`, `POST /v1/metrics` | OTLP/HTTP: protobuf or JSON; gzip, deflate or zstd | ingest |
| `POST /api/v1/write` | Prometheus remote write 1.0 and 2.0 | ingest |
| `POST /loki/api/v1/push` | Loki push: JSON or snappy protobuf | ingest |
| `POST /ingest/jsonl` | JSON Lines: one log record a line | ingest |

## Pages

| route | answers | scope |
|---|---|---|
| `GET /login`, `POST /login` | the page on which a browser shows its key | none |
| `GET /api/docs` | the API, for reading | read |
| `GET /api/openapi.json` | the API, for programs (OpenAPI 3.1) | read |
| `GET /` and any other path | the user interface | read |
"""

_CLI = """# Command line

`gnomon` and `python -m gnomon` are the same. Errors are told in a sentence on standard error. Exit codes: 0 success,
1 failure, 2 wrong usage or configuration.

`gnomon serve` logs one line, `ready`, when it accepts requests; from then on `/health/ready` answers 200. `SIGTERM`
or Ctrl-C drains: no new connections, requests under way are finished, what is accepted is synced and loaded, exit
code 0. A second one ends the process at once (nothing acknowledged is lost: the next start loads the journal).
`SIGHUP` reads the configuration again.

On any address but loopback, `serve` refuses to start until a key exists:

```console
$ gnomon keys create --scope admin
gnomon_5f2c9a1b7e44_…
```
"""

_METRICS = """# Metrics

Gnomon's own metrics, at `/metrics` on the main port, in the Prometheus or the OpenMetrics text format. Besides these
there are the usual `process_…` and `python_…` metrics. Counters end in `_total`; histograms have `_bucket`, `_sum`
and `_count`.

| metric | type | labels | meaning |
|---|---|---|---|
"""

_SDK_METRICS = """# Metrics of applications with the SDK

The catalogue of `gnomon.sdk.metrics.catalog`: what an application with `import gnomon` exposes at its own `/metrics`,
and pushes. A metric is there once it was used for the first time. All but those of the group *process* bear the
namespace of `gnomon.setup(namespace="ains")` in front: `ains_tasks_total`.

`gnomon.counter("tasks_total")`, `gnomon.gauge(…)` and `gnomon.histogram(…)` return them by the name without the
namespace; with a text and labels they declare one of your own. Of each label, 200 distinct values are kept
(`label_values`, `GNOMON_LABEL_VALUES`); further ones are told as `__other__`, and counted in
`gnomon_sdk_label_overflows_total`. Exemplars of histograms name the trace where that is kept.

Who updates them: requests of Starlette and FastAPI, and of any ASGI application in `gnomon.TelemetryMiddleware`:
*http*. `task()`, `agent()`, `chain()` and `step()`, `scheduled_run()`, `cache_lookup()`, `tool()`, `llm_call()`: the
group of that name. SQLAlchemy's statements and pools, and statements of other clients with an instrumentor:
*database*. Producers and consumers of `gnomon.messaging`: *messaging*. The others are the application's to set.
"""


def render() -> dict[str, str]:
    """Return each page's text by file name."""
    return {
        "settings.md": _render_settings(),
        "routes.md": _render_routes(),
        "cli.md": _render_commands(),
        "metrics.md": _render_metrics(),
        "sdk-metrics.md": _render_sdk_metrics(),
    }


def _render_settings() -> str:
    rows = [_SETTINGS, "| setting | default | variable | |", "|---|---|---|---|"]
    for setting in list_settings():
        default = "" if setting.key == "data_dir" else setting.default
        text = (
            setting.description + (" *Live.*" if setting.reloadable else "") + (" *Secret.*" if setting.secret else "")
        )
        rows.append(f"| `{setting.key}` | {f'`{default}`' if default else ''} | `{setting.variable}` | {text} |")
    return "\n".join(rows) + "\n"


def _render_routes() -> str:
    description = create_api().openapi()
    by_tag: dict[str, list[str]] = {}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            rows = by_tag.setdefault(operation.get("tags", ["other"])[0], [])
            rows.append(_render_operation(method, path, operation))
    sections = [f"## {tag.capitalize()}\n\n" + "\n".join(entries) for tag, entries in sorted(by_tag.items())]
    return _ROUTES + "\n" + "\n".join(sections)


def _render_operation(method: str, path: str, operation: dict[str, Any]) -> str:
    scope = required_scope(path, method.upper())
    lines = [
        f"### `{method.upper()} {path}`",
        "",
        f"{operation['summary']}. {_one_line(operation.get('description', ''))}",
    ]
    lines += [f"Scope: {scope.value if scope else 'none'}.", ""]
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| parameter | where | default | |", "|---|---|---|---|"]
        for parameter in parameters:
            schema = parameter.get("schema", {})
            default = (
                "required" if parameter.get("required") else f"`{schema['default']}`" if schema.get("default") else ""
            )
            text = _one_line(parameter.get("description") or schema.get("description", ""))
            lines.append(f"| `{parameter['name']}` | {parameter['in']} | {default} | {text} |")
        lines.append("")
    return "\n".join(lines)


def _render_commands() -> str:
    root = typer.main.get_command(cli_app)
    sections = [_CLI]
    for name, command in _walk("gnomon", root):
        sections.append(f"## `{name}`\n\n{_one_line(command.help or '')}\n")
        options = [parameter for parameter in command.params if parameter.name != "help"]
        if options:
            rows = [f"| {_option(option)} | {_one_line(getattr(option, 'help', '') or '')} |" for option in options]
            sections.append("\n".join(["| option | |", "|---|---|", *rows, ""]))
    return "\n".join(sections)


def _walk(name: str, command: Any) -> list[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if not children:
        return [(name, command)]
    return [entry for child, inner in children.items() for entry in _walk(f"{name} {child}", inner)]


def _option(parameter: Any) -> str:
    names = ", ".join(f"`{option}`" for option in parameter.opts if option.startswith("-"))
    return names or f"`{(parameter.metavar or parameter.name).upper()}`"


def _render_metrics() -> str:
    rows = []
    for collector in vars(REGISTRY)["_collector_to_names"]:
        for family in collector.describe() if hasattr(collector, "describe") else ():
            if family.name.startswith("gnomon_"):
                name = f"{family.name}_total" if family.type == "counter" else family.name
                name += "_info" if family.type == "info" else ""
                labels = ", ".join(f"`{label}`" for label in vars(collector).get("_labelnames", ()))
                rows.append(f"| `{name}` | {family.type} | {labels} | {_one_line(family.documentation)} |")
    return _METRICS + "\n".join(sorted(rows)) + "\n"


def _render_sdk_metrics() -> str:
    sections = [_SDK_METRICS]
    for group in GROUPS:
        rows = [f"## {group.capitalize()}", "", "| metric | type | labels | unit | meaning |", "|---|---|---|---|---|"]
        metrics = [metric for metric in (*METRICS, *COLLECTED) if metric.group == group]
        for metric in metrics:
            labels = ", ".join(f"`{label}`" for label in metric.labels)
            rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {_one_line(metric.help)} |")
        for metric in metrics:
            if metric.buckets:
                bounds = ", ".join(f"{bound:g}" for bound in metric.buckets)
                rows += ["", f"Buckets of `{metric.name}`: {bounds}."]
        sections.append("\n".join([*rows, ""]))
    return "\n".join(sections)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> None:
    """Write all pages."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
