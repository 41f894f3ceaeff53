"""The state database on a real PostgreSQL, shared by several processes."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon.lifecycle import SystemClock
from gnomon.model.api_keys import Scope
from gnomon.model.errors import UnavailableError
from gnomon.storage.state_store import StateStore
from gnomon.web.auth import create_token
from tests.gnomon_process import find_free_ports


def _find(program: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
    return str(installed[-1]) if installed else shutil.which(program)


@pytest.fixture(scope="module")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a PostgreSQL of the test's own and return its URL."""
    initdb, pg_ctl = _find("initdb"), _find("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed, so nothing was tried on it. Install the package postgresql.")
    [port] = find_free_ports(1)
    directory = tmp_path_factory.mktemp("postgresql")
    # It refuses to run as root, and its user must be able to reach the directory.
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
        for parent in (directory.parent, directory.parent.parent):
            parent.chmod(0o755)
    data = str(directory / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory} -c fsync=off"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, user=user, cwd=directory)

    run(initdb, "-D", data, "-U", "gnomon", "--auth=trust", "--no-sync")
    run(pg_ctl, "-D", data, "-w", "-l", str(directory / "log"), "-o", options, "start")
    yield f"postgresql://gnomon@127.0.0.1:{port}/postgres"
    run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")


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
