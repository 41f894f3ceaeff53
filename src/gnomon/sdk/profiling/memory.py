"""Memory: what allocated it, by tracemalloc, and how that differs from an earlier snapshot."""

import gc
import threading
import time
import tracemalloc
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gnomon.sdk.logs.lines import format_time
from gnomon.sdk.resources.resident import read_resident_bytes

Group = Literal["line", "file", "traceback"]

_KEYS = {"line": "lineno", "file": "filename", "traceback": "traceback"}
_OWN = (tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__))


class MemoryProfiler:
    """Take snapshots and keep the last few to compare with.

    Allocations are known only from when tracing began: the first snapshot begins it, or `python -X tracemalloc`.
    Tracing makes allocating several times as slow, so that it is ended with `stop` when the question is answered.
    """

    def __init__(self, frames: int = 5, keep: int = 4) -> None:
        """Trace nothing yet; `frames` of each allocation are remembered."""
        self._frames = frames
        self._keep = keep
        self._lock = threading.Lock()
        self._taken: OrderedDict[str, tracemalloc.Snapshot] = OrderedDict()
        self._count = 0
        self._since_ns: int | None = None
        self._ours = False

    def snapshot(self, *, top: int = 25, group: Group = "line", compare: str = "") -> dict[str, Any]:
        """Return top consumers and what differs from snapshot `compare` (an id, or `last`).

        Raises KeyError for a snapshot that is gone.
        """
        with self._lock:
            began = self._begin()
            if compare == "last":
                compare = next(reversed(self._taken), "")
            earlier = self._taken[compare] if compare else None
            traced, peak = tracemalloc.get_traced_memory()
            taken = tracemalloc.take_snapshot().filter_traces(_OWN)
            self._count += 1
            name = str(self._count)
            self._taken[name] = taken
            if len(self._taken) > self._keep:
                self._taken.popitem(last=False)
            key = _KEYS[group]
            content: dict[str, Any] = {
                "id": name,
                "taken_at": format_time(time.time_ns()),
                "tracing_since": format_time(self._since_ns) if self._since_ns else "before the first snapshot",
                "resident_bytes": read_resident_bytes(),
                "traced_bytes": traced,
                "traced_peak_bytes": peak,
                "profiler_bytes": tracemalloc.get_tracemalloc_memory(),
                "kept_snapshots": list(self._taken),
                "top": [_describe(one) for one in taken.statistics(key)[:top]],
                "objects": [{"type": kind, "count": n} for kind, n in _count_objects().most_common(top)],
            }
            if began:
                content["note"] = "Tracing began with this snapshot: what was allocated before is not in it. Ask again."
            if earlier is not None:
                differences = taken.compare_to(earlier, key)[:top]
                content["difference"] = {"to": compare, "top": [_describe_difference(one) for one in differences]}
            return content

    def stop(self) -> None:
        """Forget all snapshots, and end tracing if it began here."""
        with self._lock:
            self._taken.clear()
            if self._ours:
                tracemalloc.stop()
            self._ours = False
            self._since_ns = None

    def _begin(self) -> bool:
        if tracemalloc.is_tracing():
            return False
        tracemalloc.start(self._frames)
        self._since_ns = time.time_ns()
        self._ours = True
        self._taken.clear()
        return True


def as_text(content: Mapping[str, Any]) -> str:
    """Return a snapshot as tables for people."""
    lines = [
        f"Snapshot {content['id']}, {content['taken_at']}",
    ]
    traced, peak = _size(content["traced_bytes"]), _size(content["traced_peak_bytes"])
    resident = _size(content["resident_bytes"])
    lines.append(f"resident {resident}, traced {traced} (peak {peak}) since {content['tracing_since']}")
    if "note" in content:
        lines.append(content["note"])
    if "difference" in content:
        lines += ["", f"Difference to snapshot {content['difference']['to']}:"]
        for one in content["difference"]["top"]:
            change = f"{'+' if one['bytes_change'] >= 0 else '-'}{_size(abs(one['bytes_change']))}"
            lines.append(f"{change:>12} {one['count_change']:>+9}  {_where(one['where'])}")
    lines += ["", f"{'size':>12} {'blocks':>9}  where"]
    lines += [f"{_size(one['bytes']):>12} {one['count']:>9}  {_where(one['where'])}" for one in content["top"]]
    lines += ["", f"{'objects':>12}  type"]
    lines += [f"{one['count']:>12}  {one['type']}" for one in content["objects"]]
    return "\n".join(lines) + "\n"


def _describe(statistic: tracemalloc.Statistic) -> dict[str, Any]:
    return {"where": _frames(statistic.traceback), "bytes": statistic.size, "count": statistic.count}


def _describe_difference(statistic: tracemalloc.StatisticDiff) -> dict[str, Any]:
    return {
        "where": _frames(statistic.traceback),
        "bytes": statistic.size,
        "bytes_change": statistic.size_diff,
        "count": statistic.count,
        "count_change": statistic.count_diff,
    }


def _frames(traceback: tracemalloc.Traceback) -> list[str]:
    return [f"{frame.filename}:{frame.lineno}" if frame.lineno else frame.filename for frame in traceback]


def _where(frames: Sequence[str]) -> str:
    return " > ".join(frames)


def _count_objects() -> Counter[str]:
    counts: Counter[str] = Counter()
    for kind, count in Counter(map(type, gc.get_objects())).items():
        counts[f"{kind.__module__}.{kind.__qualname__}"] += count
    return counts


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
