"""Run benchmarks by name, or all: `python -m benchmarks [NAME …]`."""

import importlib
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Benchmark, describe_machine, print_figures

NAMES = (
    "trace_ingest",
    "log_ingest",
    "remote_write",
    "metric_storage",
    "small_requests",
    "idle",
    "redaction",
    "trace_search",
    "log_search",
    "promql",
    "alerting",
    "sdk_overhead",
    "sdk_cost",
)


def main() -> None:
    """Measure what is named, one after the other, each in a folder of its own."""
    names = sys.argv[1:] or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        sys.exit(f"Unknown benchmark {unknown[0]!r}. There are: {', '.join(NAMES)}.")
    sys.stdout.write(f"{describe_machine()}\n")
    for name in names:
        module = importlib.import_module(f"benchmarks.{name}")
        measure: Benchmark = module.measure
        with tempfile.TemporaryDirectory(prefix="gnomon-bench-") as folder:
            print_figures((module.__doc__ or name).splitlines()[0], measure(Path(folder)))


if __name__ == "__main__":
    main()
