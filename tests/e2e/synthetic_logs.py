"""Log lines for tests in a browser, sent as any shipper sends them."""

import json
import time
from collections.abc import Mapping, Sequence

import httpx

from tests.gnomon_process import GnomonProcess

TRACE_ID = "5b8efff798038103d269b633813fc60c"
SPAN_ID = "eee19b7ec3c1b174"
LOAD_TIMEOUT_S = 10


def send_lines(gnomon: GnomonProcess, lines: Sequence[Mapping[str, object]]) -> None:
    """Send lines of the last hour as JSON Lines and return once they can be searched."""
    wanted = _count_lines(gnomon) + len(lines)
    response = httpx.post(
        f"{gnomon.url}/ingest/jsonl",
        content="\n".join(map(json.dumps, lines)),
        headers={"Content-Type": "application/x-ndjson"},
        trust_env=False,
        timeout=30,
    )
    assert response.status_code == httpx.codes.OK, response.text
    assert response.json()["rejected"] == 0, response.text
    deadline = time.monotonic() + LOAD_TIMEOUT_S
    while _count_lines(gnomon) < wanted:
        assert time.monotonic() < deadline, "the lines were accepted, and are not found"
        time.sleep(0.05)


def shop_lines(count: int) -> list[dict[str, object]]:
    """Return lines of a shop over the last ten minutes, the newest last: every tenth failed, every fifth was slow."""
    now_ns = time.time_ns()
    step_ns = 600_000_000_000 // count
    return [_shop_line(now_ns - (count - number) * step_ns, number) for number in range(count)]


def odd_lines() -> list[dict[str, object]]:
    """Return lines that strain a layout."""
    now_ns = time.time_ns()
    name = "a-service-with-a-name-of-eighty-characters-that-nobody-would-ever-want-to-read-x"
    return [
        {"timestamp": now_ns, "service": name, "level": "error", "message": "x" * 3000, name: "v" * 700},
        {"timestamp": now_ns + 1, "service": "json", "level": "info", "message": '{"outer": {"inner": [1, 2]}}'},
        {"timestamp": now_ns + 2, "service": "colours", "level": "warn", "message": "\x1b[33mWARN\x1b[0m one\n  two"},
        {"timestamp": now_ns + 3, "service": "silent", "level": "fatal", "message": ""},
        {"timestamp": now_ns + 4, "service": "levelless", "message": "<b>not bold</b>"},
    ]


def _count_lines(gnomon: GnomonProcess) -> int:
    answer = httpx.get(f"{gnomon.url}/api/logs/histogram", params={"from": "now-1h", "to": "now"}, trust_env=False)
    return int(answer.raise_for_status().json()["total"])


def _shop_line(time_ns: int, number: int) -> dict[str, object]:
    line: dict[str, object] = {
        "timestamp": time_ns,
        "service": ("cart", "checkout", "search")[number % 3],
        "level": "info",
        "message": f"order {number} placed in {number % 90} ms",
        "tenant": ("acme", "globex")[number % 2],
        "order.id": number,
    }
    if number % 10 == 0:
        line |= {"level": "error", "message": f"payment {number} failed: connection reset by peer"}
        line |= {"trace_id": TRACE_ID, "span_id": SPAN_ID}
    elif number % 5 == 0:
        line |= {"level": "warn", "message": f"order {number} is slow"}
    return line
