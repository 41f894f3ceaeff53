"""API keys: who may do what."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Name what a key permits: `content` is what people and models said; `admin` includes all others."""

    INGEST = "ingest"
    READ = "read"
    CONTENT = "content"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Describe a key without its secret; times are Unix nanoseconds.

    `id` is the public part of the token, fit for logs. A key with `revoked_at_ns` opens nothing.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at_ns: int
    revoked_at_ns: int | None = None

    def permits(self, scope: Scope) -> bool:
        """Return whether the key is alive and covers `scope`."""
        return self.revoked_at_ns is None and (scope in self.scopes or Scope.ADMIN in self.scopes)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Pair a key with the SHA-256 of its token, which is all that is kept of it."""

    key: ApiKey
    token_sha256: bytes
