"""The machine's metrics, read from folders that look like /proc and /sys."""

import os
from pathlib import Path

import pytest

from gnomon.ingest.exposition.text_format import TextParser
from gnomon.ingest.host_metrics.disks import collect_disks, collect_filesystems
from gnomon.ingest.host_metrics.families import Family, info, render
from gnomon.ingest.host_metrics.host import HostMetrics
from gnomon.ingest.host_metrics.kernel import CpuTimes, collect_pressure, collect_system
from gnomon.ingest.host_metrics.memory import collect_memory
from gnomon.ingest.host_metrics.network import collect_interfaces, collect_protocols
from gnomon.ingest.host_metrics.processes import ProcessGroups
from gnomon.model.labels import Labels

TICKS = os.sysconf("SC_CLK_TCK")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def values(families: list[Family]) -> dict[tuple[str, ...], float]:
    return {(family.name, *labels): value for family in families for labels, value in family.samples}


def test_text_is_read_back_as_it_was_meant() -> None:
    odd = info("odd_info", "Odd.", {"path": 'a"b\\c\nd', "größe": "ä"})
    empty = Family("nothing", "gauge", "Left out.")
    exposition = TextParser(lambda labels: labels, open_metrics=False).parse(
        render([odd, empty]).replace(b"gr\xc3\xb6\xc3\x9fe", b"size")
    )
    assert list(exposition.series) == [Labels.of({"__name__": "odd_info", "path": 'a"b\\c\nd', "size": "ä"})]


class TestCpu:
    """Seconds by core and mode."""

    def test_seconds_and_counters(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            stat=f"cpu 9 9\ncpu0 {TICKS} {2 * TICKS} 3 4 5 6 7 8 {9 * TICKS} 0\nintr 77 1 2\nctxt 5\nbtime 100\n"
            "processes 6\nprocs_running 2\nprocs_blocked 1\nsoftirq 1 2\n",
        )
        found = values(CpuTimes(tmp_path).collect())
        assert found["node_cpu_seconds_total", "0", "user"] == 1
        assert found["node_cpu_seconds_total", "0", "nice"] == 2
        assert found["node_cpu_seconds_total", "0", "steal"] == 8 / TICKS
        assert found["node_cpu_guest_seconds_total", "0", "user"] == 9
        assert found["node_intr_total",] == 77
        assert found["node_procs_running",] == 2
        assert ("node_cpu_seconds_total", "", "user") not in found

    def test_idle_time_never_runs_backwards_unless_the_core_came_back(self, tmp_path: Path) -> None:
        cpu = CpuTimes(tmp_path)
        key = ("node_cpu_seconds_total", "0", "idle")
        seen = []
        for idle in (1000 * TICKS, 1000 * TICKS - 1, 1001 * TICKS, 5 * TICKS):
            write(tmp_path, stat=f"cpu0 0 0 0 {idle} 0 0 0 0 0 0\n")
            seen.append(values(cpu.collect())[key])
        assert seen == [1000, 1000, 1001, 5]


def test_memory_is_in_bytes_where_it_is_memory(tmp_path: Path) -> None:
    write(tmp_path, meminfo="MemTotal:  16 kB\nActive(anon):  2 kB\nHugePages_Total:  3\n")
    assert values(collect_memory(tmp_path)) == {
        ("node_memory_MemTotal_bytes",): 16384,
        ("node_memory_Active_anon_bytes",): 2048,
        ("node_memory_HugePages_Total",): 3,
    }


def test_disks_without_their_partitions(tmp_path: Path) -> None:
    numbers = " ".join(map(str, range(1, 18)))
    write(
        tmp_path,
        diskstats=f" 8 0 sda {numbers}\n 8 1 sda1 {numbers}\n 7 0 loop0 {numbers}\n 259 0 nvme0n1 "
        "1 2 3 4 5 6 7 8 9 10 11\n",
    )
    found = values(collect_disks(tmp_path))
    assert {device for _, device in found} == {"sda", "nvme0n1"}
    assert found["node_disk_read_bytes_total", "sda"] == 3 * 512
    assert found["node_disk_write_time_seconds_total", "sda"] == 0.008
    assert found["node_disk_flush_requests_total", "sda"] == 16
    assert ("node_disk_discards_completed_total", "nvme0n1") not in found


