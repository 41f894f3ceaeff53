"""CPU, load, interrupts, pressure, files and the system itself, from /proc."""

import os
import time
from pathlib import Path

from gnomon.ingest.host_metrics.families import Family, counter, gauge, info, read_number, read_text

_MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_GUEST_MODES = ("user", "nice")
_MAY_RUN_BACKWARDS = frozenset({"idle", "iowait"})
# Beyond this a counter has not been corrected: the processor was taken away and came back.
_MOST_CORRECTED_S = 3.0
_MICROSECONDS = 1_000_000
_COUNTERS = {
    "ctxt": ("node_context_switches_total", "Total number of context switches."),
    "intr": ("node_intr_total", "Total number of interrupts serviced."),
    "processes": ("node_forks_total", "Total number of forks."),
}
_GAUGES = {
    "btime": ("node_boot_time_seconds", "Node boot time, in unixtime."),
    "procs_running": ("node_procs_running", "Number of processes in runnable state."),
    "procs_blocked": ("node_procs_blocked", "Number of processes blocked waiting for I/O to complete."),
}
_PRESSURES = {
    ("cpu", "some"): ("node_pressure_cpu_waiting_seconds_total", "Time that processes have waited for CPU time."),
    ("io", "some"): ("node_pressure_io_waiting_seconds_total", "Time that processes have waited due to IO."),
    ("io", "full"): ("node_pressure_io_stalled_seconds_total", "Time that no process made progress due to IO."),
    ("memory", "some"): ("node_pressure_memory_waiting_seconds_total", "Time that processes have waited for memory."),
    ("memory", "full"): (
        "node_pressure_memory_stalled_seconds_total",
        "Time that no process made progress due to memory.",
    ),
    ("irq", "full"): ("node_pressure_irq_stalled_seconds_total", "Time that no process made progress due to IRQs."),
}
_VMSTAT = ("oom_kill", "pgpg", "pswp")
_OS_FIELDS = (
    "build_id",
    "id",
    "id_like",
    "image_id",
    "image_version",
    "name",
    "pretty_name",
    "variant",
    "variant_id",
    "version",
    "version_codename",
    "version_id",
)


class CpuTimes:
    """Read /proc/stat; idle and iowait, which the kernel corrects downwards at times, never run backwards."""

    def __init__(self, proc: Path) -> None:
        """Read below `proc`."""
        self._path = proc / "stat"
        self._ticks_per_s = float(os.sysconf("SC_CLK_TCK"))
        self._before: dict[tuple[str, str], float] = {}

    def collect(self) -> list[Family]:
        """Return CPU seconds by core and mode, and the counters beside them."""
        cpu = Family("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.", ("cpu", "mode"))
        guest = Family(
            "node_cpu_guest_seconds_total",
            "counter",
            "Seconds the CPUs spent in guests (VMs) for each mode.",
            ("cpu", "mode"),
        )
        families = [cpu, guest]
        for line in read_text(self._path).splitlines():
            name, *fields = line.split()
            if name.startswith("cpu") and name != "cpu":
                seconds = [int(field) / self._ticks_per_s for field in fields]
                core = name.removeprefix("cpu")
                for mode, value in zip(_MODES, seconds, strict=False):
                    cpu.add(self._keep(core, mode, value), core, mode)
                for mode, value in zip(_GUEST_MODES, seconds[len(_MODES) :], strict=False):
                    guest.add(value, core, mode)
            elif name in _COUNTERS:
                families.append(counter(*_COUNTERS[name], int(fields[0])))
            elif name in _GAUGES:
                families.append(gauge(*_GAUGES[name], int(fields[0])))
        return families

    def _keep(self, core: str, mode: str, value: float) -> float:
        if mode not in _MAY_RUN_BACKWARDS:
            return value
        before = self._before.get((core, mode), value)
        kept = before if value < before <= value + _MOST_CORRECTED_S else value
        self._before[core, mode] = kept
        return kept


def collect_load(proc: Path) -> list[Family]:
    """Return the load averages."""
    loads = read_text(proc / "loadavg").split()
    return [
        gauge(f"node_load{minutes}", f"{minutes}m load average.", float(load))
        for minutes, load in zip((1, 5, 15), loads, strict=False)
    ]


def collect_pressure(proc: Path) -> list[Family]:
    """Return pressure stall times; none where the kernel does not keep them."""
    families = []
    for resource in ("cpu", "io", "memory", "irq"):
        for line in read_text(proc / "pressure" / resource).splitlines():
            kind, *fields = line.split()
            described = _PRESSURES.get((resource, kind))
            if described is not None:
                total = next(field for field in fields if field.startswith("total="))
                families.append(counter(*described, int(total.removeprefix("total=")) / _MICROSECONDS))
    return families


def collect_vmstat(proc: Path) -> list[Family]:
    """Return paging, swapping, faults and kills for want of memory."""
    families = []
    for line in read_text(proc / "vmstat").splitlines():
        name, _, value = line.partition(" ")
        if name.startswith(_VMSTAT) or (name.startswith("pg") and "fault" in name):
            text = f"/proc/vmstat information field {name}."
            families.append(Family(f"node_vmstat_{name}", "untyped", text, (), [((), int(value))]))
    return families


def collect_files(proc: Path) -> list[Family]:
    """Return how many files are open, and may be."""
    fields = read_text(proc / "sys/fs/file-nr").split()
    if len(fields) != len(("allocated", "free", "maximum")):
        return []
    return [
        gauge("node_filefd_allocated", "File descriptor statistics: allocated.", int(fields[0])),
        gauge("node_filefd_maximum", "File descriptor statistics: maximum.", int(fields[2])),
    ]


def collect_entropy(proc: Path) -> list[Family]:
    """Return the state of the kernel's pool of randomness."""
    families = []
    for name, file in (("available_bits", "entropy_avail"), ("pool_size_bits", "poolsize")):
        value = read_number(proc / "sys/kernel/random" / file)
        if value is not None:
            families.append(gauge(f"node_entropy_{name}", f"Bits of entropy: {file}.", value))
    return families


def collect_system(proc: Path, os_release: Path) -> list[Family]:
    """Return the time, and what kernel and distribution run here."""
    uname = os.uname()
    domain = read_text(proc / "sys/kernel/domainname")
    families = [
        gauge("node_time_seconds", "System time in seconds since epoch (1970).", time.time()),
        info(
            "node_uname_info",
            "Labeled system information as provided by the uname system call.",
            {
                "sysname": uname.sysname,
                "release": uname.release,
                "version": uname.version,
                "machine": uname.machine,
                "nodename": uname.nodename,
                "domainname": domain,
            },
        ),
    ]
    release = _read_release(os_release)
    if release:
        labels = {name: release.get(name.upper(), "") for name in _OS_FIELDS}
        text = "A metric with a constant '1' value labeled by what os-release says."
        families.append(info("node_os_info", text, labels))
    return families


def _read_release(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in read_text(path).splitlines() if "=" in line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, _, value in pairs}
