"""Dashboards survive, and nobody overwrites what he has not seen."""

from pathlib import Path
from typing import Any

import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.errors import ConflictError, NotFoundError
from gnomon.storage.dashboard_store import DashboardStore
from gnomon.storage.state_store import StateStore


def _document(title: str) -> dict[str, Any]:
    return {
        "title": title,
        "description": "",
        "folder": "",
        "tags": ["a", "b"],
        "panels": [{"kind": "row"}, {"kind": "stat"}],
    }


async def test_a_dashboard_survives_a_restart(tmp_path: Path) -> None:
    clock = SystemClock()
    state = StateStore(tmp_path, None, clock)
    await state.start()
    await DashboardStore(state, clock).add("one", _document("One"))
    await state.stop()

    await state.start()
    store = DashboardStore(state, clock)
    found = await store.find("one")
    [listed] = await store.summaries()
    await state.stop()

    assert found is not None
    assert found.document == _document("One")
    assert found.listed == listed
    assert (listed.version, listed.tags, listed.panels) == (1, ("a", "b"), 1)


async def test_a_change_to_an_old_version_is_refused(tmp_path: Path) -> None:
    clock = SystemClock()
    state = StateStore(tmp_path, None, clock)
    await state.start()
    store = DashboardStore(state, clock)
    await store.add("one", _document("One"))
    changed = await store.replace("one", 1, _document("Two"))

    assert changed.listed.version == 2
    with pytest.raises(ConflictError, match="version 2 stands there, this change is to version 1"):
        await store.replace("one", 1, _document("Three"))
    with pytest.raises(ConflictError):
        await store.remove("one", 1)
    with pytest.raises(NotFoundError, match="no dashboard 'two'"):
        await store.replace("two", 1, _document("Three"))
    await store.remove("one", 2)
    assert await store.find("one") is None
    await state.stop()
