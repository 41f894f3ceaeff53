"""What a benchmark says: figures with the peer or baseline of the same run, and the target where an issue names one."""

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `baseline` is what `peer` showed in the same run, `target` says what is asked for."""

    name: str
    value: float
    unit: str
    peer: str = ""
    baseline: float | None = None
    target: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Return value ÷ baseline."""
        return self.value / self.baseline if self.baseline else None

    def cells(self) -> tuple[str, str, str, str]:
        """Return name, value, peer with ratio, target."""
        beside = f"{self.peer}: {format_value(self.baseline, self.unit)}" if self.baseline is not None else ""
        ratio = f" (× {self.ratio:.2f})" if self.ratio is not None else ""
        mark = {None: "", True: " ✓", False: " ✗"}[self.met]
        return self.name, format_value(self.value, self.unit), beside + ratio, self.target + mark


Benchmark = Callable[[Path], list[Figure]]


def format_value(value: float | None, unit: str) -> str:
    """Return a value with its unit, three significant digits."""
    if value is None:
        return "–"
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {unit}"


def describe_machine() -> str:
    """Return the machine in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def print_figures(title: str, figures: list[Figure]) -> None:
    """Print figures as a Markdown table, ready for docs/reference/performance.md."""
    sys.stdout.write(f"\n## {title}\n\n| what | seen | beside it, same run | asked for |\n|---|---|---|---|\n")
    for figure in figures:
        sys.stdout.write("| " + " | ".join(figure.cells()) + " |\n")
    sys.stdout.flush()
