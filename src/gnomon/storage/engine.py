"""What storage asks of a ClickHouse, be it embedded or a cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from gnomon.storage.settings import QuerySettings
from gnomon.storage.streams import Stream

Row = dict[str, Any]
Setting = str | int | float
ArrowTable = Any  # a pyarrow.Table, which has no types
NumberColumns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """Columns of equal length, in the statement's order."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0]) if self.columns else 0

    def rows(self) -> list[Row]:
        """Return the rows as dictionaries by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in zip(*self.columns, strict=True)]

    def column(self, name: str) -> Sequence[Any]:
        """Return one column; an empty one where there are no rows, for the embedded engine tells no names then."""
        return self.columns[self.names.index(name)] if self.names else ()

    def value(self) -> Any:
        """Return the only value of a statement with one row and one column."""
        return self.columns[0][0]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the same schema files read for this engine: `cluster_name` empty means one server without replicas."""

    cluster_name: str = ""


class Engine(Protocol):
    """Run statements; a sibling exists for the embedded engine and for a cluster.

    Statements take parameters in ClickHouse's own form (`{name:Type}`). String columns must hold valid UTF-8
    (`toValidUTF8`) or they come back as hexadecimal. Cancelling the awaiting task cancels the statement in the
    engine. Errors: QueryLimitError when a limit stops it, StorageUnavailableError when there is no connection,
    StorageError for anything else.
    """

    @property
    def dialect(self) -> Dialect:
        """Return how schema files read for this engine."""

    async def start(self) -> None:
        """Open; raises DataDirectoryError or StorageUnavailableError when that cannot be."""

    async def stop(self) -> None:
        """Close."""

    def limit(self, query: QuerySettings) -> None:
        """Hold queries to other limits from now on; how many run at the same time stays as it is."""

    async def query(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> Result:
        """Return what a statement selects, within the limits of QuerySettings."""

    async def query_arrow(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, Setting] | None = None,
    ) -> ArrowTable:
        """Return what a statement selects as an Arrow table, within the same limits; for many rows of numbers.

        Names and types of columns are there without rows, too. NaN and infinite values keep their bits.
        """

    async def query_numbers(self, statement: str, *, settings: Mapping[str, Setting] | None = None) -> NumberColumns:
        """Return columns of numbers without NULL, by name, within the same limits; the quickest way for very many.

        The arrays may be read-only. NaN and infinite values keep their bits.
        """

    async def command(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        *,
        settings: Mapping[str, str | int | float] | None = None,
    ) -> None:
        """Run a statement that returns nothing (DDL, INSERT … SELECT), without the limits of a query."""

    async def load(self, stream: Stream, segment: Path, token: str) -> None:
        """Insert a file of length-delimited requests; loading the same `token` again stores nothing.

        Raises SegmentRejectedError when the file cannot be read as `stream`; nothing of it is stored then.
        """
