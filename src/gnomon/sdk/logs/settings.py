"""What log lines look like and where they go."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from gnomon.sdk.faults import warn_once

LevelName = Literal["debug", "info", "warning", "error", "critical"]
Format = Literal["auto", "json", "console"]
Fields = Literal["plain", "ecs", "stackdriver"]
Stream = Literal["stderr", "stdout", "none"]
Every = Literal["never", "hour", "day"]


@dataclass(frozen=True, slots=True)
class RotationSettings:
    """Say when a file makes room, at a size in bytes (0: never) or with each hour or day of UTC, and how many stay."""

    max_bytes: int = 50_000_000
    every: Every = "never"
    keep: int = 10


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Say what is logged, in which form, and where to.

    `auto` writes for people on a terminal and JSON lines elsewhere. `fields` names them for who reads them: `plain`
    suits Loki, CloudWatch and Gnomon, `ecs` Elasticsearch, `stackdriver` Google Cloud; `level_field` overrides the
    name of the level alone. `loggers` gives loggers of the standard library levels of their own. `level_signal`
    names a signal, such as SIGUSR2, that switches to debug and back.
    """

    level: LevelName = "info"
    format: Format = "auto"
    fields: Fields = "plain"
    level_field: str = ""
    stream: Stream = "stderr"
    file: Path | None = None
    rotation: RotationSettings = field(default_factory=RotationSettings)
    redact: bool = True
    redact_keys: tuple[str, ...] = ()
    redact_patterns: tuple[str, ...] = ()
    send: bool = True
    capture_stdlib: bool = True
    loggers: Mapping[str, LevelName] = field(default_factory=dict)
    level_signal: str = ""


def load_settings(environ: Mapping[str, str] | None = None) -> LogSettings:
    """Read GNOMON_LOG_* variables; one that makes no sense is told once and passed over."""
    environ = os.environ if environ is None else environ
    defaults = LogSettings()
    rotation = RotationSettings(
        max_bytes=_number(environ, "GNOMON_LOG_MAX_BYTES", defaults.rotation.max_bytes),
        every=cast("Every", _choice(environ, "GNOMON_LOG_ROTATE", get_args(Every), defaults.rotation.every)),
        keep=_number(environ, "GNOMON_LOG_KEEP", defaults.rotation.keep),
    )
    level, loggers = _levels(environ, defaults.level)
    file = environ.get("GNOMON_LOG_FILE", "").strip()
    return LogSettings(
        level=level,
        format=cast("Format", _choice(environ, "GNOMON_LOG_FORMAT", get_args(Format), defaults.format)),
        fields=cast("Fields", _choice(environ, "GNOMON_LOG_FIELDS", get_args(Fields), defaults.fields)),
        level_field=environ.get("GNOMON_LOG_LEVEL_FIELD", "").strip(),
        stream=cast("Stream", _choice(environ, "GNOMON_LOG_STREAM", get_args(Stream), defaults.stream)),
        file=Path(file) if file else None,
        rotation=rotation,
        redact=_choice(environ, "GNOMON_LOG_REDACT", ("true", "false"), "true") == "true",
        redact_keys=_list(environ, "GNOMON_LOG_REDACT_KEYS"),
        send=_choice(environ, "GNOMON_LOG_SEND", ("true", "false"), "true") == "true",
        loggers=loggers,
        level_signal=environ.get("GNOMON_LOG_LEVEL_SIGNAL", "").strip(),
    )


def _levels(environ: Mapping[str, str], default: LevelName) -> tuple[LevelName, dict[str, LevelName]]:
    """Read `info` or `info,httpx=warning,app.db=debug`."""
    level = default
    loggers: dict[str, LevelName] = {}
    for part in _list(environ, "GNOMON_LOG_LEVEL"):
        name, equals, text = part.partition("=")
        wanted = (text if equals else name).strip().lower()
        if wanted not in get_args(LevelName):
            warn_once("Gnomon's SDK passes over %r in GNOMON_LOG_LEVEL: use %s", part, ", ".join(get_args(LevelName)))
        elif equals:
            loggers[name.strip()] = cast("LevelName", wanted)
        else:
            level = cast("LevelName", wanted)
    return level, loggers


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in environ.get(name, "").split(",") if part.strip())


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = environ.get(name, "").strip().lower()
    if not value or value in choices:
        return value or default
    warn_once("Gnomon's SDK passes over %s=%r: use %s", name, value, " or ".join(choices))
    return default


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "").strip()
    if not value:
        return default
    if value.isdecimal():
        return int(value)
    warn_once("Gnomon's SDK passes over %s=%r: use a whole number", name, value)
    return default
