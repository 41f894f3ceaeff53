"""Prometheus' configuration file, read as Prometheus reads it."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import ErrorDetails

from gnomon.ingest.scraping.discovery_config import Discovery
from gnomon.ingest.scraping.file_sections import DurationMs, Section
from gnomon.ingest.scraping.http_options import HttpOptions
from gnomon.ingest.scraping.jobs import ScrapeJob, make_job, place_files
from gnomon.ingest.scraping.otlp_section import OtlpSection
from gnomon.ingest.scraping.relabel import RelabelRule
from gnomon.ingest.scraping.scrape_sections import GlobalSection, ScrapeSection
from gnomon.model.errors import InvalidInputError
from gnomon.model.yaml_documents import YamlDocument, YamlError, parse_yaml

M = TypeVar("M", bound=Section)

_DEFAULT_EVALUATION_MS = 60_000
_PATTERN = re.compile(r"[^*]*(\*[^/]*)?")
_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_NOT_USED = {
    "remote_write": "Gnomon sends its samples nowhere",
    "remote_read": "Gnomon reads its own samples only",
    "storage": "see storage in gnomon.yml",
    "tracing": "see own_traces in gnomon.yml",
    "runtime": "it is about Go",
}
_NOT_USED_IN_JOBS = (
    "convert_classic_histograms_to_nhcb",
    "native_histogram_bucket_limit",
    "native_histogram_min_bucket_factor",
    "scrape_failure_log_file",
)
_HIDDEN = "<secret>"
_SECRET_KEYS = frozenset({"password", "credentials", "bearer_token", "key", "secrets", "client_secret"})


class PrometheusFileError(InvalidInputError):
    """Tell what is wrong with the file: where, which key, its value and what to do."""


def _check_pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(f'invalid rule file path "{pattern}": only the last part may hold *')
    return pattern


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class AlertmanagerSection(HttpOptions, Discovery):
    """Where Prometheus would send alerts."""

    scheme: str = "http"
    path_prefix: str = ""
    timeout: DurationMs = 10_000
    api_version: str = "v2"
    relabel_configs: tuple[RelabelRule, ...] = ()
    alert_relabel_configs: tuple[RelabelRule, ...] = ()


class AlertingSection(Section):
    """What becomes of alerts."""

    alert_relabel_configs: tuple[RelabelRule, ...] = ()
    alertmanagers: tuple[AlertmanagerSection, ...] = ()


class _File(Section):
    global_: GlobalSection = Field(default_factory=GlobalSection, alias="global")
    runtime: Any = None
    alerting: AlertingSection = AlertingSection()
    rule_files: tuple[Pattern, ...] = ()
    scrape_config_files: tuple[Pattern, ...] = ()
    scrape_configs: tuple[ScrapeSection, ...] = ()
    storage: Any = None
    tracing: Any = None
    remote_write: Any = None
    remote_read: Any = None
    otlp: OtlpSection | None = None


class _JobFile(Section):
    scrape_configs: tuple[ScrapeSection, ...] = ()


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """What Gnomon takes from the file; paths are absolute.

    `rule_files` are patterns. `content` is the file as parsed, secrets hidden; `warnings` name what is not used.
    """

    path: Path | None = None
    jobs: tuple[ScrapeJob, ...] = ()
    rule_files: tuple[str, ...] = ()
    external_labels: Mapping[str, str] = field(default_factory=dict)
    evaluation_interval_ms: int = _DEFAULT_EVALUATION_MS
    rule_query_offset_ms: int = 0
    alerting: AlertingSection = field(default_factory=AlertingSection)
    otlp: OtlpSection | None = None
    content: Any = None
    warnings: tuple[str, ...] = ()


def load_prometheus_file(path: Path, environment: Mapping[str, str] = os.environ) -> PrometheusConfig:
    """Return the file's content; raises PrometheusFileError, one line a fault, as `path:line: what`."""
    document = _read(path)
    file = _validate(_File, document, path)
    folder = path.absolute().parent
    faults: list[str] = []
    jobs: dict[str, ScrapeJob] = {}
    warnings = [
        f"{path}:{document.line_of((key,))}: {key} is not used: {reason}."
        for key, reason in _NOT_USED.items()
        if getattr(file, key) is not None
    ]
    for place, section, found_in, base in _sections(file, document, path, folder):
        try:
            job = place_files(make_job(section, file.global_), base)
        except ValueError as error:
            faults.append(f"{place}: {error}.")
            continue
        if job.name in jobs:
            faults.append(f'{place}: found multiple scrape configs with job name "{job.name}".')
        jobs[job.name] = job
        unused = [key for key in _NOT_USED_IN_JOBS if getattr(section, key, None) or getattr(file.global_, key, None)]
        warnings += [f"{place}: {key} is not used (job {job.name!r} in {found_in})." for key in unused]
    if faults:
        raise PrometheusFileError("\n".join(faults))
    return PrometheusConfig(
        path=path,
        jobs=tuple(jobs.values()),
        rule_files=tuple(str(folder / pattern) for pattern in file.rule_files),
        external_labels={name: _expand(value, environment) for name, value in file.global_.external_labels.items()},
        evaluation_interval_ms=file.global_.evaluation_interval or _DEFAULT_EVALUATION_MS,
        rule_query_offset_ms=file.global_.rule_query_offset,
        alerting=file.alerting,
        otlp=file.otlp,
        content=_hide_secrets(document.content),
        warnings=tuple(warnings),
    )


