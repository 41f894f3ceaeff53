"""What a cost model says: rates of resources, prices of one's own models, budgets."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, cast

from gnomon.model.errors import InvalidInputError
from gnomon.storage.cost_store import ResourceRates

NANODOLLARS = 1_000_000_000
_GIB = 1 << 30
_HOUR_S = 3600

Period = Literal["day", "week", "month"]
BudgetDimension = Literal["tenant", "agent", "type", "model", "total"]

_BUDGET = re.compile(
    r"(?:(?P<dimension>tenant|agent|type|model):(?P<name>.+)|total)=(?P<amount>\d+(?:\.\d+)?)/(?P<period>day|week|month)"
)
_MODEL = re.compile(
    r"(?:(?P<provider>[^/=]+)/)?(?P<model>[^=]+)=(?P<input>\d+(?:\.\d+)?)/(?P<output>\d+(?:\.\d+)?)"
    r"(?:/(?P<cached>\d+(?:\.\d+)?))?"
)


@dataclass(frozen=True, slots=True)
class Budget:
    """Allow so many billionths of a dollar in a period, for one tenant, agent, type of task or model, or for all."""

    dimension: BudgetDimension
    name: str
    amount_nd: int
    period: Period


@dataclass(frozen=True, slots=True)
class OwnModel:
    """Price a model of one's own, in billionths of a dollar a million tokens; an empty provider is any."""

    provider: str
    model: str
    input_nd: int
    output_nd: int
    cached_nd: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold the cost model; dollars an hour of one CPU, a GiB of memory for an hour, a GiB over the network."""

    cpu_hour: Decimal = Decimal("0.04")
    memory_gib_hour: Decimal = Decimal("0.005")
    network_gib: Decimal = Decimal("0.09")
    models: tuple[OwnModel, ...] = ()
    budgets: tuple[Budget, ...] = ()

    @property
    def rates(self) -> ResourceRates:
        """Return the rates in the units that storage counts in."""
        return ResourceRates(
            cpu_s=float(self.cpu_hour * NANODOLLARS / _HOUR_S),
            memory_byte_s=float(self.memory_gib_hour * NANODOLLARS / _GIB / _HOUR_S),
            network_byte=float(self.network_gib * NANODOLLARS / _GIB),
        )


def parse_budgets(texts: Iterable[str]) -> tuple[Budget, ...]:
    """Return budgets from `tenant:acme=500/month`, `agent:ada=20/day`, `total=1000/month`.

    Raises InvalidInputError for what is none.
    """
    budgets = []
    for text in texts:
        found = _BUDGET.fullmatch(text.strip())
        if found is None:
            message = f"Invalid budget: {text!r}. Write tenant:NAME=DOLLARS/month, or total=DOLLARS/day."
            raise InvalidInputError(message)
        budgets.append(
            Budget(
                dimension=cast("BudgetDimension", found["dimension"] or "total"),
                name=found["name"] or "",
                amount_nd=_nanodollars(found["amount"]),
                period=cast("Period", found["period"]),
            )
        )
    return tuple(budgets)


def parse_models(texts: Iterable[str]) -> tuple[OwnModel, ...]:
    """Return models from `provider/model=INPUT/OUTPUT/CACHED`, in dollars a million tokens.

    The provider and the price of cached input may be left out. Raises InvalidInputError for what is none.
    """
    models = []
    for text in texts:
        found = _MODEL.fullmatch(text.strip())
        if found is None:
            message = f"Invalid price of a model: {text!r}. Write MODEL=INPUT/OUTPUT, in dollars a million tokens."
            raise InvalidInputError(message)
        models.append(
            OwnModel(
                provider=found["provider"] or "",
                model=found["model"],
                input_nd=_nanodollars(found["input"]),
                output_nd=_nanodollars(found["output"]),
                cached_nd=_nanodollars(found["cached"] or found["input"]),
            )
        )
    return tuple(models)


def _nanodollars(text: str) -> int:
    return int((Decimal(text) * NANODOLLARS).to_integral_value())
