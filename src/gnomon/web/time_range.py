"""The time range that every question about data takes: `?from=now-1h&to=now`."""

import time
from typing import Annotated

from fastapi import Depends, Query

from gnomon.model.time_ranges import TimeRange, parse_time_range


async def get_time_range(
    from_: Annotated[str, Query(alias="from", description="Start: now-1h, RFC 3339 or a Unix time.")] = "now-1h",
    to: Annotated[str, Query(description="End, exclusive, written as the start.")] = "now",
) -> TimeRange:
    """Return the range that a request asks for; raises InvalidInputError for what is not one."""
    return parse_time_range(from_, to, now_ns=time.time_ns())


TimeRangeDep = Annotated[TimeRange, Depends(get_time_range)]
