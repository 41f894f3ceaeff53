"""Sampled stacks, and the formats that they are read in."""

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Form = Literal["flamegraph", "speedscope", "raw"]
Stack = tuple[str, ...]  # frames from the outermost in, each `function (file:line)`


@dataclass(slots=True)
class Stacks:
    """Count how often each stack was seen, and how many times was looked."""

    counts: Counter[Stack] = field(default_factory=Counter)
    looks: int = 0
    interval_s: float = 0.01
    taken_by: str = ""

    @property
    def total(self) -> int:
        """Return the number of stacks seen."""
        return self.counts.total()

    def as_raw(self) -> str:
        """Return folded stacks, one a line with its count: what flamegraph.pl and inferno read."""
        lines = (f"{';'.join(frame.replace(';', ':') for frame in stack)} {n}" for stack, n in self.counts.items())
        return "\n".join(sorted(lines)) + "\n"

    def as_speedscope(self) -> str:
        """Return the file format of https://www.speedscope.app."""
        frames: dict[str, int] = {}
        samples = [[frames.setdefault(frame, len(frames)) for frame in stack] for stack in self.counts]
        weights = [count * self.interval_s for count in self.counts.values()]
        document: dict[str, Any] = {
            "$schema": "https://www.speedscope.app/file-format-schema.json",
            "exporter": f"gnomon ({self.taken_by})",
            "name": self.taken_by,
            "activeProfileIndex": 0,
            "shared": {"frames": [{"name": frame} for frame in frames]},
            "profiles": [
                {
                    "type": "sampled",
                    "name": self.taken_by,
                    "unit": "seconds",
                    "startValue": 0,
                    "endValue": sum(weights),
                    "samples": samples,
                    "weights": weights,
                }
            ],
        }
        return json.dumps(document)


def shorten(filename: str) -> str:
    """Return a file's path from where it can be imported."""
    path = Path(filename)
    root = max((entry for entry in sys.path if entry and path.is_relative_to(entry)), key=len, default=None)
    return str(path.relative_to(root)) if root else filename
