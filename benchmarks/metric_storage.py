"""Room for samples: bytes a sample of Gnomon's tables beside Prometheus' blocks of the same data.

600 series of the kinds that a node exporter has (constant, counters of integers and of seconds, memory, load, noise),
twelve hours at 15 s. Prometheus' blocks are made by promtool; both hold labels and index besides.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cramjam
import httpx
import numpy as np

from benchmarks.figures import Figure
from benchmarks.server import wait_until_stored
from gnomon.ingest.write_request import encode_labels, encode_series
from gnomon.model.labels import Labels
from gnomon.model.series import Floats
from tests.gnomon_process import GnomonProcess
from tests.peers.prometheus import promtool

SERIES, STEP_MS, STEPS = 600, 15_000, 2880
KINDS = ("constant", "counter", "seconds", "total", "memory", "load", "noise")
SHARES = (0.3, 0.25, 0.15, 0.1, 0.1, 0.05, 0.05)
TABLES = ("samples", "series")
_SAMPLES_PER_REQUEST = 30_000
_MERGE_S = 40.0


def measure(folder: Path) -> list[Figure]:
    """Return bytes a sample on both sides."""
    first_ms = time.time_ns() // 10**6 // STEP_MS * STEP_MS - (STEPS + 1) * STEP_MS
    times = (first_ms + np.arange(STEPS) * STEP_MS).tolist()
    series = list(_make_series())
    blocks_bytes = _measure_blocks(folder, series, times)
    server = GnomonProcess(
        folder / "gnomon",
        (*(f"--set={name}.enabled=false" for name in ("own_traces", "own_metrics", "host_metrics", "span_metrics")),),
    ).start()
    try:
        _send(server, series, times)
        stored, _lag_s = wait_until_stored(server, "samples", SERIES * STEPS)
        sizes = _merged_sizes(server)
    finally:
        server.stop()
    total = SERIES * STEPS
    ours, theirs = sum(sizes.values()) / total, blocks_bytes / total
    return [
        Figure("bytes a sample, labels and index included", ours, "bytes", "Prometheus' blocks", theirs,
               "not above", ours <= theirs),
        *(Figure(f"… table {name}", size / total, "bytes") for name, size in sizes.items()),
        Figure("samples sent and not stored", total - stored, "samples", target="0", met=stored == total),
    ]  # fmt: skip


def _make_series() -> Iterator[tuple[Labels, Floats]]:
    rng = np.random.default_rng(4)
    for place in range(SERIES):
        kind = rng.choice(KINDS, p=SHARES)
        name = f"node_{kind}_{place % 25}"
        labels = {"__name__": name, "instance": f"host-{place // 25}:9100", "job": "node", "mode": str(place % 4)}
        yield Labels.of(labels), _make_values(kind, rng)


def _make_values(kind: str, rng: np.random.Generator) -> Floats:
    start = float(rng.integers(0, 10**6))
    match kind:
        case "constant":
            return np.full(STEPS, start)
        case "counter":
            return start + np.cumsum(rng.poisson(rng.choice((0.2, 5, 300)), STEPS)).astype(float)
        case "seconds":
            return np.round(start + np.cumsum(rng.gamma(2, 1.5, STEPS)), 2)
        case "total":
            return np.cumsum(rng.gamma(2, 0.01, STEPS))
        case "memory":
            return np.floor((4e9 + np.cumsum(rng.normal(0, 1e6, STEPS))) / 4096) * 4096
        case "load":
            return np.round(rng.random(STEPS) * 4, 2)
        case _:
            return rng.random(STEPS)


def _measure_blocks(folder: Path, series: list[tuple[Labels, Floats]], times: list[int]) -> int:
    """Return the bytes of the blocks that promtool makes."""
    text, blocks = folder / "samples.om", folder / "blocks"
    with text.open("w", encoding="utf-8") as file:
        for name in sorted({labels.metric_name for labels, _ in series}):
            file.write(f"# TYPE {name} unknown\n")
            for labels, values in series:
                if labels.metric_name == name:
                    pairs = ",".join(f'{label}="{value}"' for label, value in labels.drop({"__name__"}))
                    file.writelines(
                        f"{name}{{{pairs}}} {value!r} {ms / 1000:.3f}\n"
                        for ms, value in zip(times, values.tolist(), strict=True)
                    )
        file.write("# EOF\n")
    promtool("tsdb", "create-blocks-from", "openmetrics", text, blocks)
    return sum(path.stat().st_size for path in blocks.rglob("*") if path.is_file())


def _send(server: GnomonProcess, series: list[tuple[Labels, Floats]], times: list[int]) -> None:
    """Send all samples, as time goes on."""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    encoded = [(encode_labels(labels), values.tolist()) for labels, values in series]
    at_once = _SAMPLES_PER_REQUEST // SERIES
    with httpx.Client(timeout=120, trust_env=False) as client:
        for begin in range(0, STEPS, at_once):
            some = slice(begin, begin + at_once)
            parts = [encode_series(head, zip(times[some], values[some], strict=True)) for head, values in encoded]
            body = bytes(cramjam.snappy.compress_raw(b"".join(parts)))
            client.post(f"{server.url}/api/v1/write", content=body, headers=headers).raise_for_status()


def _merged_sizes(server: GnomonProcess) -> dict[str, int]:
    """Return the bytes of the tables once they no longer shrink."""
    sizes: dict[str, int] = {}
    deadline = time.monotonic() + _MERGE_S
    while time.monotonic() < deadline:
        tables: list[dict[str, Any]] = httpx.get(f"{server.url}/api/storage", timeout=60).json()["tables"]
        now = {table["name"]: int(table["compressed_bytes"]) for table in tables if table["name"] in TABLES}
        if now == sizes:
            break
        sizes = now
        time.sleep(10.0)
    return sizes
