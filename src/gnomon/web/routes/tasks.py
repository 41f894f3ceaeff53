"""`/api/tasks`: find tasks, watch those under way, tell one whole, and what it cost."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from gnomon.costs.cost_views import Cost, TaskCost
from gnomon.model.durations import parse_duration_ns
from gnomon.model.tasks import Task, TaskCounts, TaskFilter, TaskSort, TaskState
from gnomon.model.trace_ids import parse_trace_id
from gnomon.tasks.task_views import Forecast, RunningTask, TaskJourney
from gnomon.web.services import ServicesDep
from gnomon.web.time_range import TimeRangeDep

router = APIRouter(prefix="/api/tasks", tags=["tasks"])

Many = Annotated[list[str] | None, Query(description="Only these; may be repeated.")]
TaskId = Annotated[str, Path(max_length=500, description="The task's id; of a trace's own run `trace-` and its id.")]


class PricedTask(BaseModel):
    """Pair a task with what it cost by itself, without the tasks under it."""

    task: Task
    cost: Cost


class TaskListResponse(BaseModel):
    """Hold a page of tasks."""

    tasks: list[PricedTask]
    next_cursor: str


class RunningTasksResponse(BaseModel):
    """Hold the tasks that have not ended."""

    tasks: list[RunningTask]


class TaskResponse(BaseModel):
    """Tell one task whole, with what it and everything under it cost, and how long it still needs while it runs."""

    journey: TaskJourney
    cost: TaskCost
    forecast: Forecast | None


class TracedTasksResponse(BaseModel):
    """Hold the tasks that a trace is of."""

    tasks: list[Task]


async def get_task_filter(
    q: Annotated[str, Query(description="Text in the id, type, agent, tenant or error, ignoring case.")] = "",
    state: Annotated[list[TaskState] | None, Query(description="Only these; may be repeated.")] = None,
    type_: Annotated[list[str] | None, Query(alias="type", description="Only these; may be repeated.")] = None,
    agent: Many = None,
    tenant: Many = None,
    queue: Many = None,
    priority: Many = None,
    error: Annotated[list[str] | None, Query(description="Only these error types; may be repeated.")] = None,
    session: Annotated[str, Query(description="Only this session's.")] = "",
    chain: Annotated[str, Query(description="Only this chain's.")] = "",
    parent: Annotated[str, Query(description="Only tasks directly under this one.")] = "",
    min_duration: Annotated[str, Query(description="Shortest, such as 250ms.")] = "",
    max_duration: Annotated[str, Query(description="Longest.")] = "",
    retried: Annotated[bool, Query(description="Only tasks with more than one attempt.")] = False,  # noqa: FBT002
) -> TaskFilter:
    """Return which tasks a request asks for; raises InvalidInputError for durations that are none."""
    return TaskFilter(
        states=tuple(state or ()),
        types=tuple(type_ or ()),
        agents=tuple(agent or ()),
        tenants=tuple(tenant or ()),
        queues=tuple(queue or ()),
        priorities=tuple(priority or ()),
        errors=tuple(error or ()),
        session=session,
        chain=chain,
        parent_id=parent,
        text=q,
        min_duration_ns=parse_duration_ns(min_duration) if min_duration else 0,
        max_duration_ns=parse_duration_ns(max_duration) if max_duration else 0,
        retried=retried,
    )


TaskFilterDep = Annotated[TaskFilter, Depends(get_task_filter)]


@router.get("", summary="Find tasks")
async def list_tasks(
    services: ServicesDep,
    time_range: TimeRangeDep,
    wanted: TaskFilterDep,
    sort: Annotated[TaskSort, Query(description="What comes first.")] = TaskSort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=500, description="Tasks on a page.")] = 50,
    cursor: Annotated[str, Query(description="`next_cursor` of the page before.")] = "",
) -> TaskListResponse:
    """Return the tasks that began in the range, each with its own cost."""
    page = await services.work.search.search(time_range, wanted, sort, limit, cursor)
    costs = await services.costs.of_tasks(page.tasks)
    return TaskListResponse(
        tasks=[PricedTask(task=task, cost=costs[task.task_id]) for task in page.tasks], next_cursor=page.next_cursor
    )


@router.get("/counts", summary="Break tasks down")
async def count_tasks(services: ServicesDep, time_range: TimeRangeDep, wanted: TaskFilterDep) -> TaskCounts:
    """Return kinds with their failures and durations, facets, the distribution of durations, and counts over time."""
    return await services.work.search.count(time_range, wanted)


@router.get("/running", summary="List tasks under way")
async def list_running_tasks(
    services: ServicesDep, limit: Annotated[int, Query(ge=1, le=5000, description="Most tasks.")] = 500
) -> RunningTasksResponse:
    """Return what has not ended, with the time it usually still needs; what outruns 99 % of its kind comes first."""
    return RunningTasksResponse(tasks=await services.work.running.list(limit))


@router.get("/of-trace/{trace_id}", summary="Find the tasks of a trace")
async def list_tasks_of_trace(
    services: ServicesDep, trace_id: Annotated[str, Path(description="32 or 16 hexadecimal digits.")]
) -> TracedTasksResponse:
    """Return the tasks that a trace is of, by start."""
    return TracedTasksResponse(tasks=await services.work.search.of_trace(parse_trace_id(trace_id)))


@router.get("/{task_id:path}/cost", summary="Tell what a task cost")
async def get_task_cost(services: ServicesDep, task_id: TaskId) -> TaskCost:
    """Return its cost in parts, through all attempts and every task under it; parts sum to the whole."""
    return await services.costs.of_task(task_id)


@router.get("/{task_id:path}", summary="Tell a task")
async def get_task(services: ServicesDep, task_id: TaskId) -> TaskResponse:
    """Return its journey on one time line, attempts, steps, children, dead letters, resources and cost."""
    journey = await services.work.journeys.open(task_id)
    return TaskResponse(
        journey=journey,
        cost=await services.costs.of_task(task_id),
        forecast=await services.work.running.forecast(journey.task),
    )
