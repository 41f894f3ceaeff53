"""What storage holds and how much room is left."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TableUsage:
    """Measure one table; sizes in bytes, times in Unix nanoseconds and None while it is empty or has no time."""

    name: str
    rows: int
    compressed_bytes: int
    uncompressed_bytes: int
    oldest_ns: int | None = None
    newest_ns: int | None = None


@dataclass(frozen=True, slots=True)
class JournalUsage:
    """Measure what is acknowledged and synced, but not loaded yet.

    `oldest_age_s` counts from the last request of the oldest segment. `set_aside` requests could not be read by the
    engine; they are kept for a look.
    """

    segments: int
    backlog_bytes: int
    oldest_age_s: float = 0.0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class StorageUsage:
    """Measure the whole store; a budget of None means that the disk alone is the limit."""

    engine: str
    tables: tuple[TableUsage, ...]
    used_bytes: int
    budget_bytes: int | None
    disk_free_bytes: int
    disk_total_bytes: int
    journal: JournalUsage
