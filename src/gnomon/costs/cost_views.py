"""What costs look like to people and programs: billionths of a dollar as whole numbers, so that parts sum exactly."""

from dataclasses import dataclass

from gnomon.model.timestamps import UnixNanoseconds


@dataclass(frozen=True, slots=True)
class Cost:
    """Split a cost into its parts, in billionths of a dollar (nanodollars); they sum to `total_nd` exactly.

    `input_nd` is input without what came from a cache or went into one. `complete` is false where calls of models
    without a known price are missing from it: `unpriced_calls` of `unpriced_models`.
    """

    total_nd: int
    llm_nd: int
    input_nd: int
    cached_nd: int
    cache_write_nd: int
    output_nd: int
    cpu_nd: int
    memory_nd: int
    network_nd: int
    complete: bool
    unpriced_calls: int
    unpriced_models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tell what was used: input tokens include cached ones, output tokens those of reasoning."""

    calls: int
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cpu_s: float
    memory_gib_hours: float
    network_bytes: int


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Give the cost of one value of a dimension; an empty value is work of which nobody said."""

    value: str
    cost: Cost
    usage: Usage
    tasks: int
    per_task_nd: int | None
    previous_total_nd: int | None
    change: float | None


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Tell how a budget fares: spent in its running period, and what that comes to at its end at this pace.

    `burn` is the share spent over the share of the period that has passed: above 1 the budget will not last.
    """

    dimension: str
    name: str
    period: str
    period_start_ns: UnixNanoseconds
    period_end_ns: UnixNanoseconds
    amount_nd: int
    spent_nd: int
    spent_share: float
    elapsed_share: float
    burn: float
    projected_nd: int
    exceeded: bool
    complete: bool


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Say which price stands behind figures: nanodollars a million tokens, for input above so many tokens."""

    provider: str
    model: str
    day: str
    above_tokens: int
    input_nd: int
    cached_nd: int
    cache_write_nd: int
    output_nd: int
    source: str


@dataclass(frozen=True, slots=True)
class ResourcePrices:
    """Say what resources cost, in dollars, as configured."""

    cpu_hour: float
    memory_gib_hour: float
    network_gib: float


@dataclass(frozen=True, slots=True)
class CostReport:
    """Break the cost of a range down by one dimension; the groups sum to the total.

    Groups without cost are those that had some in the time before and have none now.
    `previous` is the same range a week (or its own length, where that is longer) before. Budgets are those of now,
    whatever the range.
    """

    by: str
    total: Cost
    usage: Usage
    tasks: int
    per_task_nd: int | None
    per_hour_nd: int
    previous_total_nd: int
    previous_from_ns: UnixNanoseconds
    previous_to_ns: UnixNanoseconds
    groups: tuple[CostGroup, ...]
    prices: tuple[PriceSource, ...]
    resource_prices: ResourcePrices


@dataclass(frozen=True, slots=True)
class CostPoint:
    """Give what one value cost in one day or hour."""

    at: str
    value: str
    total_nd: int


@dataclass(frozen=True, slots=True)
class TaskCost:
    """Tell what a task cost: itself, and with all tasks that it gave rise to.

    `own` is all attempts of the task itself, `total` that and `children`, each with what it gave rise to. `by_model`
    and `by_attempt` split `total` and `own`.
    """

    task_id: str
    type: str
    total: Cost
    own: Cost
    usage: Usage
    tasks: int
    children: tuple["ChildCost", ...]
    by_model: tuple[CostGroup, ...]
    by_agent: tuple[CostGroup, ...]
    cpu_precision: str
    memory_precision: str
    network_precision: str
    prices: tuple[PriceSource, ...]
    resource_prices: ResourcePrices


@dataclass(frozen=True, slots=True)
class CallCost:
    """Give what one call of a model cost, and the price that it was reckoned with, null where nobody knows one.

    `counted` is false where another span tells of the same tokens: totals hold the cost once, with that one.
    """

    cost: Cost
    price: PriceSource | None
    counted: bool


@dataclass(frozen=True, slots=True)
class ChildCost:
    """Give what one task under another cost: itself, and with what it gave rise to."""

    task_id: str
    parent_id: str
    type: str
    agent: str
    depth: int
    own: Cost
    total_nd: int