def _sections(
    file: _File, document: YamlDocument, path: Path, folder: Path
) -> Iterator[tuple[str, ScrapeSection, Path, Path]]:
    """Return each job's section with its place, its file and the folder that paths in it are relative to."""
    for number, section in enumerate(file.scrape_configs):
        yield f"{path}:{document.line_of(('scrape_configs', number))}", section, path, folder
    for pattern in file.scrape_config_files:
        for name in sorted(glob(str(folder / pattern))):  # noqa: PTH207 - the pattern may be absolute
            other = Path(name)
            content = _read(other)
            for number, section in enumerate(_validate(_JobFile, content, other).scrape_configs):
                place = f"{other}:{content.line_of(('scrape_configs', number))}"
                yield place, section, other, other.absolute().parent


def _read(path: Path) -> YamlDocument:
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PrometheusFileError(f"Cannot read {str(path)!r}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise PrometheusFileError(f"Cannot read {str(path)!r}: it is not UTF-8.") from error
    except YamlError as error:
        raise PrometheusFileError(f"{path}:{error.line}: {error}.") from error


def _validate(model: type[M], document: YamlDocument, path: Path) -> M:
    try:
        return model.model_validate({} if document.content is None else document.content)
    except ValidationError as error:
        faults = (_explain(fault, document, path) for fault in error.errors(include_url=False))
        raise PrometheusFileError("\n".join(dict.fromkeys(faults))) from error


def _explain(fault: ErrorDetails, document: YamlDocument, path: Path) -> str:
    location = fault["loc"]
    place = f"{path}:{document.line_of(location)}"
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    value = fault.get("input")
    if fault["type"] == "extra_forbidden":
        return f"{place}: there is no key {key!r} (value {_shorten(value)}). Correct or remove it."
    if fault["type"] == "missing":
        return f"{place}: {key} is missing."
    reason = fault["msg"].removeprefix("Value error, ").rstrip(".")
    if isinstance(value, dict | list | tuple) or key.rpartition(".")[2] in _SECRET_KEYS:
        return f"{place}: {key or 'the file'} is wrong: {reason}."
    return f"{place}: {key} = {_shorten(value)} is wrong: {reason}."


def _shorten(value: object, limit: int = 100) -> str:
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def _expand(value: str, environment: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: "$" if found[1] else environment.get(found[2] or found[3], ""), value)


def _hide_secrets(content: Any) -> Any:
    if isinstance(content, dict):
        return {
            key: _HIDDEN if key in _SECRET_KEYS and value is not None else _hide_secrets(value)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [_hide_secrets(value) for value in content]
    return content
