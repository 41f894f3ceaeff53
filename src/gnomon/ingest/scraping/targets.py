"""Targets: what discovery found, made into URLs and labels by relabeling."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from gnomon.ingest.scraping.discovery_config import TargetGroup
from gnomon.ingest.scraping.jobs import ScrapeJob
from gnomon.ingest.scraping.relabel import relabel
from gnomon.model.errors import InvalidInputError
from gnomon.model.labels import Labels
from gnomon.model.prometheus_durations import format_prometheus_duration, parse_prometheus_duration_ms

ADDRESS, SCHEME, METRICS_PATH = "__address__", "__scheme__", "__metrics_path__"
INTERVAL, TIMEOUT = "__scrape_interval__", "__scrape_timeout__"

_PARAM = "__param_"
_META = "__meta_"
_INTERNAL = "__"


@dataclass(frozen=True, slots=True)
class Target:
    """Something to scrape: `labels` go onto its samples, `discovered` is what it was before relabeling."""

    url: str
    labels: Labels
    discovered: Labels
    interval_ms: int
    timeout_ms: int

    @property
    def key(self) -> tuple[Labels, str]:
        """Return what makes two targets the same."""
        return self.labels, self.url

    def offset_ms(self, seed: str) -> int:
        """Return when within its interval a target is scraped; another server, by its seed, comes at another time."""
        text = f"{self.labels.pairs}{self.url}{seed}"
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.interval_ms


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of a job's discovered targets; `faults` tell why some can never be scraped."""

    active: tuple[Target, ...]
    dropped: tuple[Labels, ...]
    faults: tuple[str, ...]


def resolve_targets(job: ScrapeJob, groups: Iterable[TargetGroup]) -> Resolved:
    """Return a job's targets, each once; raises nothing."""
    active: dict[tuple[Labels, str], Target] = {}
    dropped: list[Labels] = []
    faults: list[str] = []
    for discovered in _discover(job, groups):
        labels = dict(discovered)
        if not relabel(job.relabel_rules, labels, utf8_names=job.utf8_names):
            dropped.append(Labels.of(discovered))
            continue
        try:
            target = _make_target(job, Labels.of(discovered), labels)
        except InvalidInputError as error:
            faults.append(f"{discovered.get(ADDRESS, '')!r} in job {job.name!r}: {error}")
            continue
        active.setdefault(target.key, target)
    return Resolved(tuple(active.values()), tuple(dropped), tuple(faults))


def _discover(job: ScrapeJob, groups: Iterable[TargetGroup]) -> Iterator[Mapping[str, str]]:
    defaults = {
        "job": job.name,
        INTERVAL: format_prometheus_duration(job.interval_ms),
        TIMEOUT: format_prometheus_duration(job.timeout_ms),
        METRICS_PATH: job.metrics_path,
        SCHEME: job.scheme,
        **{f"{_PARAM}{name}": values[0] for name, values in job.params if values},
    }
    for group in groups:
        for address in group.targets:
            labels = {name: value for name, value in {**group.labels, ADDRESS: address}.items() if value}
            yield {**defaults, **labels}


def _make_target(job: ScrapeJob, discovered: Labels, labels: Mapping[str, str]) -> Target:
    address = labels.get(ADDRESS, "")
    if not address:
        raise InvalidInputError("no address")
    if "/" in address:
        raise InvalidInputError(f'"{address}" is not a valid hostname')
    interval_ms = _duration_ms("interval", labels.get(INTERVAL, ""))
    timeout_ms = _duration_ms("timeout", labels.get(TIMEOUT, ""))
    if timeout_ms > interval_ms:
        raise InvalidInputError(
            f'scrape timeout cannot be greater than scrape interval ("{labels[TIMEOUT]}" > "{labels[INTERVAL]}")'
        )
    shown = {name: value for name, value in labels.items() if not name.startswith(_INTERNAL)}
    shown.setdefault("instance", address)
    return Target(_make_url(job.params, labels), Labels.of(shown), discovered, interval_ms, timeout_ms)


def _duration_ms(name: str, text: str) -> int:
    try:
        duration_ms = parse_prometheus_duration_ms(text)
    except InvalidInputError as error:
        raise InvalidInputError(f"error parsing scrape {name}: {error}") from error
    if not duration_ms:
        raise InvalidInputError(f"scrape {name} cannot be 0")
    return duration_ms


def _make_url(params: Sequence[tuple[str, Sequence[str]]], labels: Mapping[str, str]) -> str:
    values = {name: list(given) for name, given in params}
    for label, value in labels.items():
        if label.startswith(_PARAM):
            values.setdefault(label.removeprefix(_PARAM), [""])[:1] = [value]
    query = urlencode(sorted(values.items()), doseq=True)
    path = quote(labels.get(METRICS_PATH, ""), safe="/:@!$&'()*+,;=~")
    # As in Go, a path without its slash gets one, and a question mark in it is part of it.
    slash = "" if path.startswith("/") or not path else "/"
    return f"{labels.get(SCHEME, '')}://{labels[ADDRESS]}{slash}{path}{'?' + query if query else ''}"
