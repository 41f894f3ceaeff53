"""The processes that use most, grouped by name, under process-exporter's metric names."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gnomon.ingest.host_metrics.families import Family, read_text

_STATES = {"R": "Running", "S": "Sleeping", "D": "Waiting", "Z": "Zombie"}
_STATE_NAMES = (*_STATES.values(), "Other")
_NAME = ("groupname",)
# Places in /proc/<pid>/stat, counted from the one behind the name.
_STATE, _MINOR, _MAJOR, _USER, _SYSTEM, _THREADS, _STARTED, _VIRTUAL, _RESIDENT = 0, 7, 9, 11, 12, 17, 19, 20, 21


@dataclass(slots=True)
class _Process:
    group: str
    state: str
    counters: dict[str, float]
    threads: int
    started_ticks: int
    virtual_bytes: int
    resident_bytes: int
    pid: int


@dataclass(slots=True)
class _Group:
    """What is known of the processes of one name; counters hold what those that have ended used, too."""

    counters: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    processes: list[_Process] = field(default_factory=list)

    @property
    def cpu_s(self) -> float:
        return self.counters["user"] + self.counters["system"]

    @property
    def resident_bytes(self) -> int:
        return sum(process.resident_bytes for process in self.processes)


class ProcessGroups:
    """Follow all processes, and tell of the groups that have used most CPU time or hold most memory."""

    def __init__(self, proc: Path, most: int) -> None:
        """Read below `proc`; tell of `most` groups by CPU time and as many by memory."""
        self._proc = proc
        self._most = most
        self._ticks_per_s = float(os.sysconf("SC_CLK_TCK"))
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._groups: dict[str, _Group] = {}
        self._before: dict[tuple[int, int], dict[str, float]] = {}

    def collect(self) -> list[Family]:
        """Return the groups' metrics; those that nobody may read are left out."""
        self._follow()
        groups = {name: group for name, group in self._groups.items() if group.processes}
        by_cpu = sorted(groups, key=lambda name: (-groups[name].cpu_s, name))[: self._most]
        by_memory = sorted(groups, key=lambda name: (-groups[name].resident_bytes, name))[: self._most]
        return self._describe({name: groups[name] for name in sorted({*by_cpu, *by_memory})})

    def _follow(self) -> None:
        for group in self._groups.values():
            group.processes = []
        now: dict[tuple[int, int], dict[str, float]] = {}
        for process in self._read_all():
            key = (process.pid, process.started_ticks)
            now[key] = process.counters
            group = self._groups.setdefault(process.group, _Group())
            group.processes.append(process)
            before = self._before.get(key, {})
            for name, value in process.counters.items():
                group.counters[name] += max(0.0, value - before.get(name, 0.0))
        self._before = now
        # A name that nobody bears any more starts from nothing when it comes again, like a counter after a restart.
        self._groups = {name: group for name, group in self._groups.items() if group.processes}

    def _read_all(self) -> Iterator[_Process]:
        with os.scandir(self._proc) as entries:
            pids = [int(entry.name) for entry in entries if entry.name.isdecimal()]
        for pid in pids:
            text = read_text(self._proc / str(pid) / "stat")
            name, _, rest = text.rpartition(") ")
            fields = rest.split()
            if len(fields) <= _RESIDENT:
                continue
            yield _Process(
                group=name.partition("(")[2],
                state=_STATES.get(fields[_STATE], "Other"),
                counters={
                    "user": int(fields[_USER]) / self._ticks_per_s,
                    "system": int(fields[_SYSTEM]) / self._ticks_per_s,
                    "major": float(fields[_MAJOR]),
                    "minor": float(fields[_MINOR]),
                    **self._read_io(pid),
                },
                threads=int(fields[_THREADS]),
                started_ticks=int(fields[_STARTED]),
                virtual_bytes=int(fields[_VIRTUAL]),
                resident_bytes=int(fields[_RESIDENT]) * self._page_bytes,
                pid=pid,
            )

    def _read_io(self, pid: int) -> dict[str, float]:
        pairs = (line.partition(": ") for line in read_text(self._proc / str(pid) / "io").splitlines())
        return {name: float(value) for name, _, value in pairs if name in {"read_bytes", "write_bytes"}}

    def _describe(self, groups: dict[str, _Group]) -> list[Family]:
        def family(name: str, text: str, *labels: str) -> Family:
            kind = "counter" if name.endswith("_total") else "gauge"
            return Family(f"namedprocess_namegroup_{name}", kind, text, _NAME + labels)  # type: ignore[arg-type]

        processes = family("num_procs", "number of processes in this group")
        threads = family("num_threads", "number of threads in this group")
        states = family("states", "number of processes in states Running, Sleeping, Waiting, Zombie, or Other", "state")
        cpu = family("cpu_seconds_total", "Cpu user usage in seconds", "mode")
        memory = family("memory_bytes", "number of bytes of memory in use", "memtype")
        started = family("oldest_start_time_seconds", "start time in seconds since 1970/01/01 of oldest process")
        files = family("open_filedesc", "number of open file descriptors for this group")
        totals = {
            "major": family("major_page_faults_total", "Major page faults"),
            "minor": family("minor_page_faults_total", "Minor page faults"),
            "read_bytes": family("read_bytes_total", "number of bytes read by this group"),
            "write_bytes": family("write_bytes_total", "number of bytes written by this group"),
        }
        booted_s = self._boot_time_s()
        for name, group in groups.items():
            members = group.processes
            processes.add(len(members), name)
            threads.add(sum(process.threads for process in members), name)
            for state in _STATE_NAMES:
                states.add(sum(process.state == state for process in members), name, state)
            for mode in ("user", "system"):
                cpu.add(group.counters[mode], name, mode)
            memory.add(group.resident_bytes, name, "resident")
            memory.add(sum(process.virtual_bytes for process in members), name, "virtual")
            oldest = min(process.started_ticks for process in members)
            started.add(float(int(booted_s + oldest / self._ticks_per_s)), name)
            if (open_files := self._count_files(members)) is not None:
                files.add(open_files, name)
            for counted, total in totals.items():
                if counted in group.counters:
                    total.add(group.counters[counted], name)
        return [processes, threads, states, cpu, memory, started, files, *totals.values()]

    def _count_files(self, processes: list[_Process]) -> int | None:
        count = None
        for process in processes:
            try:
                found = sum(1 for _ in (self._proc / str(process.pid) / "fd").iterdir())
            except OSError:
                continue
            count = (count or 0) + found
        return count

    def _boot_time_s(self) -> float:
        for line in read_text(self._proc / "stat").splitlines():
            if line.startswith("btime "):
                return float(line.removeprefix("btime "))
        return 0.0
