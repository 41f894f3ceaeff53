"""Whether this process is well: checks with a time limit each, and the four probes that ask for them."""

from gnomon.sdk.health.checks import Check, CheckResult
from gnomon.sdk.health.pools import describe_asyncpg_pool, describe_sqlalchemy_pool
from gnomon.sdk.health.probes import Health
from gnomon.sdk.http_answers import PageServer

__all__ = [
    "Check",
    "CheckResult",
    "Health",
    "PageServer",
    "describe_asyncpg_pool",
    "describe_sqlalchemy_pool",
]
