"""What work costs adds up, exactly, however it is grouped."""

import os
import random
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from genai_prices import Usage, calc_price

from gnomon.costs.cost_reports import CostReports, period_around
from gnomon.costs.prices import find_rates
from gnomon.costs.settings import Settings, parse_budgets, parse_models
from gnomon.lifecycle import SystemClock
from gnomon.model.errors import InvalidInputError, NotFoundError
from gnomon.model.time_ranges import NANOSECONDS, TimeRange
from gnomon.storage.cost_store import CostStore, UnpricedModel
from gnomon.storage.task_store import TaskStore
from tests.opened_storage import OpenedStorage, open_storage
from tests.span_requests import SentSpan, make_span_request
from tests.work_requests import SentEvent, make_event_request

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = Settings(
    cpu_hour=Decimal("3.6"),
    models=parse_models(["house/tiny=0.1/0.2"]),
    budgets=parse_budgets(["tenant:globex=0.000001/month", "total=1000000/month"]),
)
MODELS = (("openai", "gpt-4o-mini"), ("anthropic", "claude-sonnet-4-5"), ("house", "tiny"), ("house", "unheard-of"))
DAY = datetime.now(UTC).date().isoformat()


class Books:
    """Reports, and how to tell what happened."""

    def __init__(self, storage: OpenedStorage) -> None:
        self.storage = storage
        self.tasks = TaskStore(storage.engine, storage.journal)
        costs = CostStore(storage.engine, storage.journal, SETTINGS.rates)
        self.reports = CostReports(costs, self.tasks, SETTINGS, SystemClock())
        self.start_ns = time.time_ns() - 30 * NANOSECONDS
        self.range = TimeRange(self.start_ns - NANOSECONDS, self.start_ns + 29 * NANOSECONDS)

    async def tell(self, *events: SentEvent) -> None:
        await self.storage.journal.append("otlp_logs", make_event_request(events, self.start_ns), os.urandom(16))

    async def show(self, *spans: SentSpan) -> None:
        await self.storage.journal.append("otlp_traces", make_span_request(spans, self.start_ns), os.urandom(16))
        await self.storage.journal.flush()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def books(tmp_path_factory: Any) -> AsyncIterator[Books]:
    async with open_storage(tmp_path_factory.mktemp("costs") / "data") as storage:
        yield Books(storage)


def call(trace: str, span: str, parent: Any = "", **attributes: Any) -> SentSpan:
    known = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini"}
    sent = {name.replace("__", "."): value for name, value in attributes.items()}
    return SentSpan(trace, span, parent, "worker", "chat", 3, 0, 1000, attributes=known | sent)


