"""Service discovery: which targets there are now, from lists, files and HTTP services."""

import asyncio
import json
from collections.abc import Callable, Sequence
from glob import glob
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter
from pydantic import TypeAdapter, ValidationError

from gnomon.ingest.scraping.discovery_config import FileDiscovery, HttpDiscovery, TargetGroup
from gnomon.ingest.scraping.errors import ScrapeError
from gnomon.ingest.scraping.http_client import HttpClient
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.lifecycle import Clock
from gnomon.model.yaml_documents import YamlError, parse_yaml

log = structlog.get_logger(__name__)

DISCOVERY_FAILURES = Counter(
    "gnomon_discovery_failures_total", "Files and services with targets that could not be read.", ["job"]
)

OnChange = Callable[[], None]

_MS_PER_S = 1000
# Changed files are seen within this time, however rarely they are to be read again.
_LOOK_S = 5.0
_MAX_BODY_BYTES = 64 << 20
_TIMEOUT_S = 60.0
_GROUPS = TypeAdapter(tuple[TargetGroup, ...])


class Discovery:
    """Follow where one job's targets come from; what cannot be read leaves the targets as they were."""

    def __init__(self, job: ScrapeJob, clock: Clock, on_change: OnChange, earlier: "Discovery | None" = None) -> None:
        """Call `on_change` whenever `groups` are others; go on with what was found `earlier` in the same places."""
        self._job = job
        self._clock = clock
        self._on_change = on_change
        self._tasks: list[asyncio.Task[None]] = []
        self._clients: list[HttpClient] = []
        self._found: dict[str, tuple[TargetGroup, ...]] = {}
        self._seen: list[dict[str, tuple[int, int, int]]] = [{} for _ in job.files]
        if earlier is not None and (earlier._job.files, earlier._job.services) == (job.files, job.services):  # noqa: SLF001 - one of us
            self._found, self._seen = earlier._found, earlier._seen  # noqa: SLF001 - as above

    @property
    def groups(self) -> Sequence[TargetGroup]:
        """Return all groups that are known now."""
        return [*self._job.static, *(group for source in sorted(self._found) for group in self._found[source])]

    def start(self) -> None:
        """Read files, and begin to look for changes."""
        for number, files in enumerate(self._job.files):
            self._look(number, files)
            self._tasks.append(asyncio.create_task(self._follow_files(number, files)))
        for number, service in enumerate(self._job.services):
            client = HttpClient(service)
            self._clients.append(client)
            self._tasks.append(asyncio.create_task(self._follow_service(number, service, client)))

    async def stop(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for client in self._clients:
            await client.aclose()
        self._clients.clear()

    async def _follow_files(self, number: int, discovery: FileDiscovery) -> None:
        pause_s = min(_LOOK_S, discovery.refresh_interval / _MS_PER_S or _LOOK_S)
        while True:
            await self._clock.sleep(pause_s)
            if self._look(number, discovery):
                self._on_change()

    def _look(self, number: int, discovery: FileDiscovery) -> bool:
        """Read the files that are new or have changed; return whether that makes a difference."""
        seen, state = self._seen[number], _look_at(discovery.files)
        changed = False
        for path in seen.keys() - state.keys():
            changed |= self._found.pop(f"file {number} {path}", None) is not None
        for path, mark in state.items():
            if seen.get(path) != mark:
                changed |= self._read_file(f"file {number} {path}", path)
        self._seen[number] = state
        return changed

    def _read_file(self, source: str, path: str) -> bool:
        try:
            text = Path(path).read_text(encoding="utf-8")
            content = json.loads(text) if path.lower().endswith(".json") else parse_yaml(text).content
            groups = _read_groups(content, "__meta_filepath", path)
        except (OSError, ValueError, YamlError) as error:
            self._complain(path, error)
            return False
        return self._keep(source, groups)

    async def _follow_service(self, number: int, service: HttpDiscovery, client: HttpClient) -> None:
        interval_s = service.refresh_interval / _MS_PER_S
        headers = {
            "Accept": "application/json",
            "X-Prometheus-Refresh-Interval-Seconds": f"{interval_s:g}",
        }
        while True:
            try:
                async with asyncio.timeout(min(_TIMEOUT_S, interval_s)):
                    body, content_type = await client.get(service.url, headers, max_bytes=_MAX_BODY_BYTES)
                if content_type.partition(";")[0].strip().lower() != "application/json":
                    raise ScrapeError(f'unsupported content type "{content_type}"')  # noqa: TRY301 - told like the rest
                if self._keep(f"http {number}", _read_groups(json.loads(body), "__meta_url", service.url)):
                    self._on_change()
            except TimeoutError:
                self._complain(service.url, "no answer in time")
            except (ScrapeError, ValueError) as error:
                self._complain(service.url, error)
            await self._clock.sleep(interval_s)

    def _keep(self, source: str, groups: tuple[TargetGroup, ...]) -> bool:
        if self._found.get(source) == groups:
            return False
        self._found[source] = groups
        return True

    def _complain(self, source: str, reason: object) -> None:
        DISCOVERY_FAILURES.labels(self._job.name).inc()
        log.warning(
            "targets cannot be read, they stay as they were", job=self._job.name, source=source, reason=str(reason)
        )


def _look_at(patterns: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    state = {}
    for pattern in patterns:
        for path in glob(pattern):  # noqa: PTH207 - patterns are absolute
            try:
                about = Path(path).stat()
            except OSError:
                continue
            state[path] = (about.st_mtime_ns, about.st_size, about.st_ino)
    return state


def _read_groups(content: Any, label: str, source: str) -> tuple[TargetGroup, ...]:
    """Return target groups, each labelled with where it comes from; raises ValueError."""
    try:
        groups = _GROUPS.validate_python([] if content is None else content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return tuple(group.model_copy(update={"labels": {**group.labels, label: source}}) for group in groups)
