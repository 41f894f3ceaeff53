"""The command line: `gnomon serve`, `keys`, `doctor`, `cost`, `config`, `test`, `demo`, `version`."""

import asyncio
import json
import platform
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import structlog
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from gnomon import __version__
from gnomon.alerting.rule_files import RuleFileError, load_rule_files
from gnomon.alerting.rule_tests import format_verdict, run_rule_tests
from gnomon.config import Config, SettingsError, load_config
from gnomon.costs.cost_lookup import look_up_cost
from gnomon.doctor import Diagnosis, diagnose
from gnomon.ingest.openmetrics_import import Importer, Progress
from gnomon.lifecycle import SystemClock
from gnomon.model.api_keys import Scope
from gnomon.model.byte_sizes import format_byte_size
from gnomon.model.errors import GnomonError
from gnomon.promql.syntax_tree import Features
from gnomon.server import run_server
from gnomon.storage.state_store import StateStore
from gnomon.telemetry import configure_logs
from gnomon.web.auth import create_token

log = structlog.get_logger(__name__)

T = TypeVar("T")

EXIT_FAILURE = 1
EXIT_USAGE = 2

app = typer.Typer(
    help="Observability for systems of AI agents and task workers.",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=True,
)
keys_app = typer.Typer(help="Create, list and revoke API keys, also while a server runs.", no_args_is_help=True)
config_app = typer.Typer(help="Check and show the configuration.", no_args_is_help=True)
test_app = typer.Typer(help="Test what you have written, without a server.", no_args_is_help=True)
import_app = typer.Typer(help="Bring data from elsewhere into a running server.", no_args_is_help=True)
demo_app = typer.Typer(help="Steer the sample system that `make demo` starts.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(demo_app, name="demo")
app.add_typer(import_app, name="import")
app.add_typer(config_app, name="config")
app.add_typer(test_app, name="test")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="GNOMON_CONFIG",
        help="Configuration file; gnomon.yml where there is one.",
        show_default=False,
    ),
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Directory for all data.", show_default="~/.local/share/gnomon")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any setting of docs/reference/settings.md; may be repeated.",
        show_default=False,
    ),
]


@app.command()
def serve(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port of UI and API.", show_default="1212")] = None,
    otlp_http_port: Annotated[int | None, typer.Option(help="Port of OTLP/HTTP.", show_default="4318")] = None,
    otlp_grpc_port: Annotated[int | None, typer.Option(help="Port of OTLP/gRPC.", show_default="4317")] = None,
    assignments: SetOption = None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    given = {
        "data_dir": data_dir,
        "host": host,
        "port": port,
        "otlp_http_port": otlp_http_port,
        "otlp_grpc_port": otlp_grpc_port,
    }

    def read_config() -> Config:
        return _load(config, given, assignments)

    settings = _or_exit(read_config)
    configure_logs(settings.telemetry)
    _run(run_server(settings, read_config))


@app.command()
def version() -> None:
    """Print the versions of Gnomon and Python."""
    print(f"gnomon {__version__} (Python {platform.python_version()})")


@app.command()
def doctor(
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address of a running server, where it is not the configured one.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="GNOMON_KEY",
            help="API key with the scope `read`, where the server asks for one.",
            show_default=False,
        ),
    ] = None,
    assignments: SetOption = None,
) -> None:
    """Print health, sizes of tables, oldest data, compression and the journal's backlog.

    Asks the server that owns the data directory; opens the directory itself where no server runs. Ends with 1 when
    something is wrong.
    """
    settings = _or_exit(lambda: _load(config, {"data_dir": data_dir}, assignments))
    diagnosis = _run(diagnose(settings, url=url, key=key))
    _print_diagnosis(diagnosis)
    if not diagnosis.healthy:
        raise typer.Exit(EXIT_FAILURE)


@keys_app.command("create")
def create_key(
    scope: Annotated[
        list[Scope], typer.Option(help="What the key permits; may be repeated. `admin` includes the others.")
    ],
    name: Annotated[str, typer.Option(help="What the key is for, for the list.")] = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    assignments: SetOption = None,
) -> None:
    """Create an API key and print it: this once, for only its hash is kept."""
    key_id, token, token_sha256 = create_token()

    async def create(state: StateStore) -> None:
        await state.add_key(key_id, name or f"{'+'.join(sorted(set(scope)))} key", frozenset(scope), token_sha256)

    _with_state(config, data_dir, assignments, create)
    print(token)
    print("Keep it safe: it is not shown again. Send it as `Authorization: Bearer …`.", file=sys.stderr)