async def test_parts_sum_to_the_whole_by_every_dimension(books: Books) -> None:
    chance = random.Random(11)
    events, spans = [], []
    for number in range(60):
        task = {"task.id": f"t{number}", "task.type": chance.choice(["report", "crawl"])}
        task |= {"tenant.id": chance.choice(["acme", "globex"]), "agent.id": chance.choice(["ada", "bob"])}
        if number % 5:
            task["task.parent_id"] = f"t{number - number % 5}"
        trace = f"{number + 1:032x}"
        for attempt in range(1, chance.randrange(2, 4)):
            events += [
                SentEvent("task.executing", number, {**task, "task.attempt": attempt}, trace=trace),
                SentEvent("task.completed", number + 777, {**task, "task.attempt": attempt}, trace=trace),
                SentEvent("task.resources", number + 777, {
                    **task, "task.attempt": attempt, "resource.cpu.seconds": chance.random(),
                    "resource.cpu.precision": "exact", "resource.memory.bytes": chance.randrange(10**9),
                    "resource.network.sent_bytes": chance.randrange(10**7)}, trace=trace),
            ]  # fmt: skip
        for place in range(chance.randrange(4)):
            provider, model = chance.choice(MODELS)
            entry = chance.choice([7, 1_234, 250_001])
            spans.append(
                call(
                    trace,
                    f"{number:08x}{place + 1:08x}",
                    task__id=f"t{number}",
                    gen_ai__provider__name=provider,
                    gen_ai__request__model=model,
                    gen_ai__usage__input_tokens=entry,
                    gen_ai__usage__cache_read__input_tokens=entry // 3,
                    gen_ai__usage__output_tokens=chance.randrange(999),
                )
            )
    await books.tell(*events)
    await books.show(*spans, call("f" * 32, "f" * 16, gen_ai__usage__input_tokens=5))
    found = {
        by: await books.reports.report(books.range, by, {})
        for by in ("tenant", "agent", "type", "model", "task", "day")
    }
    totals = {report.total.total_nd for report in found.values()}
    assert len(totals) == 1
    assert totals.pop() > 0
    for report in found.values():
        assert sum(group.cost.total_nd for group in report.groups) == report.total.total_nd
        for cost in (report.total, *(group.cost for group in report.groups)):
            assert cost.llm_nd == cost.input_nd + cost.cached_nd + cost.cache_write_nd + cost.output_nd
            assert cost.total_nd == cost.llm_nd + cost.cpu_nd + cost.memory_nd + cost.network_nd
        assert report.total.unpriced_models == ("unheard-of",)
        assert not report.total.complete
    by_task = {group.value: group.cost.total_nd for group in found["task"].groups}
    tasks = await books.tasks.find(list(by_task))
    one_by_one = {task_id: cost.total_nd for task_id, cost in (await books.reports.of_tasks(tasks)).items()}
    assert one_by_one == {task_id: total for task_id, total in by_task.items() if task_id}
    # What roots cost with all under them is everything but the call that belongs to no task.
    roots = [await books.reports.of_task(f"t{number}") for number in range(0, 60, 5)]
    assert sum(root.total.total_nd for root in roots) == sum(one_by_one.values())
    for root in roots:
        assert root.total.total_nd == root.own.total_nd + sum(c.total_nd for c in root.children if c.depth == 1)
        assert root.total.total_nd == sum(group.cost.total_nd for group in root.by_agent)
        assert root.tasks == 5
    only = await books.reports.report(books.range, "type", {"tenant": "acme"})
    assert only.total == next(g.cost for g in found["tenant"].groups if g.value == "acme")
    points = await books.reports.over_time(books.range, "tenant", {})
    assert sum(point.total_nd for point in points) == only.total.total_nd + sum(
        group.cost.total_nd for group in found["tenant"].groups if group.value != "acme"
    )
    globex, everything = await books.reports.budgets()
    assert globex.exceeded
    assert (everything.exceeded, everything.complete) == (False, False)
    assert everything.spent_nd == found["tenant"].total.total_nd


@pytest.mark.parametrize(("provider", "model"), MODELS[:2])
@pytest.mark.parametrize("entry", [1_000, 300_000])
async def test_a_price_is_that_of_genai_prices(books: Books, provider: str, model: str, entry: int) -> None:
    task_id, trace = f"priced {model} {entry}", os.urandom(16).hex()
    await books.show(call(
        trace, "1" * 16, task__id=task_id, gen_ai__provider__name=provider, gen_ai__request__model=model,
        gen_ai__usage__input_tokens=entry, gen_ai__usage__cache_read__input_tokens=100,
        gen_ai__usage__cache_creation__input_tokens=10, gen_ai__usage__output_tokens=20))  # fmt: skip
    found = await books.reports.of_task(task_id)
    usage = Usage(input_tokens=entry, cache_read_tokens=100, cache_write_tokens=10, output_tokens=20)
    expected = calc_price(usage, model_ref=model, provider_id=provider).total_price
    assert abs(found.total.total_nd - expected * 10**9) <= 2
    assert found.total.complete
    assert found.prices[0].source.startswith("genai-prices ")


