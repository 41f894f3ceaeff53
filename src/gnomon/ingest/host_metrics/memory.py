"""Memory, from /proc/meminfo."""

import re
from pathlib import Path

from gnomon.ingest.host_metrics.families import Family, gauge, read_text

_LINE = re.compile(r"([\w()]+):\s+(\d+)( kB)?")
_PARENTHESES = re.compile(r"\((.*)\)")
_KIB = 1024


def collect_memory(proc: Path) -> list[Family]:
    """Return every field, in bytes where it is an amount of memory."""
    families = []
    for field, number, unit in _LINE.findall(read_text(proc / "meminfo")):
        name = _PARENTHESES.sub(r"_\1", field) + ("_bytes" if unit else "")
        value = int(number) * (_KIB if unit else 1)
        families.append(gauge(f"node_memory_{name}", f"Memory information field {name}.", value))
    return families
