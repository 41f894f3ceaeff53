"""Looking into a running process: flame graphs of its CPU time and snapshots of its memory, in debug mode only."""

from gnomon.sdk.profiling.memory import MemoryProfiler
from gnomon.sdk.profiling.pages import Profiling
from gnomon.sdk.profiling.settings import ProfilingSettings, load_settings

__all__ = ["MemoryProfiler", "Profiling", "ProfilingSettings", "load_settings"]