async def test_what_an_agents_span_adds_up_does_not_count_twice(books: Books) -> None:
    trace, usage = "a1" * 16, {"gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 10}
    agent = call(trace, "1" * 16, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="sum", **usage)
    await books.show(
        replace(agent, duration_us=9000),
        call(trace, "2" * 16, "1" * 16, **usage),
        # The same call, told by a client's own instrumentation within.
        call(trace, "3" * 16, "2" * 16, **usage),
    )
    assert (await books.reports.of_task(f"trace-{trace}")).usage.input_tokens == 1000


async def test_an_agents_sum_counts_where_no_call_is_told(books: Books) -> None:
    trace, usage = "a2" * 16, {"gen_ai__usage__input_tokens": 1000}
    outer = call(trace, "1" * 16, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="sum", **usage)
    inner = call(trace, "2" * 16, "1" * 16, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="in", **usage)
    await books.show(replace(outer, duration_us=9000), replace(inner, start_us=10))
    assert (await books.reports.of_task(f"trace-{trace}")).usage.input_tokens == 1000


CONVENTIONS: list[dict[str, Any]] = [
    {"gen_ai.system": "anthropic", "gen_ai.usage.prompt_tokens": 30, "gen_ai.usage.completion_tokens": 9},
    # Anthropic's own way to count: what came from a cache is no input.
    {"gen_ai.provider.name": "anthropic", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 9,
     "gen_ai.usage.cache_read_input_tokens": 15, "gen_ai.usage.cache_creation_input_tokens": 5},
    {"openinference.span.kind": "LLM", "llm.provider": "anthropic", "llm.model_name": "claude-sonnet-4-5",
     "llm.token_count.prompt": 30, "llm.token_count.prompt_details.cache_read": 15, "llm.token_count.completion": 9},
    {"llm.request.type": "chat", "gen_ai.system": "Anthropic", "llm.usage.total_tokens": 39,
     "llm.usage.prompt_tokens": 30, "gen_ai.usage.completion_tokens": 4, "gen_ai.usage.reasoning_tokens": 5},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CONVENTIONS)))
async def test_conventions_tell_the_same(books: Books, number: int) -> None:
    attributes = CONVENTIONS[number]
    trace = f"{number + 1:02x}" + "ee" * 15
    model = {} if "llm.model_name" in attributes else {"gen_ai.request.model": "claude-sonnet-4-5"}
    await books.show(SentSpan(trace, "1" * 16, attributes={"task.id": f"way {number}"} | model | attributes))
    found = await books.reports.of_task(f"way {number}")
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.calls) == (30, 9, 1)
    assert [group.value for group in found.by_model] == ["claude-sonnet-4-5"]
    assert found.total.complete


async def test_a_task_that_nobody_told_of_is_not_free(books: Books) -> None:
    with pytest.raises(NotFoundError):
        await books.reports.of_task("nobody")


async def test_nobody_knows_the_price_of_a_model_of_ones_own() -> None:
    assert find_rates(UnpricedModel("house", "unheard-of", DAY), ()) == []
    [rate] = find_rates(UnpricedModel("house", "tiny", DAY), parse_models(["tiny=0.1/0.4/0.05"]))
    assert (rate.input, rate.cached, rate.output) == (100_000_000, 50_000_000, 400_000_000)


@pytest.mark.parametrize(("period", "days"), [("day", 1), ("week", 7), ("month", 30)])
async def test_periods_are_those_of_the_calendar(period: Any, days: int) -> None:
    start, end = period_around(period, 1_795_290_373 * NANOSECONDS)
    assert end - start == days * 86_400 * NANOSECONDS
    assert start <= 1_795_290_373 * NANOSECONDS < end


async def test_what_cost_something_a_week_ago_and_nothing_now_is_still_listed(books: Books) -> None:
    week_ns = 7 * 86_400 * NANOSECONDS
    later = TimeRange(books.range.start_ns + week_ns, books.range.end_ns + week_ns)
    before = await books.reports.report(books.range, "tenant", {})
    report = await books.reports.report(later, "tenant", {})
    assert report.total.total_nd == 0
    assert report.previous_total_nd == before.total.total_nd > 0
    assert {group.value: group.previous_total_nd for group in report.groups} == {
        group.value: group.cost.total_nd for group in before.groups if group.cost.total_nd
    }
    assert {group.change for group in report.groups} == {-1.0}


@pytest.mark.parametrize("text", ["acme=5/month", "tenant:acme=5", "total=-1/day"])
async def test_a_wrong_budget_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="budget"):
        parse_budgets([text])
