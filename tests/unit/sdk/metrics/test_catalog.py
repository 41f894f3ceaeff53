"""The catalogue holds, to the letter, what its users look for."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

import gnomon
from gnomon.sdk.metrics.catalog import BY_NAME, COLLECTED, GROUPS, METRICS, Metric
from gnomon.testing import capture

# Name, kind, and the labels where they are fixed.
WANTED = """
agent_execution_duration_seconds histogram agent_id,workspace,status
agent_execution_total counter agent_id,workspace,status
llm_tokens_total counter provider,model,direction
gateway_requests_total counter gateway_id,method,status
gateway_active_connections gauge gateway_id
team_spend_usd gauge
http_requests_total counter method,endpoint,status
http_request_duration_seconds histogram
http_requests_in_progress gauge
tasks_total counter status,type,priority
tasks_duration_seconds histogram task_type,status
tasks_in_queue gauge
task_retries_total counter
task_timeouts_total counter
agents_total gauge
agents_active gauge
agent_trust_score gauge
agent_tasks_completed_total counter
chains_total counter status
chain_steps_total counter
chain_duration_seconds histogram
scheduled_tasks_total gauge
scheduled_tasks_runs_total counter
scheduled_tasks_next_run_seconds gauge
scheduled_tasks_last_run_timestamp gauge
cache_hits_total counter
cache_misses_total counter
cache_hit_rate gauge
db_connections_active gauge
db_connections_max gauge
db_queries_total counter
db_query_duration_seconds histogram
websocket_connections_active gauge
sessions_created_total counter
auth_attempts_total counter result
policy_evaluations_total counter result
conversation_requests_total counter
conversation_processing_duration_seconds histogram
conversation_errors_total counter error_type
slm_requests_total counter model
slm_latency_seconds histogram model
slm_tokens_total counter model,type
budget_tokens_consumed_total counter tenant,persona_id
budget_limit_reached_total counter tenant,persona_id
intent_classification_total counter intent
tool_execution_total counter tool_name,status
tool_execution_duration_seconds histogram tool_name
tool_execution_failures_total counter tool_name,error_type
policy_blocked_total counter tool_name,tenant
sandbox_active_executions gauge
resource_usage_cpu_seconds gauge tool_name
resource_usage_memory_bytes gauge tool_name
""".strip().splitlines()


@pytest.mark.parametrize("line", WANTED, ids=lambda line: line.split()[0])
def test_a_metric_that_users_look_for_is_declared_so(line: str) -> None:
    name, kind, *labels = line.split(" ")
    metric = BY_NAME[name]
    assert metric.kind == kind
    if labels:
        assert metric.labels == tuple(labels[0].split(","))


def test_no_metric_is_declared_twice() -> None:
    assert len(BY_NAME) == len(METRICS)


def test_http_durations_have_the_buckets_that_alerts_count_on() -> None:
    assert BY_NAME["http_request_duration_seconds"].buckets == (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
    assert {2.5, 5.0} <= set(BY_NAME["conversation_processing_duration_seconds"].buckets)


def test_every_group_is_there() -> None:
    assert set(GROUPS) >= {
        "http", "tasks", "agents", "chains", "schedules", "cache", "database", "llm", "conversation", "tools", "budget",
        "policy", "gateway", "process",
    }  # fmt: skip


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_shows_at_metrics_under_the_namespace_once_used(metric: Metric) -> None:
    with capture(namespace="ains"):
        values = [f"v{number}" for number in range(len(metric.labels))]
        if metric.kind == "counter":
            gnomon.counter(metric.name).labels(*values).inc()
        elif metric.kind == "gauge":
            gnomon.gauge(metric.name).labels(*values).set(1)
        else:
            gnomon.histogram(metric.name).labels(*values).observe(1)
        text = gnomon.render_metrics()[0].decode()
    name = f"ains_{metric.name}"
    sample = f"{name}_count" if metric.kind == "histogram" else name
    pattern = rf"(?m)^{sample}" + (r"\{[^}]*" + metric.labels[0] if metric.labels else " ")
    assert re.search(pattern, text)
    families = {family.name: family.type for family in text_string_to_metric_families(text)}
    assert families[name.removesuffix("_total") if metric.kind == "counter" else name] == metric.kind


def test_what_is_collected_without_being_used_is_there() -> None:
    with capture():
        text = gnomon.render_metrics()[0].decode()
    for metric in COLLECTED:
        assert f"# HELP {metric.name} {metric.help}" in text or re.search(rf"(?m)^# HELP {metric.name} ", text)
