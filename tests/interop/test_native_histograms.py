"""Random native histograms of all kinds yield the same in promtool's engine and in Gnomon's."""

import math
import random
import re
from pathlib import Path

import pytest
import yaml

from gnomon.alerting.rule_tests import run_rule_tests
from tests.peers.prometheus import ToolError, promtool

QUERIES = (
    "rate(h[5m])",
    "increase(h[3m])",
    "irate(h[5m])",
    "rate(h[90s:30s])",
    "sum(h)",
    'sum by (kind) (rate(h{kind!="gauge"}[5m]))',
    "avg by (kind) (h)",
    "sum_over_time(h[4m])",
    "avg_over_time(h[4m])",
    "last_over_time(h[4m])",
    "count_over_time(h[4m])",
    "resets(h[10m])",
    "changes(h[10m])",
    'delta(h{kind="gauge"}[5m])',
    'idelta(h{kind="gauge"}[5m])',
    "histogram_count(h)",
    'histogram_sum(rate(h{kind!="gauge"}[5m]))',
    "histogram_avg(h)",
    "histogram_stddev(h)",
    "histogram_stdvar(rate(h[5m]))",
    "histogram_quantile(0, h)",
    "histogram_quantile(0.3, h)",
    "histogram_quantile(0.9, rate(h[5m]))",
    "histogram_quantile(1, sum by (kind) (h))",
    "histogram_fraction(0.5, 3, h)",
    "histogram_fraction(-Inf, 1.7, rate(h[5m]))",
    "histogram_fraction(-2, 0.001, h)",
    "h * 3",
    "h / 0",
    "-h",
    "h + on (kind) group_left () sum by (kind) (h)",
    "h - h offset 1m",
    "h == h offset 30s",
    "count(h)",
    "h and h offset 1m",
    "topk(1, h)",
    "histogram_count(h) > 10",
)
_NUMBER = re.compile(r"(?<![\w.])[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf|NaN)(?![\w.])")


def make_series(chance: random.Random) -> list[dict[str, str]]:
    """Return counters and gauges of several layouts; resolution, zero bucket and bounds change on the way."""
    series = []
    for kind in ("exponential", "wide", "custom", "gauge"):
        for number in range(2):
            values = [make_values(chance, kind) for _ in range(chance.randint(2, 4))]
            series.append({"series": f'h{{kind="{kind}", n="{number}"}}', "values": " ".join(values)})
    return series


def make_values(chance: random.Random, kind: str) -> str:
    """Return a stretch of a counter that grows from small beginnings, in one layout."""
    count = chance.randint(5, 12)
    if kind == "custom":
        bounds = sorted(chance.sample(range(-3, 12), 4))
        layout = f"schema:-53 custom_values:[{' '.join(map(str, bounds))}]"
        sizes = {"buckets": 5}
    else:
        schema = chance.choice((0, 1, 3) if kind == "wide" else (2,))
        layout = f"schema:{schema} z_bucket_w:{chance.choice((0.001, 0.3)) if kind == 'wide' else 0.01}"
        sizes = {"buckets": 4, "n_buckets": 2, "z_bucket": 0}

    def histogram(most: int) -> str:
        parts, total = [layout], 0
        for key, size in sizes.items():
            counts = [chance.randint(0, most) for _ in range(size or 1)]
            total += sum(counts)
            parts.append(f"{key}:[{' '.join(map(str, counts))}]" if size else f"{key}:{counts[0]}")
        if kind == "gauge":
            parts.append("counter_reset_hint:gauge")
        return "{{" + " ".join([*parts, f"count:{total}", f"sum:{total * chance.choice((0.5, 1.25, 2))}"]) + "}}"

    if kind == "gauge":
        return " ".join(histogram(6) for _ in range(count))
    return f"{histogram(3)}+{histogram(2)}x{count}"


def read_answers(lines: list[str]) -> dict[str, str]:
    """Return what came by query and time."""
    answers, key = {}, ""
    for line in lines:
        if line.startswith("    expr:"):
            key = line
        elif line.strip().startswith("got:"):
            answers[key] = line.strip()
    return answers


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("promtool_program")
async def test_random_histograms_yield_the_same(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    impossible = [{"labels": '{never="there"}', "value": 1}]
    asked = [
        {"expr": query, "eval_time": f"{minutes}m", "exp_samples": impossible}
        for query in QUERIES
        for minutes in (4, 9, 11)
    ]
    group = {"interval": "30s", "input_series": make_series(chance), "promql_expr_test": asked}
    content = {"evaluation_interval": "1m", "tests": [group]}
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump(content, width=100_000), encoding="utf-8")
    verdict = await run_rule_tests(file)
    with pytest.raises(ToolError) as refused:
        promtool("test", "rules", file)

    ours = read_answers([line for fault in verdict.faults for line in fault.splitlines()])
    theirs = read_answers(str(refused.value).splitlines())
    assert ours.keys() == theirs.keys()
    assert len(ours) == len(asked)
    for key, answer in ours.items():
        assert _NUMBER.sub("#", answer) == _NUMBER.sub("#", theirs[key]), (key, answer, theirs[key])
        for one, two in zip(_NUMBER.findall(answer), _NUMBER.findall(theirs[key]), strict=True):
            same = one == two or math.isclose(float(one), float(two), rel_tol=1e-9, abs_tol=1e-12)
            assert same, (key, answer, theirs[key])
