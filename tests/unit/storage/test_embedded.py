"""The embedded engine and its directory."""

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

OPEN = """
import asyncio, sys
from pathlib import Path
from gnomon.storage.embedded import EmbeddedEngine
from gnomon.storage.migrations import migrate
from gnomon.storage.settings import EngineSettings, QuerySettings, RetentionSettings

async def main():
    engine = EmbeddedEngine(Path(sys.argv[1]), EngineSettings(), QuerySettings())
    await engine.start()
    await migrate(engine, RetentionSettings())
    if sys.argv[2] == "write":
        await engine.command("INSERT INTO spans (ts, service) SELECT now(), 'gateway'")
    print("open", flush=True)
    if sys.argv[2] == "stay":
        sys.stdin.readline()
    await engine.stop()

asyncio.run(main())
"""


async def _open(directory: Path, action: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, str(directory), action, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


async def _output(directory: Path, action: str) -> str:
    """Return all that a process says that opens the directory."""
    out, err = await (await _open(directory, action)).communicate()
    return (out + err).decode()


async def test_a_second_process_is_told_who_owns_the_directory(tmp_path: Path) -> None:
    """The message names the directory and the process."""
    owner = await _open(tmp_path, "stay")
    assert owner.stdout is not None
    while b"open" not in (line := await owner.stdout.readline()):
        assert line
    second = await _output(tmp_path, "read")
    assert f"{str(tmp_path)!r} is in use by another Gnomon (process {owner.pid})" in second
    await owner.communicate(b"\n")
    assert "open" in await _output(tmp_path, "read")


@pytest.mark.parametrize("damage", ["table", "store"])
async def test_a_damaged_directory_is_told_as_such(tmp_path: Path, damage: str) -> None:
    """A table's description that cannot be read, and tables that are gone: refused, with what to do."""
    await _output(tmp_path, "write")
    await _output(tmp_path, "read")
    if damage == "table":
        next((tmp_path / "engine" / "metadata").glob("*/spans.sql")).write_text("garbage")
    else:
        shutil.rmtree(tmp_path / "engine" / "store")
    said = await _output(tmp_path, "read")
    assert "may be damaged" in said
    assert "Move it away and start again" in said


async def test_damaged_parts_are_named(tmp_path: Path) -> None:
    """A torn data file does not stop the start, and does not go unseen."""
    await _output(tmp_path, "write")
    for data in (tmp_path / "engine" / "store").glob("*/*/*_*_*_*/data.bin"):
        data.write_bytes(data.read_bytes()[:10])
    assert "damaged parts were set aside" in await _output(tmp_path, "read")
