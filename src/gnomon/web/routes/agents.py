"""`/api/agents`: how agents fare, and how work passes between them."""

from fastapi import APIRouter
from pydantic import BaseModel

from gnomon.costs.cost_views import Cost
from gnomon.tasks.task_views import AgentCourse, AgentSummary, HandOffGraph
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/agents", tags=["agents"])


class PricedAgent(BaseModel):
    """Pair an agent with what its work in the range cost; null where it cost nothing that is known of."""

    summary: AgentSummary
    cost: Cost | None


class AgentsResponse(BaseModel):
    """List agents, the busiest first."""

    agents: list[PricedAgent]


@router.get("", summary="List agents")
async def list_agents(services: ServicesDep, time_range: TimeRangeDep) -> AgentsResponse:
    """Return load, success, trust, latency and cost of every agent that worked in the range."""
    agents = await services.work.agents.summarize(time_range)
    costs = await services.costs.of_each(time_range, "agent")
    return AgentsResponse(agents=[PricedAgent(summary=agent, cost=costs.get(agent.agent)) for agent in agents])


@router.get("/points", summary="Show agents over time")
async def list_agent_points(services: ServicesDep, time_range: TimeRangeDep) -> AgentCourse:
    """Return attempts, failures, busy time, latency and trust of every agent by step of time."""
    return await services.work.agents.points(time_range)


@router.get("/handoffs", summary="Show how work passes between agents")
async def get_hand_offs(services: ServicesDep, time_range: TimeRangeDep) -> HandOffGraph:
    """Return the graph of hand-offs and delegations, by step of time."""
    return await services.work.agents.hand_offs(time_range)
