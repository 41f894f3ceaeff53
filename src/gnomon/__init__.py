"""Gnomon: observability for systems of AI agents and task workers.

`gnomon.setup(service="checkout")` records metrics, traces, logs and events of an application and sends them to Gnomon;
what else is here names the work that it does. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnomon.sdk.context import WorkContext, bind, current
    from gnomon.sdk.events import emit
    from gnomon.sdk.health import Health
    from gnomon.sdk.journals import JournalSettings
    from gnomon.sdk.logs import LogSettings, RotationSettings, set_level
    from gnomon.sdk.metrics.exposition import metrics_asgi, metrics_wsgi, render_metrics, serve_metrics
    from gnomon.sdk.metrics.families import counter, gauge, histogram
    from gnomon.sdk.profiling import Profiling, ProfilingSettings
    from gnomon.sdk.resources import ResourceUsage, measure
    from gnomon.sdk.setup import flush, setup, shutdown
    from gnomon.sdk.tracing.asgi import TelemetryMiddleware
    from gnomon.sdk.usage import ApiCallMiddleware, track_api_call, track_feature, track_session
    from gnomon.sdk.work.agent import agent, hand_off, report_agents
    from gnomon.sdk.work.cache import cache_lookup
    from gnomon.sdk.work.chain import chain, step
    from gnomon.sdk.work.llm_call import llm_call
    from gnomon.sdk.work.schedule import report_schedules, scheduled_run
    from gnomon.sdk.work.task import current_task, mark_task, submit_task, task
    from gnomon.sdk.work.tool import tool

    __version__: str

__all__ = [
    "ApiCallMiddleware",
    "Health",
    "JournalSettings",
    "LogSettings",
    "Profiling",
    "ProfilingSettings",
    "ResourceUsage",
    "RotationSettings",
    "TelemetryMiddleware",
    "WorkContext",
    "__version__",
    "agent",
    "bind",
    "cache_lookup",
    "chain",
    "counter",
    "current",
    "current_task",
    "emit",
    "flush",
    "gauge",
    "hand_off",
    "histogram",
    "llm_call",
    "mark_task",
    "measure",
    "metrics_asgi",
    "metrics_wsgi",
    "render_metrics",
    "report_agents",
    "report_schedules",
    "scheduled_run",
    "serve_metrics",
    "set_level",
    "setup",
    "shutdown",
    "step",
    "submit_task",
    "task",
    "tool",
    "track_api_call",
    "track_feature",
    "track_session",
]

_HOMES = {
    "ApiCallMiddleware": "gnomon.sdk.usage",
    "Health": "gnomon.sdk.health",
    "JournalSettings": "gnomon.sdk.journals",
    "LogSettings": "gnomon.sdk.logs",
    "Profiling": "gnomon.sdk.profiling",
    "ProfilingSettings": "gnomon.sdk.profiling",
    "ResourceUsage": "gnomon.sdk.resources",
    "RotationSettings": "gnomon.sdk.logs",
    "TelemetryMiddleware": "gnomon.sdk.tracing.asgi",
    "WorkContext": "gnomon.sdk.context",
    "agent": "gnomon.sdk.work.agent",
    "bind": "gnomon.sdk.context",
    "cache_lookup": "gnomon.sdk.work.cache",
    "chain": "gnomon.sdk.work.chain",
    "counter": "gnomon.sdk.metrics.families",
    "current": "gnomon.sdk.context",
    "current_task": "gnomon.sdk.work.task",
    "emit": "gnomon.sdk.events",
    "flush": "gnomon.sdk.setup",
    "gauge": "gnomon.sdk.metrics.families",
    "hand_off": "gnomon.sdk.work.agent",
    "histogram": "gnomon.sdk.metrics.families",
    "llm_call": "gnomon.sdk.work.llm_call",
    "mark_task": "gnomon.sdk.work.task",
    "measure": "gnomon.sdk.resources",
    "metrics_asgi": "gnomon.sdk.metrics.exposition",
    "metrics_wsgi": "gnomon.sdk.metrics.exposition",
    "render_metrics": "gnomon.sdk.metrics.exposition",
    "report_agents": "gnomon.sdk.work.agent",
    "report_schedules": "gnomon.sdk.work.schedule",
    "scheduled_run": "gnomon.sdk.work.schedule",
    "serve_metrics": "gnomon.sdk.metrics.exposition",
    "set_level": "gnomon.sdk.logs",
    "setup": "gnomon.sdk.setup",
    "shutdown": "gnomon.sdk.setup",
    "step": "gnomon.sdk.work.chain",
    "submit_task": "gnomon.sdk.work.task",
    "task": "gnomon.sdk.work.task",
    "tool": "gnomon.sdk.work.tool",
    "track_api_call": "gnomon.sdk.usage",
    "track_feature": "gnomon.sdk.usage",
    "track_session": "gnomon.sdk.usage",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("gnomon")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'gnomon' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
