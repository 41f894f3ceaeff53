"""Whether and how far a process may be looked into."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

_TRUE = {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class ProfilingSettings:
    """Say whether profiling is on, and its limits: seconds of a profile, samples a second, snapshots kept."""

    debug: bool = False
    max_duration_s: float = 120.0
    max_rate_hz: int = 1000
    frames: int = 5  # of each allocation; each costs memory and time while allocations are traced
    snapshots: int = 4


def load_settings(environ: Mapping[str, str] | None = None) -> ProfilingSettings:
    """Read GNOMON_DEBUG."""
    environ = os.environ if environ is None else environ
    return ProfilingSettings(debug=environ.get("GNOMON_DEBUG", "").strip().lower() in _TRUE)
