"""How many lines match: what alert conditions ask."""

from gnomon.logs.search import LogReader
from gnomon.model.filters import Filter
from gnomon.model.time_ranges import TimeRange


class LogCounts:
    """Count lines."""

    def __init__(self, reader: LogReader) -> None:
        """Read from `reader`."""
        self._reader = reader

    async def count(self, tree: Filter, time_range: TimeRange) -> int:
        """Return how many lines match in a range; raises what LogReader does."""
        return (await self._reader.histogram(tree, time_range, time_range.duration_ns)).total
