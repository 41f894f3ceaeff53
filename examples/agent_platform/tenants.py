"""Tenants: their keys, what they may do, and how many tokens they may spend in a day of ten minutes."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

DAY_S = 600.0
OPERATIONS = "operations"
USD_PER_MILLION_INPUT, USD_PER_MILLION_OUTPUT = 2.0, 8.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who pays: `key` authenticates, `daily_tokens` is the budget, the rest are the rules that policies check."""

    name: str
    daily_tokens: int
    key: str = ""
    highest_priority: int = 9
    barred_types: tuple[str, ...] = ()
    barred_tools: tuple[str, ...] = ()


TENANTS = (
    Tenant("acme", 400_000),
    Tenant("globex", 120_000),
    Tenant("initech", 60_000),
    Tenant("umbrella", 40_000, barred_tools=("ledger",)),
    Tenant("hooli", 4_000, highest_priority=5, barred_types=("report",)),
    Tenant(OPERATIONS, 200_000),
)


def write_tenants(state_dir: Path) -> None:
    """Give each tenant a key and write them down for services and callers, unless that was done before."""
    path = state_dir / "tenants.json"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(json.dumps([asdict(tenant) | {"key": secrets.token_urlsafe(24)} for tenant in TENANTS]))


def read_tenants(state_dir: Path) -> dict[str, Tenant]:
    """Return the tenants by name."""
    found = json.loads((state_dir / "tenants.json").read_text())
    tenants = (
        Tenant(**one | {"barred_types": tuple(one["barred_types"]), "barred_tools": tuple(one["barred_tools"])})
        for one in found
    )
    return {tenant.name: tenant for tenant in tenants}


def price_usd(input_tokens: int, output_tokens: int) -> float:
    """Return what a model's tokens cost the tenant."""
    return (input_tokens * USD_PER_MILLION_INPUT + output_tokens * USD_PER_MILLION_OUTPUT) / 1_000_000
