"""Switching log lines on: structlog and the standard library's root logger write to one pipeline."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, cast

import structlog

from gnomon.sdk.faults import guarded
from gnomon.sdk.logs.levels import NUMBERS, BoundLogger, follow_root, get_level, set_level, toggle_on
from gnomon.sdk.logs.lines import NAMES, ConsoleLines, JsonLines
from gnomon.sdk.logs.pipeline import ExcInfo, Pipeline, StandardStream, TakesLines
from gnomon.sdk.logs.redaction import Redactor
from gnomon.sdk.logs.rotation import RotatingFile
from gnomon.sdk.logs.settings import LogSettings
from gnomon.sdk.logs.stdlib import PipelineHandler


def configure(settings: LogSettings) -> Callable[[], None]:
    """Send every log line of this process the way that `settings` say, and return the undo.

    Takes the place of the root logger's handlers and of structlog's configuration until undone. Raises ValueError for
    a level that is none and re.error for a redaction pattern that is none.
    """
    level_before = get_level()
    set_level(settings.level)
    files: list[RotatingFile] = []
    pipeline = _make_pipeline(settings, files)
    undo: list[Callable[[], None]] = [lambda: set_level(level_before), *(file.close for file in files)]
    if settings.capture_stdlib:
        undo.append(_capture_stdlib(pipeline, settings.loggers))
        undo.append(follow_root())
        set_level(settings.level)
    undo.append(_configure_structlog(pipeline))
    if settings.level_signal:
        undo.append(toggle_on(settings.level_signal))

    def undo_all() -> None:
        while undo:
            with guarded("give logging back"):
                undo.pop()()

    return undo_all


def _make_pipeline(settings: LogSettings, files: list[RotatingFile]) -> Pipeline:
    names = NAMES[settings.fields]
    if settings.level_field:
        names = replace(names, level=settings.level_field)
    project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
    if settings.fields == "stackdriver" and project:
        names = replace(names, trace_prefix=f"projects/{project}/traces/")
    outputs: list[tuple[JsonLines | ConsoleLines, TakesLines]] = []
    if settings.file is not None:
        files.append(RotatingFile(settings.file, settings.rotation))
        outputs.append((JsonLines(names), files[0]))
    if settings.stream != "none":
        terminal = _is_terminal(settings.stream)
        console = settings.format == "console" or (settings.format == "auto" and terminal)
        form = ConsoleLines(colours=_wants_colours(terminal=terminal)) if console else JsonLines(names)
        outputs.append((form, StandardStream(settings.stream)))
    redactor = Redactor(settings.redact_keys, settings.redact_patterns) if settings.redact else None
    return Pipeline(tuple(outputs), names, redactor, send=settings.send)


def _is_terminal(name: str) -> bool:
    stream = getattr(sys, name)
    return stream is not None and stream.isatty()


def _wants_colours(*, terminal: bool) -> bool:
    # https://no-color.org
    return bool(os.environ.get("FORCE_COLOR")) or (terminal and not os.environ.get("NO_COLOR"))


def _capture_stdlib(pipeline: Pipeline, levels: Mapping[str, str]) -> Callable[[], None]:
    root = logging.getLogger()
    handlers = root.handlers
    root.handlers = [PipelineHandler(pipeline)]
    logging.captureWarnings(True)
    before = {name: logging.getLogger(name).level for name in levels}
    for name, level in levels.items():
        logging.getLogger(name).setLevel(NUMBERS[level])

    def undo() -> None:
        logging.captureWarnings(False)
        root.handlers = handlers
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)

    return undo


def _configure_structlog(pipeline: Pipeline) -> Callable[[], None]:
    before = structlog.get_config() if structlog.is_configured() else None

    def write(sink: Any, method: str, event_dict: MutableMapping[str, Any]) -> str:
        fields = dict(event_dict)
        message = fields.pop("event", "")
        exc_info = _exc_info(fields.pop("exc_info", None))
        if fields.pop("stack_info", None):
            fields["stack"] = structlog.processors.StackInfoRenderer()(sink, method, {"stack_info": True})["stack"]
        pipeline.log(
            _LEVEL_NAMES.get(method, method),
            message if isinstance(message, str) else str(message),
            fields,
            logger=sink.name,
            exc_info=exc_info,
        )
        return ""

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, write],
        wrapper_class=BoundLogger,
        logger_factory=_Sink,
        context_class=dict,
        cache_logger_on_first_use=True,
    )

    def undo() -> None:
        if before is None:
            structlog.reset_defaults()
        else:
            structlog.configure(**before)

    return undo


_LEVEL_NAMES = {"warn": "warning", "exception": "error", "fatal": "critical", "err": "error", "msg": "info"}


def _exc_info(value: Any) -> ExcInfo | None:
    if isinstance(value, BaseException):
        return type(value), value, value.__traceback__
    if isinstance(value, tuple):
        return cast("ExcInfo", value) if value[0] is not None else None
    if value:
        found = sys.exc_info()
        return cast("ExcInfo", found) if found[0] is not None else None
    return None


class _Sink:
    """What structlog calls after its processors: the line is written by then."""

    def __init__(self, name: object = "") -> None:
        self.name = name if isinstance(name, str) else ""

    def _done(self, _line: str) -> None:
        return None

    debug = info = warning = error = critical = msg = log = warn = exception = fatal = err = _done
