"""Policies: what a tenant may ask for, and which tools may work for it; every decision is counted."""

from typing import Any

import gnomon
from examples.agent_platform.tenants import Tenant

LONGEST_ARGUMENTS = 4_000
_decisions = gnomon.counter("policy_evaluations_total")
_blocked = gnomon.counter("policy_blocked_total")


def check_submission(tenant: Tenant, task_type: str, priority: int, arguments: Any) -> str:
    """Return why a tenant may not submit a task, or nothing when it may."""
    reason = ""
    if task_type in tenant.barred_types:
        reason = f"Tenant {tenant.name!r} may not submit tasks of type {task_type!r}."
    elif priority > tenant.highest_priority:
        reason = f"Tenant {tenant.name!r} may not use priority {priority}; its highest is {tenant.highest_priority}."
    elif len(str(arguments)) > LONGEST_ARGUMENTS:
        reason = f"The arguments are longer than {LONGEST_ARGUMENTS} characters."
    _decisions.labels("deny" if reason else "allow").inc()
    return reason


def check_tool(tenant: Tenant | None, tool: str) -> str:
    """Return why a tool may not work for a tenant, or nothing when it may."""
    barred = tenant is not None and tool in tenant.barred_tools
    _decisions.labels("deny" if barred else "allow").inc()
    if tenant is None or not barred:
        return ""
    _blocked.labels(tool, tenant.name).inc()
    return f"The tool {tool!r} may not work for tenant {tenant.name!r}."


def check_delegation(depth: int, deepest: int) -> str:
    """Return why work may not be passed on, or nothing when it may."""
    reason = f"Work was passed on {depth} times already." if depth > deepest else ""
    _decisions.labels("deny" if reason else "allow").inc()
    return reason
