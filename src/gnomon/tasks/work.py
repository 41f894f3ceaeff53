"""All questions about tasks and agents in one place, for whoever answers them to people."""

from collections.abc import Mapping
from dataclasses import dataclass

from gnomon.lifecycle import Clock
from gnomon.storage.agent_store import AgentStore
from gnomon.storage.dead_letter_log import DeadLetterLog
from gnomon.storage.dead_letter_store import DeadLetterStore
from gnomon.storage.engine import Engine
from gnomon.storage.task_store import TaskStore
from gnomon.storage.trace_store import Freshness, TraceStore
from gnomon.storage.work_span_store import WorkSpanStore
from gnomon.tasks.agents import Agents
from gnomon.tasks.conversations import Conversations
from gnomon.tasks.dead_letters import DeadLetters
from gnomon.tasks.journeys import Journeys
from gnomon.tasks.running import RunningTasks
from gnomon.tasks.task_search import TaskSearch


@dataclass(frozen=True, slots=True)
class Work:
    """Hold what answers questions about tasks, agents and what they said."""

    search: TaskSearch
    journeys: Journeys
    running: RunningTasks
    agents: Agents
    conversations: Conversations
    dead_letters: DeadLetters


def create_work(
    engine: Engine, journal: Freshness, letters: DeadLetterLog, brokers: Mapping[str, str], clock: Clock
) -> Work:
    """Return everything about tasks over one engine; dead letters are replayed through `brokers`, URLs by name."""
    tasks, spans = TaskStore(engine, journal), WorkSpanStore(engine, journal)
    return Work(
        search=TaskSearch(tasks),
        journeys=Journeys(tasks, spans),
        running=RunningTasks(tasks, clock),
        agents=Agents(AgentStore(engine, journal), clock),
        conversations=Conversations(TraceStore(engine, journal), spans),
        dead_letters=DeadLetters(DeadLetterStore(engine, journal), letters, brokers, clock),
    )
