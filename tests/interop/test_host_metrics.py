"""Gnomon's own host metrics beside a real node_exporter on this machine."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gnomon.ingest.exposition.samples import Exposition
from gnomon.ingest.exposition.text_format import TextParser
from gnomon.ingest.host_metrics.host import HostMetrics
from gnomon.model.labels import Labels
from tests.peers.fixtures import require
from tests.peers.installation import NODE_EXPORTER, PROMTOOL
from tests.peers.processes import free_ports, running

# Fields of /proc/meminfo come and go with kernels; node_exporter tells of those that it knows.
FIELDS = "node_memory_"
# Not node_exporter's: process-exporter's names.
PROCESSES = "namedprocess_"
# Readers that stand for several of node_exporter's, or for none.
OWN_COLLECTORS = frozenset({"processes"})
# node_filesystem_readonly is left out: node_exporter 1.10 joins mount options without commas and so overlooks `ro`.
STEADY = (
    "node_boot_time_seconds",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapTotal_bytes",
    "node_filefd_maximum",
    "node_filesystem_size_bytes",
    "node_filesystem_files",
    "node_filesystem_device_error",
    "node_filesystem_mount_info",
    "node_network_mtu_bytes",
    "node_network_up",
    "node_network_carrier",
    "node_network_speed_bytes",
    "node_network_transmit_queue_length",
    "node_network_info",
    "node_uname_info",
    "node_os_info",
    "node_entropy_pool_size_bits",
    "node_nf_conntrack_entries_limit",
)
# These grow; between two readings one after the other, by little.
GROWING = (
    "node_cpu_seconds_total",
    "node_context_switches_total",
    "node_forks_total",
    "node_intr_total",
    "node_disk_written_bytes_total",
    "node_disk_read_time_seconds_total",
    "node_disk_io_time_seconds_total",
    "node_network_receive_bytes_total",
    "node_network_transmit_packets_total",
    "node_vmstat_pgfault",
    "node_netstat_Tcp_InSegs",
    "node_time_seconds",
    "node_pressure_cpu_waiting_seconds_total",
)


Readings = tuple[Exposition[Labels], Exposition[Labels], Exposition[Labels]]


def read(text: bytes) -> Exposition[Labels]:
    return TextParser(lambda labels: labels, open_metrics=False).parse(text)


def values(exposition: Exposition[Labels]) -> dict[Labels, float]:
    return dict(zip(exposition.series, exposition.values.tolist(), strict=True))


@pytest.fixture(scope="module")
def exporter_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run node_exporter with the collectors that are on by default."""
    program = require(NODE_EXPORTER)
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/metrics"
    log = tmp_path_factory.mktemp("node_exporter") / "log"
    with running([program, f"--web.listen-address=127.0.0.1:{port}"], log=log, ready_url=url):
        yield url


@pytest.fixture(scope="module")
def both(exporter_url: str) -> Readings:
    """Return what node_exporter says before, what Gnomon says, and what node_exporter says afterwards."""
    host = HostMetrics(5)
    before = read(httpx.get(exporter_url, trust_env=False).content)
    ours = read(host.expose())
    return before, ours, read(httpx.get(exporter_url, trust_env=False).content)


def test_every_name_and_label_is_node_exporters(
    both: Readings,
) -> None:
    before, ours, after = both
    known = {*before.series, *after.series}
    names = {labels.metric_name for labels in known}
    for labels in ours.series:
        name = labels.metric_name
        if name.startswith(PROCESSES) or labels.get("collector") in OWN_COLLECTORS:
            continue
        assert name in names or name.startswith(FIELDS), name
        assert labels in known or name.startswith(FIELDS), labels


def test_types_are_node_exporters(both: Readings) -> None:
    _, ours, after = both
    shared = ours.metadata.keys() & after.metadata.keys()
    assert len(shared) > 100
    assert {name: ours.metadata[name].type for name in shared} == {name: after.metadata[name].type for name in shared}


def test_what_stands_still_is_the_same(
    both: Readings,
) -> None:
    _, ours, after = both
    expected = {labels: value for labels, value in values(after).items() if labels.metric_name in STEADY}
    found = {labels: value for labels, value in values(ours).items() if labels.metric_name in STEADY}
    assert found == expected
    assert len({labels.metric_name for labels in found}) > 12


def test_what_grows_lies_between_two_readings(
    both: Readings,
) -> None:
    before, ours, after = (values(one) for one in both)
    seen = set()
    for labels, value in ours.items():
        if labels.metric_name in GROWING:
            assert before[labels] <= value <= after[labels], labels
            seen.add(labels.metric_name)
    assert len(seen) > 8


def test_promtool_finds_only_what_it_finds_in_node_exporter(
    exporter_url: str,
) -> None:
    """Its names predate the rules that `promtool check metrics` knows; nothing of ours comes on top."""
    program = require(PROMTOOL)
    remarks = check_metrics(program, HostMetrics(5).expose())
    allowed = check_metrics(program, httpx.get(exporter_url, trust_env=False).content)
    ours = {remark for remark in remarks if not remark.startswith((PROCESSES, FIELDS))}
    assert ours <= allowed


def check_metrics(program: Path, text: bytes) -> set[str]:
    done = subprocess.run([program, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert b"error while linting" not in done.stderr, done.stderr
    return set(done.stderr.decode().splitlines())


def test_reading_takes_little_time() -> None:
    """Every fifteen seconds, so a tenth of a second of CPU would be too much."""
    host = HostMetrics(10)
    host.expose()
    began = time.process_time()
    host.expose()
    assert time.process_time() - began < 0.1
