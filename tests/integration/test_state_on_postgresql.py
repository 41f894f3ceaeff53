"""The state database on a real PostgreSQL, shared by several processes."""

import asyncio
from pathlib import Path

import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.api_keys import Scope
from gnomon.model.errors import UnavailableError
from gnomon.storage.state_store import StateStore
from gnomon.web.auth import create_token
from tests.gnomon_process import find_free_ports


async def test_several_processes_that_start_at_once_share_their_keys(postgresql_url: str, tmp_path: Path) -> None:
    stores = [StateStore(tmp_path, postgresql_url, SystemClock()) for _ in range(4)]
    await asyncio.gather(*(store.start() for store in stores))
    key_id, _token, token_sha256 = create_token()

    created = await stores[0].add_key(key_id, "shared", frozenset({Scope.READ}), token_sha256)
    found = [await store.find(key_id) for store in stores]
    await stores[1].revoke_key(key_id)
    [listed] = await stores[2].list_keys()

    assert [stored.key if stored else None for stored in found] == [created] * 4
    assert found[3] is not None
    assert found[3].token_sha256 == token_sha256
    assert listed.revoked_at_ns is not None
    assert list(tmp_path.iterdir()) == []
    for store in stores:
        await store.stop()


async def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    [port] = find_free_ports(1)
    store = StateStore(tmp_path, f"postgresql://gnomon:hidden@127.0.0.1:{port}/gnomon", SystemClock())

    with pytest.raises(UnavailableError, match="Cannot open the state database") as caught:
        await store.start()

    assert "hidden" not in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)
