import os
import subprocess
import sys
from pathlib import Path

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import gnomon
from gnomon.testing import capture

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def test_openmetrics_carries_the_trace_as_exemplar() -> None:
    with capture() as told:
        with gnomon.task("exemplary"):
            pass
        text, content_type = gnomon.render_metrics(OPENMETRICS)
        span = told.span("task exemplary")
    assert content_type.startswith("application/openmetrics-text")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}  # type: ignore[no-untyped-call]
    exemplars = [
        sample.exemplar.labels
        for sample in families["tasks_duration_seconds"].samples
        if sample.labels.get("task_type") == "exemplary" and sample.exemplar
    ]
    assert exemplars == [{"trace_id": span.trace_id, "span_id": span.span_id}]


def test_a_trace_that_is_not_kept_is_no_exemplar() -> None:
    with capture(sample_ratio=0.0):
        with gnomon.task("unkept"):
            pass
        text = gnomon.render_metrics(OPENMETRICS)[0].decode()
    assert not [line for line in text.splitlines() if 'task_type="unkept"' in line and " # {" in line]


def test_a_server_of_its_own_answers_and_stops() -> None:
    with capture():
        gnomon.counter("served_total", "Served.").inc()
        port, stop = gnomon.serve_metrics()
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"accept": OPENMETRICS}, trust_env=False)
        finally:
            stop()
    assert "served_total 1.0" in answer.text
    assert answer.text.endswith("# EOF\n")


async def test_the_asgi_application_answers() -> None:
    with capture():
        gnomon.counter("mounted_total", "Mounted.").inc()
        transport = httpx.ASGITransport(gnomon.metrics_asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            assert "mounted_total 1.0" in (await client.get("/metrics")).text


def test_the_workers_of_a_server_are_one_at_metrics(tmp_path: Path) -> None:
    code = """
import os, gnomon
gnomon.setup(service="x", endpoint="", instrument="none", logs=False)
def work(number):
    gnomon.counter("tasks_total").labels("completed", "t", "normal").inc(number)
    gnomon.gauge("agents_active").inc(number)
    gnomon.histogram("slm_latency_seconds").labels("m").observe(number)
for number in (1, 2):
    child = os.fork()
    if child == 0:
        work(number)
        if number == 1:
            gnomon.shutdown()
        os._exit(0)
    os.waitpid(child, 0)
work(4)
print(gnomon.render_metrics()[0].decode())
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'tasks_total{priority="normal",status="completed",type="t"} 7.0' in answer.stdout
    assert 'slm_latency_seconds_count{model="m"} 3.0' in answer.stdout
    # Of the child that said goodbye, a live gauge is gone; the one that crashed is still counted.
    assert "agents_active 6.0" in answer.stdout
