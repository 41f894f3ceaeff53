"""Dashboards kept as files beside `gnomon.yml`: changed where they are kept, only shown here."""

import json
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import yaml

from gnomon.dashboards.documents import Dashboard
from gnomon.dashboards.grafana_import import Finding, import_dashboard
from gnomon.model.errors import InvalidInputError

_ID_CHARACTERS = 26
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


class DashboardFileError(InvalidInputError):
    """Tell which dashboard file is wrong, and why."""


@dataclass(frozen=True, slots=True)
class DashboardFile:
    """Hold a dashboard with the file that it stands in; `findings` tell what of Grafana's could not be mapped."""

    path: str
    dashboard: Dashboard
    findings: tuple[Finding, ...]


def load_dashboard_files(patterns: Sequence[str]) -> dict[str, DashboardFile]:
    """Return the dashboards of all files that match, by id: JSON or YAML, Gnomon's own format or Grafana's.

    An id is made of the file's name, so that addresses stay; files of the same name get a checksum of their path
    besides. Raises DashboardFileError for a file that is missing or holds no dashboard.
    """
    paths = dict.fromkeys(path for pattern in patterns for path in _matching(pattern))
    names = Counter(map(_identify, paths))
    found = {}
    for path in paths:
        name = _identify(path)
        found[name if names[name] == 1 else f"{name}-{zlib.crc32(path.encode()):08x}"] = _load(path)
    return found


def _matching(pattern: str) -> list[str]:
    if has_magic(pattern):
        found = glob(pattern, recursive=True)  # noqa: PTH207 - an absolute pattern, which Path.glob refuses
        return sorted(path for path in found if Path(path).is_file())
    return [pattern]


def _identify(path: str) -> str:
    name = _NOT_IN_IDS.sub("-", Path(path).stem.lower()).strip("-")
    return f"file-{name[:_ID_CHARACTERS]}"


def _load(path: str) -> DashboardFile:
    try:
        imported = import_dashboard(_parse(path))
    except OSError as error:
        message = f"Cannot read the dashboard {path!r}: {error.strerror}. Check `dashboards` in gnomon.yml."
        raise DashboardFileError(message) from error
    except (InvalidInputError, ValueError, yaml.YAMLError) as error:
        raise DashboardFileError(f"The dashboard {path!r} is wrong: {error}") from error
    return DashboardFile(path, imported.dashboard, imported.findings)


def _parse(path: str) -> Any:
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
