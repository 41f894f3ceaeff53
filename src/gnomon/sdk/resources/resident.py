"""How much memory this process holds."""

import os

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def read_resident_bytes() -> int:
    """Return the resident set of this process in bytes, 0 where the platform does not say (no /proc)."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as statm:  # noqa: PTH123 - half the time of Path.open, twice a task
            return int(statm.read().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        return 0
