"""What work cost: of one task with all that it gave rise to, and of a range by tenant, agent, type, model or day."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gnomon.costs.cost_views import (
    BudgetState,
    CallCost,
    ChildCost,
    Cost,
    CostGroup,
    CostPoint,
    CostReport,
    PriceSource,
    ResourcePrices,
    TaskCost,
    Usage,
)
from gnomon.costs.prices import find_rates
from gnomon.costs.settings import Budget, Period, Settings
from gnomon.lifecycle import Clock
from gnomon.model.errors import NotFoundError
from gnomon.model.tasks import CostDimension, Task, WorkSpan
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.cost_store import CostLine, CostStore, span_of
from gnomon.storage.task_store import TaskStore

_WEEK_NS = 7 * 86_400 * NANOSECONDS
_HOUR_NS = 3600 * NANOSECONDS
_GIB_HOUR = float(1 << 30) * 3600
_DEEPEST = 20
_MOST_TASKS = 10_000


class CostReports:
    """Answer what work cost; raises NotFoundError for tasks that are not there."""

    def __init__(self, costs: CostStore, tasks: TaskStore, settings: Settings, clock: Clock) -> None:
        """Price by the settings, and by genai-prices for all other models."""
        self._costs = costs
        self._tasks = tasks
        self._settings = settings
        self._clock = clock

    async def update_prices(self, time_range: TimeRange) -> None:
        """Price what was called in a range and has no price yet, for good."""
        rates = [
            rate
            for wanted in await self._costs.unpriced(time_range)
            for rate in find_rates(wanted, self._settings.models)
        ]
        if rates:
            await self._costs.keep_rates(rates)

    async def update_recent_prices(self) -> None:
        """Price what was called in the last two days, so that the price is that of its day."""
        now_ns = self._clock.now_ns()
        await self.update_prices(TimeRange(now_ns - 2 * 86_400 * NANOSECONDS, now_ns + _HOUR_NS))

    async def of_tasks(self, tasks: Sequence[Task]) -> dict[str, Cost]:
        """Return what each of some tasks cost by itself, by id."""
        if not tasks:
            return {}
        await self.update_prices(span_of(tasks))
        lines = {line.keys[0]: line for line in await self._costs.of_tasks(tasks)}
        return {task.task_id: _cost([lines[task.task_id]] if task.task_id in lines else []) for task in tasks}

    async def of_task(self, task_id: str) -> TaskCost:
        """Return what a task cost with everything that it gave rise to."""
        found = await self._tasks.find([task_id])
        if not found:
            message = f"There is no task {task_id!r}. It was never told of here, or it is past retention."
            raise NotFoundError(message)
        family = await self._descend(found[0])
        tasks = [task for task, _depth in family]
        time_range = span_of(tasks)
        await self.update_prices(time_range)
        lines = await self._costs.of_tasks(tasks, ("task", "model", "agent"))
        by_task: dict[str, list[CostLine]] = defaultdict(list)
        for line in lines:
            by_task[line.keys[0]].append(line)
        totals = {task.task_id: sum(line.total_nd for line in by_task[task.task_id]) for task in tasks}
        # The deepest first, so that what is added to a parent is whole.
        for task, depth in reversed(family):
            if depth and task.parent_id in totals:
                totals[task.parent_id] += totals[task.task_id]
        own = found[0].resources
        return TaskCost(
            task_id=task_id,
            type=found[0].type,
            total=_cost(lines),
            own=_cost(by_task[task_id]),
            usage=_usage(lines),
            tasks=len(tasks),
            children=tuple(
                ChildCost(
                    task_id=task.task_id,
                    parent_id=task.parent_id,
                    type=task.type,
                    agent=task.agent,
                    depth=depth,
                    own=_cost(by_task[task.task_id]),
                    total_nd=totals[task.task_id],
                )
                for task, depth in family
                if depth
            ),
            by_model=_groups([line for line in lines if line.calls], 1),
            by_agent=_groups(lines, 2),
            cpu_precision=own.cpu_precision,
            memory_precision=own.memory_precision,
            network_precision=own.network_precision,
            prices=await self._prices([line.keys[1] for line in lines], time_range),
            resource_prices=self._resource_prices(),
        )

    async def of_call(self, span: WorkSpan) -> CallCost:
        """Return what one call of a model cost, rounded as it is for totals."""
        time_range = TimeRange(span.start_ns, span.start_ns + 1)
        await self.update_prices(time_range)
        price = next(
            (
                rate
                for rate in reversed(await self._prices([span.model], time_range))
                if rate.provider == span.provider and (not rate.above_tokens or span.input_tokens > rate.above_tokens)
            ),
            None,
        )
        told = span.input_tokens + span.output_tokens > 0
        fresh = span.input_tokens - min(span.input_tokens, span.cached_tokens + span.cache_write_tokens)
        input_nd, cached_nd, cache_write_nd, output_nd = (
            (
                _per_million(fresh, price.input_nd),
                _per_million(span.cached_tokens, price.cached_nd),
                _per_million(span.cache_write_tokens, price.cache_write_nd),
                _per_million(span.output_tokens, price.output_nd),
            )
            if price
            else (0, 0, 0, 0)
        )
        llm_nd = input_nd + cached_nd + cache_write_nd + output_nd
        unpriced = int(told and price is None)
        return CallCost(
            cost=Cost(
                llm_nd,
                llm_nd,
                input_nd,
                cached_nd,
                cache_write_nd,
                output_nd,
                0,
                0,
                0,
                complete=not unpriced,
                unpriced_calls=unpriced,
                unpriced_models=(span.model,) if unpriced else (),
            ),
            price=price,
            counted=span.counted,
        )

    async def report(self, time_range: TimeRange, by: CostDimension, only: dict[CostDimension, str]) -> CostReport:
        """Return what work in a range cost, by one dimension, beside the same time before."""
        shift_ns = max(_WEEK_NS, time_range.duration_ns)
        before = TimeRange(time_range.start_ns - shift_ns, time_range.end_ns - shift_ns)
        await self.update_prices(time_range)
        await self.update_prices(before)
        lines = await self._costs.add_up(time_range, (by,), only)
        [whole] = await self._costs.add_up(time_range, (), only)
        previous = {line.keys[0]: line.total_nd for line in await self._costs.add_up(before, (by,), only)}
        models = await self._costs.add_up(time_range, ("model",), only)
        comparable = by not in {"day", "hour", "task"}
        known = {line.keys[0] for line in lines}
        gone = sorted(value for value, spent_nd in previous.items() if comparable and spent_nd and value not in known)
        return CostReport(
            by=by,
            total=_cost([whole]),
            usage=_usage([whole]),
            tasks=whole.tasks,
            per_task_nd=_share(whole.total_nd, whole.tasks),
            per_hour_nd=_share(whole.total_nd * _HOUR_NS, time_range.duration_ns) or 0,
            previous_total_nd=sum(previous.values()),
            previous_from_ns=before.start_ns,
            previous_to_ns=before.end_ns,
            groups=(
                *(_group(line, previous.get(line.keys[0], 0) if comparable else None) for line in lines),
                *(_gone_group(value, previous[value]) for value in gone),
            ),
            prices=await self._prices([line.keys[0] for line in models], time_range),
            resource_prices=self._resource_prices(),
        )

    async def of_each(self, time_range: TimeRange, by: CostDimension) -> dict[str, Cost]:
        """Return what each value of a dimension cost in a range."""
        await self.update_prices(time_range)
        return {line.keys[0]: _cost([line]) for line in await self._costs.add_up(time_range, (by,), {})}

    async def over_time(
        self, time_range: TimeRange, by: CostDimension, only: dict[CostDimension, str]
    ) -> list[CostPoint]:
        """Return what each value of a dimension cost by day, or by hour where the range is short."""
        await self.update_prices(time_range)
        step: CostDimension = "hour" if time_range.duration_ns <= 3 * 86_400 * NANOSECONDS else "day"
        lines = await self._costs.add_up(time_range, (step, by), only)
        points = [CostPoint(line.keys[0], line.keys[1], line.total_nd) for line in lines]
        return sorted(points, key=lambda point: (point.at, point.value))

    async def budgets(self) -> list[BudgetState]:
        """Return how the configured budgets fare now."""
        return [await self._budget(budget) for budget in self._settings.budgets]

    async def _budget(self, budget: Budget) -> BudgetState:
        now_ns = self._clock.now_ns()
        start_ns, end_ns = period_around(budget.period, now_ns)
        so_far = TimeRange(start_ns, now_ns + 1)
        await self.update_prices(so_far)
        only: dict[CostDimension, str] = {} if budget.dimension == "total" else {budget.dimension: budget.name}
        [line] = await self._costs.add_up(so_far, (), only)
        spent = line.total_nd
        elapsed = (now_ns - start_ns) / (end_ns - start_ns)
        spent_share = spent / budget.amount_nd if budget.amount_nd else float(spent > 0)
        return BudgetState(
            dimension=budget.dimension,
            name=budget.name,
            period=budget.period,
            period_start_ns=start_ns,
            period_end_ns=end_ns,
            amount_nd=budget.amount_nd,
            spent_nd=spent,
            spent_share=spent_share,
            elapsed_share=elapsed,
            burn=spent_share / elapsed if elapsed else 0.0,
            projected_nd=round(spent / elapsed) if elapsed else spent,
            exceeded=spent > budget.amount_nd,
            complete=not line.unpriced_calls,
        )

    async def _descend(self, task: Task) -> list[tuple[Task, int]]:
        """Return a task and those under it with their depth, parents before children, each once."""
        family, seen, level = [(task, 0)], {task.task_id}, [task.task_id]
        for depth in range(1, _DEEPEST + 1):
            children = [child for child in await self._tasks.children(level) if child.task_id not in seen]
            if not children or len(family) > _MOST_TASKS:
                break
            family += [(child, depth) for child in children]
            level = [child.task_id for child in children]
            seen.update(level)
        return family

    async def _prices(self, models: Sequence[str], time_range: TimeRange) -> tuple[PriceSource, ...]:
        wanted = sorted({model for model in models if model})
        return tuple(
            PriceSource(
                provider=rate.provider,
                model=rate.model,
                day=rate.day,
                above_tokens=rate.above_tokens,
                input_nd=rate.input,
                cached_nd=rate.cached,
                cache_write_nd=rate.cache_write,
                output_nd=rate.output,
                source=rate.source,
            )
            for rate in await self._costs.rates(wanted, time_range)
        )

    def _resource_prices(self) -> ResourcePrices:
        settings = self._settings
        return ResourcePrices(float(settings.cpu_hour), float(settings.memory_gib_hour), float(settings.network_gib))


def period_around(period: Period, now_ns: int) -> tuple[int, int]:
    """Return start and end of the day, week (from Monday) or month in UTC that holds a moment."""
    now = datetime.fromtimestamp(now_ns / NANOSECONDS, UTC)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "day":
        end = start + timedelta(days=1)
    elif period == "week":
        start -= timedelta(days=start.weekday())
        end = start + timedelta(days=7)
    else:
        start = start.replace(day=1)
        end = (start + timedelta(days=32)).replace(day=1)
    return round(start.timestamp()) * NANOSECONDS, round(end.timestamp()) * NANOSECONDS


def _groups(lines: Sequence[CostLine], key: int) -> tuple[CostGroup, ...]:
    by_value: dict[str, list[CostLine]] = defaultdict(list)
    for line in lines:
        by_value[line.keys[key]].append(line)
    groups = [
        CostGroup(
            value=value,
            cost=_cost(of_value),
            usage=_usage(of_value),
            tasks=len({line.keys[0] for line in of_value}),
            per_task_nd=None,
            previous_total_nd=None,
            change=None,
        )
        for value, of_value in by_value.items()
    ]
    return tuple(sorted(groups, key=lambda group: (-group.cost.total_nd, group.value)))


def _group(line: CostLine, previous_nd: int | None) -> CostGroup:
    return CostGroup(
        value=line.keys[0],
        cost=_cost([line]),
        usage=_usage([line]),
        tasks=line.tasks,
        per_task_nd=_share(line.total_nd, line.tasks),
        previous_total_nd=previous_nd,
        change=(line.total_nd - previous_nd) / previous_nd if previous_nd else None,
    )


def _gone_group(value: str, previous_nd: int) -> CostGroup:
    """Return the group of what cost something before, and nothing now."""
    return CostGroup(
        value=value,
        cost=_cost([]),
        usage=_usage([]),
        tasks=0,
        per_task_nd=None,
        previous_total_nd=previous_nd,
        change=-1.0,
    )


def _cost(lines: Sequence[CostLine]) -> Cost:
    parts = [
        sum(part)
        for part in zip(
            *(
                (
                    line.input_nd,
                    line.cached_nd,
                    line.cache_write_nd,
                    line.output_nd,
                    line.cpu_nd,
                    line.memory_nd,
                    line.network_nd,
                    line.unpriced_calls,
                )
                for line in lines
            ),
            strict=True,
        )
    ] or [0] * 8
    return Cost(
        total_nd=sum(parts[:7]),
        llm_nd=sum(parts[:4]),
        input_nd=parts[0],
        cached_nd=parts[1],
        cache_write_nd=parts[2],
        output_nd=parts[3],
        cpu_nd=parts[4],
        memory_nd=parts[5],
        network_nd=parts[6],
        complete=not parts[7],
        unpriced_calls=parts[7],
        unpriced_models=tuple(sorted({model for line in lines for model in line.unpriced_models})),
    )


def _usage(lines: Sequence[CostLine]) -> Usage:
    return Usage(
        calls=sum(line.calls for line in lines),
        input_tokens=sum(line.input_tokens for line in lines),
        cached_tokens=sum(line.cached_tokens for line in lines),
        cache_write_tokens=sum(line.cache_write_tokens for line in lines),
        output_tokens=sum(line.output_tokens for line in lines),
        reasoning_tokens=sum(line.reasoning_tokens for line in lines),
        cpu_s=sum(line.cpu_s for line in lines),
        memory_gib_hours=sum(line.memory_byte_s for line in lines) / _GIB_HOUR,
        network_bytes=sum(line.network_bytes for line in lines),
    )


def _share(total: int, count: int) -> int | None:
    return round(total / count) if count else None


def _per_million(tokens: int, rate_nd: int) -> int:
    return (tokens * rate_nd + 500_000) // 1_000_000
