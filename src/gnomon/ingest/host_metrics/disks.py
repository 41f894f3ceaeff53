"""Disks from /proc/diskstats, and filesystems."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gnomon.ingest.host_metrics.families import Family, read_text

_IGNORED_DEVICES = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+")
_IGNORED_MOUNTS = re.compile(
    r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/.*)", re.DOTALL
)
_IGNORED_TYPES = frozenset(
    """autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs iso9660 mqueue nsfs
    overlay proc procfs pstore rpc_pipefs securityfs selinuxfs squashfs erofs sysfs tracefs""".split()  # noqa: SIM905
)
_OCTAL = re.compile(r"\\([0-7]{3})")
_SECTOR_BYTES = 512
_MS = 1000

# In the order of the columns of /proc/diskstats: name, help and what one of them counts for.
_COLUMNS: tuple[tuple[str, str, float], ...] = (
    ("reads_completed_total", "The total number of reads completed successfully.", 1),
    ("reads_merged_total", "The total number of reads merged.", 1),
    ("read_bytes_total", "The total number of bytes read successfully.", _SECTOR_BYTES),
    ("read_time_seconds_total", "The total number of seconds spent by all reads.", 1 / _MS),
    ("writes_completed_total", "The total number of writes completed successfully.", 1),
    ("writes_merged_total", "The number of writes merged.", 1),
    ("written_bytes_total", "The total number of bytes written successfully.", _SECTOR_BYTES),
    ("write_time_seconds_total", "This is the total number of seconds spent by all writes.", 1 / _MS),
    ("io_now", "The number of I/Os currently in progress.", 1),
    ("io_time_seconds_total", "Total seconds spent doing I/Os.", 1 / _MS),
    ("io_time_weighted_seconds_total", "The weighted # of seconds spent doing I/Os.", 1 / _MS),
    ("discards_completed_total", "The total number of discards completed successfully.", 1),
    ("discards_merged_total", "The total number of discards merged.", 1),
    ("discarded_sectors_total", "The total number of sectors discarded successfully.", 1),
    ("discard_time_seconds_total", "This is the total number of seconds spent by all discards.", 1 / _MS),
    ("flush_requests_total", "The total number of flush requests completed successfully", 1),
    ("flush_requests_time_seconds_total", "This is the total number of seconds spent by all flush requests.", 1 / _MS),
)
_FIRST_COLUMN = 3
_FILESYSTEM_LABELS = ("device", "mountpoint", "fstype", "device_error")


def collect_disks(proc: Path) -> list[Family]:
    """Return what every disk has done; partitions are left out."""
    families = [
        Family(f"node_disk_{name}", "gauge" if name == "io_now" else "counter", text, ("device",))
        for name, text, _ in _COLUMNS
    ]
    for line in read_text(proc / "diskstats").splitlines():
        fields = line.split()
        device = fields[2]
        if _IGNORED_DEVICES.fullmatch(device):
            continue
        for family, (_, _, factor), field in zip(families, _COLUMNS, fields[_FIRST_COLUMN:], strict=False):
            family.add(int(field) * factor, device)
    return families


@dataclass(frozen=True, slots=True)
class _Mount:
    device: str
    mount_point: str
    type: str
    numbers: str
    read_only: bool


def collect_filesystems(proc: Path) -> list[Family]:
    """Return size and use of every filesystem that holds files of somebody's."""
    amounts = {
        name: Family(f"node_filesystem_{name}", "gauge", text, _FILESYSTEM_LABELS)
        for name, text in (
            ("size_bytes", "Filesystem size in bytes."),
            ("free_bytes", "Filesystem free space in bytes."),
            ("avail_bytes", "Filesystem space available to non-root users in bytes."),
            ("files", "Filesystem total file nodes."),
            ("files_free", "Filesystem total free file nodes."),
            ("readonly", "Filesystem read-only status."),
            ("device_error", "Whether an error occurred while getting statistics for the given device."),
        )
    }
    mounts = Family(
        "node_filesystem_mount_info",
        "gauge",
        "Filesystem mount information.",
        ("device", "major", "minor", "mountpoint"),
    )
    for mount in _mounts(proc):
        mounts.add(1, mount.device, *mount.numbers.split(":"), mount.mount_point)
        labels = (mount.device, mount.mount_point, mount.type)
        try:
            about = os.statvfs(mount.mount_point)
        except OSError as error:
            amounts["device_error"].add(1, *labels, (error.strerror or str(error)).lower())
            continue
        size = about.f_frsize
        for name, value in (
            ("size_bytes", about.f_blocks * size),
            ("free_bytes", about.f_bfree * size),
            ("avail_bytes", about.f_bavail * size),
            ("files", about.f_files),
            ("files_free", about.f_ffree),
            ("readonly", float(mount.read_only)),
            ("device_error", 0),
        ):
            amounts[name].add(value, *labels, "")
    return [*amounts.values(), mounts]


def _mounts(proc: Path) -> Iterator[_Mount]:
    seen = set()
    # Those of the machine where they may be seen, or else those of this process's own view.
    for line in (read_text(proc / "1/mountinfo") or read_text(proc / "self/mountinfo")).splitlines():
        before, _, after = line.partition(" - ")
        _, _, numbers, _, mount_point, options, *_ = before.split(" ")
        fs_type, device, *rest = after.split(" ")
        mount_point, device = _unescape(mount_point), _unescape(device)
        if fs_type in _IGNORED_TYPES or _IGNORED_MOUNTS.fullmatch(mount_point) or (device, mount_point) in seen:
            continue
        seen.add((device, mount_point))
        read_only = "ro" in options.split(",") or "ro" in (rest[0] if rest else "").split(",")
        yield _Mount(device, mount_point, fs_type, numbers, read_only)


def _unescape(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