def test_filesystems_that_hold_files(tmp_path: Path) -> None:
    odd = tmp_path / "with blank"
    odd.mkdir()
    place = str(odd).replace(" ", "\\040")
    write(
        tmp_path / "proc",
        self__mountinfo=f"1 0 8:1 / {place} rw,relatime - ext4 /dev/sda1 rw\n2 0 0:5 / /proc rw - proc proc rw\n"
        f"3 0 0:6 / {tmp_path}/gone ro,nosuid - nfs server:/x rw\n4 0 8:1 / {place} rw - ext4 /dev/sda1 rw\n",
    )
    families = collect_filesystems(tmp_path / "proc")
    found = values(families)
    about = os.statvfs(odd)
    labels = ("/dev/sda1", str(odd), "ext4", "")
    assert found["node_filesystem_size_bytes", *labels] == about.f_blocks * about.f_frsize
    assert found["node_filesystem_readonly", *labels] == 0
    assert found["node_filesystem_mount_info", "/dev/sda1", "8", "1", str(odd)] == 1
    gone = ("server:/x", f"{tmp_path}/gone", "nfs", "no such file or directory")
    assert found["node_filesystem_device_error", *gone] == 1
    assert sum(len(family.samples) for family in families) == 7 + 1 + 2


def test_interfaces_and_what_they_are(tmp_path: Path) -> None:
    write(
        tmp_path / "proc",
        net__dev="Inter-| Receive\n face |bytes\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    )
    write(
        tmp_path / "sys/class/net/eth0",
        operstate="up\n", mtu="1500\n", flags="0x1003\n", address="02:fc\n", speed="1000\n",
    )  # fmt: skip
    found = values(collect_interfaces(tmp_path / "proc", tmp_path / "sys"))
    assert found["node_network_receive_bytes_total", "eth0"] == 1
    assert found["node_network_transmit_compressed_total", "eth0"] == 16
    assert found["node_network_up", "eth0"] == 1
    assert found["node_network_speed_bytes", "eth0"] == 125_000_000
    assert found["node_network_info", "eth0", "02:fc", "", "", "up", "up", ""] == 1


def test_protocol_counters_that_node_exporter_shows(tmp_path: Path) -> None:
    write(
        tmp_path,
        net__snmp="Tcp: ActiveOpens RtoMin InErrs\nTcp: 5 200 1\n",
        net__netstat="TcpExt: ListenDrops Other\nTcpExt: 3 4\n",
        net__snmp6="Ip6InOctets 9\nIp6Other 1\n",
    )
    assert values(collect_protocols(tmp_path)) == {
        ("node_netstat_Ip6_InOctets",): 9,
        ("node_netstat_TcpExt_ListenDrops",): 3,
        ("node_netstat_Tcp_ActiveOpens",): 5,
        ("node_netstat_Tcp_InErrs",): 1,
    }


def test_pressure_is_in_seconds(tmp_path: Path) -> None:
    line = "avg10=0.00 avg60=0.00 avg300=0.00 total="
    write(
        tmp_path,
        pressure__io=f"some {line}2500000\nfull {line}1000000\n",
        pressure__cpu=f"some {line}5\nfull {line}7\n",
    )
    assert values(collect_pressure(tmp_path)) == {
        ("node_pressure_cpu_waiting_seconds_total",): 0.000005,
        ("node_pressure_io_waiting_seconds_total",): 2.5,
        ("node_pressure_io_stalled_seconds_total",): 1,
    }


def test_the_distribution_is_named(tmp_path: Path) -> None:
    write(tmp_path, release='# comment\nNAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n')
    (labels,) = [
        dict(zip(family.labels, family.samples[0][0], strict=True))
        for family in collect_system(tmp_path, tmp_path / "release")
        if family.name == "node_os_info"
    ]
    assert (labels["id"], labels["name"], labels["version_id"], labels["variant"]) == (
        "debian", "Debian GNU/Linux", "12", "",
    )  # fmt: skip


class TestProcesses:
    """Processes of one name are told of together."""

    @staticmethod
    def process(proc: Path, pid: int, name: str, *, user_s: int, pages: int, started: int = 5) -> None:
        fields = ["S", *["0"] * 6, "3", "0", "2", "0", str(user_s * TICKS), "0", *["0"] * 4, "4", "0"]
        fields += [str(started), "8192", str(pages)]
        write(proc / str(pid), stat=f"{pid} ({name}) {' '.join(fields)} 0 0\n", io="rchar: 9\nread_bytes: 7\n")

    def test_groups_add_up(self, tmp_path: Path) -> None:
        write(tmp_path, stat="btime 1000\n")
        self.process(tmp_path, 10, "worker (a)", user_s=5, pages=1)
        self.process(tmp_path, 11, "worker (a)", user_s=7, pages=2, started=3 * TICKS)
        found = values(ProcessGroups(tmp_path, 5).collect())
        name = "worker (a)"
        assert found["namedprocess_namegroup_num_procs", name] == 2
        assert found["namedprocess_namegroup_num_threads", name] == 8
        assert found["namedprocess_namegroup_cpu_seconds_total", name, "user"] == 12
        assert found["namedprocess_namegroup_memory_bytes", name, "resident"] == 3 * os.sysconf("SC_PAGE_SIZE")
        assert found["namedprocess_namegroup_memory_bytes", name, "virtual"] == 16384
        assert found["namedprocess_namegroup_states", name, "Sleeping"] == 2
        assert found["namedprocess_namegroup_read_bytes_total", name] == 14
        assert found["namedprocess_namegroup_major_page_faults_total", name] == 4
        assert found["namedprocess_namegroup_oldest_start_time_seconds", name] == 1000

    def test_what_a_process_used_that_has_ended_counts_on(self, tmp_path: Path) -> None:
        groups = ProcessGroups(tmp_path, 5)
        self.process(tmp_path, 10, "w", user_s=5, pages=1)
        self.process(tmp_path, 11, "w", user_s=7, pages=1)
        groups.collect()
        (tmp_path / "11/stat").unlink()
        self.process(tmp_path, 10, "w", user_s=6, pages=1)
        key = ("namedprocess_namegroup_cpu_seconds_total", "w", "user")
        assert values(groups.collect())[key] == 13
        # Another process has taken the number: what it used is all new.
        self.process(tmp_path, 10, "w", user_s=2, pages=1, started=9)
        assert values(groups.collect())[key] == 15

    def test_only_those_that_use_most(self, tmp_path: Path) -> None:
        for number in range(10):
            self.process(tmp_path, number + 1, f"p{number}", user_s=number, pages=100 - number)
        found = values(ProcessGroups(tmp_path, 2).collect())
        shown = {key[1] for key in found if key[0] == "namedprocess_namegroup_num_procs"}
        assert shown == {"p9", "p8", "p0", "p1"}


def test_what_is_not_there_is_left_out_and_what_fails_is_told(tmp_path: Path) -> None:
    """An empty /proc, as in a strict sandbox, is no reason to fail; nonsense in it fails one reader."""
    write(tmp_path, meminfo="MemTotal: 1 kB\n", loadavg="high low none\n")
    host = HostMetrics(5, proc=tmp_path, sys=tmp_path, os_release=tmp_path / "none")
    exposition = TextParser(lambda labels: labels, open_metrics=False).parse(host.expose())
    found = dict(zip(exposition.series, exposition.values.tolist(), strict=True))
    assert found[Labels.of({"__name__": "node_memory_MemTotal_bytes"})] == 1024
    success = {
        labels.get("collector"): value for labels, value in found.items() if labels.metric_name.endswith("success")
    }
    assert success["loadavg"] == 0
    assert success["meminfo"] == success["processes"] == success["stat"] == 1


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs Linux' /proc")
def test_this_machine() -> None:
    exposition = TextParser(lambda labels: labels, open_metrics=False).parse(HostMetrics(3).expose())
    names = {labels.metric_name for labels in exposition.series}
    assert names >= {"node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_load1", "node_uname_info"}
    assert names >= {"node_network_receive_bytes_total", "node_time_seconds", "namedprocess_namegroup_num_procs"}
    assert len(set(exposition.series)) == len(exposition.series)
