"""The state database keeps keys, and nobody's secret."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.api_keys import Scope
from gnomon.model.errors import InvalidInputError, NotFoundError, UnavailableError
from gnomon.storage.state_store import STATE_FILE, StateStore
from gnomon.web.auth import create_token


async def _open(directory: Path) -> StateStore:
    store = StateStore(directory, None, SystemClock())
    await store.start()
    return store


async def test_keys_survive_a_restart(tmp_path: Path) -> None:
    key_id, _token, token_sha256 = create_token()
    store = await _open(tmp_path)
    created = await store.add_key(key_id, "grafana", frozenset({Scope.READ, Scope.INGEST}), token_sha256)
    await store.stop()

    store = await _open(tmp_path)
    found = await store.find(key_id)
    await store.stop()

    assert found is not None
    assert found.key == created
    assert found.token_sha256 == token_sha256


async def test_a_revoked_key_is_kept_and_permits_nothing(tmp_path: Path) -> None:
    key_id, _token, token_sha256 = create_token()
    store = await _open(tmp_path)
    await store.add_key(key_id, "old", frozenset({Scope.ADMIN}), token_sha256)
    await store.revoke_key(key_id)
    [key] = await store.list_keys()

    assert not any(key.permits(scope) for scope in Scope)
    with pytest.raises(NotFoundError, match=f"no living API key with the id '{key_id}'"):
        await store.revoke_key(key_id)
    await store.stop()


async def test_two_processes_may_open_it_at_once(tmp_path: Path) -> None:
    first, second = await _open(tmp_path), await _open(tmp_path)
    key_id, _token, token_sha256 = create_token()
    await second.add_key(key_id, "new", frozenset({Scope.READ}), token_sha256)

    assert await first.find(key_id) is not None
    await first.stop()
    await second.stop()


async def test_several_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    stores = [StateStore(tmp_path, None, SystemClock()) for _ in range(4)]

    await asyncio.gather(*(store.start() for store in stores))

    for store in stores:
        assert await store.list_keys() == []
        await store.stop()


async def test_no_token_is_written_to_disk_and_others_cannot_read_the_file(tmp_path: Path) -> None:
    key_id, token, token_sha256 = create_token()
    store = await _open(tmp_path)
    await store.add_key(key_id, "x", frozenset({Scope.READ}), token_sha256)
    await store.stop()

    assert (tmp_path / STATE_FILE).stat().st_mode & 0o077 == 0
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.iterdir())


async def test_a_damaged_file_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_bytes(b"this is no database at all, but long enough to look like one" * 20)

    with pytest.raises(UnavailableError, match=rf"{STATE_FILE}.*not a database"):
        await _open(tmp_path)


@pytest.mark.parametrize("url", ["mysql://user@host/db", "not a url"])
async def test_other_databases_are_refused_without_showing_the_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"Invalid storage\.state_url"):
        await StateStore(tmp_path, url, SystemClock()).start()


async def test_the_schema_is_versioned(tmp_path: Path) -> None:
    await (await _open(tmp_path)).stop()
    with sqlite3.connect(tmp_path / STATE_FILE) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0005",)]
    connection.close()
