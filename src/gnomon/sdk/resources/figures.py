"""The figures of one measurement, as they are shown and sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Precision = Literal["exact", "shared", "estimated"]
TokenKind = Literal["input", "cached_input", "cache_write", "output"]

_ORDER: tuple[Precision, ...] = ("exact", "shared", "estimated")


def worst(*precisions: Precision) -> Precision:
    """Return the least exact label: a sum is as exact as its worst part."""
    return max(precisions, key=_ORDER.index, default="exact")


@dataclass(frozen=True, slots=True)
class ResourceUsage:
    """Hold what a piece of work used, children included.

    `exact` belongs to this work alone; `shared` is a figure of the process that others had a part in; `estimated`
    leaves something out or assumes something. Token kinds are disjoint: a cached input token is in `cached_input` only.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    cpu_precision: Precision = "exact"
    child_cpu_s: float = 0.0
    memory_bytes: int = 0
    memory_precision: Precision = "shared"
    sent_bytes: int = 0
    received_bytes: int = 0
    network_precision: Precision = "estimated"
    tokens: Mapping[tuple[str, TokenKind], int] = field(default_factory=dict)

    def attributes(self) -> dict[str, str | int | float]:
        """Return the attributes of the event `task.resources`; tokens stay on spans, their one source."""
        return {
            "resource.cpu.seconds": self.cpu_s,
            "resource.cpu.precision": self.cpu_precision,
            "resource.memory.bytes": self.memory_bytes,
            "resource.memory.precision": self.memory_precision,
            "resource.network.sent_bytes": self.sent_bytes,
            "resource.network.received_bytes": self.received_bytes,
            "resource.network.precision": self.network_precision,
        }
