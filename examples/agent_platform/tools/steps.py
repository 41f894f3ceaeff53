"""Steps of a tool's work, timed where they happen; the executor turns them into spans."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Steps:
    """Collect what one call did, in the order in which the steps began."""

    def __init__(self) -> None:
        """Start with no steps."""
        self.recorded: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str, **attributes: str | float) -> Iterator[dict[str, Any]]:
        """Time a step in nanoseconds since the epoch; yields its attributes, to be added to.

        Attribute names are written with underscores for dots: `file_size` becomes `file.size`.
        """
        named: dict[str, Any] = {key.replace("_", "."): value for key, value in attributes.items()}
        record: dict[str, Any] = {"name": name, "start_ns": time.time_ns(), "attributes": named, "error": None}
        self.recorded.append(record)
        try:
            yield named
        except Exception as error:
            record["error"] = type(error).__name__
            raise
        finally:
            record["end_ns"] = time.time_ns()
