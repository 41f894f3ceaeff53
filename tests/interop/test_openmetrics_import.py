"""What promtool makes of OpenMetrics text, dumped again and imported: every sample is there."""

import random
import re
import time
from pathlib import Path

import httpx

from tests.gnomon_process import GnomonProcess, run_gnomon
from tests.peers.fixtures import require
from tests.peers.installation import PROMTOOL
from tests.peers.prometheus import promtool


def test_a_dump_of_prometheus_blocks_is_imported_whole(tmp_path: Path) -> None:
    """Create blocks with promtool, dump them with promtool, import the dump, and ask for all samples."""
    require(PROMTOOL)
    chance = random.Random("import")
    start_s = int(time.time()) - 7200
    text = tmp_path / "given.txt"
    expected: dict[str, list[list[float]]] = {}
    lines = []
    for number in range(40):
        for step in range(30):
            value = round(chance.uniform(-5, 5), 3)
            time_ms = (start_s + step * 15) * 1000 + number
            lines.append((time_ms, f'imported{{n="{number}",path="/a b"}} {value} {time_ms / 1000:.3f}'))
            expected.setdefault(str(number), []).append([time_ms, value])
    text.write_text("# TYPE imported gauge\n" + "\n".join(line for _, line in lines) + "\n# EOF\n")
    promtool("tsdb", "create-blocks-from", "openmetrics", text, tmp_path / "blocks")
    (tmp_path / "blocks" / "wal").mkdir()
    dump = tmp_path / "dump.txt"
    dump.write_text(promtool("tsdb", "dump-openmetrics", tmp_path / "blocks"))
    gnomon = GnomonProcess(tmp_path / "data").start()
    try:
        done = run_gnomon("import", "openmetrics", str(dump), "--url", gnomon.url)
        assert (done.returncode, done.stdout.strip()) == (0, "Imported 1,200 samples."), done.stderr
        wrong = tmp_path / "wrong.txt"
        wrong.write_text("imported_2 1 1700000000\nimported_2 oops\n# EOF\n")
        done = run_gnomon("import", "openmetrics", str(wrong), "--url", gnomon.url)
        assert done.returncode == 1
        assert re.match(r"Line 2: ", done.stderr), done.stderr
        found: dict[str, list[list[float]]] = {}
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and sum(map(len, found.values())) < len(lines):
            asked: dict[str, str | int] = {"query": "imported[1h]", "time": start_s + 3000}
            answer = httpx.get(f"{gnomon.url}/api/v1/query", params=asked, trust_env=False, timeout=30).json()
            found = {
                series["metric"]["n"]: [[round(when * 1000), float(value)] for when, value in series["values"]]
                for series in answer["data"]["result"]
            }
        assert found.keys() == expected.keys()
        for n, samples in expected.items():
            assert [value for _, value in found[n]] == [value for _, value in samples]
            # What promtool reads is a millisecond less here and there.
            assert all(0 <= given - got <= 1 for (given, _), (got, _) in zip(samples, found[n], strict=True))
    finally:
        gnomon.stop()
