"""An agent at work: its run is a span of the GenAI conventions, its hand-offs are events."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gnomon.sdk import context, events
from gnomon.sdk.context import WorkContext
from gnomon.sdk.events import AttributeValue
from gnomon.sdk.metrics import families
from gnomon.sdk.work.block import Block, outcome
from gnomon.sdk.work.task import current_task

_seconds = families.histogram("agent_execution_duration_seconds")
_runs = families.counter("agent_execution_total")
_active = families.gauge("agents_active")
_trust = families.gauge("agent_trust_score")


class agent(Block):  # noqa: N801 - read as a function: `with gnomon.agent("researcher"):`
    """Run an agent: spans, events and log lines inside carry its id."""

    def __init__(
        self,
        id: str,  # noqa: A002 - the attribute's name
        *,
        name: str | None = None,
        trust_score: float | None = None,
        workspace: str = "",
        model: str | None = None,
        provider: str | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Take who runs; `workspace` is a label of its metrics, `trust_score` is shown as last told."""
        super().__init__(attributes)
        self.id = id
        self._name = name or id
        self._trust_score = trust_score
        self._workspace = workspace
        self._model = model
        self._provider = provider

    def describe(self, outer: WorkContext) -> tuple[str, dict[str, Any], WorkContext]:
        """Name the run."""
        known: dict[str, Any] = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": self.id,
            "gen_ai.agent.name": self._name,
        }
        if self._trust_score is not None:
            known["agent.trust_score"] = self._trust_score
        if self._model is not None:
            known["gen_ai.request.model"] = self._model
        if self._provider is not None:
            known["gen_ai.provider.name"] = self._provider
        if outer.session_id is not None:
            known["gen_ai.conversation.id"] = outer.session_id
        return f"invoke_agent {self._name}", known, replace(outer, agent_id=self.id)

    def began(self) -> None:
        """Count it as active."""
        _active.inc()
        if self._trust_score is not None:
            _trust.labels(self.id).set(self._trust_score)
        if (task := current_task()) is not None:
            task.worked_by(self.id)

    def ended(self, seconds: float, error: BaseException | None) -> None:
        """Count how it ended."""
        self.status = self.status or outcome(error)
        _active.dec()
        _runs.labels(self.id, self._workspace, self.status).inc()
        _seconds.labels(self.id, self._workspace, self.status).observe(seconds, self.exemplar())


def hand_off(to_agent_id: str, *, from_agent_id: str | None = None, task_id: str | None = None) -> None:
    """Tell that the agent at work passes the task at hand on to another."""
    around = context.current()
    events.emit(
        "agent.handed_off",
        {
            "agent.id": from_agent_id or around.agent_id,
            "agent.to_id": to_agent_id,
            "task.id": task_id or around.task_id,
        },
    )


def report_agents(total: int, trust_scores: Mapping[str, float] | None = None) -> None:
    """Tell how many agents are registered, and how far each is trusted."""
    families.gauge("agents_total").set(total)
    for agent_id, score in (trust_scores or {}).items():
        _trust.labels(agent_id).set(score)
