"""Many small requests: 1,000 a second with 10 spans each.

Latency counts from the intended start, so a stall of the server is seen in every request that it delays.
"""

from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import Load, run_load
from tests.gnomon_process import GnomonProcess

RATE = 1000.0
MOST_S = 0.05


def measure(folder: Path) -> list[Figure]:
    """Return the latency of acknowledgements at a fixed rate."""
    server = GnomonProcess(folder / "gnomon").start()
    try:
        url = f"{server.otlp_http_url}/v1/traces"
        run_load(Load(url, "traces", 3, connections=16, items=10, rate=RATE))
        outcome = run_load(Load(url, "traces", 30, connections=16, items=10, rate=RATE))
    finally:
        server.stop()
    p99_s = outcome.quantile(0.99)
    return [
        Figure("requests/s", outcome.requests / outcome.seconds, "requests/s", "intended", RATE),
        Figure("acknowledgement p50", outcome.quantile(0.5) * 1e3, "ms"),
        Figure("acknowledgement p99", p99_s * 1e3, "ms", target="< 50", met=p99_s < MOST_S),
        Figure("refused requests", outcome.refused, "requests"),
    ]
