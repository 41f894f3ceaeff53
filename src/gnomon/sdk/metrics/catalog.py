"""Every metric that the SDK knows by name, declared once; created when first used, prefixed by the namespace."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Merging = Literal["sum", "livesum", "mostrecent", "livemostrecent", "max"]

HTTP_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)
WORK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
MODEL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
WAIT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
STATEMENT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """Declare one metric. `merging` says how gauges of several processes become one at `/metrics`."""

    group: str
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    unit: str = ""
    buckets: tuple[float, ...] = ()
    merging: Merging = "livesum"


def _counter(group: str, name: str, labels: tuple[str, ...], text: str, unit: str = "") -> Metric:
    return Metric(group, name, "counter", labels, text, unit)


def _gauge(
    group: str, name: str, labels: tuple[str, ...], text: str, unit: str = "", merging: Merging = "livesum"
) -> Metric:
    return Metric(group, name, "gauge", labels, text, unit, merging=merging)


def _histogram(
    group: str, name: str, labels: tuple[str, ...], text: str, buckets: tuple[float, ...], unit: str = "seconds"
) -> Metric:
    return Metric(group, name, "histogram", labels, text, unit, buckets)


METRICS: tuple[Metric, ...] = (
    _counter("http", "http_requests_total", ("method", "endpoint", "status"), "HTTP requests answered."),
    _histogram(
        "http",
        "http_request_duration_seconds",
        ("method", "endpoint"),
        "Time from an HTTP request's arrival to the end of its answer.",
        HTTP_SECONDS,
    ),
    _gauge("http", "http_requests_in_progress", (), "HTTP requests being answered now."),
    _gauge("http", "websocket_connections_active", (), "WebSocket connections open now."),
    _counter("http", "sessions_created_total", (), "Sessions begun."),
    _counter("http", "auth_attempts_total", ("result",), "Attempts to authenticate, by result."),
    _counter("tasks", "tasks_total", ("status", "type", "priority"), "Tasks that ended, by how they ended."),
    _histogram(
        "tasks",
        "tasks_duration_seconds",
        ("task_type", "status"),
        "Time that the attempts of tasks took.",
        WORK_SECONDS,
    ),
    _gauge("tasks", "tasks_in_queue", ("queue",), "Tasks that wait in a queue.", merging="livemostrecent"),
    _counter("tasks", "task_retries_total", ("type",), "Attempts after the first."),
    _counter("tasks", "task_timeouts_total", ("type",), "Attempts that ran out of time."),
    _histogram(
        "agents",
        "agent_execution_duration_seconds",
        ("agent_id", "workspace", "status"),
        "Time that agents took for one execution.",
        WORK_SECONDS,
    ),
    _counter("agents", "agent_execution_total", ("agent_id", "workspace", "status"), "Executions of agents."),
    _gauge("agents", "agents_total", (), "Agents registered.", merging="livemostrecent"),
    _gauge("agents", "agents_active", (), "Agents at work now."),
    _gauge(
        "agents", "agent_trust_score", ("agent_id",), "Trust in an agent, as last reported.", merging="livemostrecent"
    ),
    _counter("agents", "agent_tasks_completed_total", ("agent_id",), "Tasks that an agent completed."),
    _counter("chains", "chains_total", ("status",), "Chains that ended, by how they ended."),
    _counter("chains", "chain_steps_total", ("status",), "Steps of chains that ended, by how they ended."),
    _histogram("chains", "chain_duration_seconds", ("status",), "Time that chains took.", WORK_SECONDS),
    _gauge("schedules", "scheduled_tasks_total", (), "Schedules that are defined.", merging="livemostrecent"),
    _counter("schedules", "scheduled_tasks_runs_total", ("schedule", "status"), "Runs of schedules."),
    _gauge(
        "schedules",
        "scheduled_tasks_next_run_seconds",
        ("schedule",),
        "Seconds until a schedule's next run, as last reported.",
        "seconds",
        "livemostrecent",
    ),
    _gauge(
        "schedules",
        "scheduled_tasks_last_run_timestamp",
        ("schedule",),
        "Unix time of a schedule's last run.",
        "seconds",
        "max",
    ),
    _counter("cache", "cache_hits_total", ("cache",), "Look-ups that a cache answered."),
    _counter("cache", "cache_misses_total", ("cache",), "Look-ups that a cache could not answer."),
    _gauge(
        "cache",
        "cache_hit_rate",
        ("cache",),
        "Share of look-ups that a cache answered since the start, 0 to 1.",
        "ratio",
        "livemostrecent",
    ),
    _gauge("database", "db_connections_active", ("pool",), "Connections of a pool in use now."),
    _gauge("database", "db_connections_max", ("pool",), "Connections that a pool may open."),
    _counter("database", "db_queries_total", ("operation", "status"), "Statements executed."),
    _histogram(
        "database", "db_query_duration_seconds", ("operation",), "Time that statements took.", STATEMENT_SECONDS
    ),
    _counter(
        "llm", "llm_tokens_total", ("provider", "model", "direction"), "Tokens, direction input or output.", "tokens"
    ),
    _counter("llm", "slm_requests_total", ("model",), "Requests to models."),
    _histogram("llm", "slm_latency_seconds", ("model",), "Time that models took to answer.", MODEL_SECONDS),
    _counter("llm", "slm_tokens_total", ("model", "type"), "Tokens, type input or output.", "tokens"),
    _counter("conversation", "conversation_requests_total", (), "Turns of conversations begun."),
    _histogram(
        "conversation",
        "conversation_processing_duration_seconds",
        (),
        "Time that turns of conversations took.",
        MODEL_SECONDS,
    ),
    _counter("conversation", "conversation_errors_total", ("error_type",), "Turns of conversations that failed."),
    _counter("conversation", "intent_classification_total", ("intent",), "Intents recognised."),
    _counter("tools", "tool_execution_total", ("tool_name", "status"), "Executions of tools."),
    _histogram("tools", "tool_execution_duration_seconds", ("tool_name",), "Time that tools took.", WORK_SECONDS),
    _counter("tools", "tool_execution_failures_total", ("tool_name", "error_type"), "Executions that failed."),
    _gauge("tools", "sandbox_active_executions", (), "Executions in sandboxes now."),
    _gauge(
        "tools",
        "resource_usage_cpu_seconds",
        ("tool_name",),
        "CPU time that a tool's executions used since the start; it only grows.",
        "seconds",
        "sum",
    ),
    _gauge(
        "tools",
        "resource_usage_memory_bytes",
        ("tool_name",),
        "Memory that a tool's last execution used at its peak.",
        "bytes",
        "livemostrecent",
    ),
    _gauge("budget", "team_spend_usd", ("team",), "Dollars that a team spent since the start.", "USD", "sum"),
    _counter(
        "budget",
        "budget_tokens_consumed_total",
        ("tenant", "persona_id"),
        "Tokens that count against a budget.",
        "tokens",
    ),
    _counter("budget", "budget_limit_reached_total", ("tenant", "persona_id"), "Requests that met a spent budget."),
    _counter("policy", "policy_evaluations_total", ("result",), "Decisions of policies, by result."),
    _counter("policy", "policy_blocked_total", ("tool_name", "tenant"), "Executions of tools that a policy blocked."),
    _counter(
        "messaging",
        "messaging_messages_sent_total",
        ("system", "destination", "error"),
        "Messages handed to a broker; error is empty for those that it took.",
    ),
    _histogram(
        "messaging",
        "messaging_queue_wait_seconds",
        ("system", "destination"),
        "Time from sending a message, or from when its retry was due, to its receipt by a consumer.",
        WAIT_SECONDS,
    ),
    _histogram(
        "messaging",
        "messaging_process_duration_seconds",
        ("system", "destination", "outcome"),
        "Time that attempts to process a message took, by outcome: processed or failed.",
        WORK_SECONDS,
    ),
    _counter(
        "messaging",
        "messaging_messages_retried_total",
        ("system", "destination"),
        "Attempts that failed and are made again.",
    ),
    _counter(
        "messaging",
        "messaging_messages_dead_lettered_total",
        ("system", "destination"),
        "Messages moved to a dead letter queue.",
    ),
    _counter("gateway", "gateway_requests_total", ("gateway_id", "method", "status"), "Requests through a gateway."),
    _gauge("gateway", "gateway_active_connections", ("gateway_id",), "Connections that a gateway holds now."),
)

# What is there without anybody using it, and without the namespace: the first ones by prometheus_client on Linux.
COLLECTED: tuple[Metric, ...] = (
    _counter("process", "process_cpu_seconds_total", (), "CPU time of this process.", "seconds"),
    _gauge("process", "process_resident_memory_bytes", (), "Resident memory.", "bytes"),
    _gauge("process", "process_virtual_memory_bytes", (), "Virtual memory.", "bytes"),
    _gauge("process", "process_start_time_seconds", (), "Unix time at which the process began.", "seconds"),
    _gauge("process", "process_open_fds", (), "Open file descriptors."),
    _gauge("process", "process_max_fds", (), "File descriptors that may be open."),
    _gauge("process", "python_info", ("implementation", "major", "minor", "patchlevel", "version"), "The Python."),
    _counter("process", "python_gc_objects_collected_total", ("generation",), "Objects collected as garbage."),
    _counter("process", "python_gc_objects_uncollectable_total", ("generation",), "Garbage that cannot be collected."),
    _counter("process", "python_gc_collections_total", ("generation",), "Rounds of garbage collection."),
    _counter("process", "gnomon_sdk_sent_total", ("signal",), "Spans and log records that the receiver took."),
    _counter("process", "gnomon_sdk_dropped_total", ("signal",), "Spans and log records dropped: the queue was full."),
    _counter("process", "gnomon_sdk_refused_total", ("signal",), "Spans and log records that no receiver took."),
    _gauge("process", "gnomon_sdk_queue_bytes", (), "Spans and log records that wait to be sent.", "bytes"),
    _counter("process", "gnomon_sdk_faults_total", ("doing",), "Faults of the SDK that were kept from the host."),
    _counter(
        "process",
        "gnomon_sdk_label_overflows_total",
        ("metric", "label"),
        "Uses of a metric whose label value was replaced by __other__.",
    ),
)

BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(metric.group for metric in (*METRICS, *COLLECTED)))
