"""Everything about the machine that Gnomon runs on, under the names of node_exporter and process-exporter."""

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from gnomon.ingest.host_metrics.disks import collect_disks, collect_filesystems
from gnomon.ingest.host_metrics.families import Family, render
from gnomon.ingest.host_metrics.kernel import (
    CpuTimes,
    collect_entropy,
    collect_files,
    collect_load,
    collect_pressure,
    collect_system,
    collect_vmstat,
)
from gnomon.ingest.host_metrics.memory import collect_memory
from gnomon.ingest.host_metrics.network import (
    collect_interfaces,
    collect_protocols,
    collect_sockets,
    collect_tracked_connections,
)
from gnomon.ingest.host_metrics.processes import ProcessGroups

log = structlog.get_logger(__name__)

_COLLECTOR = ("collector",)


class HostMetrics:
    """Read the machine's state; what it does not have is left out, and a reader that fails is told of."""

    def __init__(
        self,
        process_groups: int,
        *,
        proc: Path = Path("/proc"),
        sys: Path = Path("/sys"),
        os_release: Path = Path("/etc/os-release"),
    ) -> None:
        """Read below `proc` and `sys`."""
        cpu = CpuTimes(proc)
        self._collectors: dict[str, Callable[[], list[Family]]] = {
            "stat": cpu.collect,
            "loadavg": lambda: collect_load(proc),
            "pressure": lambda: collect_pressure(proc),
            "vmstat": lambda: collect_vmstat(proc),
            "filefd": lambda: collect_files(proc),
            "entropy": lambda: collect_entropy(proc),
            "uname": lambda: collect_system(proc, os_release),
            "meminfo": lambda: collect_memory(proc),
            "diskstats": lambda: collect_disks(proc),
            "filesystem": lambda: collect_filesystems(proc),
            "netdev": lambda: collect_interfaces(proc, sys),
            "netstat": lambda: collect_protocols(proc),
            "sockstat": lambda: collect_sockets(proc),
            "conntrack": lambda: collect_tracked_connections(proc),
        }
        if process_groups:
            self._collectors["processes"] = ProcessGroups(proc, process_groups).collect

    def expose(self) -> bytes:
        """Return all metrics in Prometheus' text format; takes milliseconds, or longer where a filesystem hangs."""
        duration = Family(
            "node_scrape_collector_duration_seconds",
            "gauge",
            "node_exporter: Duration of a collector scrape.",
            _COLLECTOR,
        )
        success = Family(
            "node_scrape_collector_success",
            "gauge",
            "node_exporter: Whether a collector succeeded.",
            _COLLECTOR,
        )
        families: list[Family] = []
        for name, collect in self._collectors.items():
            began = time.perf_counter()
            try:
                families += collect()
                success.add(1, name)
            except (OSError, ValueError, IndexError) as error:
                log.warning("host metrics are incomplete", collector=name, reason=str(error))
                success.add(0, name)
            duration.add(time.perf_counter() - began, name)
        return render([*families, duration, success])
