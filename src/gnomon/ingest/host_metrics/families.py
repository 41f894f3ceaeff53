"""Metric families, and how they are written as text; what readers of /proc and /sys have in common."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with its samples, by label values in the order of `labels`."""

    name: str
    type: Literal["counter", "gauge", "untyped"]
    help: str
    labels: tuple[str, ...] = ()
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def add(self, value: float, *labels: str) -> None:
        """Add a sample."""
        self.samples.append((labels, value))


def gauge(name: str, help_: str, value: float) -> Family:
    """Return a gauge with one sample and no labels."""
    return Family(name, "gauge", help_, (), [((), value)])


def counter(name: str, help_: str, value: float) -> Family:
    """Return a counter with one sample and no labels."""
    return Family(name, "counter", help_, (), [((), value)])


def info(name: str, help_: str, labels: Mapping[str, str]) -> Family:
    """Return a gauge that is always 1 and tells by its labels."""
    return Family(name, "gauge", help_, tuple(labels), [(tuple(labels.values()), 1.0)])


def render(families: Iterable[Family]) -> bytes:
    """Return families in Prometheus' text format."""
    return "".join(line for family in families if family.samples for line in _lines(family)).encode()


def read_text(path: Path) -> str:
    """Return a small file's text without the blanks around it, empty where there is none or it tells nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def read_number(path: Path) -> float | None:
    """Return the number in a file, or None where there is none."""
    try:
        return float(read_text(path))
    except ValueError:
        return None


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n"
    for values, number in family.samples:
        pairs = zip(family.labels, values, strict=True)
        labels = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs)
        yield f"{family.name}{{{labels}}} {number!r}\n" if labels else f"{family.name} {number!r}\n"
