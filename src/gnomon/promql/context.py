"""What a computation needs besides the tree of the query."""

from collections.abc import Callable
from dataclasses import dataclass

from gnomon.promql.annotations import Annotations
from gnomon.promql.fetching import Fetched, Limits
from gnomon.promql.label_sets import LabelRules
from gnomon.promql.planner import Plan


@dataclass(frozen=True, slots=True)
class Context:
    """What a computation needs besides the tree; `check` raises when it is to stop."""

    plan: Plan
    fetched: dict[int, Fetched]
    rules: LabelRules
    annotations: Annotations
    limits: Limits
    lookback_ms: int
    check: Callable[[], None]
    delayed_names: bool = False
    type_and_unit: bool = False

    @property
    def instant(self) -> bool:
        """Tell whether the query has one step only."""
        return self.plan.grid.steps == 1