@keys_app.command("list")
def list_keys(config: ConfigOption = None, data_dir: DataDirOption = None, assignments: SetOption = None) -> None:
    """List all API keys, without their secrets."""

    async def read(state: StateStore) -> list[tuple[str, ...]]:
        return [
            (
                key.id,
                key.name,
                " ".join(sorted(key.scopes)),
                _format_time(key.created_at_ns),
                f"revoked {_format_time(key.revoked_at_ns)}" if key.revoked_at_ns else "active",
            )
            for key in await state.list_keys()
        ]

    rows = _with_state(config, data_dir, assignments, read)
    _print_table(("Id", "Name", "Scopes", "Created", "State"), rows)


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id, as `gnomon keys list` shows it.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    assignments: SetOption = None,
) -> None:
    """Revoke an API key for good; a running server refuses it within seconds."""

    async def revoke(state: StateStore) -> str:
        return (await state.revoke_key(key_id)).name

    name = _with_state(config, data_dir, assignments, revoke)
    print(f"Revoked {name!r} ({key_id}).")


@import_app.command("openmetrics")
def import_openmetrics(
    file: Annotated[Path, typer.Argument(help="OpenMetrics text with times, also as .gz; - is the standard input.")],
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the running server, where it is not the configured one.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="GNOMON_KEY",
            help="API key with the scope `ingest`, where the server asks for one.",
            show_default=False,
        ),
    ] = None,
    assignments: SetOption = None,
) -> None:
    """Import samples, such as `promtool tsdb dump-openmetrics` prints them, into a running server.

    Ends with 1 at the first line that is wrong; what stood before it is imported then. Importing a text again does no
    harm.
    """
    settings = _or_exit(lambda: _load(config, {}, assignments))
    address = url or f"{settings.web.scheme}://{settings.web.host}:{settings.web.port}"
    # The certificate was chosen by whoever runs this server; it is the same machine's own.
    verify = str(settings.web.tls_certificate) if settings.web.tls_certificate and not url else True

    async def send() -> int:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(
            base_url=address, headers=headers, timeout=60, verify=verify, trust_env=False
        ) as client:
            return await Importer(client, _print_progress).run(file)

    samples = _run(send())
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"Imported {samples:,} samples.")


@app.command()
def cost(
    task_id: Annotated[str, typer.Argument(metavar="TASK_ID", help="The task's id.")],
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(help="Address of the running server, where it is not the configured one.", show_default=False),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            envvar="GNOMON_KEY",
            help="API key with the scope `read`, where the server asks for one.",
            show_default=False,
        ),
    ] = None,
    assignments: SetOption = None,
) -> None:
    """Print what a task cost to run, in dollars: in parts, through all attempts and every task under it.

    Ends with 1 when the server knows no such task.
    """
    settings = _or_exit(lambda: _load(config, {}, assignments))
    address = url or f"{settings.web.scheme}://{settings.web.host}:{settings.web.port}"
    verify = str(settings.web.tls_certificate) if settings.web.tls_certificate and not url else True
    print(_run(look_up_cost(address, task_id, key=key, verify=verify)))


@demo_app.command("incident")
def begin_incident(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What is to go wrong, such as slow-tool.")],
    seconds: Annotated[float, typer.Option("--for", metavar="SECONDS", help="How long it lasts.")] = 60.0,
    data_dir: Annotated[Path, typer.Option("--data-dir", help="The demo's folder.")] = Path(".demo"),
) -> None:
    """Let something go wrong in the running demo, to find it in Gnomon; a name that there is not lists all.

    Ends with 1 when no demo runs or it refuses.
    """
    control = data_dir / "platform" / "control.json"
    try:
        told = json.loads(control.read_text(encoding="utf-8"))
        answer = httpx.post(
            f"{told['url']}/incidents/{name}",
            json={"seconds": seconds},
            headers={"Authorization": f"Bearer {told['token']}"},
        )
    except (OSError, ValueError, KeyError, httpx.HTTPError):
        print(f"No demo runs that keeps {str(control)!r}. Start one with `make demo`.", file=sys.stderr)
        raise typer.Exit(EXIT_FAILURE) from None
    if not answer.is_success:
        print(answer.json()["error"], file=sys.stderr)
        raise typer.Exit(EXIT_FAILURE)
    print(f"Something goes wrong for {seconds:g} s: {name}")


@config_app.command("check")
def check_config(config: ConfigOption = None, assignments: SetOption = None) -> None:
    """Tell whether the configuration is right: all that is wrong with it, or nothing and 0."""
    settings = _or_exit(lambda: _load(config, {}, assignments))
    for name in settings.unknown_variables:
        print(f"environment {name}: there is no such setting; it is ignored.", file=sys.stderr)
    try:
        load_rule_files(settings.prometheus.rule_files, settings.promql.features)
    except RuleFileError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_USAGE) from None
    print("The configuration is valid.")


