"""A real PostgreSQL on a free port."""

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers.installation import POSTGRESQL
from tests.peers.processes import free_ports


@contextmanager
def postgresql_running(folder: Path) -> Iterator[str]:
    """Run PostgreSQL with its files in `folder` and give its address as `postgresql://user@host:port/database`."""
    initdb = POSTGRESQL.install()
    pg_ctl = initdb.with_name("pg_ctl")
    (port,) = free_ports(1)
    # It refuses to run as root, and its user must be able to reach the directory.
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
        for parent in folder.parents:
            if not parent.stat().st_mode & stat.S_IXOTH:
                parent.chmod(0o755)
    data = str(folder / "data")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"

    def run(*command: str | Path) -> None:
        # With a pipe for its output, the server that it leaves behind would hold the pipe open.
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user,
            cwd=folder,
        )

    run(initdb, "-D", data, "-U", "gnomon", "--auth=trust", "--no-sync")
    run(pg_ctl, "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://gnomon@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", data, "-w", "-m", "immediate", "stop")
