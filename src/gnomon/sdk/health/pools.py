"""What pools of well-known libraries say about themselves, for `/health/detail`."""

from collections.abc import Callable
from typing import Any, Protocol


class AsyncpgPool(Protocol):
    """The part of asyncpg.Pool that is asked."""

    def get_size(self) -> int:
        """Return open connections."""

    def get_idle_size(self) -> int:
        """Return those that nobody uses."""

    def get_max_size(self) -> int:
        """Return how many there may be."""


class SqlalchemyEngine(Protocol):
    """The part of SQLAlchemy's engines that is asked."""

    @property
    def pool(self) -> Any:
        """Return the pool."""


def describe_asyncpg_pool(pool: AsyncpgPool) -> Callable[[], dict[str, int]]:
    """Return a detail for `Health.add_detail`: connections open, idle, in use, and the most there may be."""

    def describe() -> dict[str, int]:
        size, idle = pool.get_size(), pool.get_idle_size()
        return {"size": size, "idle": idle, "in_use": size - idle, "max": pool.get_max_size()}

    return describe


def describe_sqlalchemy_pool(engine: SqlalchemyEngine) -> Callable[[], dict[str, Any]]:
    """Return a detail for `Health.add_detail`; pools without a size (NullPool, StaticPool) say what they are."""

    def describe() -> dict[str, Any]:
        pool = engine.pool
        if not hasattr(pool, "checkedout"):
            return {"kind": type(pool).__name__}
        return {
            "kind": type(pool).__name__,
            "size": pool.size(),
            "idle": pool.checkedin(),
            "in_use": pool.checkedout(),
            "overflow": max(0, pool.overflow()),
        }

    return describe
