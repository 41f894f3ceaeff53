"""How `make test` shares the suite out to two processes: file by file, all walks through the browser to one of them."""

from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

BROWSER = "tests/e2e"


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist ships no types
    def _split_scope(self, nodeid: str) -> str:
        # One browser at a time: two would each wait for what the other draws.
        return BROWSER if nodeid.startswith(f"{BROWSER}/") else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """Return the order in which tests go to the processes."""
    return _ByFile(config, log)
