"""A real Prometheus and Gnomon scrape the same target by the same file, and tell of it in the same form."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.gnomon_process import GnomonProcess
from tests.peers.prometheus import Prometheus, prometheus_running, wait_for_samples


@dataclass(frozen=True)
class Scrapers:
    """Two that scrape; `target` is host and port of what they scrape."""

    prometheus: Prometheus
    gnomon: Prometheus
    target: str

    def data(self, path: str, params: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Return what Prometheus says, and what Gnomon says."""
        return self.prometheus.data(path, params), self.gnomon.data(path, params)


@pytest.fixture(scope="module")
def scrapers(tmp_path_factory: pytest.TempPathFactory, prometheus_program: Path) -> Iterator[Scrapers]:
    """Run a target, and both scraping it; one target is away, one is dropped, and one job has a password."""
    assert prometheus_program.exists()
    folder = tmp_path_factory.mktemp("targets")
    with prometheus_running(folder / "target") as target:
        address = target.url.removeprefix("http://")
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "900ms"},
            "scrape_configs": [
                {
                    "job_name": "shown",
                    "params": {"x": ["y"]},
                    "static_configs": [{"targets": [address], "labels": {"team": "a"}}],
                    "relabel_configs": [{"target_label": "zone", "replacement": "z1"}],
                },
                {"job_name": "away", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
                {
                    "job_name": "dropped",
                    "basic_auth": {"username": "u", "password": "hunter2"},
                    "static_configs": [{"targets": [address]}],
                    "relabel_configs": [{"source_labels": ["__address__"], "regex": ".*", "action": "drop"}],
                },
            ],
        }
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        settings = {
            "prometheus": str(file),
            "own_metrics": {"enabled": False},
            "host_metrics": {"enabled": False},
            "own_traces": {"enabled": False},
        }
        (folder / "gnomon.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        gnomon = GnomonProcess(folder / "gnomon", ("--config", str(folder / "gnomon.yml")))
        with prometheus_running(folder / "prometheus", config=config) as prometheus:
            try:
                gnomon.start()
                scrapers = Scrapers(prometheus, Prometheus(gnomon.pid, gnomon.url), address)
                for server in (scrapers.prometheus, scrapers.gnomon):
                    wait_for_samples(server, 'up{job="shown"} == 1')
                    wait_for_samples(server, 'up{job="away"} == 0')
                yield scrapers
            finally:
                gnomon.stop()


CHANGING = ("lastScrape", "lastScrapeDuration", "globalUrl")


def test_targets_are_described_alike(scrapers: Scrapers) -> None:
    """Labels, addresses, health, errors and intervals of active and dropped targets."""
    theirs, ours = scrapers.data("targets")
    for answer in (theirs, ours):
        answer["activeTargets"].sort(key=lambda target: str(target["scrapePool"]))
        for target in answer["activeTargets"]:
            assert target["lastScrapeDuration"] > 0
            assert target["lastScrape"] > "2026"
            # The words come from the network libraries.
            target["lastError"] = bool(target["lastError"])
            for name in CHANGING:
                del target[name]
    assert ours == theirs
    theirs, ours = scrapers.data("targets", {"state": "active", "scrapePool": "away"})
    assert [target["health"] for target in ours["activeTargets"]] == ["down"]
    assert ours["droppedTargets"] == theirs["droppedTargets"] == []
    theirs, ours = scrapers.data("targets", {"state": "dropped", "scrapePool": "dropped"})
    assert ours == theirs


def test_scrape_pools(scrapers: Scrapers) -> None:
    """The names of jobs, in order."""
    theirs, ours = scrapers.data("scrape_pools")
    assert ours == theirs


def test_metadata_of_targets_and_metrics(scrapers: Scrapers) -> None:
    """Type, help and unit, by target and by metric."""
    theirs, ours = scrapers.data("targets/metadata", {"match_target": '{job="shown"}', "metric": "go_goroutines"})
    assert ours == theirs
    theirs, ours = scrapers.data("targets/metadata", {"match_target": '{job="shown"}'})
    key = lambda row: row["metric"]  # noqa: E731
    assert sorted(ours, key=key) == sorted(theirs, key=key)
    # A limit is looked at between targets: the first one is always told of as a whole.
    theirs, ours = scrapers.data("targets/metadata", {"limit": 3})
    assert len(ours) == len(theirs) > 3
    theirs, _ = scrapers.data("metadata")
    deadline = time.monotonic() + 20
    while (ours := scrapers.gnomon.data("metadata")) != theirs and time.monotonic() < deadline:
        time.sleep(0.5)
    assert ours == theirs
    for params in ({"metric": "up"}, {"metric": "go_goroutines"}, {"limit": 0}):
        theirs, ours = scrapers.data("metadata", params)
        assert ours == theirs
    assert len(scrapers.gnomon.data("metadata", {"limit": 2})) == 2


def test_the_configuration_is_shown_without_secrets(scrapers: Scrapers) -> None:
    """Job names are there, passwords are not."""
    text = scrapers.gnomon.data("status/config")["yaml"]
    assert [job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]] == ["shown", "away", "dropped"]
    assert "hunter2" not in text
    assert "<secret>" in text