@config_app.command("show")
def show_config(config: ConfigOption = None, assignments: SetOption = None) -> None:
    """Print every setting with its value and where that comes from; secrets stay hidden."""
    settings = _or_exit(lambda: _load(config, {}, assignments))
    rows = [(setting.info.key, setting.value, setting.source) for setting in settings.effective()]
    _print_table(("Setting", "Value", "Source"), rows)


@test_app.command("rules")
def run_tests_of_rules(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Unit tests of rules, in promtool's format.")],
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--enable-feature",
            help="A feature flag of PromQL, such as promql-experimental-functions; may be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run unit tests of recording and alerting rules; ends with 1 when one fails.

    The files, the verdicts and their words are those of `promtool test rules`.
    """
    failed = False
    for path in files:
        verdict = _run(run_rule_tests(path, Features(frozenset(features or ()))))
        print(format_verdict(path, verdict), file=sys.stderr if verdict.faults else sys.stdout)
        failed = failed or bool(verdict.faults)
    if failed:
        raise typer.Exit(EXIT_FAILURE)


def main() -> None:
    """Run the command that was typed; errors are told in a sentence, mistakes of Gnomon's own with their place."""
    try:
        app()
    except Exception:
        log.exception("ended by a mistake of its own")
        sys.exit(EXIT_FAILURE)


def _load(config: Path | None, given: dict[str, Any], assignments: list[str] | None) -> Config:
    command_line = dict(given)
    for assignment in assignments or []:
        key, equals, value = assignment.partition("=")
        if not equals:
            message = f"Invalid --set {assignment!r}: write KEY=VALUE, such as --set storage.max_bytes=50GB."
            raise SettingsError(message)
        command_line[key.strip()] = value.strip()
    return load_config(config, command_line)


def _or_exit(work: Callable[[], T]) -> T:
    try:
        return work()
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_USAGE) from None


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except GnomonError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_FAILURE) from None


def _with_state(
    config: Path | None,
    data_dir: Path | None,
    assignments: list[str] | None,
    work: Callable[[StateStore], Coroutine[Any, Any, T]],
) -> T:
    settings = _or_exit(lambda: _load(config, {"data_dir": data_dir}, assignments))

    async def use_state() -> T:
        state = StateStore(settings.options.data_dir, settings.options.storage.state_url or None, SystemClock())
        await state.start()
        try:
            return await work(state)
        finally:
            await state.stop()

    return _run(use_state())


def _print_progress(progress: Progress) -> None:
    if not sys.stderr.isatty():
        return
    share = f", {progress.read_bytes / progress.total_bytes:.0%} of the file" if progress.total_bytes else ""
    pace = progress.samples / max(progress.seconds, 1e-3)
    print(f"\r{progress.samples:,} samples{share}, {pace:,.0f} a second ", end="", file=sys.stderr, flush=True)


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    print(f"Gnomon {diagnosis.version}, {diagnosis.source}")
    for check in diagnosis.checks:
        print(f"  {'ok  ' if check.healthy else 'FAIL'}  {check.name}: {check.message}")
    usage = diagnosis.storage
    if usage is None:
        return
    budget = f"of {format_byte_size(usage.budget_bytes)}" if usage.budget_bytes else "without a budget"
    print(f"\nData directory: {format_byte_size(usage.used_bytes)} {budget}")
    print(f"Disk: {format_byte_size(usage.disk_free_bytes)} free of {format_byte_size(usage.disk_total_bytes)}")
    journal = usage.journal
    print(
        f"Journal: {journal.segments} segments, {format_byte_size(journal.backlog_bytes)} to load, "
        f"oldest {journal.oldest_age_s:.1f} s, {journal.set_aside} set aside\n"
    )
    rows = [
        (
            table.name,
            f"{table.rows:,}",
            format_byte_size(table.compressed_bytes),
            f"{table.uncompressed_bytes / table.compressed_bytes:.1f} to 1" if table.compressed_bytes else "",
            _format_time(table.oldest_ns),
            _format_time(table.newest_ns),
        )
        for table in usage.tables
    ]
    _print_table(("Table", "Rows", "Size", "Compression", "Oldest", "Newest"), rows, numbers=(1, 2, 3))


def _print_table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], numbers: tuple[int, ...] = ()) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, head in enumerate(heads):
        table.add_column(head, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    # Piped output is for programs: one row stays one line, however long.
    Console(width=None if sys.stdout.isatty() else 1000, highlight=False).print(table)


def _format_time(time_ns: int | None) -> str:
    if time_ns is None:
        return ""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
