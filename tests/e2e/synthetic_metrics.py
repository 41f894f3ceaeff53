"""Metrics for the browser to show, written as a Prometheus would write them."""

import time

import cramjam
import httpx

from gnomon.ingest.write_request import encode_labels, encode_metadata, encode_series
from gnomon.model.labels import Labels
from tests.gnomon_process import GnomonProcess

STEP_MS = 15_000
STEPS = 80
SHOPS = ("north", "south", "west")
_BOUNDS = (0.1, 0.5, 1.0)


def send_metrics(server: GnomonProcess, shops: tuple[str, ...] = SHOPS) -> None:
    """Write twenty minutes of a counter, a gauge and a histogram of each shop, which end now."""
    now_ms = time.time_ns() // 1_000_000
    times_ms = [now_ms - (STEPS - step) * STEP_MS for step in range(1, STEPS + 1)]
    parts = [
        encode_metadata("shop_orders_total", "counter", "Orders that were placed.", ""),
        encode_metadata("shop_open", "gauge", "Whether the shop is open.", ""),
        encode_metadata("shop_duration_seconds", "histogram", "How long an order took.", "seconds"),
    ]
    for number, shop in enumerate(shops, start=1):
        own = {"shop": shop, "job": "shops"}
        orders = [(ms, float(step * number * 15)) for step, ms in enumerate(times_ms)]
        parts.append(_series("shop_orders_total", own, orders))
        parts.append(_series("shop_open", own, [(ms, float(shop != "west")) for ms in times_ms]))
        for place, bound in enumerate((*(f"{bound:g}" for bound in _BOUNDS), "+Inf"), start=1):
            buckets = [(ms, float(step * number * place)) for step, ms in enumerate(times_ms)]
            parts.append(_series("shop_duration_seconds_bucket", {**own, "le": bound}, buckets))
    answer = httpx.post(
        f"{server.url}/api/v1/write",
        content=bytes(cramjam.snappy.compress_raw(b"".join(parts))),
        headers={
            "content-type": "application/x-protobuf",
            "content-encoding": "snappy",
            "x-prometheus-remote-write-version": "0.1.0",
        },
        trust_env=False,
    )
    answer.raise_for_status()


def _series(name: str, labels: dict[str, str], samples: list[tuple[int, float]]) -> bytes:
    return encode_series(encode_labels(Labels.of({"__name__": name, **labels})), samples)
