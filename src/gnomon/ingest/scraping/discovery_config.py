"""Where targets come from, as the file says it: listed, in files, or asked of an HTTP service."""

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gnomon.ingest.scraping.file_sections import DurationMs, Section
from gnomon.ingest.scraping.http_options import HttpOptions

SUPPORTED = ("static_configs", "file_sd_configs", "http_sd_configs")

_FILE_NAME = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")


def _check_file_name(name: str) -> str:
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(f'path name "{name}" is not valid for file discovery: it must end with .json, .yml or .yaml')
    return name


class TargetGroup(Section):
    """Addresses that share labels."""

    targets: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)


class FileDiscovery(Section):
    """Files with target groups, read again when they change."""

    files: Annotated[tuple[Annotated[str, AfterValidator(_check_file_name)], ...], Field(min_length=1)]
    refresh_interval: DurationMs = 300_000


class HttpDiscovery(HttpOptions):
    """A service that answers with target groups."""

    url: str
    refresh_interval: DurationMs = 60_000

    @model_validator(mode="after")
    def _check_url(self) -> "HttpDiscovery":
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"}:
            raise ValueError("URL scheme must be 'http' or 'https'")
        if not parts.netloc:
            raise ValueError("host is missing in URL")
        return self


class Discovery(Section):
    """The keys about discovery that stand among those of a scrape job or an Alertmanager."""

    static_configs: tuple[TargetGroup, ...] = ()
    file_sd_configs: tuple[FileDiscovery, ...] = ()
    http_sd_configs: tuple[HttpDiscovery, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _refuse_other_mechanisms(cls, content: Any) -> Any:
        if isinstance(content, dict):
            for key in content:
                if str(key).endswith("_sd_configs") and key not in SUPPORTED:
                    raise ValueError(
                        f"{key} is not supported: Gnomon finds targets with {', '.join(SUPPORTED)}. Let something that "
                        "knows them write files for file_sd_configs, or answer http_sd_configs"
                    )
        return content
